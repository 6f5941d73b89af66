package learn

import (
	"math"
	"math/rand/v2"
)

// Cell is one entry of a sparse row.
type Cell struct {
	At    int
	Value float64
}

// Descent says how a logistic regression is trained.
type Descent struct {
	Width  int     // cells are At < Width
	Rounds int     // passes over the rows
	Rate   float64 // AdaGrad's step
	Ridge  float64 // L2 per step
}

// Line is a logistic regression, trained.
type Line struct {
	weights []float64
	bias    float64
}

// Fit trains on some rows. encode appends a row's cells to a buffer; both
// classes weigh the same in all.
func Fit(rows []int, encode func(row int, into []Cell) []Cell, truth func(row int) bool, how Descent, seed uint64) *Line {
	line := &Line{weights: make([]float64, how.Width)}
	marked := 0
	for _, row := range rows {
		if truth(row) {
			marked++
		}
	}
	if marked == 0 || marked == len(rows) {
		return line
	}
	d := &descent{line: line, how: how, squares: make([]float64, how.Width), sum: make([]float64, how.Width), r: random(seed, 2)}
	d.heavy = float64(len(rows)) / float64(2*marked)
	d.light = float64(len(rows)) / float64(2*(len(rows)-marked))
	order := append([]int(nil), rows...)
	for round := range how.Rounds {
		d.r.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for _, row := range order {
			d.cells = encode(row, d.cells[:0])
			d.step(truth(row))
		}
		if 2*round >= how.Rounds-1 {
			d.remember()
		}
	}
	d.average()
	return line
}

// Score is the log-odds of a row.
//
//go:norace // a hot loop on one goroutine's own data
func (l *Line) Score(cells []Cell) float64 {
	sum := l.bias
	for _, c := range cells {
		sum += l.weights[c.At] * c.Value
	}
	return sum
}

// descent is the state of the training. The result is the mean of the weights
// after each of the later passes, which is steadier than the last.
type descent struct {
	line         *Line
	how          Descent
	squares, sum []float64
	biasSquares  float64
	biasSum      float64
	kept         float64
	heavy, light float64
	cells        []Cell
	r            *rand.Rand
}

//go:norace // a hot loop on one goroutine's own data
func (d *descent) step(marked bool) {
	slope := sigmoid(d.line.Score(d.cells)) * d.light
	if marked {
		slope = (sigmoid(d.line.Score(d.cells)) - 1) * d.heavy
	}
	for _, c := range d.cells {
		g := slope*c.Value + d.how.Ridge*d.line.weights[c.At]
		d.squares[c.At] += g * g
		d.line.weights[c.At] -= d.how.Rate * g / math.Sqrt(d.squares[c.At]+1)
	}
	d.biasSquares += slope * slope
	d.line.bias -= d.how.Rate * slope / math.Sqrt(d.biasSquares+1)
}

func (d *descent) remember() {
	d.kept++
	d.biasSum += d.line.bias
	for i, w := range d.line.weights {
		d.sum[i] += w
	}
}

func (d *descent) average() {
	d.line.bias = d.biasSum / d.kept
	for i := range d.line.weights {
		d.line.weights[i] = d.sum[i] / d.kept
	}
}
