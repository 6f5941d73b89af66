package schedule_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"saltmine/seeder/schedule"
)

// TestChoose goes through what can decide.
func TestChoose(t *testing.T) {
	t.Parallel()
	base := schedule.Budget{Live: 300, Free: -1, Changes: 1e6, Shortest: 3 * day, Quarantine: 5 * day, Horizon: horizon}
	for _, c := range []struct {
		name  string
		set   func(*schedule.Budget)
		kind  schedule.Kind
		stay  float64
		reuse bool
		why   string
	}{
		{"free tokens, no limit", func(*schedule.Budget) {}, schedule.Staircase, 3, false, "3 days is the shortest stay"},
		{"free tokens, slow table", func(b *schedule.Budget) { b.Changes = 10 }, schedule.Staircase, 30, false, "10 changes a day are allowed for 300"},
		{"few free tokens", func(b *schedule.Budget) { b.Free = 300 }, schedule.Staircase, 45, false, "300 further tokens"},
		{"no free token", func(b *schedule.Budget) { b.Free = 0 }, schedule.Still, 0, false, "no further token"},
		{"a table that never changes", func(b *schedule.Budget) { b.Changes = 0 }, schedule.Still, 0, false, "never change"},
		{"a change in eighty years", func(b *schedule.Budget) { b.Changes = .01 }, schedule.Still, 0, false, "as good as none"},
		{"no canaries", func(b *schedule.Budget) { b.Live = 0 }, schedule.Still, 0, false, "no canaries"},
		{"a pool of twice as many", func(b *schedule.Budget) { b.Scarce = 600 }, schedule.Presence, 10, true, "for the quarantine"},
		{"no quarantine", func(b *schedule.Budget) { b.Scarce, b.Quarantine = 600, 0 }, schedule.Presence, 3, true, "3 days is the shortest stay"},
		{"a pool and a slow table", func(b *schedule.Budget) { b.Scarce, b.Changes = 600, 25 }, schedule.Presence, 12, true, "25 changes"},
		// M >= L·T/tau: the rule of ATTRIBUTION 2(b)
		{"a pool that lasts", func(b *schedule.Budget) { b.Scarce = 9000 }, schedule.Staircase, 3, true, "lasts for the horizon"},
		{"a pool that lasts at this pace", func(b *schedule.Budget) { b.Scarce, b.Changes = 600, 5 }, schedule.Staircase, 60, true, "lasts for the horizon: 5 changes"},
		// duty .9: three hits on spells leave 66 days, a staircase of 81 days 40
		{"a pool that is nearly all in rows", func(b *schedule.Budget) { b.Scarce = 333 }, schedule.Staircase, 81.08, true, "each used once"},
		{"the same for very many hits", func(b *schedule.Budget) { b.Scarce, b.Quarantine, b.Hits = 400, 0, 40 }, schedule.Presence, 3, true, "3 days is the shortest stay"},
		{"the whole pool is in rows", func(b *schedule.Budget) { b.Scarce = 300 }, schedule.Still, 0, false, "all of the pool's 300"},
	} {
		b := base
		c.set(&b)
		p := choose(t, b)
		if p.Kind != c.kind || math.Abs(days(p.Stay)-c.stay) > .01 || p.Reuse != c.reuse || !strings.Contains(p.Why, c.why) {
			t.Errorf("%s: %s of %.2f days, reuse %v, because %s", c.name, p.Kind, days(p.Stay), p.Reuse, p.Why)
		}
	}
}

// TestCost2b: "L=60k, tau=30 d: 2,000 rotations/day, 730k aliases/yr" and
// "M_eff = L(1+D_max/tau)" of ATTRIBUTION 2(b).
func TestCost2b(t *testing.T) {
	t.Parallel()
	p := choose(t, schedule.Budget{Live: 60_000, Free: -1, Changes: 1e6, Shortest: 30 * day, Horizon: 365 * day})
	if fresh := p.Tokens - 60_000; math.Abs(p.Changes-2000) > 1e-6 || math.Abs(fresh-730_000) > 1e-3 {
		t.Errorf("%v changes a day, %v fresh tokens a year", p.Changes, fresh)
	}
	p = choose(t, schedule.Budget{Live: 60_000, Free: -1, Changes: 1e6, Shortest: 30 * day, Horizon: 120 * day})
	if math.Abs(p.Tokens-60_000*(1+120./30)) > 1e-3 {
		t.Errorf("%v tokens count", p.Tokens)
	}
}

