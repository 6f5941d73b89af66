package incident_test

import (
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/incident"
)

// TestStepsOfOnePage: a route that does not get the page takes no turn, and the
// first that does is not late for it.
func TestStepsOfOnePage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.plant("db:main", 1)
	held := func(name string, after time.Duration, least canary.Severity) incident.Route {
		return incident.Route{Name: name, Min: least, After: after, Within: 100 * time.Second}
	}
	w.cfg.Routes = []incident.Route{
		{Name: "duty", Min: canary.P2}, held("boss", 20*time.Minute, canary.P2), held("director", 5*time.Minute, canary.P1), held("second", 10*time.Minute, canary.P2),
	}
	w.take(w.mail(address(1)))
	start := w.now()
	for i, want := range []string{"second", "boss"} {
		at := start.Add(time.Duration(i+1) * 100 * time.Second)
		if early, err := w.reg.Outbox().Escalate(w.ctx, at.Add(-time.Second)); err != nil || len(early) != 0 {
			t.Errorf("before the turn of %s: %+v, %v", want, early, err)
		}
		list, err := w.reg.Outbox().Escalate(w.ctx, at)
		if err != nil || len(list) != 1 || list[0].Route != want {
			t.Errorf("at the turn of %s: %+v, %v", want, list, err)
		}
	}
}

// TestAPageClaimsNoMoreThanItsGround: what is urgent for the number of canaries says
// nothing of details, and what happened several times not that it happened once.
func TestAPageClaimsNoMoreThanItsGround(t *testing.T) {
	t.Parallel()
	const crowd, named = incident.Many + ", above the rate at which placebos are", "names a person and a ticket, which stand together only in this record"
	for _, c := range []struct {
		name       string
		inc        canary.Incident
		says, lies string
	}{
		{"named", canary.Incident{Severity: canary.P1, Reasons: []string{named}, Contacts: 1, Canaries: 1}, "holds details", "by the number"},
		{"counted", canary.Incident{Severity: canary.P1, Reasons: []string{crowd}, Contacts: 4, Canaries: 3, Weight: &canary.Weight{Content: 1}}, "by the number", "details that stand"},
		{"counted, without placebos", canary.Incident{Severity: canary.P1, Reasons: []string{incident.Many}, Contacts: 4, Canaries: 3}, "by the number", "As good as certain"},
		{"both", canary.Incident{Severity: canary.P1, Reasons: []string{crowd, named}, Contacts: 4, Canaries: 3, Weight: &canary.Weight{Content: 1e5}}, "holds details", "by the number"},
		{"one mail", canary.Incident{Severity: canary.P2, Reasons: []string{"a message"}, Contacts: 1, Canaries: 1}, "happened once", "there were"},
		{"two", canary.Incident{Severity: canary.P2, Reasons: []string{"two"}, Contacts: 2, Canaries: 2}, "there were 2", "once"},
	} {
		c.inc.Place = "db:main"
		p := incident.Compose(&c.inc, time.Now())
		text := p.Proves + " " + p.ProvesNot + " " + p.Sure
		if !strings.Contains(text, c.says) || strings.Contains(text, c.lies) {
			t.Errorf("%s: %s", c.name, text)
		}
	}
}
