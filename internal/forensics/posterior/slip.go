package posterior

import (
	"math"
	"slices"
)

// A list of what an extract held is as good as the log it was made from: rows are
// written while a report runs, replicas are behind, what a statement returned is
// worked out afterwards. So an explanation may also hold, of what could be read then
// in the same segments, some that its lists do not have. Without that a hit which
// nobody listed would accuse whoever else held it. How many faults lists have is learnt
// from those that are nearly the same, see [model.trust].

// weigh weighs an explanation, as if its lists might have faults.
func (s *scratch) weigh(t *theory, by func(*evidence) float64) float64 {
	ev := s.together(t.extracts, t.at)
	like := by(&ev)
	if s.unreliable < negligible {
		return like
	}
	if s.slip(t, &ev); len(ev.slipped) == 0 {
		return like
	}
	return logSum([]float64{math.Log1p(-s.unreliable) + like, math.Log(s.unreliable) + by(&ev)})
}

// negligible is how improbable faults are where nobody looks for them.
const negligible = 1e-6

// slip finds the hits that an explanation may have held without a list saying so. It
// is called after together, which marks the hits that it held by one.
func (s *scratch) slip(t *theory, ev *evidence) {
	if !slices.ContainsFunc(t.extracts, func(e int32) bool { return !s.Extracts[e].Whole }) {
		return
	}
	p := map[int32]float64{}
	var order []int32
	held := s.calls
	for _, e := range t.extracts {
		x := &s.Extracts[e]
		if x.Whole {
			continue
		}
		s.enter(e)
		n := float64(len(x.Held) + x.More)
		for i := range s.hits {
			h := &s.hits[i]
			if s.hit[i] == held || h.at <= t.at || !s.stood(h, x.At) {
				continue
			}
			i := int32(i)
			if p[i] == 0 {
				order = append(order, i)
			}
			p[i] = max(p[i], min(max(s.missing*n/max(s.pool-n, 1), s.larger(e, i)), s.missing), s.sibling(e, i))
		}
	}
	slices.Sort(order)
	for _, i := range order {
		ev.slipped = append(ev.slipped, slipped{i, p[i]})
	}
}

// enter marks the segments of what an extract held, and counts what could be read in
// them.
func (s *scratch) enter(e int32) {
	s.entered++
	s.pool = 0
	tick := s.step(s.Extracts[e].At)
	for _, in := range s.within[e] {
		s.segment[in] = s.entered
		s.pool += s.live[in][tick]
	}
}

// step is the step of time that a moment lies in.
func (m *model) step(at Day) int { return min(max(int((at-m.Since)/step), 0), m.ticks-1) }

// stood reports whether a token that was hit could be read at a time in the segments
// that were entered.
func (s *scratch) stood(h *hit, at Day) bool {
	for _, n := range h.tokens {
		if t := &s.Tokens[n]; t.From <= at && at < t.Until && s.segment[t.Segment] == s.entered {
			return true
		}
	}
	return false
}

// divide finds the segments of what the extracts held that explain something.
func (m *model) divide() {
	m.sisters = map[int32][]sister{}
	for e := range m.Extracts {
		x := &m.Extracts[e]
		if m.fits[e] == 0 || x.Whole {
			continue
		}
		if m.lists = true; x.More == 0 {
			m.explaining = append(m.explaining, int32(e))
		}
	}
	if !m.lists {
		return
	}
	m.within = make([][]int32, len(m.Extracts))
	m.each(len(m.Extracts), func(s *scratch, e int) {
		if m.fits[e] == 0 || m.Extracts[e].Whole {
			return
		}
		s.entered++
		for _, k := range m.Extracts[e].Held {
			if in := m.Tokens[k].Segment; s.segment[in] != s.entered {
				s.segment[in] = s.entered
				m.within[e] = append(m.within[e], int32(in)) //nolint:gosec // an index
			}
		}
	})
}

