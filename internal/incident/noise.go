package incident

import (
	"context"
	"fmt"
	"slices"

	"saltmine/internal/baserate"
	"saltmine/internal/canary"
)

// Noise gives for each of some hits how many such contacts a year noise brings to a
// token of its sort, by what was known of the placebos when it came.
func Noise(ctx context.Context, from Rates, hits []canary.Hit) ([]float64, error) {
	if len(hits) == 0 {
		return nil, nil
	}
	byTime := func(a, b canary.Hit) int { return a.At.Compare(b.At) }
	first, last := slices.MinFunc(hits, byTime).At, slices.MaxFunc(hits, byTime).At
	heard, pools := map[canary.Cell]canary.Heard{}, map[canary.Cell]*pool{}
	out := make([]float64, len(hits))
	for i := range hits {
		cell := hits[i].Cell
		if of := poolOf(cell); pools[of] == nil {
			p, err := from.Pooled(ctx, cell.Channel, cell.Kind(), last)
			if err != nil {
				return nil, fmt.Errorf("noise: %w", err)
			}
			pools[of] = newPool(cell.Channel, p)
		}
		h, known := heard[cell]
		if !known {
			var err error
			if h, err = from.Heard(ctx, cell, first); err != nil {
				return nil, fmt.Errorf("noise: %w", err)
			}
			heard[cell] = h
		}
		out[i] = newRated(cell, pools[poolOf(cell)].believed(cell), h.At(hits[i].At)).sober().Mean()
	}
	return out, nil
}

// sober is the rate of noise where one stray source at one token, which is no rate, is
// left out.
func (x *rated) sober() baserate.Rate {
	if x.Same && !x.cell.Spoken() {
		return baserate.Rate{Hits: x.before.Hits, Years: x.before.Years + x.PastYears}
	}
	return x.rate
}
