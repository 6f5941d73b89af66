package learn_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"saltmine/seeder/gate/learn"
)

func dice(n uint64) *rand.Rand { return rand.New(rand.NewPCG(n, n)) }

func how() learn.Boosting {
	return learn.Boosting{Trees: 60, Depth: 4, Rate: 0.1, Rows: 0.7, Columns: 6, Ridge: 2, MinLeaf: 4}
}

// world makes columns of noise and a truth, by a rule on the first columns.
func world(seed uint64, rows, columns int, truth func(r *rand.Rand, x []float32) bool) ([][]float32, []bool) {
	r := dice(seed)
	cols := make([][]float32, columns)
	for c := range cols {
		cols[c] = make([]float32, rows)
	}
	marked := make([]bool, rows)
	x := make([]float32, columns)
	for i := range rows {
		for c := range cols {
			x[c] = float32(r.NormFloat64())
			cols[c][i] = x[c]
		}
		marked[i] = truth(r, x)
	}
	return cols, marked
}

// held trains on the first half of the rows and measures on the second.
func held(marked []bool, train func(rows []int) func(row int) float64) learn.Area {
	half := len(marked) / 2
	rows := make([]int, half)
	for i := range rows {
		rows[i] = i
	}
	score := train(rows)
	var yes, no []float64
	for i := half; i < len(marked); i++ {
		if marked[i] {
			yes = append(yes, score(i))
		} else {
			no = append(no, score(i))
		}
	}
	return learn.AreaOf(yes, no)
}

func boosted(cols [][]float32, marked []bool) learn.Area {
	m := learn.Quantise(cols)
	return held(marked, func(rows []int) func(int) float64 {
		trees := learn.Boost(m, rows, func(i int) bool { return marked[i] }, how(), 1)
		return func(i int) float64 { return trees.Score(m, i) }
	})
}

func straight(cols [][]float32, marked []bool) learn.Area {
	encode := func(row int, into []learn.Cell) []learn.Cell {
		for c := range cols {
			into = append(into, learn.Cell{At: c, Value: float64(cols[c][row])})
		}
		return into
	}
	return held(marked, func(rows []int) func(int) float64 {
		line := learn.Fit(rows, encode, func(i int) bool { return marked[i] }, learn.Descent{Width: len(cols), Rounds: 8, Rate: 0.1, Ridge: 1e-4}, 1)
		return func(i int) float64 { return line.Score(encode(i, nil)) }
	})
}

func TestLearnersOnKnownCases(t *testing.T) {
	t.Parallel()
	separable := func(_ *rand.Rand, x []float32) bool { return x[0]+x[1] > 1 }
	noise := func(r *rand.Rand, _ []float32) bool { return r.IntN(4) == 0 }
	xor := func(_ *rand.Rand, x []float32) bool { return (x[0] > 0) != (x[1] > 0) }
	// Logistic in x0 with slope 1: the best possible area is that of x0 alone.
	gentle := func(r *rand.Rand, x []float32) bool { return r.Float64() < 1/(1+math.Exp(-float64(x[0])+1.5)) }
	for name, c := range map[string]struct {
		rule                  func(*rand.Rand, []float32) bool
		trees, line           float64 // at least
		treesAtMost, lineMost float64
	}{
		"separable": {separable, .985, .99, 1, 1},
		"noise":     {noise, .46, .46, .54, .54},
		"xor":       {xor, .97, .44, 1, .56}, // no line parts it
		"gentle":    {gentle, .70, .715, .80, .80},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cols, marked := world(7, 6000, 10, c.rule)
			if got := boosted(cols, marked).AUC; got < c.trees || got > c.treesAtMost {
				t.Errorf("trees: %.3f, want %.2f to %.2f", got, c.trees, c.treesAtMost)
			}
			if got := straight(cols, marked).AUC; got < c.line || got > c.lineMost {
				t.Errorf("line: %.3f, want %.2f to %.2f", got, c.line, c.lineMost)
			}
		})
	}
}

func TestTreesSeeWhatIsMissing(t *testing.T) {
	t.Parallel()
	r := dice(3)
	cols, marked := world(4, 4000, 4, func(r *rand.Rand, _ []float32) bool { return r.IntN(5) == 0 })
	for i := range marked {
		if marked[i] && r.IntN(10) < 8 {
			cols[2][i] = float32(math.NaN())
		}
	}
	if got := boosted(cols, marked).AUC; got < .88 {
		t.Errorf("area %.3f of rows known by what they lack, want .88", got)
	}
	m := learn.Quantise(cols)
	rows := make([]int, m.Rows())
	for i := range rows {
		rows[i] = i
	}
	gain := learn.Boost(m, rows, func(i int) bool { return marked[i] }, how(), 1).Gain()
	if best := slices.Index(gain, slices.Max(gain)); best != 2 {
		t.Errorf("gains %v: the third feature gives all away", gain)
	}
}

