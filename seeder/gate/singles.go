package gate

import (
	"context"
	"fmt"

	"saltmine/seeder/gate/learn"
)

// singles measures features alone: the most telling one of each half of the
// rows, either way round, is measured on the other half.
func (a *arena) singles(context.Context) []Attack {
	if len(a.view.Features) == 0 {
		return nil
	}
	h := a.halve()
	var placed learn.Placements
	for half := range 2 {
		feature, turned := a.mostTelling(h, half)
		yes, no := a.valuesOf(h, 1-half, feature, turned)
		placed.Add(yes, no)
	}
	out := a.onArea("the most telling single feature", placed.Area(), 1)
	out.Note = fmt.Sprintf("of %d, found on one half of the rows and measured on the other", len(a.view.Features))
	if out.Value > a.in.MaxAUC {
		out.Tells = a.loudest(a.where(anything))
	}
	return []Attack{out}
}

// mostTelling finds the feature that tells most in a half; turned: less is more.
func (a *arena) mostTelling(h *halves, half int) (feature int, turned bool) {
	best := 0.0
	for f := range a.view.Features {
		t := a.tally(h, f)
		v := learn.BinAUC(t.canaries[half][:], t.rows[half][:])
		if off := max(v, 1-v); off > best {
			feature, turned, best = f, v < auc0, off
		}
	}
	return feature, turned
}

func (a *arena) valuesOf(h *halves, half, feature int, turned bool) (yes, no []float64) {
	for row, bin := range a.matrix.Bins(feature) {
		v := float64(bin)
		if turned {
			v = -v
		}
		switch {
		case int(h.half[row]) != half:
		case a.isCanary(row):
			yes = append(yes, v)
		default:
			no = append(no, v)
		}
	}
	return yes, no
}
