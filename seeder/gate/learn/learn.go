// Package learn holds the learners of the gate and the statistics that judge
// them: gradient-boosted trees, logistic regression, an isolation forest; the
// area under the ROC curve with its error, Wilson's and Fisher's numbers.
//
// Learners read a [Matrix], in which every cell is one byte: a feature's values
// are cut into at most 254 bins of about equal weight, a value that is frequent
// has a bin of its own, and bin 0 is "not there". So trees see thresholds
// between bins, and a matrix of 200,000 rows and 250 features takes 50 MB.
//
// There is no maintained library in pure Go that trains boosted trees, and
// these are the simplest sound forms: second-order logistic loss with shrinkage,
// rows and columns drawn anew for each tree (Friedman 2002, Chen & Guestrin
// 2016); AdaGrad on sparse rows; Liu, Ting & Zhou 2008.
//
// Its one invariant: the same input and seed give the same numbers, on any
// number of processors. Nothing here knows what a customer is, and nothing
// fails: a label that has one class only gives scores that say nothing.
package learn

import (
	"math"
	"math/rand/v2"
	"slices"
)

// maxBins is the number of bins of a feature, without bin 0.
const maxBins = 254

// sketch is how many rows are looked at to choose the bins.
const sketch = 40_000

// Matrix is a table of features, quantised.
type Matrix struct {
	rows  int
	cols  [][]uint8
	edges [][]float32 // upper, inclusive; the last is the largest value seen
}

// Quantise cuts columns of equal length into bins. NaN goes to bin 0.
func Quantise(columns [][]float32) *Matrix {
	m := &Matrix{cols: make([][]uint8, len(columns)), edges: make([][]float32, len(columns))}
	each(len(columns), func(i int) {
		m.edges[i] = edgesOf(columns[i])
		m.cols[i] = binned(columns[i], m.edges[i])
	})
	if len(columns) > 0 {
		m.rows = len(columns[0])
	}
	return m
}

// Rows is the number of rows.
func (m *Matrix) Rows() int { return m.rows }

// Features is the number of features.
func (m *Matrix) Features() int { return len(m.cols) }

// Bins gives a feature's cells; they must not be changed.
func (m *Matrix) Bins(feature int) []uint8 { return m.cols[feature] }

// Edges gives the largest value of each bin of a feature, from bin 1.
func (m *Matrix) Edges(feature int) []float32 { return m.edges[feature] }

// Pick is the matrix of some features, sharing their cells.
func (m *Matrix) Pick(features []int) *Matrix {
	p := &Matrix{rows: m.rows}
	for _, f := range features {
		p.cols, p.edges = append(p.cols, m.cols[f]), append(p.edges, m.edges[f])
	}
	return p
}

// Coarse is the matrix with at most so many bins, of about equal weight: what
// is lost in sharpness is won in speed.
func (m *Matrix) Coarse(most int) *Matrix {
	c := &Matrix{rows: m.rows, cols: make([][]uint8, len(m.cols)), edges: make([][]float32, len(m.cols))}
	each(len(m.cols), func(f int) {
		if len(m.edges[f]) <= most {
			c.cols[f], c.edges[f] = m.cols[f], m.edges[f]
			return
		}
		var into [256]uint8
		into, c.edges[f] = merged(m.cols[f], m.edges[f], most)
		c.cols[f] = make([]uint8, m.rows)
		for row, bin := range m.cols[f] {
			c.cols[f][row] = into[bin]
		}
	})
	return c
}

// merged says which coarse bin each bin goes into.
func merged(bins []uint8, edges []float32, most int) (into [256]uint8, coarse []float32) {
	var weight [256]int
	left := 0
	for _, b := range bins {
		weight[b]++
		left += min(1, int(b))
	}
	filled := 0
	for b := 1; b <= len(edges); b++ {
		into[b] = uint8(len(coarse) + 1) //nolint:gosec // at most maxBins
		filled += weight[b]
		last := b == len(edges)
		next := 0
		if !last {
			next = weight[b+1]
		}
		size := left / max(1, most-len(coarse))
		if last || filled >= size || filled+next > 2*size || len(edges)-b < most-len(coarse) {
			if !last && len(coarse)+1 >= most {
				continue
			}
			coarse = append(coarse, edges[b-1])
			left, filled = left-filled, 0
		}
	}
	return into, coarse
}

// edgesOf chooses the bins: greedily, of equal weight, never splitting a value.
func edgesOf(values []float32) []float32 {
	seen := make([]float32, 0, min(len(values), sketch))
	step := max(1, len(values)/sketch)
	for i := 0; i < len(values); i += step {
		if v := values[i]; v == v {
			seen = append(seen, v)
		}
	}
	slices.Sort(seen)
	var edges []float32
	for left := 0; left < len(seen) && len(edges) < maxBins; {
		size := max(1, (len(seen)-left)/(maxBins-len(edges)))
		last := min(left+size, len(seen)) - 1
		// A value that would spill over and is heavy begins a bin of its own.
		if run := runStart(seen, left, last); run > left && runEnd(seen, last)-run > size {
			last = run - 1
		}
		last = runEnd(seen, last)
		edges = append(edges, seen[last])
		left = last + 1
	}
	return edges
}

func runEnd(sorted []float32, i int) int {
	for i+1 < len(sorted) && sorted[i+1] == sorted[i] {
		i++
	}
	return i
}

func runStart(sorted []float32, from, i int) int {
	for i > from && sorted[i-1] == sorted[i] {
		i--
	}
	return i
}

func binned(values, edges []float32) []uint8 {
	bins := make([]uint8, len(values))
	if len(edges) == 0 {
		return bins
	}
	for i, v := range values {
		if v != v {
			continue
		}
		at, _ := slices.BinarySearch(edges, v)
		bins[i] = uint8(min(at, len(edges)-1) + 1) //nolint:gosec // at most maxBins
	}
	return bins
}

// random is the source of everything drawn here: repeatable, guarding nothing.
func random(seed, stream uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed, stream)) //nolint:gosec // repeatable on purpose
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