func TestOneClassSaysNothing(t *testing.T) {
	t.Parallel()
	cols, _ := world(5, 100, 2, func(*rand.Rand, []float32) bool { return false })
	if got := boosted(cols, make([]bool, 100)); got.AUC != .5 {
		t.Errorf("%+v", got)
	}
	if got := straight(cols, make([]bool, 100)); got.AUC != .5 {
		t.Errorf("%+v", got)
	}
}

func TestBinsKeepFrequentValuesApart(t *testing.T) {
	t.Parallel()
	r := dice(6)
	col := make([]float32, 10_000)
	for i := range col {
		switch r.IntN(4) {
		case 0:
			col[i] = 0
		case 1:
			col[i] = 7
		case 2:
			col[i] = float32(math.NaN())
		default:
			col[i] = r.Float32() * 20
		}
	}
	m := learn.Quantise([][]float32{col})
	of := map[uint8][2]float32{}
	for i, b := range m.Bins(0) {
		if (b == 0) != (col[i] != col[i]) {
			t.Fatalf("value %v in bin %d", col[i], b)
		}
		if b == 0 {
			continue
		}
		span, seen := of[b]
		if !seen {
			span = [2]float32{col[i], col[i]}
		}
		of[b] = [2]float32{min(span[0], col[i]), max(span[1], col[i])}
	}
	for b, span := range of {
		if (span[0] < 7 && span[1] > 7) || (span[0] == 7 && span[1] != 7) || (span[0] == 0 && span[1] != 0) {
			t.Errorf("bin %d holds %v to %v", b, span[0], span[1])
		}
	}
	if n := len(of); n < 200 || n > 254 {
		t.Errorf("%d bins", n)
	}
}

func TestBinsOfFewValuesAreTheValues(t *testing.T) {
	t.Parallel()
	m := learn.Quantise([][]float32{{3, 1, 2, 2, 1, 9}, {5, 5, 5, 5, 5, 5}})
	if got := m.Bins(0); !slices.Equal(got, []uint8{3, 1, 2, 2, 1, 4}) {
		t.Errorf("bins %v", got)
	}
	if got := m.Edges(0); !slices.Equal(got, []float32{1, 2, 3, 9}) {
		t.Errorf("edges %v", got)
	}
	if got := m.Pick([]int{1}); got.Features() != 1 || got.Rows() != 6 || got.Edges(0)[0] != 5 {
		t.Errorf("picked %+v", got)
	}
}

func TestForestFindsTheLonely(t *testing.T) {
	t.Parallel()
	cols, _ := world(8, 5000, 4, func(*rand.Rand, []float32) bool { return false })
	for i := range 50 {
		for c := range cols {
			cols[c][i] += float32(6 - 12*(i>>c&1)) // away from the others, and from one another
		}
	}
	f := learn.Isolate(cols, 5000, 100, 256, 1)
	scores := f.Scores(cols)
	found := 0
	for _, i := range learn.Highest(scores, 50, 1) {
		if i < 50 {
			found++
		}
	}
	if found < 48 {
		t.Errorf("%d of 50 lonely rows among the 50 highest scores", found)
	}
	if area := learn.AreaOf(scores[50:2500], scores[2500:]); math.Abs(area.AUC-.5) > 4*area.SE0 {
		t.Errorf("rows like all others: %+v", area)
	}
}

func TestSameSeedSameNumbers(t *testing.T) {
	t.Parallel()
	cols, marked := world(9, 1000, 5, func(_ *rand.Rand, x []float32) bool { return x[0] > .5 })
	if a, b := boosted(cols, marked), boosted(cols, marked); a != b {
		t.Errorf("%+v and %+v", a, b)
	}
	a, b := learn.Isolate(cols, 1000, 20, 64, 1).Scores(cols), learn.Isolate(cols, 1000, 20, 64, 1).Scores(cols)
	if !slices.Equal(a, b) {
		t.Error("two forests of one seed differ")
	}
}

func BenchmarkBoost(b *testing.B) {
	cols, marked := world(9, 8800, 250, func(r *rand.Rand, _ []float32) bool { return r.IntN(11) == 0 })
	m := learn.Quantise(cols).Coarse(64)
	rows := make([]int, m.Rows())
	for i := range rows {
		rows[i] = i
	}
	for b.Loop() {
		learn.Boost(m, rows, func(i int) bool { return marked[i] }, learn.Boosting{Trees: 100, Depth: 4, Rate: 0.1, Rows: 0.6, Columns: 75, Ridge: 2, MinLeaf: 4}, 1)
	}
}
