package learn

import "math/rand/v2"

// Boosting says how trees are grown. Every field is needed.
type Boosting struct {
	Trees   int
	Depth   int     // splits from the root to a leaf
	Rate    float64 // shrinkage of each tree
	Rows    float64 // share of the rows drawn for each tree
	Columns int     // features drawn for each tree
	Ridge   float64 // L2 on leaf values, in rows
	MinLeaf float64 // least curvature in a leaf, in rows of p = 1/2
}

// Trees are boosted trees, trained.
type Trees struct {
	trees []tree
	rate  float64
	gain  []float64
}

// Boost trains on some rows; truth says which rows are of the class looked
// for, by row. Both classes weigh the same in all.
func Boost(m *Matrix, rows []int, truth func(row int) bool, how Boosting, seed uint64) *Trees {
	g := newGrower(m, rows, truth, how)
	t := &Trees{rate: how.Rate, gain: g.gain}
	if g.oneClass {
		return t
	}
	r := random(seed, 1)
	for range how.Trees {
		t.trees = append(t.trees, g.grow(r))
	}
	return t
}

// Score is the log-odds of a row.
func (t *Trees) Score(m *Matrix, row int) float64 {
	sum := 0.0
	for i := range t.trees {
		sum += t.trees[i].at(m.cols, row)
	}
	return sum * t.rate
}

// Gain says by feature how much of the loss its splits took away.
func (t *Trees) Gain() []float64 { return t.gain }

// tree is a complete binary tree in an array: the children of i are 2i+1 and
// 2i+2. A feature below zero marks a leaf.
type tree struct{ nodes []node }

type node struct {
	feature int
	bin     uint8 // rows with a bin at most this go left
	value   float64
}

//go:norace // a hot loop on one goroutine's own data
func (t *tree) at(cols [][]uint8, row int) float64 {
	i := 0
	for t.nodes[i].feature >= 0 {
		n := &t.nodes[i]
		i = 2*i + 1
		if cols[n.feature][row] > n.bin {
			i++
		}
	}
	return t.nodes[i].value
}

// sums are gradients and curvatures in a bin.
type sums struct{ g, h float64 }

// grower holds what outlives a tree.
type grower struct {
	m        *Matrix
	how      Boosting
	rows     []int
	target   []float64 // 1 or 0
	weight   []float64
	score    []float64
	grad     []sums
	gain     []float64
	local    [][]uint8 // the cells of the rows alone, side by side
	near     []sums    // gradients in the order of a node's rows
	cells    [2][256]sums
	drawn    []int // features of this tree
	order    []int // features, shuffled anew for each tree
	oneClass bool
}

func newGrower(m *Matrix, rows []int, truth func(int) bool, how Boosting) *grower {
	g := &grower{
		m: m, how: how, rows: rows, target: make([]float64, len(rows)), weight: make([]float64, len(rows)),
		score: make([]float64, len(rows)), grad: make([]sums, len(rows)), gain: make([]float64, m.Features()),
		near: make([]sums, len(rows)), order: make([]int, m.Features()), local: make([][]uint8, m.Features()),
	}
	for f, col := range m.cols {
		g.local[f] = make([]uint8, len(rows))
		for i, row := range rows {
			g.local[f][i] = col[row]
		}
	}
	marked := 0
	for i, row := range rows {
		if truth(row) {
			g.target[i] = 1
			marked++
		}
	}
	g.oneClass = marked == 0 || marked == len(rows) || m.Features() == 0
	for i := range rows {
		of := len(rows) - marked
		if g.target[i] == 1 {
			of = marked
		}
		g.weight[i] = float64(len(rows)) / float64(2*max(of, 1))
	}
	for i := range g.order {
		g.order[i] = i
	}
	return g
}

// grow makes one tree and adds it to the scores.
func (g *grower) grow(r *rand.Rand) tree {
	at := make([]int, 0, len(g.rows))
	for i := range g.rows {
		p := sigmoid(g.score[i])
		g.grad[i] = sums{(p - g.target[i]) * g.weight[i], p * (1 - p) * g.weight[i]}
		if r.Float64() < g.how.Rows {
			at = append(at, i)
		}
	}
	r.Shuffle(len(g.order), func(i, j int) { g.order[i], g.order[j] = g.order[j], g.order[i] })
	g.drawn = g.order[:min(g.how.Columns, len(g.order))]
	t := tree{nodes: make([]node, 1<<(g.how.Depth+1)-1)}
	g.split(&t, 0, 0, at)
	for i := range g.rows {
		g.score[i] += g.how.Rate * t.at(g.local, i)
	}
	return t
}

// split makes node i of the rows at, and everything below it.
func (g *grower) split(t *tree, i, depth int, at []int) {
	var all sums
	for _, k := range at {
		all.g += g.grad[k].g
		all.h += g.grad[k].h
	}
	t.nodes[i] = node{feature: -1, value: -all.g / (all.h + g.how.Ridge/4)}
	if depth == g.how.Depth || len(at) < 2 {
		return
	}
	feature, bin, gain := g.best(at, all)
	if gain <= 0 {
		return
	}
	g.gain[feature] += gain
	t.nodes[i].feature, t.nodes[i].bin = feature, bin
	cut := g.part(at, feature, bin)
	g.split(t, 2*i+1, depth+1, at[:cut])
	g.split(t, 2*i+2, depth+1, at[cut:])
}

// part brings the rows that go left to the front.
func (g *grower) part(at []int, feature int, bin uint8) int {
	col, cut := g.local[feature], 0
	for j, k := range at {
		if col[k] <= bin {
			at[cut], at[j] = k, at[cut]
			cut++
		}
	}
	return cut
}

// best finds the split that takes most of the loss away.
func (g *grower) best(at []int, all sums) (feature int, bin uint8, gain float64) {
	for j, k := range at {
		g.near[j] = g.grad[k]
	}
	for d := 0; d < len(g.drawn); d += 2 {
		pair := g.drawn[d:min(d+2, len(g.drawn))]
		g.fill(pair, at)
		for i, f := range pair {
			if b, got := g.cut(&g.cells[i], len(g.m.edges[f]), all); got > gain {
				feature, bin, gain = f, b, got
			}
		}
	}
	return feature, bin, gain
}

// cut finds the best place to cut one feature.
//
//go:norace // a hot loop on one goroutine's own data
func (g *grower) cut(cells *[256]sums, bins int, all sums) (bin uint8, gain float64) {
	ridge, least := g.how.Ridge/4, g.how.MinLeaf/4
	whole := all.g * all.g / (all.h + ridge)
	var left sums
	for b := range bins {
		cell := cells[uint8(b)]
		left.g += cell.g
		left.h += cell.h
		right := all.h - left.h
		if cell.h == 0 || left.h < least || right < least {
			continue
		}
		other := all.g - left.g
		if got := left.g*left.g/(left.h+ridge) + other*other/(right+ridge) - whole; got > gain {
			bin, gain = uint8(b), got
		}
	}
	return bin, gain
}

// fill adds up one feature, or two side by side: their additions do not wait
// for one another.
//
//go:norace // a hot loop on one goroutine's own data
func (g *grower) fill(features, at []int) {
	one, two := &g.cells[0], &g.cells[1]
	clear(one[:])
	clear(two[:])
	a := g.local[features[0]]
	b := g.local[features[len(features)-1]]
	for j, k := range at {
		n := &g.near[j]
		x, y := &one[a[k]], &two[b[k]]
		x.g += n.g
		y.g += n.g
		x.h += n.h
		y.h += n.h
	}
}
