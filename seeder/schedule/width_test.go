package schedule_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"saltmine/seeder/schedule"
)

// horizon is the T of ATTRIBUTION 2(b).
const horizon = 90 * day

// hitsOf2b are the columns of its table.
func hitsOf2b() []int { return []int{1, 2, 3, 5, 8, 12, 20} }

// TestTable2b runs the schedules of the table in ATTRIBUTION 2(b) (T=90 d,
// L=300; mean feasible days) by the moves that Due gives, and holds against the
// measured widths
//   - Width: within 6 % and 0.08 d, a third of the time between ticks;
//   - the table, itself simulated with another generator of phases and
//     printed with two digits: within 20 % and 0.08 d. It differs most, 11.4 for
//     10 and 2.9 for 2.7, where a code's token has few spells: theirs had
//     three in 90 days, ours have that on average, and a hit finds the ones
//     with more.
//
// Widths depend on the ratio of tokens to canaries alone: a third of both are run,
// and a fifth for the on/off row with M=3000.
func TestTable2b(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name         string
		live, tokens int
		scarce       bool
		stay         float64
		table        []float64
	}{
		{"M=600 staircase tau=45", 100, 200, false, 45, []float64{45, 29.8, 22.2, 14.2, 9.5, 6.7, 4.0}},
		{"M=600 on/off own phase", 100, 200, true, 3, []float64{45.6, 23.1, 12.3, 3.8, .95, .49, .28}},
		{"M=3000 staircase tau=9", 100, 1000, false, 9, []float64{9, 6.1, 4.3, 2.9, 2.1, 1.3, .81}},
		{"M=3000 on/off tau_min=3", 60, 600, true, 3, []float64{10, 2.7, 1.5, 1.0, .67, .46, .31}},
		{"M=9000 staircase tau=tau_min=3", 100, 3000, false, 3, []float64{3.0, 2.0, 1.4, .97, .66, .48, .28}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			b := schedule.Budget{Live: row.live, Changes: 1e6, Shortest: 3 * day, Horizon: horizon, Free: row.tokens - row.live}
			pool := 0
			if row.scarce {
				b.Scarce, pool = row.tokens, row.tokens
			}
			p := choose(t, b)
			if days(p.Stay) != row.stay || p.Reuse != row.scarce || (p.Kind == schedule.Presence) != row.scarce {
				t.Fatalf("plan %+v", p)
			}
			w := newWorld(p, row.live, pool)
			first := 2*row.stay + 20
			last := first + 15
			w.run(start(), at(last+90), 6*time.Hour)
			r := rand.New(rand.NewPCG(7, 7))
			got := w.widths(r, hitsOf2b(), first+45, last+45, 90)
			for i, h := range hitsOf2b() {
				near(t, fmt.Sprintf("Width(%d)", h), days(p.Width(h)), got[i], .06)
				near(t, fmt.Sprintf("the table, h=%d", h), row.table[i], got[i], .20)
			}
		})
	}
}

func at(d float64) time.Time { return start().Add(time.Duration(d * float64(day))) }

// near allows a part of the measured value and 0.08 days.
func near(t *testing.T, what string, says, measured, part float64) {
	t.Helper()
	if math.Abs(says-measured) > part*measured+.08 {
		t.Errorf("%s says %.2f days, measured %.2f", what, says, measured)
	}
}

// TestFormulas2b holds Width against the formulas that ATTRIBUTION 2(b) prints
// beside its table.
func TestFormulas2b(t *testing.T) {
	t.Parallel()
	staircase := choose(t, schedule.Budget{Live: 300, Free: 300, Changes: 1e6, Shortest: day, Horizon: horizon})
	code := choose(t, schedule.Budget{Live: 300, Scarce: 600, Changes: 1e6, Shortest: 3 * day, Horizon: horizon})
	// "formula 45 30 22.5 15 10 6.9 4.3" and "formula 48 24.5 12.8 3.8 1.0 .48 .29"
	slow, onoff := []float64{45, 30, 22.5, 15, 10, 6.9, 4.3}, []float64{48, 24.5, 12.8, 3.8, 1.0, .48, .29}
	for i, h := range hitsOf2b() {
		if got, want := days(staircase.Width(h)), 90/float64(h+1); math.Abs(got-want) > 1e-6 || math.Abs(got-slow[i]) > .051 {
			t.Errorf("staircase, %d hits: %v, formula %v, printed %v", h, got, want, slow[i])
		}
		// The formula counts the spell that holds the true moment twice.
		formula := 90*math.Pow(.5, float64(h)) + 6/float64(h+1)
		got := days(code.Width(h))
		if math.Abs(formula-onoff[i]) > .06 || got > formula || got < .93*formula {
			t.Errorf("code, %d hits: %v, formula %v, printed %v", h, got, formula, onoff[i])
		}
	}
	// What it comes to when that spell is counted once, to a second.
	for _, h := range hitsOf2b() {
		p := schedule.Plan{Kind: schedule.Presence, Stay: 11 * day, Duty: .37, Horizon: horizon}
		rest := math.Pow(.37, float64(h))
		want := 2 * (11*(1-rest*.37)/float64(h+1) + (45-11*.63)*rest)
		if got := days(p.Width(h)); math.Abs(got-want) > 1e-5 {
			t.Errorf("code, %d hits: %v, want %v", h, got, want)
		}
	}
	if got := staircase.Width(0); got != horizon {
		t.Errorf("no hits: %v", got)
	}
	if got := (schedule.Plan{Horizon: horizon}).Width(50); math.Abs(days(got)-90) > 1e-6 {
		t.Errorf("nothing changes: %v", got)
	}
}

