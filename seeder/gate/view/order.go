package view

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// Numbers that a database hands out grow with the dates of their rows. A row
// that was inserted today under an old date lies in the wrong place.

const (
	besides  = 4   // rows looked at on either side
	inOrder  = 0.8 // rank correlation that makes a pair worth looking at
	trialMax = 4000
	sortable = 50 // texts
)

// orders compares every number, and every text that grows like one, with every
// date that grows with it.
func (f *frame) orders() {
	for _, c := range f.cols {
		if c = c.counter(); c == nil {
			continue
		}
		order := f.sorted(c)
		for _, t := range f.cols {
			if t.Kind == Time && !t.joined && f.follows(order, t) {
				f.order(c, t, order)
			}
		}
	}
}

// counter is a column as numbers that could grow with time: its own, or the
// places of texts of one length in their order (ULID, UUID version 7); nil
// if it is neither.
func (c *column) counter() *column {
	switch {
	case c.joined || c.Kind == Time:
		return nil
	case c.nums != nil:
		return c
	case c.Kind != Text || len(c.texts) < sortable || float64(len(c.texts)) < rareWords*float64(len(c.ids)):
		return nil
	}
	for _, t := range c.texts {
		if len(t) != len(c.texts[0]) {
			return nil
		}
	}
	order := make([]int, len(c.texts))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return strings.Compare(c.texts[a], c.texts[b]) })
	placed := *c
	placed.nums = make([]float64, len(c.texts))
	for place, id := range order {
		placed.nums[id] = float64(place)
	}
	return &placed
}

// follows tells whether a date mostly grows along an order of rows.
func (f *frame) follows(order line, t *column) bool {
	var times []float64
	step := max(1, len(order.counted)/trialMax)
	for i := 0; i < len(order.counted); i += step {
		if v := t.num(order.counted[i]); !math.IsNaN(v) {
			times = append(times, v)
		}
	}
	return len(times) >= 20 && rankCorrelation(times) > inOrder
}

// rankCorrelation of values with their places.
func rankCorrelation(values []float64) float64 {
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(values[a], values[b]) })
	n, sum := float64(len(values)), 0.0
	for rank, i := range order {
		d := float64(rank - i)
		sum += d * d
	}
	return 1 - 6*sum/(n*(n*n-1))
}

// order emits how well a row's date fits between those of its neighbours.
func (f *frame) order(c, t *column, order line) {
	dated := f.that(order, func(row int) bool { return !math.IsNaN(t.num(row)) })
	residual, wrong, place, room, between := f.blank(), f.blank(), f.blank(), f.blank(), f.blank()
	byDate := f.ranks(dated, t)
	for row, at := range dated.places() {
		near, turned := at.around(t, row)
		if len(near) > 0 {
			residual[row] = float32(signedLog(t.num(row) - (near[(len(near)-1)/2]+near[len(near)/2])/2))
		}
		wrong[row] = float32(turned)
		place[row] = float32(signedLog(float64(at.below - byDate[row])))
		low, one := at.before(1)
		high, two := at.after(1)
		if one && two {
			before, after := t.num(low), t.num(high)
			room[row] = float32(signedLog(after - before))
			if at := (t.num(row) - before) / (after - before); after > before && at >= 0 && at <= 1 {
				between[row] = float32(at)
			}
		}
	}
	pair := c.Name + "." + t.Name
	f.putSpan(pair+".residual", "how far "+t.Name+" is from that of the rows with the next "+c.Name, c, residual)
	f.put(pair+".turned", "how many neighbours by "+c.Name+" lie on the wrong side of "+t.Name, c, wrong)
	f.putCount(pair+".place", "the place by "+c.Name+" against the place by "+t.Name, c, place)
	f.putSpan(pair+".room", "the time from "+t.Name+" of the row before by "+c.Name+" to that of the row after", c, room)
	f.put(pair+".between", "where "+t.Name+" lies between those of the rows before and after by "+c.Name, c, between)
}

// around gives the dates of the neighbours, in order, and how many of them lie
// on the wrong side of the row's.
func (s spot) around(t *column, row int) (near []float64, turned int) {
	mine := t.num(row)
	for k := 1; k <= besides; k++ {
		if low, ok := s.before(k); ok {
			near = append(near, t.num(low))
			turned += int(flag(t.num(low) > mine))
		}
		if high, ok := s.after(k); ok {
			near = append(near, t.num(high))
			turned += int(flag(t.num(high) < mine))
		}
	}
	slices.Sort(near)
	return near, turned
}

// ranks are the places of rows by a date among those that count; equal dates
// keep the given order.
func (f *frame) ranks(rows line, t *column) map[int]int {
	sorted := slices.Clone(rows.rows)
	slices.SortStableFunc(sorted, func(a, b int) int { return cmp.Compare(t.num(a), t.num(b)) })
	out := make(map[int]int, len(sorted))
	for row, at := range f.lined(sorted).places() {
		out[row] = at.below
	}
	return out
}
