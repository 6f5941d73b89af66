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
func (f *frame) follows(order []int, t *column) bool {
	var times []float64
	step := max(1, len(order)/trialMax)
	for i := 0; i < len(order); i += step {
		if v := t.num(order[i]); !math.IsNaN(v) {
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
func (f *frame) order(c, t *column, order []int) {
	dated := slices.DeleteFunc(slices.Clone(order), func(row int) bool { return math.IsNaN(t.num(row)) })
	residual, wrong, place, room, between := f.blank(), f.blank(), f.blank(), f.blank(), f.blank()
	byDate := ranks(dated, t)
	for i, row := range dated {
		near := make([]float64, 0, 2*besides)
		turned := 0
		for j := max(0, i-besides); j <= min(len(dated)-1, i+besides); j++ {
			if j == i {
				continue
			}
			near = append(near, t.num(dated[j]))
			if (j < i) == (t.num(dated[j]) > t.num(row)) && t.num(dated[j]) != t.num(row) {
				turned++
			}
		}
		slices.Sort(near)
		if len(near) > 0 {
			residual[row] = float32(signedLog(t.num(row) - (near[(len(near)-1)/2]+near[len(near)/2])/2))
		}
		wrong[row] = float32(turned)
		place[row] = float32(signedLog(float64(i - byDate[row])))
		if i > 0 && i+1 < len(dated) {
			before, after := t.num(dated[i-1]), t.num(dated[i+1])
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

// ranks are the places of rows by a date; equal dates keep the given order.
func ranks(rows []int, t *column) map[int]int {
	sorted := slices.Clone(rows)
	slices.SortStableFunc(sorted, func(a, b int) int { return cmp.Compare(t.num(a), t.num(b)) })
	out := make(map[int]int, len(sorted))
	for i, row := range sorted {
		out[row] = i
	}
	return out
}
