package forensics

import (
	"errors"
	"fmt"
	"math"
)

// ErrPlan says that a plan is asked for a leak that cannot be.
var ErrPlan = errors.New("no such leak")

// Leak is a leak as the planner assumes it: so many rows of a table are carried
// out, and a share of them is contacted. It counts contacts, not canaries: a
// thief who uses one row in a hundred must be met by a hundred times as many.
type Leak struct {
	// Rows are the real rows of the table; of the segment, when both the thief
	// and the canaries keep to one.
	Rows int
	// Extract is the number of rows carried out, canaries among them.
	Extract int
	// Rate is the share of them that is contacted, in (0, 1].
	Rate float64
}

// maxRows keeps counts exact in float64.
const maxRows = 1 << 52

// Check reports everything that is wrong with the assumptions.
func (l Leak) Check() error {
	var faults []error
	if l.Rows < 1 || l.Rows > maxRows {
		faults = append(faults, fmt.Errorf("%d rows: want 1 or more", l.Rows))
	}
	if l.Extract < 1 || l.Extract > l.Rows {
		faults = append(faults, fmt.Errorf("an extract of %d rows: want 1 to all %d", l.Extract, l.Rows))
	}
	if !(l.Rate > 0 && l.Rate <= 1) {
		faults = append(faults, fmt.Errorf("contact rate %v: want above 0 and at most 1", l.Rate))
	}
	if len(faults) == 0 && l.Contacted() == 0 {
		faults = append(faults, fmt.Errorf("contact rate %v of %d rows is less than one row", l.Rate, l.Extract))
	}
	if len(faults) > 0 {
		return fmt.Errorf("%w: %w", ErrPlan, errors.Join(faults...))
	}
	return nil
}

// Contacted is the number of rows that are contacted.
func (l Leak) Contacted() int { return int(math.Round(l.Rate * float64(l.Extract))) }

// Held is the expected number of so many canaries that the extract holds.
func (l Leak) Held(canaries int) float64 {
	return float64(l.Extract) * l.Density(canaries)
}

// Hits is the expected number of so many canaries that are contacted.
func (l Leak) Hits(canaries int) float64 {
	return float64(l.Contacted()) * l.Density(canaries)
}

// Density is the share of canaries among all rows.
func (l Leak) Density(canaries int) float64 {
	return float64(canaries) / (float64(l.Rows) + float64(canaries))
}

// Detect is the probability that at least so many canaries are contacted. The
// contacted rows are a random subset of a random extract, so the number of hits
// is exactly hypergeometric.
func (l Leak) Detect(canaries, hits int) float64 {
	return 1 - fewer(l.Rows, canaries, l.Contacted(), hits)
}

// Need is the least number of canaries with which at least so many hits have
// the given probability. It fails when more hits are wanted than rows are
// contacted.
func (l Leak) Need(hits int, confidence float64) (int, error) {
	if err := l.Check(); err != nil {
		return 0, err
	}
	switch {
	case hits < 1:
		return 0, fmt.Errorf("%w: %d hits: want 1 or more", ErrPlan, hits)
	case !(confidence > 0 && confidence < 1):
		return 0, fmt.Errorf("%w: confidence %v: want between 0 and 1", ErrPlan, confidence)
	case hits > l.Contacted():
		return 0, fmt.Errorf("%w: %d hits, but only %d rows are contacted", ErrPlan, hits, l.Contacted())
	}
	enough := func(m int) bool { return fewer(l.Rows, m, l.Contacted(), hits) <= 1-confidence }
	return least(hits, enough), nil
}

// least finds the least n of at least from for which ok holds, by doubling and
// bisection; ok must not fail again once it held. It gives up at maxRows.
func least(from int, ok func(int) bool) int {
	high := max(from, 1)
	for high < maxRows && !ok(high) {
		high *= 2
	}
	low := max(high/2, from-1) // not ok, or just before from
	if high == max(from, 1) {
		low = from - 1
	}
	for high-low > 1 {
		if mid := low + (high-low)/2; ok(mid) {
			high = mid
		} else {
			low = mid
		}
	}
	return high
}

// fewer is P(H < hits) for H ~ Hypergeometric: drawn of rows+canaries, canaries
// among them. Where hits cannot be reached it is 1.
func fewer(rows, canaries, drawn, hits int) float64 {
	if hits <= 0 {
		return 0
	}
	if hits > min(canaries, drawn) {
		return 1
	}
	term := logNone(rows, canaries, drawn)
	sum := math.Exp(term)
	m, c, n := float64(canaries), float64(drawn), float64(rows)
	for k := range hits - 1 {
		x := float64(k)
		term += math.Log((m - x) / (x + 1) * ((c - x) / (n - c + x + 1)))
		sum += math.Exp(term)
	}
	return min(sum, 1)
}

// logNone is ln P(H = 0) for that distribution. The three numbers may be taken
// in two ways; the one with the smaller factorials loses fewer digits.
func logNone(rows, canaries, drawn int) float64 {
	n, m, c := float64(rows), float64(canaries), float64(drawn)
	if m < c {
		return logFalling(n+m-c, m) - logFalling(n+m, m)
	}
	return logFalling(n, c) - logFalling(n+m, c)
}

// logFalling is ln(x·(x-1)·…), n factors: ln Γ(x+1) - ln Γ(x-n+1). For great x
// the difference is taken inside Stirling's series, since that of two lgamma
// of 10⁹ has only eight digits left.
func logFalling(x, n float64) float64 {
	z := x - n + 1
	if z < 64 {
		high, _ := math.Lgamma(x + 1)
		low, _ := math.Lgamma(z)
		return high - low
	}
	series := func(v float64) float64 { return 1/(12*v) - 1/(360*v*v*v) + 1/(1260*math.Pow(v, 5)) }
	return (x+0.5)*math.Log1p(n/z) + n*math.Log(z) - n + series(x+1) - series(z)
}
