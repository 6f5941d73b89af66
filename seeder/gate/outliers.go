package gate

import (
	"context"
	"fmt"
	"math"

	"saltmine/seeder/gate/learn"
	"saltmine/seeder/gate/view"
)

// The isolation forest, and where its precision is measured: the top 1 %, or
// as much more as leastExpected canaries need to be expected there by chance.
const (
	isolators     = 100
	isolated      = 256
	top           = 0.01
	mostTop       = 0.2
	leastExpected = 10
)

// forest is an isolation forest's view of the rows.
type forest struct {
	on     string
	scores []float64
	among  []int // features
}

// outliers looks for canaries among the rows that are most alone: on all
// features, on the columns, on each part. The trees are grown on real rows: in
// an extract canaries are too rare to be at home, in a sample of the table they
// may be many.
func (a *arena) outliers(ctx context.Context) []Attack {
	var forests []forest
	look := func(on string, is func(*view.Feature) bool) {
		if among := a.where(is); len(among) > 1 && ctx.Err() == nil {
			forests = append(forests, forest{on, a.lonely(among), among})
		}
	}
	look("everything derived", anything)
	look("columns", core)
	look("behaviour", behaves)
	for _, g := range view.Groups() {
		look(string(g), func(f *view.Feature) bool { return f.Group == g })
	}
	var bins [][]uint8
	for f := range a.view.Features {
		bins = append(bins, a.coarse.Bins(f))
	}
	ranks := learn.Isolate(bins, len(a.in.Real), isolators, isolated, a.in.Seed).Scores(bins)
	forests = append(forests, forest{"ranks", ranks, a.where(anything)})
	return []Attack{a.worstForest(forests)}
}

func (a *arena) lonely(among []int) []float64 {
	columns := make([][]float32, len(among))
	for i, f := range among {
		columns[i] = a.view.Features[f].Values[:a.view.Rows]
	}
	return learn.Isolate(columns, len(a.in.Real), isolators, isolated, a.in.Seed).Scores(columns)
}

// worstForest judges the forest whose loneliest rows hold most canaries: which
// it is, one half of the rows says, how many they are, the other.
func (a *arena) worstForest(forests []forest) Attack {
	canaries, rows := len(a.in.Canaries), a.view.Rows
	part := min(mostTop, max(top, leastExpected/float64(canaries)))
	k := int(math.Ceil(part * float64(rows)))
	h := a.halve()
	var found, picked, worst [2]int
	var best [2]int
	for i, f := range forests {
		var canary, all [2]int
		for _, row := range learn.Highest(f.scores, k, a.in.Seed) {
			all[h.half[row]]++
			if a.isCanary(row) {
				canary[h.half[row]]++
			}
		}
		for half := range 2 {
			if i == 0 || canary[half] > best[half] {
				best[half], worst[half] = canary[half], i
				found[half], picked[half] = canary[1-half], all[1-half]
			}
		}
	}
	n, of := found[0]+found[1], picked[0]+picked[1]
	base := float64(canaries) / float64(rows)
	low, high := learn.Wilson(n, of, z95)
	out := Attack{
		Name: "isolation forest", Measure: liftMeasure, Limit: LimitLift,
		Value: float64(n) / float64(of) / base, Low: low / base, High: high / base,
		Note: fmt.Sprintf("precision in the %.0f %% of rows that are most alone, by the worst of %d forests (%s)", 100*part, len(forests), forests[worst[0]].on),
	}
	switch {
	case out.Value > LimitLift && learn.Fisher(n, of, canaries, rows) < chance:
		out.Verdict, out.Tells = Failed, a.loudest(forests[worst[0]].among)
	case out.Value > LimitLift || part*float64(canaries) < leastExpected-1:
		out.Verdict, out.Need = TooFew, max(canaries+1, int(math.Ceil(leastExpected/mostTop)))
	default:
		out.Verdict = Held
	}
	return out
}
