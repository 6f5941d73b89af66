package forensics

import (
	"math"
	"time"
)

// Calling is the leak as far as callers go: of those who contact a row only a
// share calls, and only rows with a number can be called.
func (l Leak) Calling(share float64) Leak {
	l.Rate *= share
	return l
}

// Numbers is how many phone numbers keep so many rows supplied, when each stands
// in a row for a while and then rests for the quarantine.
func Numbers(rows int, stay, quarantine time.Duration) int {
	return int(math.Ceil(float64(rows) * (1 + quarantine.Hours()/stay.Hours())))
}

// Cell is the probability that so many numbers called name the right one of so
// many cells (slices of time, segments), when each cell has on numbers of the
// pool, drawn by lot for each: the true cell explains all, and what others do
// so too share the guess.
func Cell(pool, on, cells, hits int) float64 {
	if hits > on || on > pool || cells < 1 {
		return 0
	}
	p := 1.0 // that another cell has all numbers called
	for i := range hits {
		p *= float64(on-i) / float64(pool-i)
	}
	// E[1/(1+X)] for X ~ Binomial(cells-1, p)
	n := float64(cells)
	return -math.Expm1(n*math.Log1p(-p)) / (n * p)
}
