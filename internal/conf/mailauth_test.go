package conf_test

import (
	"testing"

	"saltmine/internal/conf"
)

func TestMailAuth(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text, resolver  string
		on, good, pulls bool
	}{
		{"", "", false, true, false},
		{"[core.mailauth]", "", true, true, false},
		{"[core.mailauth]\nresolver = \"\"", "", true, true, false},
		{"[core.mailauth]\nresolver = \"192.0.2.53\"", "192.0.2.53:53", true, true, false},
		{"[core.mailauth]\nresolver = \"2001:db8::53\"", "[2001:db8::53]:53", true, true, false},
		{"[core.mailauth]\nresolver = \"[2001:db8::53]:5353\"", "[2001:db8::53]:5353", true, true, false},
		{"[core.mailauth]\nresolver = \"dns.example.net\"", "", true, false, false},
		{"[core.mailauth]\nresolve = \"\"", "", true, false, false},
		{"[core]", "", false, false, false},
		{"[core.mailauth]\n[[core.pull]]\nurl = \"https://edge.example.net:7443\"", "", true, true, true},
	} {
		c, err := conf.Parse([]byte(tt.text), "saltmine.toml", "/srv")
		if (err == nil) != tt.good {
			t.Errorf("%q: %v", tt.text, err)
		}
		if err != nil {
			continue
		}
		if on := c.MailAuth != nil; on != tt.on || on && c.MailAuth.Resolver != tt.resolver || (c.Core != nil) != tt.pulls {
			t.Errorf("%q: %+v, edges %v", tt.text, c.MailAuth, c.Core)
		}
	}
}

// TestEmptySchedules: what the example calls "never" can be said.
func TestEmptySchedules(t *testing.T) {
	t.Parallel()
	c, err := conf.Parse([]byte("[pool]\ncheck_schedule = \"\"\n[verify]\nschedule = \"\"\n[life]\nschedule = \"\"\narrivals = \"\""), "saltmine.toml", "/srv")
	if err != nil {
		t.Fatal(err)
	}
	if c.Pool.Check.Schedule+c.Verify.Schedule+c.Life.Schedule+c.Life.Arrivals != "" {
		t.Errorf("%+v %+v %+v", c.Pool.Check, c.Verify, c.Life)
	}
}
