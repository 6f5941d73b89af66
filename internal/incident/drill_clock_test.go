package incident_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
)

// TestDrillOfAClockThatIsOff: a mark that is fresh by our clock is a drill's whatever
// the ear's clock says, and it is said that this is off. One that is not fresh is
// told of as ever, with what is known of the clock.
func TestDrillOfAClockThatIsOff(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		heard time.Duration // by the ear's clock, after it was issued
		taken time.Duration // by ours
		drill bool
		says  string // what is said of the clock
	}{
		"right":                         {time.Second, time.Second, true, ""},
		"a little behind":               {-2 * time.Minute, time.Second, true, ""},
		"a day behind":                  {-24 * time.Hour, time.Minute, true, "24h0m0s or more behind"},
		"a day ahead":                   {24 * time.Hour, time.Minute, true, "23h59m0s or more ahead"},
		"late, the clock right":         {time.Second, 72 * time.Hour, true, ""},
		"held back, the clock right":    {time.Hour, 72 * time.Hour, false, ""},
		"held back, the clock behind":   {-time.Hour, time.Hour, false, "1h0m0s or more behind"},
		"held back, and the clock off":  {96 * time.Hour, 72 * time.Hour, false, "24h0m0s or more ahead"},
		"our own clock was set back":    {-time.Hour, -time.Hour, true, "1h0m0s or more behind"},
		"at the end of what is fresh":   {15 * time.Minute, 15 * time.Minute, true, ""},
		"after the end of what is it":   {16 * time.Minute, 16 * time.Minute, false, ""},
		"ahead by less than is certain": {4 * time.Minute, time.Second, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.cfg.Marked = w.reg.Marked
			w.pass(30 * 24 * time.Hour)
			w.drill(canary.Deadman, canary.Muted, drillAddress)
			shot, mark := w.shot(canary.Deadman, "smtp a", drillAddress)
			c := w.mail(tagged(drillAddress, mark))
			c.At = shot.Issued.Add(test.heard)
			w.pass(test.taken)
			w.take(c)
			list := w.incidents()
			if (len(list) == 0) != test.drill {
				t.Fatalf("incidents %+v", list)
			}
			if !test.drill {
				if said := strings.Join(list[0].Reasons, "\n"); list[0].Severity != canary.P2 || list[0].Place != canary.Unmarked || strings.Contains(said, "the clock of the ear") != (test.says != "") || !strings.Contains(said, test.says) {
					t.Errorf("%s: %s", list[0].Severity, said)
				}
				return
			}
			w.pass(time.Second)
			due, err := w.reg.Outbox().Due(w.ctx, w.now().Add(time.Hour), 10)
			must(t, err)
			if len(due) != 1 || due[0].Route != canary.Muted {
				t.Fatalf("%+v", due)
			}
			if said := strings.Join(due[0].Page.Reasons, "\n"); strings.Contains(said, "the clock of the ear") != (test.says != "") || !strings.Contains(said, test.says) {
				t.Errorf("page: %s", said)
			}
		})
	}
}

// TestClockBackHidesNoSilence: after our clock was set back, a front that is dead is
// silent from its first contact on, not when the clock has caught up.
func TestClockBackHidesNoSilence(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cfg.Marked = w.reg.Marked
	w.drill(canary.Deadman, canary.Muted, drillAddress)
	w.pass(10 * time.Hour)
	shot, mark := w.shot(canary.Deadman, "smtp a", drillAddress)
	w.take(w.mail(tagged(drillAddress, mark)))
	must(t, w.reg.ShotPaged(w.ctx, w.stands(canary.Deadman, shot.ID).Page, w.now()))
	front := func() time.Time {
		states, err := w.reg.Fronts(w.ctx)
		must(t, err)
		return states["smtp a"].Open
	}
	if open := front(); !open.IsZero() {
		t.Fatalf("open since %s", open)
	}
	w.pass(-9 * time.Hour)
	dead, _ := w.shot(canary.Deadman, "smtp a", drillAddress)
	w.pass(time.Minute)
	w.shot(canary.Deadman, "smtp a", drillAddress)
	if open := front(); !open.Equal(dead.Issued) {
		t.Errorf("open since %s, want %s", open, dead.Issued)
	}
}

// TestShotsOfALongPartition: what an edge brings that was not reached for long is a
// drill's still; a mark that was used up then is none.
func TestShotsOfALongPartition(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cfg.Marked = w.reg.Marked
	w.drill(canary.Deadman, canary.Muted, drillAddress, "max.drill@example.net")
	_, usedMark := w.shot(canary.Deadman, "smtp a", drillAddress)
	w.take(w.mail(tagged(drillAddress, usedMark)))
	lost, lostMark := w.shot(canary.Deadman, "smtp edge", "max.drill@example.net")
	late, replayed := w.mail(tagged("max.drill@example.net", lostMark)), w.mail(tagged(drillAddress, usedMark))
	w.pass(72 * time.Hour)
	must(t, w.reg.PruneShots(w.ctx, w.now().Add(-48*time.Hour), w.now().Add(-90*24*time.Hour)))
	if left, err := w.reg.Shots(w.ctx, canary.Deadman, time.Time{}); err != nil || len(left) != 0 {
		t.Fatalf("%+v, %v", left, err)
	}
	w.take(late)
	if list := w.incidents(); len(list) != 0 {
		t.Errorf("a drill's contact that came late: %+v", list)
	}
	if got := w.stands(canary.Deadman, lost.ID); got.Contact != late.ID || got.Page == "" {
		t.Errorf("%+v", got)
	}
	w.take(replayed)
	if inc := w.only(); inc.Place != canary.Unmarked {
		t.Errorf("%+v", inc)
	}
	// What came late is forgotten as all others are.
	must(t, w.reg.PruneShots(w.ctx, w.now(), w.now().Add(-90*24*time.Hour)))
	if ids, err := w.reg.ContactIDs(w.ctx); err != nil || slices.Contains(ids, late.ID) {
		t.Errorf("%v, %v", ids, err)
	}
}
