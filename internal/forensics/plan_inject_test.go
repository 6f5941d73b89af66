package forensics_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"saltmine/internal/forensics"
)

// TestInject: ATTRIBUTION 2(a), "unique tokens per export, k = ln(1/delta)/-ln(1-f): f=1%
// 299 (0.44% of 68k), 10% 29", to the unit.
func TestInject(t *testing.T) {
	t.Parallel()
	for rate, want := range map[float64]int{.01: 299, .1: 29} {
		if k := forensics.Inject(rate, .95); k != want {
			t.Errorf("f=%v: %d canaries, printed %d", rate, k, want)
		}
	}
	if share := 100 * float64(forensics.Inject(.01, .95)) / 68_000; math.Round(share*100) != 44 {
		t.Errorf("%v %% of 68,000 rows, printed 0.44 %%", share)
	}
	rapid.Check(t, func(t *rapid.T) {
		rate, confidence := rapid.Float64Range(1e-5, .999).Draw(t, "rate"), rapid.Float64Range(.01, .9999).Draw(t, "confidence")
		k := forensics.Inject(rate, confidence)
		exact := math.Log1p(-confidence) / math.Log1p(-rate)
		if math.Abs(float64(k)-math.Max(math.Ceil(exact), 1)) > 0 && math.Abs(exact-math.Round(exact)) > 1e-6 {
			t.Fatalf("%d canaries, want %v rounded up", k, exact)
		}
	})
	for _, no := range [][2]float64{{0, .95}, {-1, .95}, {1.1, .95}, {.1, 0}, {.1, 1}, {math.NaN(), .5}} {
		if k := forensics.Inject(no[0], no[1]); k != 0 {
			t.Errorf("rate and confidence %v: %d", no, k)
		}
	}
	if k := forensics.Inject(1, .95); k != 1 {
		t.Errorf("where all are contacted: %d", k)
	}
}

// TestSizes: "26% of extracts (n>=1000) cover 90% of rows", of sizes that are lognormal
// with median 300 and sigma 1.9.
func TestSizes(t *testing.T) {
	t.Parallel()
	extracts, rows := forensics.UsualSizes().From(1000)
	if math.Round(100*extracts) != 26 || math.Round(100*rows) != 90 {
		t.Errorf("%v of extracts cover %v of rows", extracts, rows)
	}
	if extracts, rows := forensics.UsualSizes().From(300); extracts != .5 || rows < .97 {
		t.Errorf("from the median on: %v, %v", extracts, rows)
	}
	// Against the sum itself, in small steps of the logarithm.
	all, some := 0.0, 0.0
	for z := -10.; z < 12; z += 1e-3 {
		size := math.Exp(1.9*z - z*z/2)
		if all += size; 300*math.Exp(1.9*z) >= 1000 {
			some += size
		}
	}
	if math.Abs(some/all-rows) > 1e-3 {
		t.Errorf("%v of rows, summed up %v", rows, some/all)
	}
}
