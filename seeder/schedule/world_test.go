package schedule_test

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"saltmine/seeder/schedule"
)

const day = 24 * time.Hour

// start is the first moment of every world.
func start() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }

func days(d time.Duration) float64 { return d.Hours() / 24 }

// world runs a plan over canaries that were planted together.
type world struct {
	plan    schedule.Plan
	stays   []schedule.Stay
	pool    []string
	present map[string]int // place in stays, by canary
	minted  int
	moves   int
}

func newWorld(plan schedule.Plan, live, pool int) *world {
	w := &world{plan: plan, present: map[string]int{}}
	for i := range pool {
		w.pool = append(w.pool, fmt.Sprintf("m_%d", i))
	}
	for i := range live {
		token := fmt.Sprintf("m_%d", i)
		if pool == 0 {
			token = w.mint()
		}
		w.enter(schedule.Stay{Token: token, Canary: fmt.Sprintf("c_%d", i), Since: start()})
	}
	return w
}

func (w *world) enter(s schedule.Stay) {
	w.present[s.Canary] = len(w.stays)
	w.stays = append(w.stays, s)
}

func (w *world) mint() string {
	w.minted++
	return fmt.Sprintf("a_%d", w.minted)
}

func (w *world) state(at time.Time) schedule.State {
	return schedule.State{Tick: schedule.Tick{At: at}, Now: at, Stays: w.stays, Pool: w.pool, Seed: []byte("test")}
}

// make carries out moves.
func (w *world) make(at time.Time, moves []schedule.Move) {
	w.moves += len(moves)
	for _, m := range moves {
		w.stays[w.present[m.Canary]].Until = at
		w.enter(schedule.Stay{Token: cmp.Or(m.To, w.mint()), Canary: m.Canary, Since: at})
	}
}

// run makes the moves of ticks that are so far apart.
func (w *world) run(from, until time.Time, every time.Duration) {
	for at := from; at.Before(until); at = at.Add(every) {
		w.make(at, w.plan.Due(w.state(at)))
	}
}

// span is a half-open interval in days since start.
type span struct{ from, until float64 }

// spells gives when each token stood in some row.
func (w *world) spells(end time.Time) map[string][]span {
	out := map[string][]span{}
	for _, s := range w.stays {
		until := s.Until
		if until.IsZero() {
			until = end
		}
		out[s.Token] = append(out[s.Token], span{days(s.Since.Sub(start())), days(until.Sub(start()))})
	}
	return out
}

// widths draws leaks between two days and measures how much of the horizon
// around them stays possible after so many hits.
func (w *world) widths(r *rand.Rand, hits []int, first, last, horizon float64) []float64 {
	end := start().Add(time.Duration((last + horizon) * float64(day)))
	spells := w.spells(end)
	tokens := slices.Sorted(maps.Keys(spells))
	const leaks = 1500
	sums := make([]float64, len(hits))
	for range leaks {
		at := first + r.Float64()*(last-first)
		var on []string
		for _, t := range tokens {
			if holds(spells[t], at) {
				on = append(on, t)
			}
		}
		possible, h := []span{{at - horizon/2, at + horizon/2}}, 0
		for i, want := range hits {
			for ; h < want; h++ {
				possible = overlap(possible, spells[on[r.IntN(len(on))]])
			}
			for _, p := range possible {
				sums[i] += (p.until - p.from) / leaks
			}
		}
	}
	return sums
}

func holds(spells []span, at float64) bool {
	return slices.ContainsFunc(spells, func(s span) bool { return s.from <= at && at < s.until })
}

func overlap(a, b []span) []span {
	var out []span
	for _, x := range a {
		for _, y := range b {
			if s := (span{max(x.from, y.from), min(x.until, y.until)}); s.from < s.until {
				out = append(out, s)
			}
		}
	}
	return out
}

func choose(t *testing.T, b schedule.Budget) schedule.Plan {
	t.Helper()
	p, err := schedule.Choose(b)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
