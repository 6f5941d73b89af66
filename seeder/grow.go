package seeder

import (
	"context"
	"errors"
	"slices"

	"saltmine/seeder/supportdb"
)

// grow puts copies of the lead's new rows behind the canary's own. A row that
// cannot be copied without showing somebody does not come, nor what belongs to it.
func (w *walk) grow(ctx context.Context) error {
	if len(w.fresh) == 0 {
		return nil
	}
	if err := w.r.learn(ctx); err != nil {
		return err
	}
	roots := w.roots()
	for _, root := range roots {
		if err := w.sprout(ctx, root); err != nil && !errors.Is(err, errDonor) {
			return err
		}
	}
	return nil
}

// roots groups the new rows by the topmost of each.
func (w *walk) roots() [][]int {
	of := map[int]int{}
	var out [][]int
	for _, n := range w.fresh {
		at, known := of[w.then.Items[n].Of]
		if !known {
			at = len(out)
			out = append(out, nil)
		}
		of[n] = at
		out[at] = append(out[at], n)
	}
	return out
}

// sprout copies some new rows that hang together.
func (w *walk) sprout(ctx context.Context, rows []int) error {
	part, keep := w.excerpt(rows)
	facts := w.r.s.cfg.Desk.Facts(&w.lead.Image)
	signedUp, _ := w.r.s.signedUp(&w.st.c.image)
	d := &draft{
		donor: part, who: person(&facts), id: w.r.s.identityOf(&w.st.c.image), phone: w.st.c.phoneOf(),
		start: signedUp, end: w.r.now, move: w.dates,
	}
	rng := source([]byte(w.st.c.p.ID), "grow "+w.f.Lead, len(w.st.image.Items))
	if err := w.r.s.compose(ctx, rng, w.r.m.l, d); err != nil {
		return err
	}
	order := w.r.s.cfg.Desk.Order(&part)
	if len(order) != len(d.image.Items) {
		return errDonor
	}
	place := map[int]int{} // number in the canary's image by that in the composed one
	next := len(w.st.image.Items)
	for at, k := range order {
		n := keep[k]
		if own, known := w.own[n]; known {
			place[at] = own
			continue
		}
		place[at] = next
		next++
	}
	for at, k := range order {
		n := keep[k]
		if _, known := w.own[n]; known {
			continue
		}
		it := d.image.Items[at]
		it.Of = place[it.Of]
		for i, v := range it.Row.Values {
			it.Row.Values[i] = moveRefs(v, place)
		}
		w.f.Rows[len(w.st.image.Items)] = rowKey(w.r.s.cfg.Desk.Part(it.Part), &w.then.Items[n].Row)
		w.st.image.Items = append(w.st.image.Items, it)
		w.noteFirst(n)
	}
	for _, n := range rows {
		for at, k := range order {
			if keep[k] == n {
				w.own[n] = place[at]
			}
		}
	}
	return nil
}

// noteFirst notes the date of a new row, by which steps are put in order.
func (w *walk) noteFirst(n int) {
	it := &w.then.Items[n]
	if made, ok := w.r.s.cfg.Desk.DateOf(w.r.s.cfg.Desk.Part(it.Part), &it.Row); ok {
		if at := w.dates(made); w.st.first.IsZero() || at.Before(w.st.first) {
			w.st.first = at
		}
	}
}

// excerpt is the part of the lead's record that new rows need: these rows, and
// those above them. keep gives the numbers that the rows have in the record.
func (w *walk) excerpt(rows []int) (supportdb.Record, []int) {
	want := map[int]bool{w.then.Customer(): true}
	for _, n := range rows {
		for at := n; at >= 0; at = w.then.Items[at].Of {
			want[at] = true
		}
	}
	out := supportdb.Record{Key: w.then.Key}
	numbers := map[int]int{-1: -1}
	var keep []int
	for n, it := range w.then.Items {
		if !want[n] {
			continue
		}
		numbers[n] = len(out.Items)
		it.Of = numbers[it.Of]
		out.Items = append(out.Items, it)
		keep = append(keep, n)
	}
	return out, keep
}

// moveRefs makes references into a composed image references into another.
func moveRefs(v supportdb.Value, place map[int]int) supportdb.Value {
	if v.R != nil {
		return supportdb.Value{R: &supportdb.Ref{Row: place[v.R.Row], Column: v.R.Column}}
	}
	if v.F == nil {
		return v
	}
	out := supportdb.Value{F: slices.Clone(v.F)}
	for i := range out.F {
		out.F[i] = moveRefs(out.F[i], place)
	}
	return out
}
