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
		h    tripwire.History
		trip bool
	}{
		{"an agent as always", 2, tripwire.History{Own: 4, OwnHours: 100, All: 40, AllHours: 1000}, false},
		{"an agent in bulk", 12, tripwire.History{Own: 4, OwnHours: 100, All: 40, AllHours: 1000}, true},
		{"the nightly report", 310, tripwire.History{Own: 300 * 28, OwnHours: 28, All: 300 * 28, AllHours: 500}, false},
		{"the nightly report, ten times", 3000, tripwire.History{Own: 300 * 28, OwnHours: 28, All: 300 * 28, AllHours: 500}, true},
		{"somebody new looks one up", 1, tripwire.History{}, false},
		{"somebody new looks two up", 2, tripwire.History{}, false},
		{"somebody new takes a tenth", 100, tripwire.History{}, true},
		{"new among heavy readers", 30, tripwire.History{All: 3000, AllHours: 100}, false},
	} {
		f := tripwire.Judge(c.read, c.h, 1000)
		if f.Implausible() != c.trip {
			t.Errorf("%s: %+v", c.name, f)
		}
	}
}

// TestRowsAreEstimated compares with the limits of Garwood's table for 10 events:
// 4.795 to 18.39.
func TestRowsAreEstimated(t *testing.T) {
	t.Parallel()
	f := tripwire.Judge(10, tripwire.History{}, 1000)
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
	h := tripwire.History{Own: 2.5, OwnHours: 4, All: 1, AllHours: 1} // shape 3, rate 4.5
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
	f := tripwire.Judge(3, h, 1)
	if want := float64(over) / draws; math.Abs(f.Chance-want) > 0.003 {
		t.Errorf("chance %.4f, drawn %.4f", f.Chance, want)
	}
}
