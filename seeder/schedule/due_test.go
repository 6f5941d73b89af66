package schedule_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"saltmine/seeder/schedule"
)

// drawPlan draws a budget and gives its plan with a world of canaries.
func drawWorld(t *rapid.T) *world {
	live := rapid.IntRange(1, 30).Draw(t, "live")
	b := schedule.Budget{
		Live: live, Free: -1, Horizon: 60 * day,
		Changes:    rapid.Float64Range(.05, 20).Draw(t, "changes"),
		Shortest:   time.Duration(rapid.IntRange(1, 10).Draw(t, "shortest")) * day,
		Quarantine: time.Duration(rapid.IntRange(0, 8).Draw(t, "quarantine")) * day,
	}
	if rapid.Bool().Draw(t, "scarce") {
		b.Scarce = live + rapid.IntRange(1, 60).Draw(t, "rest")
	}
	p, err := schedule.Choose(b)
	if err != nil {
		t.Fatal(err)
	}
	return newWorld(p, live, b.Scarce)
}

// TestDueKeepsItsPromises runs schedules and looks at every stay: no row without
// a token or with two, no token in two rows, none before its quarantine is over
// or back in the row it comes from, and never more changes than the pace.
func TestDueKeepsItsPromises(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		canaries := len(w.stays)
		down := rapid.IntRange(0, 40).Draw(t, "outage")
		for d := range 90 {
			if d < 30 || d >= 30+down {
				w.make(at(float64(d)), w.plan.Due(w.state(at(float64(d)))))
			}
		}
		w.checkRows(t, canaries)
		w.checkTokens(t)
		w.checkPace(t)
	})
}

func (w *world) checkRows(t *rapid.T, canaries int) {
	until, open := map[string]time.Time{}, map[string]int{}
	for _, s := range w.stays {
		if last, known := until[s.Canary]; known && !s.Since.Equal(last) {
			t.Fatalf("row %s: %v begins with its token, %v ended the last", s.Canary, s.Since, last)
		}
		until[s.Canary] = s.Until
		if s.Until.IsZero() {
			open[s.Canary]++
		}
	}
	if len(open) != canaries {
		t.Fatalf("%d rows of %d hold a token", len(open), canaries)
	}
}

func (w *world) checkTokens(t *rapid.T) {
	last := map[string]schedule.Stay{}
	for _, s := range w.stays {
		if before, known := last[s.Token]; known {
			if before.Until.IsZero() || before.Until.Add(w.plan.Quarantine).After(s.Since) {
				t.Fatalf("token %s rested from %v to %v, quarantine %v", s.Token, before.Until, s.Since, w.plan.Quarantine)
			}
			if before.Canary == s.Canary {
				t.Fatalf("token %s came back to row %s", s.Token, s.Canary)
			}
		}
		last[s.Token] = s
	}
}

func (w *world) checkPace(t *rapid.T) {
	for _, span := range []int{1, 30, 365} {
		for i := range w.stays {
			n, from := 0, w.stays[i].Until
			for _, s := range w.stays {
				if !from.IsZero() && !s.Until.Before(from) && s.Until.Before(from.Add(time.Duration(span)*day)) {
					n++
				}
			}
			if most := max(1, int(math.Ceil(w.plan.Changes*float64(span)-1e-9))); n > most {
				t.Fatalf("%d changes in %d days, %v a day are in the plan", n, span, w.plan.Changes)
			}
		}
	}
}

// TestDueIsOneAnswer: the order of the lists does not matter, nothing is due
// once it is done, and after a crash between two moves the rest comes.
func TestDueIsOneAnswer(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		w.run(start(), at(40), day)
		now := at(float64(rapid.IntRange(40, 60).Draw(t, "now")))
		s := w.state(now)
		all := w.plan.Due(s)
		s.Stays, s.Pool = rapid.Permutation(s.Stays).Draw(t, "stays"), rapid.Permutation(s.Pool).Draw(t, "pool")
		if diff := cmp.Diff(all, w.plan.Due(s)); diff != "" {
			t.Fatalf("another order of the lists changes it:\n%s", diff)
		}
		done := rapid.IntRange(0, len(all)).Draw(t, "done")
		w.make(now, all[:done])
		rest := w.plan.Due(w.state(now))
		if diff := cmp.Diff(all[done:], rest, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("after %d of %d:\n%s", done, len(all), diff)
		}
		w.make(now, rest)
		if again := w.plan.Due(w.state(now)); len(again) != 0 {
			t.Fatalf("%d moves are due twice", len(again))
		}
	})
}

