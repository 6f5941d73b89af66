package incident_test

import (
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
)

// TestVerdictsFeedTheRates: what responders found to be noise counts with what
// reaches placebos, in what follows on the same domain, and is shown there; what they
// found to be a leak, or take back, does not.
func TestVerdictsFeedTheRates(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		first, then canary.Verdict
		want        canary.Severity
		judged      int
	}{{canary.Noise, canary.Noise, canary.P4, 3}, {canary.Leak, canary.Leak, canary.P2, 0}, {canary.Noise, canary.Leak, canary.P2, 0}, {canary.Own, canary.Own, canary.P2, 0}} {
		w := newWorld(t)
		w.plant("db:main", 1, 2, 3, 4, 5)
		w.pass(240 * time.Hour)
		by := registry.By{Who: "dana", Via: "cli"}
		open := func() registry.Case {
			list := w.openAt("db:main")
			if len(list) != 1 {
				t.Fatalf("%d open incidents", len(list))
			}
			return list[0]
		}
		var closed []canary.IncidentID
		for n := range 3 {
			w.take(w.mail(address(1 + n)))
			closed = append(closed, open().ID)
			must(t, w.reg.SetVerdict(w.ctx, open().ID, c.first, by))
			w.pass(time.Hour)
		}
		for _, id := range closed {
			must(t, w.reg.SetVerdict(w.ctx, id, c.then, by))
		}
		w.take(w.mail(address(4)))
		got := open()
		if got.Severity != c.want || got.Weight == nil || got.Weight.Counts[0].Judged != c.judged || got.Weight.Counts[0].PastHits != c.judged {
			t.Errorf("%s, then %s: %s by %+v, want %s and %d", c.first, c.then, got.Severity, got.Weight, c.want, c.judged)
		}
		pages := w.pages(got.ID)
		if len(pages) == 0 || strings.Contains(pages[0].Page.Sure, "with 3 on planted ones that were found to be noise") != (c.judged > 0) {
			t.Errorf("%s, then %s: pages %+v", c.first, c.then, pages)
		}
	}
}
