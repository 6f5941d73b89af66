package posterior

import (
	"math"
)

// step is the width of the grid of times at which an unlogged copy may have been
// made, in days.
const step = .5

// closely is of how many of these copies the whole integral is taken.
const closely = 300

// unnumbered is a set of hits that is not empty and has no number.
const unnumbered = -1

// unlogged weighs copies that no log knows: of each of the scopes, at each time.
// Whether a record was in it is not known, only how many were.
func (m *model) unlogged() []theory {
	prior := math.Log(priorUnlogged) - math.Log(float64(m.ticks*len(m.Scopes)))
	out := make([]theory, m.ticks*len(m.Scopes))
	evs := make([]evidence, len(out))
	m.each(len(m.Scopes), func(s *scratch, i int) { s.copies(m.Scopes[i], evs[i*m.ticks:(i+1)*m.ticks]) })
	m.each(len(out), func(_ *scratch, i int) {
		ev := &evs[i]
		out[i] = theory{kind: unlogged, at: ev.from, prior: prior}
		if len(ev.hits) > 0 {
			out[i].set = unnumbered
		}
		if ev.silent > 0 || len(ev.hits) > 0 {
			out[i].like = m.rough(ev)
		}
	})
	near := best(out, m.most(closely))
	m.each(len(near), func(_ *scratch, i int) { out[near[i]].like = m.integral(&evs[near[i]], m.copies) })
	return out
}

// copies gives what copies of some segments have to explain, at each step of time.
func (s *scratch) copies(scope []int, evs []evidence) {
	s.entered++
	for _, in := range scope {
		s.segment[in] = s.entered
		for k, n := range s.live[in] {
			evs[k].silent += n
		}
	}
	for k := range evs {
		evs[k].from = s.Since + (float64(k)+.5)*step
	}
	for i := range s.hits {
		h, n := &s.hits[i], int32(i)
		until := min(s.tick(h.at), len(evs))
		for _, t := range h.tokens {
			t := &s.Tokens[t]
			if s.segment[t.Segment] != s.entered {
				continue
			}
			for k := s.tick(t.From); k < min(until, s.tick(t.Until)); k++ {
				if list := evs[k].hits; len(list) == 0 || list[len(list)-1] != n {
					evs[k].hits = append(list, n)
				}
			}
		}
	}
	for k := range evs {
		evs[k].silent = max(evs[k].silent-float64(len(evs[k].hits)), 0)
	}
}

// count counts the tokens of each segment that could be read at each time.
func (m *model) count() {
	m.ticks = max(int(math.Ceil((m.Until-m.Since)/step)), 1)
	for i := range m.Tokens {
		m.segments = max(m.segments, m.Tokens[i].Segment+1)
	}
	for _, scope := range m.Scopes {
		for _, s := range scope {
			m.segments = max(m.segments, s+1)
		}
	}
	m.live = make([][]float64, m.segments)
	for s := range m.live {
		m.live[s] = make([]float64, m.ticks)
	}
	for i := range m.Tokens {
		t := &m.Tokens[i]
		if k := m.tick(t.From); k < m.ticks {
			m.live[t.Segment][k]++
		}
		if k := m.tick(t.Until); k < m.ticks {
			m.live[t.Segment][k]--
		}
	}
	for _, c := range m.live {
		for k := 1; k < len(c); k++ {
			c[k] += c[k-1]
		}
	}
}

// tick is the first point of the grid of times that is not before a time.
func (m *model) tick(at Day) int {
	return max(int(math.Ceil((at-m.Since)/step-.5)), 0)
}
