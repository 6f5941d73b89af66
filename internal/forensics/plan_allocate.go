package forensics

import (
	"cmp"
	"math"
	"slices"
)

// Share is a segment that a thief may take from.
type Share struct {
	Name string
	Rows int
	// Weight is how likely he takes from it, against the others.
	Weight float64
	// Contacted is how many of its rows would be contacted then.
	Contacted float64
}

// maxDensity bounds the canaries among the rows of a segment.
const maxDensity = 0.01

// Allocate spreads canaries over segments so that a thief is least likely to get
// by unseen: the sum of weight·exp(-m·contacted/rows) is least, each segment
// having at most one canary for a hundred rows. Like water in a vessel they go
// where the next one helps most, until it helps no more there than elsewhere.
// The result is in the order of the segments; its sum is less than canaries
// only when all segments are full.
func Allocate(canaries int, segments []Share) []int {
	level := func(logNu float64) (sum float64, out []float64) {
		for _, s := range segments {
			m := 0.0
			if speed := s.Contacted / float64(s.Rows); speed > 0 && s.Weight > 0 {
				m = min(max((math.Log(s.Weight*speed)-logNu)/speed, 0), maxDensity*float64(s.Rows))
			}
			sum += m
			out = append(out, m)
		}
		return sum, out
	}
	low, high := -1e12, 1e12 // ln ν: at the lowest all are full, at the highest empty
	for range 200 {
		mid := (low + high) / 2
		if sum, _ := level(mid); sum > float64(canaries) {
			low = mid
		} else {
			high = mid
		}
	}
	_, shares := level(high)
	return whole(canaries, shares, segments)
}

// whole rounds down, and gives what is left to the greatest remainders.
func whole(canaries int, shares []float64, segments []Share) []int {
	out, order, left := make([]int, len(shares)), make([]int, len(shares)), canaries
	for i, m := range shares {
		out[i], order[i] = int(m), i
		left -= out[i]
	}
	rest := func(i int) float64 { return shares[i] - math.Floor(shares[i]) }
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(rest(b), rest(a)) })
	for _, i := range order {
		if left > 0 && rest(i) > 0 && float64(out[i]+1) <= maxDensity*float64(segments[i].Rows) {
			out[i]++
			left--
		}
	}
	return out
}
