package main

import (
	"testing"
	"time"

	"saltmine/internal/conf"
)

// TestDue runs a schedule for a simulated lifetime and wants every token to
// have changed about once, however few there are.
func TestDue(t *testing.T) {
	t.Parallel()
	c := &conf.Rotate{Lifetime: 30 * 24 * time.Hour, Share: 0.01}
	for _, live := range []int{1, 5, 50, 500, 5000} {
		start := time.Date(2026, 1, 1, 0, 17, 0, 0, time.UTC)
		last, changed := start, 0
		for hour := 1; hour <= 30*24; hour++ {
			var n int
			n, last = due(live, last, start.Add(time.Duration(hour)*time.Hour), c)
			if most := max(1, live/100); n > most {
				t.Fatalf("%d of %d in one run", n, live)
			}
			changed += n
		}
		if changed < live-1 || changed > live+1 {
			t.Errorf("%d changes of %d tokens in a lifetime", changed, live)
		}
	}
	if n, paid := due(10, time.Time{}, time.Unix(1, 0), c); n != 0 || paid.IsZero() {
		t.Errorf("the first run changes %d", n)
	}
}
