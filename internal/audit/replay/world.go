package replay

import (
	"maps"

	"saltmine/internal/audit/maybe"
)

// rowOf is a row of a canary.
type rowOf struct {
	table int
	key   string
}

// maxWorlds bounds in how many ways the rows of one canary may have stood together.
const maxWorlds = 16

// inWorlds is the verdict on a canary some of whose rows changed about when the
// statement ran: which version it met is not known, but it met one of them. What
// holds of each is sure.
func (r *Replayer) inWorlds(q *query, one *run, doubt bool) maybe.Truth {
	verdict := r.verdict(q, one, doubt)
	if verdict != maybe.Either || doubt {
		return verdict
	}
	worlds := one.worlds()
	if worlds == nil {
		return verdict
	}
	var all maybe.Truth
	for _, w := range worlds {
		in := *one
		in.world, in.overflow = w, false
		all |= r.verdict(q, &in, doubt)
	}
	return all
}

// worlds are the ways in which rows stood together that surely stood all the time
// and changed; nil where no row did, or too many.
func (r *run) worlds() []map[rowOf]int {
	list := []map[rowOf]int{{}}
	for t, versions := range r.book.rows[r.canary] {
		for from := 0; from < len(versions); {
			to := from + 1
			for to < len(versions) && versions[to].key == versions[from].key {
				to++
			}
			choices := r.choices(versions, from, to)
			if len(choices)*len(list) > maxWorlds {
				return nil
			}
			if len(choices) > 1 {
				list = crossed(list, rowOf{t, versions[from].key}, choices)
			}
			from = to
		}
	}
	if len(list) == 1 {
		return nil
	}
	return list
}

func crossed(list []map[rowOf]int, at rowOf, choices []int) (out []map[rowOf]int) {
	for _, w := range list {
		for _, i := range choices {
			next := maps.Clone(w)
			next[at] = i
			out = append(out, next)
		}
	}
	return out
}

// choices are the versions of a row of which one stood at the moment of the run; none
// where there may have been none.
func (r *run) choices(versions []version, from, to int) (list []int) {
	for i := from; i < to; i++ {
		if w := &versions[i].window; !w.Never() && overlaps(w, r.saw) {
			list = append(list, i)
		}
	}
	if len(list) < 2 {
		return nil
	}
	for k, i := range list[1:] {
		if versions[list[k]].window.Until != versions[i].window.From {
			return nil
		}
	}
	first, last := &versions[list[0]].window, &versions[list[len(list)-1]].window
	began := first.From.Come() && !r.saw.Earliest.Before(first.From.Latest)
	if !began || !last.Until.IsZero() && !r.saw.Latest.Before(last.Until.Earliest) {
		return nil
	}
	return list
}