func TestAllowed(t *testing.T) {
	t.Parallel()
	if got := schedule.Allowed(60_000, .1, 1.5); math.Abs(got-60_000*.15/365.25) > 1e-9 {
		t.Errorf("%v changes a day", got)
	}
}

func TestBadBudgets(t *testing.T) {
	t.Parallel()
	good := schedule.Budget{Live: 3, Free: -1, Changes: 1, Shortest: day, Horizon: horizon}
	for name, set := range map[string]func(*schedule.Budget){
		"-1 canaries":          func(b *schedule.Budget) { b.Live = -1 },
		"NaN changes":          func(b *schedule.Budget) { b.Changes = math.NaN() },
		"+Inf changes":         func(b *schedule.Budget) { b.Changes = math.Inf(1) },
		"-2 changes":           func(b *schedule.Budget) { b.Changes = -2 },
		"-2 free":              func(b *schedule.Budget) { b.Free = -2 },
		"-1 scarce":            func(b *schedule.Budget) { b.Scarce = -1 },
		"quarantine of -1h0m0": func(b *schedule.Budget) { b.Quarantine = -time.Hour },
		"shortest stay of 0s":  func(b *schedule.Budget) { b.Shortest = 0 },
		"horizon of 0s":        func(b *schedule.Budget) { b.Horizon = 0 },
		"-1 hits":              func(b *schedule.Budget) { b.Hits = -1 },
	} {
		b := good
		set(&b)
		if p, err := schedule.Choose(b); !errors.Is(err, schedule.ErrBudget) || !strings.Contains(err.Error(), name) || p.Kind != "" {
			t.Errorf("%s: %v, %+v", name, err, p)
		}
	}
}

// TestChooseKeepsToTheBudget, whatever it is; and more of it is never worse.
func TestChooseKeepsToTheBudget(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := schedule.Budget{
			Live:       rapid.IntRange(0, 1e6).Draw(t, "live"),
			Changes:    rapid.OneOf(rapid.Just(0.), rapid.Float64Range(1e-9, 1e7)).Draw(t, "changes"),
			Free:       rapid.IntRange(-1, 1e6).Draw(t, "free"),
			Scarce:     rapid.OneOf(rapid.Just(0), rapid.IntRange(1, 1e7)).Draw(t, "scarce"),
			Quarantine: time.Duration(rapid.Int64Range(0, int64(1000*day)).Draw(t, "quarantine")),
			Shortest:   time.Duration(rapid.Int64Range(1, int64(1000*day)).Draw(t, "shortest")),
			Horizon:    time.Duration(rapid.Int64Range(int64(time.Hour), int64(5000*day)).Draw(t, "horizon")),
			Hits:       rapid.IntRange(0, 50).Draw(t, "hits"),
		}
		p, err := schedule.Choose(b)
		if err != nil {
			t.Fatal(err)
		}
		if p.Why == "" || p.Changes > b.Changes*(1+1e-9) || !(p.Duty > 0 && p.Duty <= 1) || p.Tokens < float64(b.Live) {
			t.Fatalf("%+v", p)
		}
		if p.Kind != schedule.Still && (p.Stay < b.Shortest || p.Changes <= 0) {
			t.Fatalf("%+v", p)
		}
		more := b
		more.Changes *= 2
		q, err := schedule.Choose(more)
		if err != nil {
			t.Fatal(err)
		}
		if was, is := p.Width(3), q.Width(3); b.Hits == 0 && float64(is) > float64(was)*1.0001+1 {
			t.Fatalf("more changes widen %v to %v:\n%+v\n%+v", was, is, p, q)
		}
	})
}
