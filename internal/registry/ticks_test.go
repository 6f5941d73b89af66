package registry_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"saltmine/internal/registry"
)

// TestTicks keeps what was done when: no tick twice, none of another job's, and
// nothing of a call that failed.
func TestTicks(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx := t.Context()
		at := func(hour int) time.Time { return start().Add(time.Duration(hour) * time.Hour) }
		first := []registry.Tick{{At: at(1), Done: at(3), Late: true}, {At: at(2), Done: at(3), Late: true}, {At: at(3), Done: at(3)}}
		must(t, r.SettleTicks(ctx, "rotate main", at(3), first))
		must(t, r.SettleTicks(ctx, "rotate other", at(2), []registry.Tick{{At: at(2), Done: at(2)}}))
		if err := r.SettleTicks(ctx, "rotate main", at(4), []registry.Tick{{At: at(4), Done: at(4)}, {At: at(3), Done: at(4)}}); err == nil {
			t.Error("a tick was recorded twice")
		}
		got, err := r.Ticks(ctx, "rotate main", time.Time{})
		if d := cmp.Diff(first, got); err != nil || d != "" {
			t.Errorf("%v, - want, + got:\n%s", err, d)
		}
		if last, err := r.LastRun(ctx, "rotate main"); err != nil || !last.Equal(at(3)) {
			t.Errorf("the last run is %v, %v", last, err)
		}
		got, err = r.Ticks(ctx, "rotate main", at(3))
		if d := cmp.Diff(first[2:], got); err != nil || d != "" {
			t.Errorf("%v, - want, + got:\n%s", err, d)
		}
		far := at(401 * 24)
		must(t, r.SettleTicks(ctx, "rotate main", far, []registry.Tick{{At: far, Done: far}}))
		got, err = r.Ticks(ctx, "rotate main", time.Time{})
		if err != nil || len(got) != 1 {
			t.Errorf("%d ticks after 400 days, %v", len(got), err)
		}
	})
}
