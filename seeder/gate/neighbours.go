package gate

import (
	"context"
	"math"
	"slices"
	"sync"

	"saltmine/seeder/gate/learn"
	"saltmine/seeder/gate/view"
)

// probes is how many canaries, and how many real rows, are compared with all
// others; comparisons bounds the work in a large table.
const (
	probes      = 1000 // canaries
	realProbes  = 8    // times as many real rows, if that is not too much work
	comparisons = 400_000_000
)

// neighbours measures how near each row's nearest neighbour is, by what it
// does and not by who it is. A copy under a new name lies too near its donor,
// if need be with all its dates moved; a row that is made up lies too far from
// everybody.
func (a *arena) neighbours(ctx context.Context) []Attack {
	var worst *Attack
	for _, is := range []func(*view.Feature) bool{behaves, timeless} {
		features := a.where(is)
		if len(features) < 3 {
			continue
		}
		if one := a.neighbour(ctx, features); worst == nil || one.Value > worst.Value {
			worst = &one
		}
	}
	if worst == nil {
		return nil
	}
	return []Attack{*worst}
}

// timeless leaves out when things happened, but not how long after one another.
func timeless(f *view.Feature) bool {
	return behaves(f) && !ends(f, ".day", ".clock")
}

func (a *arena) neighbour(ctx context.Context, features []int) Attack {
	columns := make([][]float32, len(features))
	for i, f := range features {
		columns[i] = a.view.Features[f].Values
	}
	m := learn.Quantise(columns)
	crowd := crowd{rows: flatten(m), width: m.Features()}
	if a.in.Apart {
		crowd.from = a.view.Rows
	}
	n := min(probes, len(a.in.Canaries))
	work := comparisons
	if a.in.Quick {
		work /= 8
	}
	others := max(n, min(realProbes*n, work/a.view.All-n))
	pick := func(rows []int, n int, purpose uint64) []int {
		a.random(purpose).Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		return rows[:min(n, len(rows))]
	}
	yes := crowd.nearest(ctx, pick(a.canaries(), n, 3))
	no := crowd.nearest(ctx, pick(a.people(), others, 4))
	area := learn.AreaOf(yes, no)
	way := "canaries lie farther from all others than real rows do"
	if area.AUC < auc0 {
		way = "canaries lie nearer to another row than real rows do: copies of a donor"
	}
	area.AUC = max(area.AUC, 1-area.AUC)
	const tries = 4 // two sets of features, two directions
	out := a.onArea("nearest neighbour", area, tries)
	if out.Value > a.in.MaxAUC {
		slices.Sort(yes)
		slices.Sort(no)
		show := func(d []float64) string { return view.Plain.Print(float32(d[len(d)/2])) }
		out.Note = way
		out.Tells = []Tell{{Feature: "neighbour", Says: way, Column: "whole row", Alone: area.AUC, Canaries: show(yes), Real: show(no)}}
	}
	return out
}

// flatten brings rows together, as ranks from 1 to 255; 0 is not there.
func flatten(m *learn.Matrix) []uint8 {
	width := m.Features()
	flat := make([]uint8, width*m.Rows())
	for f := range width {
		tops := max(1, len(m.Edges(f)))
		for row, bin := range m.Bins(f) {
			flat[row*width+f] = uint8(int(bin) * 255 / tops) //nolint:gosec // at most 255
		}
	}
	return flat
}

// crowd is rows as ranks, all of one width; those from a place on count.
type crowd struct {
	rows        []uint8
	width, from int
}

// nearest gives each probe's distance to the row that is nearest to it.
func (c crowd) nearest(ctx context.Context, rows []int) []float64 {
	out := make([]float64, len(rows))
	var busy sync.WaitGroup
	const workers = 4
	for w := range workers {
		busy.Go(func() {
			for i := w; i < len(rows) && ctx.Err() == nil; i += workers {
				out[i] = float64(c.distance(rows[i])) / 255
			}
		})
	}
	busy.Wait()
	return out
}

//go:norace // a hot loop on one goroutine's own data
func (c crowd) distance(row int) int {
	mine := c.rows[row*c.width : (row+1)*c.width]
	best := math.MaxInt
	for other := c.from; other*c.width < len(c.rows); other++ {
		if other == row {
			continue
		}
		far := 0
		for f, v := range c.rows[other*c.width : (other+1)*c.width] {
			d := int(v) - int(mine[f])
			far += max(d, -d)
			if far >= best {
				break
			}
		}
		best = min(best, far)
	}
	return best
}
