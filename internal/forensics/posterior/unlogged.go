package posterior

import (
	"cmp"
	"math"
	"slices"
)

// step is the width of the grid of times at which an unlogged copy may have been
// made, in days.
const step = .5

// chances are how likely a record was in the copy and is contacted: the shares that
// are tried of known extracts, so that neither of the two fits by its numbers alone,
// and lower ones, as a copy may have had but a few of the records.
func (m *model) chances() []float64 {
	return append(ladder(1e-5, .001, 5), m.shares...)
}

// closely is of how many of these copies the whole integral is taken.
const closely = 300

// unlogged weighs copies that no log knows: of each of the scopes, at each time.
// Whether a record was in it is not known, only how many were.
func (m *model) unlogged() []theory {
	qs := m.chances()
	prior := math.Log(priorUnlogged) - math.Log(float64(m.ticks*len(m.Scopes)))
	quick, few := m.quick(), []float64{qs[0], qs[3], qs[6], qs[10], qs[14]}
	out := make([]theory, 0, m.ticks*len(m.Scopes))
	evs := make([]evidence, 0, cap(out))
	var explain []int
	for _, scope := range m.Scopes {
		in := map[int]bool{}
		for _, s := range scope {
			in[s] = true
		}
		for k := range m.ticks {
			ev := m.copied(in, k)
			t := theory{kind: unlogged, at: ev.from, log: prior}
			if ev.silent > 0 || len(ev.hits) > 0 {
				t.log += quick.integral(&ev, few)
			}
			if len(ev.hits) > 0 {
				explain = append(explain, len(out))
			}
			out, evs = append(out, t), append(evs, ev)
		}
	}
	slices.SortStableFunc(explain, func(a, b int) int { return cmp.Compare(out[b].log, out[a].log) })
	for _, i := range explain[:min(len(explain), closely)] {
		out[i].log = prior + m.integral(&evs[i], qs)
	}
	return out
}

// copied is what a copy of some segments at a time has to explain.
func (m *model) copied(in map[int]bool, tick int) evidence {
	ev := evidence{from: m.Since + (float64(tick)+.5)*step}
	for s := range in { // sums of whole numbers: in any order
		ev.silent += m.live[s][tick]
	}
	for i := range m.hits {
		if m.hits[i].at > ev.from && m.stood(&m.hits[i], ev.from, in) {
			ev.hits = append(ev.hits, int32(i))
		}
	}
	ev.silent = max(ev.silent-float64(len(ev.hits)), 0)
	return ev
}

// stood reports whether a token that was hit could be read at a time in some segments.
func (m *model) stood(h *hit, at Day, in map[int]bool) bool {
	return slices.ContainsFunc(h.tokens, func(n int) bool {
		t := &m.Tokens[n]
		return t.From <= at && at < t.Until && in[t.Segment]
	})
}

// count counts the tokens of each segment that could be read at each time.
func (m *model) count() {
	m.ticks = max(int(math.Ceil((m.Until-m.Since)/step)), 1)
	times := m.ticks
	changes := map[int][]float64{}
	for i := range m.Tokens {
		t := &m.Tokens[i]
		c := changes[t.Segment]
		if c == nil {
			c = make([]float64, times)
			changes[t.Segment] = c
		}
		if k := m.tick(t.From); k < times {
			c[k]++
		}
		if k := m.tick(t.Until); k < times {
			c[k]--
		}
	}
	for _, c := range changes {
		for k := 1; k < times; k++ {
			c[k] += c[k-1]
		}
	}
	for _, scope := range m.Scopes {
		for _, s := range scope {
			if changes[s] == nil {
				changes[s] = make([]float64, times)
			}
		}
	}
	m.live = changes
}

// tick is the first point of the grid of times that is not before a time.
func (m *model) tick(at Day) int {
	return max(int(math.Ceil((at-m.Since)/step-.5)), 0)
}
