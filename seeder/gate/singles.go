package gate

import (
	"context"
	"fmt"
	"slices"

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
	out := attackOnArea("the most telling single feature", placed.Area(), 1)
	out.Note = fmt.Sprintf("of %d, found on one half of the rows and measured on the other", len(a.view.Features))
	if out.Value > LimitAUC {
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

// loudest names the features that tell most alone, of some.
func (a *arena) loudest(features []int) (out []Tell) {
	type loud struct {
		feature int
		auc     float64
	}
	all := make([]loud, 0, len(features))
	for _, f := range features {
		v := a.alone(f)
		all = append(all, loud{f, max(v, 1-v)})
	}
	slices.SortStableFunc(all, func(x, y loud) int { return compare(y.auc, x.auc) })
	for _, l := range all {
		if l.auc <= LimitAUC-0.02 {
			break
		}
		out = a.addTell(out, l.feature)
	}
	return out
}

// mostTells is how many tells an attack names, mostOfColumn how many of them
// about one column.
const (
	mostTells    = 6
	mostOfColumn = 2
)

// addTell adds a tell unless its column, or the attack, has enough of them.
func (a *arena) addTell(tells []Tell, feature int) []Tell {
	n := 0
	for _, t := range tells {
		if t.Column == a.view.Features[feature].Column {
			n++
		}
	}
	if len(tells) >= mostTells || n >= mostOfColumn {
		return tells
	}
	return append(tells, a.tell(feature))
}
