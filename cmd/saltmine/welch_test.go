package main

import (
	"math"
	"testing"
)

// sample is a mean and a variance as they grow (Welford 1962).
type sample struct{ n, mean, m2 float64 }

func (s *sample) add(x float64) {
	s.n++
	d := x - s.mean
	s.mean += d / s.n
	s.m2 += d * (x - s.mean)
}

// welch is Welch's |t| of two samples, and how far their means are apart.
func (s sample) welch(o sample) (t, gap float64) {
	gap = math.Abs(s.mean - o.mean)
	return gap / math.Sqrt(s.m2/(s.n-1)/s.n+o.m2/(o.n-1)/o.n), gap
}

// The example is Welch's own kind of one: unequal variances and sizes.
func TestWelch(t *testing.T) {
	t.Parallel()
	var a, b sample
	for _, x := range []float64{27.5, 21.0, 19.0, 23.6, 17.0, 17.9, 16.9, 20.1, 21.9, 22.6, 23.1, 19.6, 19.0, 21.7, 21.4} {
		a.add(x)
	}
	for _, x := range []float64{27.1, 22.0, 20.8, 23.4, 23.4, 23.5, 25.8, 22.0, 24.8, 20.2, 21.9, 22.1, 22.9, 30.5, 24.4} {
		b.add(x)
	}
	if got, _ := a.welch(b); math.Abs(got-2.85295) > 0.0001 {
		t.Errorf("t = %.5f", got)
	}
}
