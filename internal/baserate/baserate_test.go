package baserate_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"saltmine/internal/baserate"
)

func near(t *testing.T, what string, got, want, relative float64) {
	t.Helper()
	if math.Abs(got-want) > relative*math.Abs(want) {
		t.Errorf("%s: %.10g, want %.10g", what, got, want)
	}
}

// TestGarwood holds the table of exact intervals of ATTRIBUTION.md §2d: contacted
// rows where one row in 600 is planted.
func TestGarwood(t *testing.T) {
	t.Parallel()
	const rho = 1.0 / 600
	for _, c := range []struct {
		hits      int
		low, high float64
	}{{1, 15, 3343}, {3, 371, 5260}, {10, 2877, 11034}, {30, 12145, 25696}} {
		low, high := baserate.Garwood(c.hits, 0.95)
		if math.Abs(low/rho-c.low) > 0.5 || math.Abs(high/rho-c.high) > 0.5 {
			t.Errorf("%d hits: %.0f to %.0f rows, want %.0f to %.0f", c.hits, low/rho, high/rho, c.low, c.high)
		}
	}
	low, high := baserate.Garwood(0, 0.95)
	if low != 0 {
		t.Errorf("no hit: from %g", low)
	}
	near(t, "no hit", high, -math.Log(0.025), 1e-12)
	near(t, "chi2(.95, 6)/2", (baserate.Sample{Hits: 2, Years: 1}).Bound(), 6.296, 1e-4)
}

// TestBound is the honest limit: nothing in N placebo-years bounds the rate at 3/N.
func TestBound(t *testing.T) {
	t.Parallel()
	near(t, "none in 990,000", baserate.Sample{Years: 990_000}.Bound(), 3/990_000.0, 0.002)
	if got := (baserate.Sample{}).Bound(); !math.IsInf(got, 1) {
		t.Errorf("nothing heard: %g, want infinite", got)
	}
}

// TestSupremum holds the numbers of ATTRIBUTION.md §2c.
func TestSupremum(t *testing.T) {
	t.Parallel()
	for r, want := range map[float64][3]float64{1: {2, 4, 8}, 9: {10, 100, 1000}, 99: {100, 1e4, 1e6}} {
		for i, w := range want {
			near(t, "supremum", baserate.Supremum(r, i+1), w, 1e-12)
			if got := baserate.EValue(r, i+1, 0); got > w || got < w*math.Pow(0.38, float64(i+1)) {
				t.Errorf("r=%g, %d contacts: e-value %g beside a supremum of %g", r, i+1, got, w)
			}
		}
	}
	near(t, "two, and a placebo", baserate.EValue(99, 2, 1), 665, 0.0005)
	if got := baserate.EValue(0, 5, 0); got != 1 {
		t.Errorf("without placebos: %g, want 1", got)
	}
}

// TestEValueIsFair: under noise its mean is 1, whatever the number of contacts.
func TestEValueIsFair(t *testing.T) {
	t.Parallel()
	for _, r := range []float64{0.1, 1, 9, 99} {
		for _, n := range []int{1, 2, 5, 12} {
			mean, share := 0.0, 1/(1+r)
			for k := range n + 1 {
				mean += binomial(k, n, share) * baserate.EValue(r, k, n-k)
			}
			near(t, "mean under noise", mean, 1, 1e-9)
		}
	}
}

// binomial is a probability by the definition.
func binomial(k, n int, p float64) float64 {
	out := 1.0
	for i := range k {
		out *= float64(n-i) / float64(i+1) * p
	}
	return out * math.Pow(1-p, float64(n-k))
}

func poisson(k int, m float64) float64 {
	out := math.Exp(-m)
	for i := range k {
		out *= m / float64(i+1)
	}
	return out
}

// TestTails compares every tail with the sum by its definition.
func TestTails(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(0, 60).Draw(rt, "n")
		k := rapid.IntRange(0, 61).Draw(rt, "k")
		p := rapid.Float64Range(0.001, 0.98).Draw(rt, "p")
		m := rapid.Float64Range(0.001, 40).Draw(rt, "m")
		var b, q, gamma float64
		for j := k; j < 400; j++ {
			if j <= n {
				b += binomial(j, n, p)
			}
			q += poisson(j, m)
		}
		same := func(what string, got, want float64) {
			if math.Abs(got-want) > 1e-12+1e-9*want {
				rt.Errorf("%s(%d): %.15g, want %.15g", what, k, got, want)
			}
		}
		same("binomial", baserate.BinomialAtLeast(k, n, p), b)
		same("poisson", baserate.PoissonAtLeast(k, m), q)
		// The predictive distribution of a gamma with an integer shape is the number
		// of successes before the shape-th failure.
		shape := rapid.IntRange(1, 5).Draw(rt, "shape")
		term := math.Pow(1-p, float64(shape))
		for j := range 20_000 {
			if j >= k {
				gamma += term
			}
			term *= float64(shape+j) / float64(j+1) * p
		}
		same("predictive", baserate.Rate{Hits: float64(shape), Years: 1 - p}.AtLeast(k, p), gamma)
	})
}

