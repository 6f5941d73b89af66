package gate

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"saltmine/seeder/gate/learn"
	"saltmine/seeder/gate/view"
)

// rules tries what a careful reader would. A rule gives canaries away when
// they break it oftener than twice as often as real rows, which is no chance.
func (a *arena) rules(context.Context) []Attack {
	out := Attack{Name: "rules of a careful reader", Measure: liftMeasure, Limit: LimitLift, Value: 1, Low: 0, High: 1, Verdict: Held}
	out.Note = fmt.Sprintf("%d rules that some row breaks", len(a.view.Checks))
	type broken struct {
		tell Tell
		low  float64
	}
	var bad []broken
	for i := range a.view.Checks {
		c := &a.view.Checks[i]
		k, n := a.breaks(c)
		base := float64(len(a.in.Canaries)) / float64(a.view.Rows)
		lift := float64(k) / float64(max(n, 1)) / base
		if k == 0 || lift <= LimitLift {
			continue
		}
		never := chance / float64(max(1, len(a.view.Checks)))
		if learn.Fisher(k, n, len(a.in.Canaries), a.view.Rows) > never {
			continue
		}
		low, high := learn.Wilson(k, n, z95)
		bad = append(bad, broken{Tell{Feature: c.Name, Says: c.Name, Column: c.Name, Canaries: share(k, len(a.in.Canaries)), Real: share(n-k, len(a.in.Real))}, low / base})
		if lift > out.Value {
			out.Value, out.Low, out.High = lift, low/base, high/base
		}
	}
	slices.SortStableFunc(bad, func(x, y broken) int { return cmp.Compare(y.low, x.low) })
	for _, b := range bad {
		out.Verdict = Failed
		out.Tells = append(out.Tells, b.tell)
	}
	return []Attack{out}
}

func (a *arena) breaks(c *view.Check) (canaries, rows int) {
	for row, hit := range c.Hits {
		if hit {
			rows++
			if a.isCanary(row) {
				canaries++
			}
		}
	}
	return canaries, rows
}

// share prints a part of rows.
func share(k, n int) string {
	p := 100 * float64(k) / float64(max(n, 1))
	digits := 1
	if p > 0 && p < 0.1 {
		digits = int(math.Ceil(-math.Log10(p))) + 1
	}
	return fmt.Sprintf("%d (%.*f %%)", k, digits, p)
}
