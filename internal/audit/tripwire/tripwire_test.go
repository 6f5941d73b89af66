package tripwire_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"saltmine/internal/audit/tripwire"
)

func TestHoursAreJudgedByHistoryAndPeers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		read float64
		span float64
		h    tripwire.History
		trip bool
	}{
		{"an agent as always", 2, 1, tripwire.History{Own: 4, OwnHours: 100, Usual: 0.04}, false},
		{"an agent in bulk", 12, 1, tripwire.History{Own: 4, OwnHours: 100, Usual: 0.04}, true},
		{"the nightly report", 310, 1, tripwire.History{Own: 300 * 28, OwnHours: 28, Usual: 0.1, Most: 320}, false},
		{"the nightly report, ten times", 3000, 1, tripwire.History{Own: 300 * 28, OwnHours: 28, Usual: 0.1, Most: 320}, true},
		{"somebody new looks one up", 1, 1, tripwire.History{}, false},
		{"somebody new looks two up", 2, 1, tripwire.History{}, false},
		{"somebody new takes a tenth", 100, 1, tripwire.History{}, true},
		{"an application with a nightly dump", 320, 1, tripwire.History{Own: 28 * (300 + 23*2), OwnHours: 28 * 24, Usual: 2, Most: 310}, false},
		{"two an hour all day, where none is usual", 24, 12, tripwire.History{Own: 4, OwnHours: 100, Usual: 0.04}, true},
		{"two in a day", 2, 8, tripwire.History{Own: 4, OwnHours: 100, Usual: 0.04}, false},
		{"a day like all of its hours", 8, 8, tripwire.History{Own: 100, OwnHours: 100, Usual: 0.04}, false},
		{"new among heavy readers", 30, 1, tripwire.History{Usual: 30}, false},
	} {
		f := tripwire.Judge(c.read, c.span, c.h, 1000)
		if f.Implausible() != c.trip {
			t.Errorf("%s: %+v", c.name, f)
		}
	}
}

// TestRowsAreEstimated compares with the limits of Garwood's table for 10 events:
// 4.795 to 18.39.
func TestRowsAreEstimated(t *testing.T) {
	t.Parallel()
	f := tripwire.Judge(10, 1, tripwire.History{}, 1000)
	for want, got := range map[float64]float64{4795: f.Rows.Low, 10_000: f.Rows.Middle, 18_390: f.Rows.High} {
		if math.Abs(got-want) > 5 {
			t.Errorf("%.0f, want %.0f", got, want)
		}
	}
}

// TestTheChanceIsThatOfDraws compares the tail with draws: a rate by the Gamma
// distribution, a number by Poisson's.
func TestTheChanceIsThatOfDraws(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	const draws = 200_000
	h := tripwire.History{Own: 2.5, OwnHours: 4, Usual: 1} // shape 3, rate 4.5
	over := 0
	for range draws {
		rate := 0.0
		for range 3 { // Gamma(3) is the sum of three exponentials
			rate += rng.ExpFloat64() / 4.5
		}
		events, left := 0, rng.ExpFloat64()
		for left < rate {
			events, left = events+1, left+rng.ExpFloat64()
		}
		if events >= 3 {
			over++
		}
	}
	f := tripwire.Judge(3, 1, h, 1)
	if want := float64(over) / draws; math.Abs(f.Chance-want) > 0.003 {
		t.Errorf("chance %.4f, drawn %.4f", f.Chance, want)
	}
}
