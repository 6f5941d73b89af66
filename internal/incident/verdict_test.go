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
		if got.Severity != c.want || got.Weight == nil || got.Weight.Counts[0].Judged != c.judged || got.Weight.Counts[0].PastHits != 0 || got.Weight.Counts[0].PlaceboHits != 0 {
			t.Errorf("%s, then %s: %s by %+v, want %s and %d", c.first, c.then, got.Severity, got.Weight, c.want, c.judged)
		}
		pages := w.pages(got.ID)
		if len(pages) == 0 || strings.Contains(pages[0].Page.Sure, "and 3 earlier contacts on planted ones, in 0.14 token-years, were found to be noise") != (c.judged > 0) {
			t.Errorf("%s, then %s: pages %+v", c.first, c.then, pages)
		}
		if said := strings.Join(got.Reasons, "\n"); strings.Contains(said, "never planted") || strings.Contains(said, "was found to be noise") != (c.judged > 0) {
			t.Errorf("%s, then %s: it is said that %s", c.first, c.then, said)
		}
	}
}

// TestMergedIncidentsAreOne: what comes for either place joins the survivor and
// wakes nobody again; a page that had not gone out for the other goes out for it.
func TestMergedIncidentsAreOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.plant("db:main", 1, 2)
	w.plant("db:shop", 3, 4)
	by := registry.By{Who: "dana", Via: "cli"}
	w.take(w.call(canary.Voice, number(1), "hello"), w.mail(address(3)))
	main, shop := w.openAt("db:main")[0].ID, w.openAt("db:shop")[0].ID
	if main == shop || len(w.routesTold("db:main", canary.P2)) != 0 {
		t.Fatal("they are one before")
	}
	must(t, w.reg.Merge(w.ctx, main, shop, by))
	must(t, w.intake().PageHeld(w.ctx))
	if got := w.routesTold("db:main", canary.P2); got["duty"] != 1 {
		t.Errorf("the survivor's page went to %v", got)
	}
	if woke := w.deliver(w.reg.Outbox()); len(woke) != 1 {
		t.Errorf("%d pages woke people", len(woke))
	}
	w.pass(time.Hour)
	w.take(w.mail(address(4)), w.call(canary.Voice, number(2), "hello"))
	list, err := w.reg.Cases(w.ctx, registry.CaseFilter{Open: true})
	if err != nil || len(list) != 1 || list[0].ID != main || list[0].Contacts != 4 {
		t.Errorf("open: %+v, %v", list, err)
	}
	must(t, w.intake().PageHeld(w.ctx))
	if woke := w.deliver(w.reg.Outbox()); len(woke) != 0 {
		t.Errorf("%d more pages woke people", len(woke))
	}
	if board, err := w.reg.Board(w.ctx, w.now().Add(-time.Hour)); err != nil || len(board) != 1 || board[0].Held {
		t.Errorf("a page waits still: %+v, %v", board, err)
	}
}