// TestMissedTicksComeLate: an outage shorter than the quarantine changes when
// moves are made, but not what they are.
func TestMissedTicksComeLate(t *testing.T) {
	t.Parallel()
	for _, pool := range []int{0, 90} {
		p := schedule.Plan{Kind: schedule.Presence, Stay: 20 * day, Duty: .33, Changes: 1000, Horizon: 90 * day, Quarantine: 5 * day, Reuse: pool > 0}
		onTime, outage := newWorld(p, 30, pool), newWorld(p, 30, pool)
		onTime.run(start(), at(24), day)
		outage.run(start(), at(20), day)
		var late []schedule.Move
		for _, tick := range schedule.Ticks(at(19), at(23.5), time.Hour, daily) {
			s := outage.state(at(23.5))
			s.Tick = tick
			moves := p.Due(s)
			outage.make(at(23.5), moves)
			late = append(late, moves...)
		}
		var want []string
		for _, s := range onTime.stays {
			if !s.Since.Before(at(20)) {
				want = append(want, s.Canary+" "+s.Token)
			}
		}
		var got []string
		for _, s := range outage.stays {
			if s.Since.Equal(at(23.5)) {
				got = append(got, s.Canary+" "+s.Token)
			}
		}
		if len(want) < 3 || !slices.Equal(got, want) {
			t.Errorf("pool %d: late %q, in time %q", pool, got, want)
		}
		for _, m := range late {
			if !m.Late || m.Due.After(at(23)) {
				t.Errorf("move %+v", m)
			}
		}
	}
}

// daily is a timetable with a tick at each midnight.
func daily(t time.Time) time.Time { return t.Truncate(day).Add(day) }

// TestNoBatchAfterAnOutage: a long one does not end in a batch.
func TestNoBatchAfterAnOutage(t *testing.T) {
	t.Parallel()
	p := choose(t, schedule.Budget{Live: 100, Free: -1, Changes: 5, Shortest: day, Horizon: 90 * day}) // 20 days each
	w := newWorld(p, 100, 0)
	if n := len(p.Due(w.state(at(60)))); n != 5 {
		t.Errorf("%d changes at once after 60 days, 5 a day are allowed", n)
	}
	w.run(at(60), at(90), day)
	if w.moves != 5*30 {
		t.Errorf("%d changes in 30 days", w.moves)
	}
}

// TestPhasesAreSpread: canaries planted together change one after the other.
func TestPhasesAreSpread(t *testing.T) {
	t.Parallel()
	p := choose(t, schedule.Budget{Live: 200, Free: -1, Changes: 1e6, Shortest: 20 * day, Horizon: 90 * day})
	w := newWorld(p, 200, 0)
	for d := 1.; d <= 100; d++ {
		before := w.moves
		w.make(at(d), p.Due(w.state(at(d))))
		if n := w.moves - before; n < 9 || n > 11 {
			t.Fatalf("day %v: %d changes, 10 wanted", d, n)
		}
	}
}

// TestDueWaitsForAToken: nothing fits, and later something does.
func TestDueWaitsForAToken(t *testing.T) {
	t.Parallel()
	p := schedule.Plan{Kind: schedule.Presence, Stay: day, Changes: 10, Horizon: 90 * day, Quarantine: 5 * day, Reuse: true}
	w := newWorld(p, 1, 1)
	w.stays = append(w.stays, schedule.Stay{Token: "m_1", Canary: "gone", Since: at(-9), Until: at(0)})
	w.pool = append(w.pool, "m_1")
	if moves := p.Due(w.state(at(5))); len(moves) != 0 {
		t.Errorf("a token in quarantine was taken: %+v", moves)
	}
	s := w.state(at(5.01))
	s.Fits = func(token, canary string) bool { return token != "m_1" || canary != "c_0" }
	if moves := p.Due(s); len(moves) != 0 {
		t.Errorf("a token that does not fit was taken: %+v", moves)
	}
	s.Fits = nil
	want := []schedule.Move{{Canary: "c_0", From: "m_0", To: "m_1", Due: at(.5)}}
	if diff := cmp.Diff(want, p.Due(s)); diff != "" {
		t.Error(diff)
	}
	if moves := (schedule.Plan{}).Due(s); moves != nil {
		t.Errorf("the zero plan moves: %+v", moves)
	}
}

