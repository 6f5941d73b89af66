package posterior

import (
	"cmp"
	"math"
	"slices"
)

// A list of what an extract held is as good as the log it was made from: rows are
// written while a report runs, replicas are behind, what a statement returned is
// worked out afterwards. So an explanation may also hold, of what could be read then
// in the same segments, some that its lists do not have. Without that a hit which
// nobody listed would accuse whoever else held it.
const (
	unreliable = .2 // how probable it is that the lists have faults,
	missing    = .12
	forgiven   = 300 // so many of the best explanations are looked at so
)

// forgive weighs the best explanations again, as if their lists might have faults.
func (m *model) forgive(list []theory) {
	best := make([]int, 0, len(list))
	for i := range list {
		if len(list[i].extracts) > 0 && !math.IsInf(list[i].log, -1) && m.explains(&list[i]) {
			best = append(best, i)
		}
	}
	slices.SortStableFunc(best, func(a, b int) int { return cmp.Compare(list[b].log, list[a].log) })
	for _, i := range best[:min(len(best), forgiven)] {
		t := &list[i]
		ev := m.together(t.extracts, t.at)
		exact := m.likelihood(ev)
		if m.slip(t, ev); len(ev.slipped) == 0 {
			continue
		}
		loose := m.likelihood(ev)
		t.log += logSum([]float64{math.Log(1-unreliable) + exact, math.Log(unreliable) + loose}) - exact
	}
}

// explains reports whether any extract of a theory held something that was hit.
func (m *model) explains(t *theory) bool {
	return slices.ContainsFunc(t.extracts, func(e int) bool { return len(m.has[e]) > 0 })
}

// slip finds the hits that an explanation may have held without a list saying so.
func (m *model) slip(t *theory, ev *evidence) {
	held := map[int32]bool{}
	in := map[int]bool{}
	n := 0
	for _, e := range t.extracts {
		for _, k := range m.Extracts[e].Held {
			in[m.Tokens[k].Segment] = true
		}
		for _, h := range m.has[e] {
			held[h] = true
		}
		n += len(m.Extracts[e].Held) + m.Extracts[e].More
	}
	live := 0.
	tick := min(max(int((t.at-m.Since)/step), 0), m.ticks-1)
	for s := range in { // sums of whole numbers: in any order
		live += m.live[s][tick]
	}
	ev.slip = min(missing*float64(n)/max(live-float64(n), 1), missing)
	for i := range m.hits {
		h := &m.hits[i]
		if !held[int32(i)] && h.at > t.at && m.stood(h, t.at, in) {
			ev.slipped = append(ev.slipped, int32(i))
		}
	}
}
