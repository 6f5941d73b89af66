package forensics

import "math"

// Inject is how many canaries of its own an extract must be given, as when rows are added
// to a copy that is released or to the answer of a query, for one of them to be contacted
// with a probability. They stand in no other extract, so one hit names it. However many
// rows it has, k = ln(1/(1-confidence)) / -ln(1-rate), rounded up. It is 0 where the rate is
// none, or the confidence.
func Inject(rate, confidence float64) int {
	switch {
	case !(rate > 0 && rate <= 1) || !(confidence > 0 && confidence < 1):
		return 0
	case rate == 1:
		return 1
	}
	return Contacts(rate, 1, confidence)
}

// Sizes are how many rows extracts have: lognormal, with the median, and the standard
// deviation of the logarithm.
type Sizes struct{ Median, Sigma float64 }

// UsualSizes are those of ATTRIBUTION 2(c): median 300, sigma 1.9.
func UsualSizes() Sizes { return Sizes{Median: 300, Sigma: 1.9} }

// From is the share of extracts that have so many rows or more, and how much of all rows
// that are carried out these carry.
func (s Sizes) From(rows int) (extracts, carried float64) {
	z := math.Log(float64(max(rows, 1))/s.Median) / s.Sigma
	return above(z), above(z - s.Sigma)
}

// above is P(Z > z) for a normal Z.
func above(z float64) float64 { return math.Erfc(z/math.Sqrt2) / 2 }