// TestNewTokensFirst: a row gets a token that it never had, as long as there is
// one; and a pool that names a token twice has it once.
func TestNewTokensFirst(t *testing.T) {
	t.Parallel()
	p := schedule.Plan{Kind: schedule.Presence, Stay: day, Changes: 10, Horizon: 90 * day, Reuse: true}
	for i := range 20 {
		seed := []byte{byte(i)}
		s := schedule.State{Tick: schedule.Tick{At: at(9)}, Now: at(9), Seed: seed, Pool: []string{"m_0", "m_1", "m_2", "m_3"}}
		for n, token := range s.Pool[:3] {
			s.Stays = append(s.Stays, schedule.Stay{Token: token, Canary: "c", Since: at(float64(n)), Until: at(float64(n + 1))})
		}
		s.Stays[2].Until = time.Time{}
		for _, token := range s.Pool[:2] { // they have been elsewhere since
			s.Stays = append(s.Stays, schedule.Stay{Token: token, Canary: "gone", Since: at(4), Until: at(5)})
		}
		if moves := p.Due(s); len(moves) != 1 || moves[0].To != "m_3" {
			t.Fatalf("seed %d: %+v", i, moves)
		}
		s.Stays = append(s.Stays, schedule.Stay{Token: "m_9", Canary: "d", Since: at(0)})
		s.Pool = []string{"m_3", "m_3"}
		if moves := p.Due(s); len(moves) != 1 {
			t.Fatalf("seed %d: one token in two rows: %+v", i, moves)
		}
	}
}

// TestSlowStaircaseTakesTheLongestRested: a pool that lasts for the horizon is
// gone through once before any token comes again.
func TestSlowStaircaseTakesTheLongestRested(t *testing.T) {
	t.Parallel()
	p := choose(t, schedule.Budget{Live: 9, Scarce: 10, Changes: 1e6, Shortest: day, Quarantine: 9 * day, Horizon: 90 * day})
	if p.Kind != schedule.Staircase || p.Stay != 81*day || !p.Reuse {
		t.Fatalf("%+v", p)
	}
	w := newWorld(schedule.Plan{Kind: schedule.Staircase, Stay: 9 * day, Changes: 100, Horizon: 90 * day, Reuse: true}, 3, 9)
	w.run(start(), at(19), time.Hour)
	seen := map[string]int{}
	for _, s := range w.stays {
		seen[s.Token]++
	}
	for i := range 9 {
		if n := seen[fmt.Sprintf("m_%d", i)]; n != 1 {
			t.Errorf("m_%d stood %d times: %v", i, n, seen)
		}
	}
}

func TestTicks(t *testing.T) {
	t.Parallel()
	tick := func(d float64, late bool) schedule.Tick { return schedule.Tick{At: at(d), Late: late} }
	for _, c := range []struct {
		name      string
		last, now time.Time
		want      []schedule.Tick
	}{
		{"the first run ever", time.Time{}, at(3.5), nil},
		{"nothing yet", at(3), at(3.9), nil},
		{"in time", at(2.5), at(3), []schedule.Tick{tick(3, false)}},
		{"a little after", at(2), at(3.01), []schedule.Tick{tick(3, false)}},
		{"after an outage", at(1), at(4.5), []schedule.Tick{tick(2, true), tick(3, true), tick(4, true)}},
		{"the last one in time", at(1), at(3), []schedule.Tick{tick(2, true), tick(3, false)}},
		{"the clock was set back", at(5), at(3), nil},
	} {
		if diff := cmp.Diff(c.want, schedule.Ticks(c.last, c.now, time.Hour, daily)); diff != "" {
			t.Errorf("%s:\n%s", c.name, diff)
		}
	}
	ends := func(t time.Time) time.Time { return minTime(daily(t), at(2)) }
	if diff := cmp.Diff([]schedule.Tick{tick(1, true), tick(2, true)}, schedule.Ticks(at(0), at(9), time.Hour, ends)); diff != "" {
		t.Errorf("a timetable that gets stuck:\n%s", diff)
	}
	never := func(time.Time) time.Time { return time.Time{} }
	stuck := func(t time.Time) time.Time { return t }
	for _, next := range []func(time.Time) time.Time{never, stuck} {
		if got := schedule.Ticks(at(0), at(9), time.Hour, next); got != nil {
			t.Errorf("a timetable that never comes: %v", got)
		}
	}
}

func minTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// TestTicksOnce: whenever the process runs, and however long it was down, each
// tick is given once and in its order.
func TestTicksOnce(t *testing.T) {
	t.Parallel()
	minutely := func(t time.Time) time.Time { return t.Truncate(time.Minute).Add(time.Minute) }
	r := rand.New(rand.NewPCG(1, 2))
	last, now := start(), start()
	want := start()
	for range 60 {
		now = now.Add(time.Duration(r.Int64N(int64(12 * time.Hour))))
		for _, tick := range schedule.Ticks(last, now, time.Hour, minutely) {
			if want = want.Add(time.Minute); !tick.At.Equal(want) || tick.Late != (now.Sub(want) > time.Hour) {
				t.Fatalf("tick %+v at %v, want %v", tick, now, want)
			}
			last = tick.At
		}
	}
	if now.Sub(last) >= time.Minute {
		t.Errorf("the last tick given is %v, now is %v", last, now)
	}
	if got := schedule.Ticks(start(), start().Add(365*day), time.Hour, minutely); len(got) != 10_000 {
		t.Errorf("%d ticks at once", len(got))
	}
}
