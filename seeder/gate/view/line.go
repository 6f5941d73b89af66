package view

import (
	"cmp"
	"iter"
	"math"
	"slices"
)

// line is rows in an order. Only the rows that count are anybody's neighbours.
type line struct {
	rows    []int
	counted []int // of rows
	below   []int // by place in rows: how many that count come before
	counts  func(row int) bool
}

// sorted puts the rows that have a number in its order. Rows with the same
// number stand in an order that has nothing to do with where they came from.
func (f *frame) sorted(c *column) line {
	order := make([]int, 0, f.n)
	for row := range f.n {
		if !math.IsNaN(c.num(row)) {
			order = append(order, row)
		}
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(c.num(a), c.num(b)), cmp.Compare(mixed(a), mixed(b)))
	})
	return f.lined(order)
}

func (f *frame) lined(order []int) line {
	l := line{rows: order, below: make([]int, len(order)), counts: func(row int) bool { return f.counted[row] }}
	for i, row := range order {
		l.below[i] = len(l.counted)
		if f.counted[row] {
			l.counted = append(l.counted, row)
		}
	}
	return l
}

// that keeps the rows for which is holds.
func (f *frame) that(l line, is func(row int) bool) line {
	return f.lined(slices.DeleteFunc(slices.Clone(l.rows), func(row int) bool { return !is(row) }))
}

// spot is a row's place among the rows that count.
type spot struct {
	counted []int
	below   int // of them before it
	own     int // 1 when it is one of them
}

// places gives every row with its place.
func (l line) places() iter.Seq2[int, spot] {
	return func(yield func(int, spot) bool) {
		for i, row := range l.rows {
			at := spot{counted: l.counted, below: l.below[i]}
			if l.counts(row) {
				at.own = 1
			}
			if !yield(row, at) {
				return
			}
		}
	}
}

// before is the k-th row before, from 1, that counts.
func (s spot) before(k int) (row int, ok bool) { return s.at(s.below - k) }

// after is the k-th row after, from 1, that counts.
func (s spot) after(k int) (row int, ok bool) { return s.at(s.below + s.own + k - 1) }

func (s spot) at(i int) (row int, ok bool) {
	if i < 0 || i >= len(s.counted) {
		return 0, false
	}
	return s.counted[i], true
}

// mixed is a number of a row that says nothing about its place.
func mixed(row int) uint64 {
	h := uint64(row) + 0x9e3779b97f4a7c15 //nolint:gosec // a row's place
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}
