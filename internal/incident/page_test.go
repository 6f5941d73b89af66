package incident_test

import (
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
