package baserate

import "math"

// Garwood is the exact two-sided confidence interval of a Poisson mean of which so
// many were counted (Garwood 1936): [chi2(a/2, 2h)/2, chi2(1-a/2, 2h+2)/2].
func Garwood(hits int, confidence float64) (low, high float64) {
	a := (1 - confidence) / 2
	if hits > 0 {
		low = solve(func(m float64) bool { return PoissonAtLeast(hits, m) >= a }, float64(hits))
	}
	return low, upper(hits, a)
}

// upper is the mean at which so few have a probability of only a: Newton's steps from
// the approximation of Wilson and Hilferty (1931).
func upper(hits int, a float64) float64 {
	k := float64(hits) + 1
	z := math.Sqrt2 * math.Erfinv(1-2*a)
	m := k * math.Pow(1-1/(9*k)+z/(3*math.Sqrt(k)), 3)
	for range 50 {
		slope := math.Exp((k-1)*math.Log(m) - m - lgamma(k)) // of the probability of k or more
		step := (PoissonAtLeast(hits+1, m) - (1 - a)) / slope
		m -= step
		if math.Abs(step) <= 1e-9*m { // the next is its square
			break
		}
	}
	return m
}

// solve finds where a condition that holds for large means begins to hold.
func solve(holds func(float64) bool, near float64) float64 {
	low, high := 0.0, near
	for !holds(high) {
		low, high = high, high*2
	}
	for {
		mid := (low + high) / 2
		switch {
		case mid <= low || mid >= high: // no number lies between them
			return high
		case holds(mid):
			high = mid
		default:
			low = mid
		}
	}
}

// PoissonAtLeast is the probability of k or more where m are expected.
func PoissonAtLeast(k int, m float64) float64 {
	if k <= 0 {
		return 1
	}
	if m <= 0 {
		return 0
	}
	return tail(k, m, func(j float64) float64 { return j*math.Log(m) - m - lgamma(j+1) }, func(j float64) float64 { return m / (j + 1) })
}

// BinomialAtLeast is the probability of k or more of n, each with probability p.
func BinomialAtLeast(k, n int, p float64) float64 {
	switch {
	case k <= 0:
		return 1
	case k > n || p <= 0:
		return 0
	case p >= 1:
		return 1
	}
	all := float64(n)
	return tail(k, all*p, func(j float64) float64 {
		return lgamma(all+1) - lgamma(j+1) - lgamma(all-j+1) + j*math.Log(p) + (all-j)*math.Log1p(-p)
	}, func(j float64) float64 { return max(0, all-j) / (j + 1) * p / (1 - p) })
}

// Above is the exact probability, under noise, that planted tokens have as many of
// all contacts as they have, or more: the conditional test of two Poisson rates
// (Przyborowski and Wilenski 1940). It is 1 where nothing can be compared.
func Above(planted, placebo Sample) float64 {
	if planted.Years <= 0 || placebo.Years <= 0 {
		return 1
	}
	return BinomialAtLeast(planted.Hits, planted.Hits+placebo.Hits, planted.Years/(planted.Years+placebo.Years))
}

// tail sums the probabilities from k on, on the side of the mean where they fall
// off. up gives the probability of j+1 as a multiple of that of j.
func tail(k int, mean float64, logPMF, up func(float64) float64) float64 {
	const small = 1e-17
	j := float64(k)
	if j > mean {
		sum := 0.0
		for term := math.Exp(logPMF(j)); term > sum*small && term > 0; j++ {
			sum += term
			term *= up(j)
		}
		return min(1, sum)
	}
	sum := 0.0
	for term := math.Exp(logPMF(j - 1)); j >= 1 && term > sum*small; j-- {
		sum += term
		if j >= 2 {
			term /= up(j - 2)
		}
	}
	return max(0, 1-sum)
}

func lgamma(x float64) float64 {
	v, _ := math.Lgamma(x)
	return v
}
