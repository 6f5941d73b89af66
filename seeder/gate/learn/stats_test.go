package learn_test

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"saltmine/seeder/gate/learn"
)

func near(t *testing.T, what string, got, want, by float64) {
	t.Helper()
	if math.Abs(got-want) > by || math.IsNaN(got) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func TestKnownStatistics(t *testing.T) {
	t.Parallel()
	low, high := learn.Wilson(10, 100, 1.96)
	near(t, "Wilson 10 of 100, low", low, .0552, 1e-4)
	near(t, "Wilson 10 of 100, high", high, .1744, 1e-4)
	low, high = learn.Wilson(0, 0, 1.96)
	near(t, "Wilson of nothing", high-low, 1, 0)
	near(t, "the lady who tasted all", learn.Fisher(4, 4, 4, 8), 1.0/70, 1e-9)
	near(t, "the lady who tasted three", learn.Fisher(3, 4, 4, 8), 17.0/70, 1e-9)
	near(t, "at least none", learn.Fisher(0, 4, 4, 8), 1, 1e-9)
	near(t, "quantile", learn.Quantile(.975), 1.959964, 1e-6)
	near(t, "its inverse", learn.Normal(learn.Quantile(.3)), .3, 1e-9)
	near(t, "median", learn.Normal(0), .5, 0)
}

// The area is the share of pairs in which the marked row scores higher.
func TestAreaCountsPairs(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		score := rapid.Float64Range(0, 1)
		if rapid.Bool().Draw(t, "coarse") {
			score = rapid.Custom(func(t *rapid.T) float64 { return float64(rapid.IntRange(0, 4).Draw(t, "level")) })
		}
		yes := rapid.SliceOfN(score, 1, 30).Draw(t, "yes")
		no := rapid.SliceOfN(score, 1, 30).Draw(t, "no")
		won := 0.0
		for _, y := range yes {
			for _, n := range no {
				switch {
				case y > n:
					won++
				case y == n:
					won += .5
				}
			}
		}
		want := won / float64(len(yes)*len(no))
		if got := learn.AreaOf(yes, no).AUC; math.Abs(got-want) > 1e-9 {
			t.Fatalf("%v, want %v", got, want)
		}
	})
}

// The errors are what areas really spread by, with and without a difference.
func TestErrorsOfAreas(t *testing.T) {
	t.Parallel()
	r := dice(1)
	for _, shift := range []float64{0, 1} {
		var areas []float64
		se, se0 := 0.0, 0.0
		const runs = 400
		for range runs {
			var yes, no []float64
			for range 60 {
				yes = append(yes, r.NormFloat64()+shift)
			}
			for range 300 {
				no = append(no, r.NormFloat64())
			}
			a := learn.AreaOf(yes, no)
			areas, se, se0 = append(areas, a.AUC), se+a.SE/runs, se0+a.SE0/runs
		}
		mean, spread := 0.0, 0.0
		for _, a := range areas {
			mean += a / runs
		}
		for _, a := range areas {
			spread += (a - mean) * (a - mean) / runs
		}
		near(t, "area", mean, learn.Normal(shift/math.Sqrt2), .01)
		near(t, "its error", se/math.Sqrt(spread), 1, .12)
		if shift == 0 {
			near(t, "its error by chance", se0/math.Sqrt(spread), 1, .12)
		}
	}
}

func TestBinAreaIsTheArea(t *testing.T) {
	t.Parallel()
	r := dice(2)
	marked, all := make([]int, 10), make([]int, 10)
	var yes, no []float64
	for range 500 {
		b := r.IntN(10)
		all[b]++
		if r.IntN(10) < b {
			marked[b]++
			yes = append(yes, float64(b))
		} else {
			no = append(no, float64(b))
		}
	}
	near(t, "area by bins", learn.BinAUC(marked, all), learn.AreaOf(yes, no).AUC, 1e-9)
	near(t, "nothing marked", learn.BinAUC(make([]int, 10), all), .5, 0)
}

// Folds have scores of their own scale: a fold of higher scores is no evidence.
func TestFoldsAreComparedAlone(t *testing.T) {
	t.Parallel()
	var p learn.Placements
	p.Add([]float64{1, 3}, []float64{2, 2})
	p.Add([]float64{101, 103}, []float64{102, 102})
	near(t, "area", p.Area().AUC, .5, 1e-9)
}

func TestFoldsDealAllRows(t *testing.T) {
	t.Parallel()
	rows := []int{3, 5, 7, 9, 11, 13, 15}
	folds := learn.Folds(rows, 3, 1)
	dealt := slices.Concat(folds...)
	slices.Sort(dealt)
	if !slices.Equal(dealt, rows) || len(folds) != 3 || len(folds[0]) != 3 {
		t.Errorf("%v", folds)
	}
}

// Ties must not favour the rows that come last, which are canaries.
func TestHighestBreaksTiesByLot(t *testing.T) {
	t.Parallel()
	scores := make([]float64, 1000)
	scores[17] = 1
	sum := 0
	picked := learn.Highest(scores, 101, 1)
	for _, i := range picked[1:] {
		sum += i
	}
	if picked[0] != 17 || sum < 35_000 || sum > 65_000 {
		t.Errorf("first %d, the others at %d on average", picked[0], sum/100)
	}
}

func TestCoarseBinsKeepTheOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.Custom(func(t *rapid.T) float32 {
			if rapid.IntRange(0, 9).Draw(t, "gone") == 0 {
				return float32(math.NaN())
			}
			return float32(rapid.IntRange(0, 500).Draw(t, "value"))
		})
		col := rapid.SliceOfN(value, 1, 800).Draw(t, "column")
		most := rapid.IntRange(1, 70).Draw(t, "bins")
		fine := learn.Quantise([][]float32{col})
		coarse := fine.Coarse(most)
		if n := len(coarse.Edges(0)); n > most || !slices.IsSorted(coarse.Edges(0)) {
			t.Fatalf("%d bins of %d at most: %v", n, most, coarse.Edges(0))
		}
		for i, b := range coarse.Bins(0) {
			if (b == 0) != (fine.Bins(0)[i] == 0) || int(b) > len(coarse.Edges(0)) {
				t.Fatalf("value %v in bin %d", col[i], b)
			}
			if b > 0 && col[i] > coarse.Edges(0)[b-1] || b > 1 && col[i] <= coarse.Edges(0)[b-2] {
				t.Fatalf("value %v in bin %d of %v", col[i], b, coarse.Edges(0))
			}
		}
	})
}
