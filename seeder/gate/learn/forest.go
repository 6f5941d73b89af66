package learn

import (
	"math"
	"math/rand/v2"
)

// Level is what an isolation forest can cut: a value, or the bin of one.
type Level interface{ ~float32 | ~uint8 }

// Forest is an isolation forest: it scores rows by how few random cuts part
// them from the others. It learns without labels.
type Forest[T Level] struct {
	trees []isolator[T]
	size  int
}

type isolator[T Level] struct{ cuts []cut[T] }

// cut is a node; leaves have a feature below zero and hold what is left.
type cut[T Level] struct {
	feature     int
	at          T
	left, right int
	depth       float64
}

// Isolate grows trees on samples of size of the first n rows. NaN counts as the
// least value.
func Isolate[T Level](columns [][]T, n, trees, size int, seed uint64) *Forest[T] {
	if len(columns) == 0 {
		n = 0
	}
	f := &Forest[T]{trees: make([]isolator[T], trees), size: min(size, n)}
	if n == 0 {
		return f
	}
	deepest := int(math.Ceil(math.Log2(float64(max(f.size, 2)))))
	each(trees, func(i int) {
		r := random(seed, uint64(i)+1000) //nolint:gosec // a small number
		sample := make([]int, f.size)
		for j := range sample {
			sample[j] = r.IntN(n)
		}
		g := isolating[T]{columns: columns, deepest: deepest, r: r}
		g.grow(sample, 0)
		f.trees[i] = isolator[T]{g.cuts}
	})
	return f
}

// Scores gives every row's score: higher is more alone.
func (f *Forest[T]) Scores(columns [][]T) []float64 {
	if len(columns) == 0 {
		return nil
	}
	scores := make([]float64, len(columns[0]))
	const block = 4096
	each((len(scores)+block-1)/block, func(b int) {
		for row := b * block; row < min((b+1)*block, len(scores)); row++ {
			deep := 0.0
			for i := range f.trees {
				deep += f.trees[i].depth(columns, row)
			}
			scores[row] = math.Exp2(-deep / float64(len(f.trees)) / unsuccessful(f.size))
		}
	})
	return scores
}

func (t *isolator[T]) depth(columns [][]T, row int) float64 {
	i := 0
	for t.cuts[i].feature >= 0 {
		if c := &t.cuts[i]; columns[c.feature][row] >= c.at {
			i = c.right
		} else {
			i = c.left
		}
	}
	return t.cuts[i].depth
}

type isolating[T Level] struct {
	columns [][]T
	deepest int
	r       *rand.Rand
	cuts    []cut[T]
}

// grow returns the place of the node that it made.
func (g *isolating[T]) grow(rows []int, depth int) int {
	at := len(g.cuts)
	g.cuts = append(g.cuts, cut[T]{feature: -1, depth: float64(depth) + unsuccessful(len(rows))})
	if depth >= g.deepest || len(rows) < 2 {
		return at
	}
	feature, value, ok := g.choose(rows)
	if !ok {
		return at
	}
	left := 0
	for j, row := range rows {
		if v := g.columns[feature][row]; v < value || v != v { // NaN goes left
			rows[left], rows[j] = row, rows[left]
			left++
		}
	}
	low := g.grow(rows[:left], depth+1)
	high := g.grow(rows[left:], depth+1)
	g.cuts[at] = cut[T]{feature: feature, at: value, left: low, right: high}
	return at
}

// choose draws a feature that differs among the rows, and where to cut it.
func (g *isolating[T]) choose(rows []int) (feature int, value T, ok bool) {
	for range 12 {
		f := g.r.IntN(len(g.columns))
		low, high, seen := T(0), T(0), false
		for _, row := range rows {
			v := g.columns[f][row]
			if v != v {
				continue
			}
			if !seen {
				low, high, seen = v, v, true
			}
			low, high = min(low, v), max(high, v)
		}
		// Never the least value itself, so that both sides have rows.
		if v := T(float64(high) - float64(high-low)*g.r.Float64()); v > low {
			return f, v, true
		}
		if high > low {
			return f, high, true
		}
	}
	return 0, 0, false
}

// unsuccessful is the mean depth of a search that fails in a random binary
// tree of n rows.
func unsuccessful(n int) float64 {
	if n < 2 {
		return 0
	}
	if n == 2 {
		return 1
	}
	m := float64(n)
	return 2*(math.Log(m-1)+0.5772156649015329) - 2*(m-1)/m
}
