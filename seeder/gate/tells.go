package gate

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"saltmine/seeder/gate/learn"
	"saltmine/seeder/gate/view"
)

// mostTells is how many tells an attack names, mostOfColumn how many of them
// about one column.
const (
	mostTells    = 6
	mostOfColumn = 2
)

// tells names the features that gave a learner most, the worst first.
func (a *arena) tells(o *outcome) []Tell {
	order := slices.Clone(o.tried)
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(o.gain[j], o.gain[i]) })
	total := 0.0
	for _, g := range o.gain {
		total += g
	}
	var out []Tell
	for _, f := range order {
		if o.gain[f] <= total/50 {
			break
		}
		out = a.addTell(out, f)
	}
	return out
}

// loudest names the features that tell most alone, of some.
func (a *arena) loudest(features []int) (out []Tell) {
	type loud struct {
		feature int
		off     float64
	}
	all := make([]loud, 0, len(features))
	for _, f := range features {
		auc, part := a.alone(f)
		all = append(all, loud{f, math.Abs(auc-auc0) * math.Sqrt(part)})
	}
	slices.SortStableFunc(all, func(x, y loud) int { return cmp.Compare(y.off, x.off) })
	for _, l := range all {
		if l.off <= (a.in.MaxAUC-auc0)/2 {
			break
		}
		out = a.addTell(out, l.feature)
	}
	return out
}

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

// tell describes a feature.
func (a *arena) tell(feature int) Tell {
	f := &a.view.Features[feature]
	auc, _ := a.alone(feature)
	return Tell{
		Feature: f.Name, Says: f.Says, Column: f.Column, Alone: max(auc, 1-auc),
		Canaries: usual(f, len(a.in.Real), a.view.Rows), Real: usual(f, 0, len(a.in.Real)),
	}
}

// alone is the AUC of a feature among the rows that have it, greater numbers
// being canaries, and the part of the canaries that have it. That a row lacks a
// number is told by the column that is NULL, and not by all that follows from it.
func (a *arena) alone(feature int) (auc, part float64) {
	marked, all := make([]int, 256), make([]int, 256)
	for row, bin := range a.matrix.Bins(feature) {
		all[bin]++
		if a.isCanary(row) {
			marked[bin]++
		}
	}
	part = 1 - float64(marked[0])/float64(len(a.in.Canaries))
	return learn.BinAUC(marked[1:], all[1:]), part
}

// usual is the median of a feature in some rows, or the share of ones.
func usual(f *view.Feature, from, to int) string {
	values := slices.DeleteFunc(slices.Clone(f.Values[from:to]), func(v float32) bool { return math.IsNaN(float64(v)) })
	if len(values) == 0 {
		return "none"
	}
	ones := 0
	for _, v := range values {
		if v == 1 {
			ones++
		}
	}
	if !slices.ContainsFunc(values, func(v float32) bool { return v != 0 && v != 1 }) {
		return fmt.Sprintf("%.1f %%", 100*float64(ones)/float64(len(values)))
	}
	slices.Sort(values)
	return f.Scale.Print(values[len(values)/2])
}
