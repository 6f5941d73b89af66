package pagertest

import (
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/pager"
)

// seedAfter writes the n-th page of one incident, or an update of it, some time after at.
func (b box) seedAfter(t *testing.T, n int, at time.Time, after time.Duration, update bool) canary.Page {
	t.Helper()
	p := of(n, at.Add(after))
	p.Update = update
	b.seed(t, p, p.At, "hook")
	return p
}

// updates wake nobody: they wait for the page that they go on with, and the last
// takes the place of those before.
func updates(t *testing.T, b box, at time.Time) {
	first := b.seedAfter(t, 1, at, 0, false)
	old := b.seedAfter(t, 2, at, time.Minute, true)
	b.wantDue(t, at.Add(time.Hour), string(first.ID)+" hook")
	b.sent(t, first, "hook", at)
	b.wantDue(t, at.Add(time.Hour), string(old.ID)+" hook")
	last := b.seedAfter(t, 3, at, 2*time.Minute, true)
	list := b.due(t, at.Add(time.Hour), 10)
	head := pager.Delivery{Page: first, Route: "hook", Kind: pager.Trigger}.ID()
	if len(list) != 1 || list[0].Page.ID != last.ID || list[0].Kind != pager.Update || !list[0].Quiet || list[0].Head != (pager.Head{ID: head, Receipt: "status 202"}) {
		t.Fatalf("an update and another: %+v; want the last, quiet, on %s", list, head)
	}
}

// updatesLast: no page waits for an update, and that it is closed is told after.
func updatesLast(t *testing.T, b box, at time.Time) {
	b.sent(t, b.seedAfter(t, 1, at, 0, false), "hook", at)
	b.seedAfter(t, 2, at, time.Minute, true)
	page := b.seedAfter(t, 3, at, 2*time.Minute, false)
	if list := b.due(t, at.Add(time.Hour), 10); len(list) != 2 || list[0].Kind != pager.Update || list[1].Page.ID != page.ID {
		t.Errorf("an update and a page: %+v; want both", list)
	}
	b.sent(t, page, "hook", at.Add(time.Hour))
	b.rig.Close(t, page.Incident, canary.Noise)
	list := b.due(t, at.Add(3*time.Hour), 10)
	if len(list) != 1 || list[0].Kind != pager.Update || list[0].Verdict != canary.Noise {
		t.Fatalf("after the verdict: %+v, want the update before it is closed", list)
	}
	if err := b.Sent(t.Context(), list[0], at.Add(3*time.Hour), ""); err != nil {
		t.Fatal(err)
	}
	if list = b.due(t, at.AddDate(1, 0, 0), 10); len(list) != 1 || list[0].Kind != pager.Resolve || list[0].Page.ID != page.ID {
		t.Errorf("after the update: %+v, want that it is closed, with its last page", list)
	}
}
