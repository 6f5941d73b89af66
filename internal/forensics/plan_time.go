package forensics

import "math"

// Contacts is the number of contacts after which, with probability q, at least
// so many canaries were among them, when density of all rows are canaries.
func Contacts(density float64, hits int, q float64) int {
	return least(hits, func(n int) bool { return fewerOf(n, density, hits) <= 1-q })
}

// HitWithin is the probability that at least so many of n contacts reach
// canaries.
func HitWithin(n int, density float64, hits int) float64 {
	return 1 - fewerOf(n, density, hits)
}

// fewerOf is P(X < hits) for X ~ Binomial(n, p).
func fewerOf(n int, p float64, hits int) float64 {
	if hits <= 0 {
		return 0
	}
	if hits > n {
		return 1
	}
	term := float64(n) * math.Log1p(-p)
	sum := math.Exp(term)
	for k := range hits - 1 {
		term += math.Log(float64(n-k) / float64(k+1) * p / (1 - p))
		sum += math.Exp(term)
	}
	return min(sum, 1)
}

// Campaign is how the buyers of a leak go about it: nothing for a while, which
// differs from leak to leak, and then contacts that get fewer and fewer.
type Campaign struct {
	// Median is the median of the lognormal lag in days, Sigma the standard
	// deviation of its logarithm.
	Median, Sigma float64
	// Spread is the mean of the exponential delay of one contact after the lag.
	Spread float64
}

// Usual is the campaign of ATTRIBUTION 2(a): lag 4 days, then 20 on average.
// It does not give the lag's spread; 0.6 reproduces its table.
func Usual() Campaign { return Campaign{Median: 4, Sigma: 0.6, Spread: 20} }

// Days is the time from the access to the h-th hit that is not exceeded with
// probability q, when so many hits are expected in all. It is +Inf where that
// probability is never reached.
func (c Campaign) Days(expected float64, hits int, q float64) float64 {
	if poissonAtLeast(expected, hits) <= q {
		return math.Inf(1)
	}
	low, high := 0.0, 1.0
	for c.reached(expected, hits, high) < q {
		if high *= 2; math.IsInf(high, 1) { // rounding at the very edge
			return high
		}
	}
	for range 60 {
		if mid := (low + high) / 2; c.reached(expected, hits, mid) < q {
			low = mid
		} else {
			high = mid
		}
	}
	return high
}

// reached is the probability that the hits have come by a day: the mean over
// the lag, in steps of its normal logarithm.
func (c Campaign) reached(expected float64, hits int, day float64) float64 {
	const reach, steps = 6.0, 600
	sum, weights := 0.0, 0.0
	for i := range steps {
		z := reach * (2*(float64(i)+0.5)/steps - 1)
		weight := math.Exp(-z * z / 2)
		weights += weight
		if since := day - c.Median*math.Exp(c.Sigma*z); since > 0 {
			sum += weight * poissonAtLeast(-expected*math.Expm1(-since/c.Spread), hits)
		}
	}
	return sum / weights
}

// poissonAtLeast is P(X >= n) for X ~ Poisson(mean).
func poissonAtLeast(mean float64, n int) float64 {
	if n <= 0 {
		return 1
	}
	sum := 0.0
	for k := range n {
		sum += poisson(mean, k)
	}
	return max(1-sum, 0)
}

// poisson is P(X = k) for X ~ Poisson(mean).
func poisson(mean float64, k int) float64 {
	if mean <= 0 {
		if k == 0 {
			return 1
		}
		return 0
	}
	factorial, _ := math.Lgamma(float64(k) + 1)
	return math.Exp(float64(k)*math.Log(mean) - mean - factorial)
}
