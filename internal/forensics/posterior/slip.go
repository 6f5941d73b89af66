package posterior

import (
	"math"
	"slices"
)

// A list of what an extract held is as good as the log it was made from: rows are
// written while a report runs, replicas are behind, what a statement returned is
// worked out afterwards. So an explanation may also hold, of what could be read then
// in the same segments, some that its lists do not have. Without that a hit which
// nobody listed would accuse whoever else held it.
const (
	unreliable = .35 // how probable it is that the lists have faults,
	missing    = .12
)

// weigh weighs an explanation, as if its lists might have faults.
func (s *scratch) weigh(t *theory, by func(*evidence) float64) float64 {
	ev := s.together(t.extracts, t.at)
	like := by(&ev)
	if s.slip(t, &ev); len(ev.slipped) == 0 {
		return like
	}
	return logSum([]float64{math.Log(1-unreliable) + like, math.Log(unreliable) + by(&ev)})
}

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
			p[i] = max(p[i], missing*n/max(s.pool-n, 1), s.sibling(e, i))
		}
	}
	slices.Sort(order)
	for _, i := range order {
		ev.slipped = append(ev.slipped, slipped{i, min(p[i], missing)})
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
	lists := false
	for e := range m.Extracts {
		x := &m.Extracts[e]
		if lists = lists || m.fits[e] != 0 && !x.Whole; m.fits[e] != 0 && x.More == 0 && !x.Whole {
			m.explaining = append(m.explaining, int32(e))
		}
	}
	if !lists {
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

// Somebody else's extract that has nearly all of what one held is probably of the same
// report: then what the list lacks is not anything that could be read, but one of the
// few that the other has more.
const (
	alikeness = .7
	met       = 60   // so many of the best explanations are looked at so,
	longList  = 2000 // if their lists are not longer
)

// sister is another extract that is probably of the same report, and how likely each
// of those that it has more was held.
type sister struct {
	extract int32
	p       float64
}

// meet finds the sisters of the extracts of the best explanations, and weighs these
// again.
func (m *model) meet(list []theory) {
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
		if o == e || float64(len(y)) < alikeness*n || !looksAlike(held, y) {
			continue
		}
		if both := float64(common(held, y)); both >= alikeness*n {
			out = append(out, sister{o, missing * n / max(float64(len(y))-both, 1)})
		}
	}
	return out
}

// looksAlike looks up a few of one list in another: of lists that are alike hardly ever
// so few are in both.
func looksAlike(a, b []int32) bool {
	const few, least = 8, 3
	n := 0
	for i := range few {
		if _, both := slices.BinarySearch(b, a[i*len(a)/few]); both {
			n++
		}
	}
	return n >= min(least, len(a))
}

// sibling is how likely an extract held a hit, by its sisters that did.
func (s *scratch) sibling(e, hit int32) (p float64) {
	for _, o := range s.sisters[e] {
		if _, has := slices.BinarySearch(s.sets[s.has[o.extract]], hit); has {
			p = max(p, o.p)
		}
	}
	return p
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
