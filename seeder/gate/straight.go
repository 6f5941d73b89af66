package gate

import (
	"context"
	"math"

	"saltmine/seeder/gate/learn"
	"saltmine/seeder/gate/view"
)

// steps is how many flags a feature is cut into for the logistic regression,
// beside one cell that grows with it and one for "not there".
const steps = 12

func (a *arena) descent(width int) learn.Descent {
	d := learn.Descent{Width: width, Rounds: 8, Rate: 0.05, Ridge: 2e-3}
	if a.in.Quick {
		d.Rounds, d.Rate = d.Rounds/2, 2*d.Rate
	}
	return d
}

// straight is a logistic regression on some features.
func (a *arena) straight(ctx context.Context, features []int) *outcome {
	width := len(features)
	flat := flatten(a.matrix.Pick(features))
	encode := func(row int, into []learn.Cell) []learn.Cell {
		for f, rank := range flat[row*width : (row+1)*width] {
			at := f * (steps + 2)
			if rank == 0 {
				into = append(into, learn.Cell{At: at + steps + 1, Value: 1})
				continue
			}
			step := int(rank-1) * steps / 255
			into = append(into, learn.Cell{At: at + step, Value: 1}, learn.Cell{At: at + steps, Value: float64(rank)/128 - 1})
		}
		return into
	}
	o := a.lines(ctx, encode, width*(steps+2))
	o.tried = features
	return o
}

func (a *arena) lines(ctx context.Context, encode func(int, []learn.Cell) []learn.Cell, width int) *outcome {
	return a.inFolds(ctx, func(fold int, rows []int) (func(int) float64, []float64) {
		line := learn.Fit(rows, encode, a.isCanary, a.descent(width), a.in.Seed+uint64(fold)) //nolint:gosec // small
		var cells []learn.Cell
		return func(row int) float64 {
			cells = encode(row, cells[:0])
			return line.Score(cells)
		}, nil
	})
}

// spellWidth is the size of the table of letters and values.
const (
	spellBits   = 17
	longestSpel = 60 // letters of a text that are looked at
)

// spelling is a logistic regression on the values themselves and on their
// letters, two and three together, each column for itself.
func (a *arena) spelling(ctx context.Context) *outcome {
	cells := make(map[int][]learn.Cell, len(a.panel.rows))
	for _, row := range a.panel.rows {
		cells[row] = a.spell(row)
	}
	o := a.lines(ctx, func(row int, into []learn.Cell) []learn.Cell { return append(into, cells[row]...) }, 1<<spellBits)
	o.tried = a.where(func(f *view.Feature) bool { return f.Group != view.Copies })
	return o
}

func (a *arena) spell(row int) (cells []learn.Cell) {
	for i := range a.view.Words {
		w := &a.view.Words[i]
		text, ok := w.Text(row)
		if !ok {
			cells = append(cells, learn.Cell{At: place(uint64(i), 1), Value: 1})
			continue
		}
		salt := uint64(i)*0x9e3779b97f4a7c15 + 2
		whole := salt
		for _, r := range text {
			whole = (whole ^ uint64(r)) * 0x100000001b3 //nolint:gosec // runes are not below zero
		}
		cells = append(cells, learn.Cell{At: place(whole, 3), Value: 1})
		if w.Spelled {
			cells = spellText(cells, salt, text)
		}
	}
	return cells
}

func spellText(cells []learn.Cell, salt uint64, text string) []learn.Cell {
	from := len(cells)
	x, y := uint64('^'), uint64('^')
	for i, r := range text + "$" {
		if i > longestSpel {
			break
		}
		z := uint64(r) //nolint:gosec // runes are not below zero
		cells = append(cells, learn.Cell{At: place(salt+y<<21+z, 5)}, learn.Cell{At: place(salt+x<<42+y<<21+z, 7)})
		x, y = y, z
	}
	weight := 1 / math.Sqrt(float64(len(cells)-from))
	for i := from; i < len(cells); i++ {
		cells[i].Value = weight
	}
	return cells
}

// place spreads keys over the table.
func place(key, kind uint64) int {
	h := key*0xff51afd7ed558ccd + kind*0xc4ceb9fe1a85ec53
	h = (h ^ h>>31) * 0x94d049bb133111eb
	return int((h ^ h>>29) & (1<<spellBits - 1))
}
