package posterior

import "math"

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
	near := best(list, m.most(forgiven))
	m.each(len(near), func(s *scratch, i int) {
		t := &list[near[i]]
		ev := s.together(t.extracts, t.at)
		if s.slip(t, &ev); len(ev.slipped) > 0 {
			t.like = logSum([]float64{math.Log(1-unreliable) + t.like, math.Log(unreliable) + m.likelihood(&ev)})
		}
	})
}

// slip finds the hits that an explanation may have held without a list saying so. It
// is called after together, which marks the hits that it held by one.
func (s *scratch) slip(t *theory, ev *evidence) {
	n, live := 0, 0.
	tick := min(max(int((t.at-s.Since)/step), 0), s.ticks-1)
	for _, e := range t.extracts {
		for _, k := range s.Extracts[e].Held {
			if in := s.Tokens[k].Segment; s.segment[in] != s.calls {
				s.segment[in] = s.calls
				live += s.live[in][tick]
			}
		}
		n += len(s.Extracts[e].Held) + s.Extracts[e].More
	}
	ev.slip = min(missing*float64(n)/max(live-float64(n), 1), missing)
	for i := range s.hits {
		h := &s.hits[i]
		if s.hit[i] != s.calls && h.at > t.at && s.stood(h, t.at) {
			ev.slipped = append(ev.slipped, int32(i))
		}
	}
}

// stood reports whether a token that was hit could be read at a time in the segments
// of this call.
func (s *scratch) stood(h *hit, at Day) bool {
	for _, n := range h.tokens {
		if t := &s.Tokens[n]; t.From <= at && at < t.Until && s.segment[t.Segment] == s.calls {
			return true
		}
	}
	return false
}
