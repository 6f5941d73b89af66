package persona

import "math/bits"

// dice is the source of what is drawn thousands of times for one address
// (SplitMix64, Steele et al. 2014). It is seeded by the caller's source, and
// guards nothing.
type dice struct{ state uint64 }

func (d *dice) next() uint64 {
	d.state += 0x9e3779b97f4a7c15
	z := d.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// n draws from 0 to k-1, k > 0; one number in 2^32 is too frequent by less
// than k/2^64.
func (d *dice) n(k int) int {
	high, _ := bits.Mul64(d.next(), uint64(k)) //nolint:gosec // k is a length
	return int(high)                           //nolint:gosec // less than k
}

// chance is true with probability p.
func (d *dice) chance(p float64) bool {
	return p >= 1 || p > 0 && float64(d.next()>>11) < p*(1<<53)
}

// of draws one of a list, or the other when the list is empty.
func (d *dice) of(from []int32, other int32) int32 {
	if len(from) == 0 {
		return other
	}
	return from[d.n(len(from))]
}