// Of what a list lacks, others tell: somebody else's extract that is nearly the same is
// probably of the same report, and has what this one lacks by a fault. One that has
// nearly all of what this one held, and much more, may be of a wider report: then what
// the list lacks is one of those that it has more.
const (
	alikeness = .7
	met       = 60   // so many of the best explanations are looked at so,
	longList  = 2000 // if their lists are not longer
)

// sister is another extract that has nearly all of what one held.
type sister struct {
	extract int32
	same    bool    // each has nearly all of the other's
	p       float64 // where not: how likely each of those that it has more was held
}

// meet finds the sisters of the extracts of the best explanations, and weighs these
// again.
func (m *model) meet(list []theory) {
	if m.unreliable < negligible {
		return
	}
	near := best(list, m.most(met))
	var alone []int32
	for _, i := range near {
		for _, e := range list[i].extracts {
			if x := &m.Extracts[e]; m.sisters[e] == nil && 0 < len(x.Held) && len(x.Held) <= longList && x.More == 0 && !x.Whole {
				m.sisters[e] = []sister{}
				alone = append(alone, e)
			}
		}
	}
	found := make([][]sister, len(alone))
	m.each(len(alone), func(s *scratch, i int) { found[i] = s.siblings(alone[i]) })
	for i, e := range alone {
		m.sisters[e] = found[i]
	}
	m.each(len(near), func(s *scratch, i int) { list[near[i]].like = s.weigh(&list[near[i]], m.likelihood) })
}

func (s *scratch) siblings(e int32) []sister {
	out := []sister{}
	held := s.Extracts[e].Held
	n := float64(len(held))
	for _, o := range s.explaining {
		y := s.Extracts[o].Held
		if o == e || !looksAlike(held, y) {
			continue
		}
		if _, same := s.alike(e, o); same {
			out = append(out, sister{extract: o, same: true})
		} else if both := float64(common(held, y)); both >= alikeness*n {
			out = append(out, sister{extract: o, p: s.missing * n / max(float64(len(y))-both, 1)})
		}
	}
	return out
}

// looksAlike looks up a few of one list in another: of lists that are alike hardly ever
// so few are in both.
func looksAlike(a, b []int32) bool {
	n := 0
	for i := range few {
		if _, both := slices.BinarySearch(b, a[i*len(a)/few]); both {
			n++
		}
	}
	return n >= min(least, len(a))
}

const few, least = 8, 3

// larger is how likely an extract held a hit, by those wider ones that did.
func (s *scratch) larger(e, hit int32) (p float64) {
	for _, o := range s.sisters[e] {
		if !o.same && s.lists(o.extract, hit) {
			p = max(p, o.p)
		}
	}
	return p
}

// besides is how likely an extract of the same report holds what one does not.
const besides = .1

// sibling is how likely an extract held a hit that its list lacks, by those of the same
// report: the more of them have it, of those made when it stood, the likelier the report
// has it.
func (s *scratch) sibling(e, hit int32) float64 {
	odds, some := s.missing, false
	for _, o := range s.sisters[e] {
		switch {
		case !o.same:
		case s.lists(o.extract, hit):
			odds, some = odds*(1-s.missing)/besides, true
		case slices.ContainsFunc(s.hits[hit].tokens, func(t int) bool { return s.readable(int32(t), s.Extracts[o.extract].At) }): //nolint:gosec // an index
			odds *= s.missing / (1 - besides)
		}
	}
	if !some {
		return 0
	}
	return odds / (1 + odds)
}

// lists reports whether an extract's list has a hit.
func (s *scratch) lists(e, hit int32) bool {
	_, has := slices.BinarySearch(s.sets[s.has[e]], hit)
	return has
}

// common counts what is in both of two ascending lists.
func common(a, b []int32) (n int) {
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0] < b[0]:
			a = a[1:]
		case a[0] > b[0]:
			b = b[1:]
		default:
			n++
			a, b = a[1:], b[1:]
		}
	}
	return n
}
