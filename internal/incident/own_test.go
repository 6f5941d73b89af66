package incident_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/incident"
)

// owned has the intake take every mail for the company's own, as far as claimed.
func (w *world) owned(claim incident.Claim, until time.Time) {
	w.cfg.Senders = []incident.Sender{{Name: "newsletter", Domains: []string{"shop.example"}, Expected: func(at time.Time) bool { return at.Before(until) }}}
	w.cfg.Signed = func(_ context.Context, _ *canary.Contact, domains []string) incident.Claim {
		if len(domains) != 1 || domains[0] != "shop.example" {
			w.t.Errorf("asked of %v", domains)
		}
		return claim
	}
}

func (w *world) counts() canary.OwnCount {
	w.t.Helper()
	list, err := w.reg.OwnCounts(w.ctx)
	must(w.t, err)
	if len(list) == 0 {
		return canary.OwnCount{}
	}
	return list[0]
}

func TestACampaignWakesNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.plant("db:support", 1, 2, 3)
	w.owned(incident.Proved, start().Add(time.Hour))
	for n := range 3 {
		c := w.mail(address(n + 1))
		c.Text = "Dear " + name(n+1) + ", of your ticket " + ticket(n+1)
		w.take(c)
	}
	w.search()
	if list := w.incidents(); len(list) != 0 {
		t.Errorf("a mailing of one's own makes %+v", list)
	}
	if c := w.counts(); c.Sender != "newsletter" || c.Expected != 3 || c.Outside != 0 || c.Last.IsZero() {
		t.Errorf("counted: %+v", c)
	}
	w.filed(3)
}

func TestOutsideOfCampaignsItIsAFinding(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.plant("db:support", 1)
	w.owned(incident.Proved, start())
	c := w.mail(address(1))
	c.Text = "Dear " + name(1) + ", of your ticket " + ticket(1)
	w.take(c)
	inc := w.only()
	if inc.Severity != canary.P3 || !strings.Contains(strings.Join(inc.Reasons, ""), "newsletter wrote to a planted address outside every campaign") {
		t.Errorf("%s: %q", inc.Severity, inc.Reasons)
	}
	if c := w.counts(); c.Expected != 0 || c.Outside != 1 {
		t.Errorf("counted: %+v", c)
	}
}

func TestWhoOnlySaysSoIsAStranger(t *testing.T) {
	t.Parallel()
	for claim, want := range map[incident.Claim]string{incident.Unsigned: "newsletter and is not signed by it", incident.Unproved: "could not be checked", incident.NotClaimed: "from a stranger"} {
		w := newWorld(t)
		w.plant("db:support", 1)
		w.owned(claim, start().Add(time.Hour))
		w.take(w.mail(address(1)))
		inc := w.only()
		if inc.Severity != canary.P2 || !strings.Contains(strings.Join(inc.Reasons, ""), want) {
			t.Errorf("%d: %s: %q", claim, inc.Severity, inc.Reasons)
		}
		if c := w.counts(); c != (canary.OwnCount{}) {
			t.Errorf("%d: counted: %+v", claim, c)
		}
	}
}
