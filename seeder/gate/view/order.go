package view

import (
	"math"
	"slices"
)

// Numbers that a database hands out grow with the dates of their rows. A row
// that was inserted today under an old date lies in the wrong place.

const (
	besides  = 4   // rows looked at on either side
	inOrder  = 0.8 // rank correlation that makes a pair worth looking at
	trialMax = 4000
)

// orders compares every number with every date that grows with it.
func (f *frame) orders() {
	for _, c := range f.cols {
		if c.joined || c.nums == nil || c.Kind == Time {
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

// follows tells whether a date mostly grows along an order of rows.
func (f *frame) follows(order []int, t *column) bool {
	var times []float64
	step := max(1, len(order)/trialMax)
	for i := 0; i < len(order); i += step {
		if v := t.num(order[i]); !math.IsNaN(v) {
			times = append(times, v)
		}
	}
	return len(times) >= 20 && math.Abs(rankCorrelation(times)) > inOrder
}

// rankCorrelation of values with their places.
func rankCorrelation(values []float64) float64 {
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case values[a] < values[b]:
			return -1
		case values[a] > values[b]:
			return 1
		default:
			return 0
		}
	})
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
	residual, wrong, place := f.blank(), f.blank(), f.blank()
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
	}
	pair := c.Name + "." + t.Name
	f.putSpan(pair+".residual", "how far "+t.Name+" is from that of the rows with the next "+c.Name, c, residual)
	f.put(pair+".turned", "how many neighbours by "+c.Name+" lie on the wrong side of "+t.Name, c, wrong)
	f.putCount(pair+".place", "the place by "+c.Name+" against the place by "+t.Name, c, place)
}

// ranks are the places of rows by a date; equal dates keep the given order.
func ranks(rows []int, t *column) map[int]int {
	sorted := slices.Clone(rows)
	slices.SortStableFunc(sorted, func(a, b int) int {
		switch x, y := t.num(a), t.num(b); {
		case x < y:
			return -1
		case x > y:
			return 1
		default:
			return 0
		}
	})
	out := make(map[int]int, len(sorted))
	for i, row := range sorted {
		out[row] = i
	}
	return out
}
