package conf

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"saltmine/internal/token"
)

// Own is a system of the company's own that writes to its customers, canaries
// among them: a newsletter, or the application's notifications. It is recognised
// by a DKIM signature that is aligned with From, never by an address.
type Own struct {
	Name    string   `json:"name"`
	Domains []string `json:"domains"` // which sign
	// Always is for notifications, which may come at any time.
	Always bool `json:"always,omitempty"`
	// Campaigns are when it writes otherwise; mail outside of them is a finding.
	Campaigns []Campaign `json:"campaigns,omitempty"`
}

// Campaign is a time in which mail of one's own is expected.
type Campaign struct {
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
}

// parseCampaign reads two moments of RFC 3339 with a stroke between them, an
// interval of ISO 8601.
func parseCampaign(text string) (c Campaign, err error) {
	from, until, two := strings.Cut(text, "/")
	if !two {
		return c, fmt.Errorf("%q: want two moments, as \"2026-11-20T08:00:00Z/2026-11-22T20:00:00Z\"", text)
	}
	for _, m := range []struct {
		text string
		into *time.Time
	}{{from, &c.From}, {until, &c.Until}} {
		if *m.into, err = time.Parse(time.RFC3339, strings.TrimSpace(m.text)); err != nil {
			return c, fmt.Errorf("%q is no moment like \"2026-11-20T08:00:00Z\"", m.text)
		}
	}
	if !c.From.Before(c.Until) {
		return c, fmt.Errorf("%q ends before it begins", text)
	}
	return c, nil
}

func (c *Config) decodeOwn(list []*table) {
	for _, t := range list {
		var o Own
		t.text("name", &o.Name)
		t.texts("domains", &o.Domains)
		for i, d := range o.Domains {
			if canon, err := token.Domain(d); err == nil {
				o.Domains[i] = canon
			}
		}
		t.truth("always", &o.Always)
		var campaigns []string
		t.texts("campaigns", &campaigns)
		for i, text := range campaigns {
			one, err := parseCampaign(text)
			if err != nil {
				t.book.add(t.key(fmt.Sprintf("campaigns[%d]", i)), "%v", err)
				continue
			}
			o.Campaigns = append(o.Campaigns, one)
		}
		t.finish()
		c.Own = append(c.Own, o)
	}
}

func (c *Config) checkOwn(k *checks) {
	var names []string
	for i, o := range c.Own {
		key := fmt.Sprintf("own[%d]", i)
		if o.Name == "" {
			k.bad(key+".name", "missing")
		} else if slices.Contains(names, o.Name) {
			k.bad(key+".name", "%q is there twice", o.Name)
		}
		names = append(names, o.Name)
		if len(o.Domains) == 0 {
			k.bad(key+".domains", "missing: the domains whose DKIM signature this mail bears")
		}
		for _, d := range o.Domains {
			if _, err := token.Domain(d); err != nil {
				k.bad(key+".domains", "%q is not a domain", d)
			}
		}
		if o.Always && len(o.Campaigns) > 0 {
			k.bad(key+".campaigns", "it writes always already; keep one of the two")
		}
	}
}

func (p printer) own(list []Own) {
	for i, o := range list {
		key := fmt.Sprintf("own[%d].", i)
		p.value(key+"name", o.Name)
		p.value(key+"domains", o.Domains)
		p.value(key+"always", o.Always)
		p.value(key+"campaigns", len(o.Campaigns))
	}
}
