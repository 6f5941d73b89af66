package conf

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"saltmine/internal/canary"
)

// Retention says how long the content of contacts is kept. Without rules it is for
// ever.
type Retention struct {
	// Schedule is a cron text of five fields, read in UTC: when serve gives up what
	// is over. Default "23 4 * * *".
	Schedule string `json:"schedule"`
	Keep     []Keep `json:"keep,omitempty"`
}

// Keep is one rule. Of those that fit, the one that names the channel goes first,
// and of these the one that names the country.
type Keep struct {
	Channel canary.Channel `json:"channel,omitempty"` // empty: all
	Country string         `json:"country,omitempty"` // of the number that was reached; empty: any
	For     time.Duration  `json:"for"`
}

var countryForm = regexp.MustCompile(`^[A-Z]{2}$`)

func heardOn() []canary.Channel {
	return []canary.Channel{canary.SMTP, canary.IMAP, canary.DNS, canary.Voice, canary.SMS, canary.ByTicket, canary.Dump, canary.Report}
}

func (c *Config) decodeRetention(t *table) {
	if t == nil {
		return
	}
	r := &Retention{Schedule: "23 4 * * *"}
	c.Retention = r
	t.text("schedule", &r.Schedule)
	for _, one := range t.subs("keep") {
		var k Keep
		var channel string
		one.text("channel", &channel)
		k.Channel = canary.Channel(channel)
		one.text("country", &k.Country)
		one.duration("for", &k.For)
		one.finish()
		r.Keep = append(r.Keep, k)
	}
	t.finish()
}

func (c *Config) checkRetention(k *checks) {
	r := c.Retention
	if r == nil {
		return
	}
	if r.Schedule != "" && len(strings.Fields(r.Schedule)) != 5 {
		k.bad("retention.schedule", "%q is not a cron text of five fields: minute hour day month weekday", r.Schedule)
	}
	seen := map[string]bool{}
	for i, rule := range r.Keep {
		key := fmt.Sprintf("retention.keep[%d].", i)
		k.keep(key, rule)
		if name := string(rule.Channel) + " " + rule.Country; seen[name] {
			k.bad(key+"channel", "there is another rule for the same")
		} else {
			seen[name] = true
		}
	}
}

func (k *checks) keep(key string, rule Keep) {
	if rule.Channel != "" && !slices.Contains(heardOn(), rule.Channel) {
		k.bad(key+"channel", "%q is no channel", rule.Channel)
	}
	if rule.Country != "" && !countryForm.MatchString(rule.Country) {
		k.bad(key+"country", "%q: want two capital letters (ISO 3166-1), as \"DE\"", rule.Country)
	}
	if rule.Country != "" && rule.Channel != canary.Voice && rule.Channel != canary.SMS {
		k.bad(key+"country", "only voice and sms come to a number that has a country")
	}
	if rule.For < 24*time.Hour {
		k.bad(key+"for", "%s is less than a day", rule.For)
	}
}

func (p printer) retention(r *Retention) {
	if r == nil {
		return
	}
	p.value("retention.schedule", r.Schedule)
	for i, rule := range r.Keep {
		key := fmt.Sprintf("retention.keep[%d].", i)
		p.value(key+"channel", string(rule.Channel))
		p.value(key+"country", rule.Country)
		p.value(key+"for", rule.For.String())
	}
}