func TestAbove(t *testing.T) {
	t.Parallel()
	near(t, "3 of 3, r=1", baserate.Above(baserate.Sample{Hits: 3, Years: 2}, baserate.Sample{Years: 2}), 0.125, 1e-12)
	near(t, "2 of 3, r=99", baserate.Above(baserate.Sample{Hits: 2, Years: 1}, baserate.Sample{Hits: 1, Years: 99}), 3*.01*.01*.99+.01*.01*.01, 1e-9)
	if got := baserate.Above(baserate.Sample{Hits: 3, Years: 2}, baserate.Sample{}); got != 1 {
		t.Errorf("without placebos: %g, want 1", got)
	}
	huge := baserate.Above(baserate.Sample{Hits: 1000, Years: 1}, baserate.Sample{Hits: 99_000, Years: 99})
	if huge < 0.45 || huge > 0.55 {
		t.Errorf("just as many as by chance: %g", huge)
	}
}

// TestBursts: a burst is recognised by its third source, and what the past always
// brought is none.
func TestBursts(t *testing.T) {
	t.Parallel()
	prior := baserate.Rate{Hits: 0.5, Years: 5000}
	const placebos, recent = 990_000.0, 990_000 * 3 / 365.25
	for _, c := range []struct {
		past, now int
		want      bool
	}{{0, 0, false}, {2, 2, false}, {5, 5, true}, {100, 3, false}, {12, 4, true}, {10_000, 90, false}, {10_000, 200, true}} {
		b := baserate.Background{Past: baserate.Sample{Hits: c.past, Years: placebos}, Recent: baserate.Sample{Hits: c.now, Years: recent}}
		if got := b.Bursts(prior); got != c.want {
			t.Errorf("%+v: %t, want %t", c, got, c.want)
		}
		if rate := b.Rate(prior).Mean(); c.want && rate < b.Recent.PerYear() {
			t.Errorf("%+v: in a burst, %g a token-year", c, rate)
		}
	}
}

// TestCrowds: three within 72 hours on 10,000 tokens are no chance while noise is
// rare, and are one when each token is met once in 40 years.
func TestCrowds(t *testing.T) {
	t.Parallel()
	const window = 3 / 365.25
	rare := baserate.Rate{Hits: 0.5, Years: 5000}.After(baserate.Sample{Hits: 12, Years: 990_000})
	if got := rare.CrowdsPerYear(3, 10_000, window); got > 1e-6 {
		t.Errorf("rare noise: %g crowds a year", got)
	}
	common := baserate.Rate{Hits: 250, Years: 10_000}
	m := 250 * window
	near(t, "common noise", common.CrowdsPerYear(3, 10_000, window), 250*(1-math.Exp(-m)*(1+m)), 0.02)
	var two, one baserate.Joint
	one.Add(common, 50)
	near(t, "one sort", one.Rate().AtLeast(3, one.Years()), common.AtLeast(3, 50), 1e-9)
	two.Add(common, 50)
	two.Add(common, 150)
	near(t, "two sorts", two.Rate().Mean()*two.Years(), 200*common.Mean(), 1e-9)
	near(t, "are no better known than one", two.Rate().Hits, common.Hits, 1e-9)
}

// weigh weighs all of a list.
func weigh(content float64, list ...baserate.Evidence) baserate.Weight {
	var all baserate.Tally
	for _, e := range list {
		all.Add(e)
	}
	return baserate.Weigh(list, all, content)
}

func TestWeigh(t *testing.T) {
	t.Parallel()
	quiet := baserate.Evidence{Planted: baserate.Sample{Hits: 1, Years: 1}, Placebo: baserate.Background{Recent: baserate.Sample{Years: 99}, Past: baserate.Sample{Years: 990}}}
	w := weigh(baserate.MostContent, quiet)
	near(t, "factor", w.Factor, 100*baserate.EValue(99, 1, 0), 1e-12)
	near(t, "chance", w.Chance, 0.01, 1e-9)
	near(t, "bound", w.Bound, 3.0/990, 0.002)
	near(t, "two sorts", weigh(1, quiet, quiet).Factor, baserate.EValue(99, 2, 0), 1e-9)
	resting := quiet
	resting.Placebo.Past.Hits = 5000 // it comes and goes
	if got := weigh(1, resting).Factor; got > 1 {
		t.Errorf("beside noise that rests: %g", got)
	}
	judged := quiet
	judged.Judged = baserate.Sample{Hits: 500, Years: 10}
	if got := weigh(1, judged); got.Factor > 1 || got.Bound != w.Bound {
		t.Errorf("where people found noise: %g, bound %g", got.Factor, got.Bound)
	}
	// Two hits on two of fifty domains, where noise reaches the placebos of each: what
	// was counted where nothing came is as much worth.
	noisy := baserate.Evidence{Planted: baserate.Sample{Hits: 1, Years: 1}, Placebo: baserate.Background{Recent: baserate.Sample{Hits: 1, Years: 99}, Past: baserate.Sample{Hits: 10, Years: 990}}}
	fifty := []baserate.Evidence{noisy, noisy}
	alone := weigh(1, fifty...).Factor
	noisy.Planted.Hits = 0
	for range 48 {
		fifty = append(fifty, noisy)
	}
	if got := weigh(1, fifty...).Factor; got > 10 || alone < 100 {
		t.Errorf("two of fifty: %g, and %g without the others", got, alone)
	}
	if got := weigh(1).Factor; got != 1 {
		t.Errorf("nothing: %g", got)
	}
}