// TestEndsByHand holds the other ends against what can be integrated on paper:
// h hits see the latest of h exponential ends, 1/(h·rate) away on each side.
func TestEndsByHand(t *testing.T) {
	t.Parallel()
	ends := schedule.Events{SignUps: 3, Tickets: 2, Withdrawals: 10}.Per(100) // .05 and .1 a day
	for _, h := range hitsOf2b() {
		got := days(schedule.Width(h, 10_000*day, ends, schedule.Part{Share: 1}))
		if want := (1/.05 + 1/.1) / float64(h); math.Abs(got-want) > 1e-3*want {
			t.Errorf("%d hits: %v, want %v", h, got, want)
		}
	}
	if e := (schedule.Events{SignUps: 1}).Per(0); math.IsInf(e.Begin, 0) || math.IsNaN(e.Begin) {
		t.Errorf("no canaries: %v", e)
	}
}

// TestEndsInAWorld lets canaries sign up and be withdrawn under a staircase,
// and measures.
func TestEndsInAWorld(t *testing.T) {
	t.Parallel()
	const live, perDay = 300, 6.0
	p := choose(t, schedule.Budget{Live: live, Free: -1, Changes: 1e6, Shortest: 30 * day, Horizon: horizon})
	w := newWorld(p, live, 0)
	r := rand.New(rand.NewPCG(3, 3))
	for now := start(); now.Before(at(250)); now = now.Add(12 * time.Hour) {
		w.make(now, p.Due(w.state(now)))
		for range 3 { // 6 a day
			w.withdraw(r, now)
			w.enter(schedule.Stay{Token: w.mint(), Canary: fmt.Sprintf("c_%d", w.minted), Since: now})
		}
	}
	ends := schedule.Events{SignUps: perDay, Withdrawals: perDay}.Per(live)
	measured := w.widths(r, hitsOf2b(), 120, 190, 90)
	for i, h := range hitsOf2b() {
		measured := measured[i]
		near(t, fmt.Sprintf("Width(%d)", h), days(schedule.Width(h, horizon, ends, schedule.Part{Share: 1, Plan: p})), measured, .06)
		if alone := days(p.Width(h)); alone < 1.1*measured {
			t.Errorf("%d hits: %v days without the other ends, %v with: the test shows nothing", h, alone, measured)
		}
	}
}

func (w *world) withdraw(r *rand.Rand, now time.Time) {
	ids := make([]string, 0, len(w.present))
	for id := range w.present {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	id := ids[r.IntN(len(ids))]
	w.stays[w.present[id]].Until = now
	delete(w.present, id)
}

// TestMixedPools: a third of the canaries on a fast staircase, a third on a
// code, the rest on tokens that never change.
func TestMixedPools(t *testing.T) {
	t.Parallel()
	fast := choose(t, schedule.Budget{Live: 60, Free: -1, Changes: 1e6, Shortest: 10 * day, Horizon: horizon})
	code := choose(t, schedule.Budget{Live: 60, Scarce: 180, Changes: 1e6, Shortest: 4 * day, Horizon: horizon})
	still := choose(t, schedule.Budget{Live: 60, Free: -1, Shortest: 4 * day, Horizon: horizon})
	all := &world{}
	for i, p := range []schedule.Plan{fast, code, still} {
		w := newWorld(p, 60, map[int]int{1: 180}[i])
		w.run(start(), at(200), 6*time.Hour)
		for _, s := range w.stays {
			s.Token = fmt.Sprint(i, s.Token)
			all.stays = append(all.stays, s)
		}
	}
	r := rand.New(rand.NewPCG(5, 5))
	measured := all.widths(r, hitsOf2b(), 90, 140, 90)
	for i, h := range hitsOf2b() {
		says := schedule.Width(h, horizon, schedule.Ends{}, schedule.Part{1, fast}, schedule.Part{1, code}, schedule.Part{1, still})
		near(t, fmt.Sprintf("Width(%d)", h), days(says), measured[i], .07)
	}
}

// TestWidthOnlyNarrows: more hits, more ends or a shorter stay never widen it.
func TestWidthOnlyNarrows(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := schedule.Plan{
			Kind:    rapid.SampledFrom([]schedule.Kind{schedule.Still, schedule.Staircase, schedule.Presence}).Draw(t, "kind"),
			Stay:    time.Duration(rapid.Float64Range(.01, 1000).Draw(t, "stay") * float64(day)),
			Duty:    rapid.Float64Range(0, 1).Draw(t, "duty"),
			Horizon: horizon,
		}
		h := rapid.IntRange(0, 100).Draw(t, "hits")
		ends := schedule.Ends{Begin: rapid.Float64Range(0, 1).Draw(t, "begin"), End: rapid.Float64Range(0, 1).Draw(t, "end")}
		of := func(h int, e schedule.Ends, p schedule.Plan) time.Duration {
			return schedule.Width(h, horizon, e, schedule.Part{Share: 1, Plan: p})
		}
		w := of(h, ends, p)
		if w < 0 || w > horizon+time.Second {
			t.Fatalf("width %v", w)
		}
		shorter := p
		shorter.Stay /= 2
		more := schedule.Ends{Begin: ends.Begin * 2, End: ends.End * 2}
		for what, less := range map[string]time.Duration{"a hit more": of(h+1, ends, p), "more ends": of(h, more, p), "a shorter stay": of(h, ends, shorter)} {
			if float64(less) > float64(w)*1.0001+1 {
				t.Fatalf("%s widens %v to %v", what, w, less)
			}
		}
	})
}
