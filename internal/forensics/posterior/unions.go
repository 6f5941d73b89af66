package posterior

import (
	"cmp"
	"math"
	"slices"
)

// unions weighs all that one actor took. The records are sold when the last is
// taken, so contacts before that are not explained.
func (m *model) unions() []theory {
	of := m.byActor()
	weights := make([]float64, len(of))
	for a, list := range of {
		if len(list) < 2 {
			continue
		}
		var rows float64
		for _, e := range list {
			rows += m.Extracts[e].Rows
		}
		weights[a] = ActorWorth(rows)
		m.allActors += weights[a]
	}
	for _, o := range m.Others {
		m.allActors += o.Actors
	}
	found := make([][]theory, len(of))
	evs := make([][]evidence, len(of))
	m.each(len(of), func(s *scratch, a int) {
		if len(of[a]) < 2 {
			return
		}
		ends := s.ends(of[a])
		evs[a] = s.beginnings(of[a], ends)
		for k, n := range ends {
			t := theory{kind: union, extracts: of[a][:n], at: evs[a][k].from, prior: math.Log(priorUnion * weights[a] / m.allActors / float64(len(ends)))}
			t.like = m.rough(&evs[a][k])
			found[a] = append(found[a], t)
		}
	})
	list, all := slices.Concat(found...), slices.Concat(evs...)
	for i := range list {
		list[i].set = m.set(slices.Clone(all[i].hits))
	}
	near := best(list, m.most(exactly))
	for i := range list {
		if list[i].set == 0 {
			near = append(near, i)
		}
	}
	m.each(len(near), func(_ *scratch, i int) { list[near[i]].like = m.likelihood(&all[near[i]]) })
	return list
}

// byActor gives each actor's extracts, in their order of time.
func (m *model) byActor() [][]int32 {
	count := make([]int, m.actors)
	for e := range m.Extracts {
		count[m.Extracts[e].Actor]++
	}
	of, room := make([][]int32, m.actors), make([]int32, len(m.Extracts))
	for a, n := range count {
		of[a], room = room[:0:n], room[n:]
	}
	for e := range m.Extracts {
		a := m.Extracts[e].Actor
		of[a] = append(of[a], int32(e))
	}
	m.each(len(of), func(_ *scratch, a int) {
		slices.SortFunc(of[a], func(x, y int32) int {
			return cmp.Or(cmp.Compare(m.Extracts[x].At, m.Extracts[y].At), cmp.Compare(x, y))
		})
	})
	return of
}

// mostEnds is how many beginnings of what one actor took are weighed, with the whole.
const mostEnds = 8

// ends gives up to how many of an actor's extracts, in their order of time, are
// weighed as one leak: all of them, and those before each contact, for who goes on
// working after the sale has more by then.
func (s *scratch) ends(list []int32) (out []int) {
	s.calls++
	var times []Day
	last := int32(-1)
	for _, e := range list {
		set := s.has[e]
		if set == last {
			continue
		}
		last = set
		for _, h := range s.sets[set] {
			if s.hit[h] != s.calls {
				s.hit[h] = s.calls
				times = append(times, s.hits[h].at)
			}
		}
	}
	slices.Sort(times)
	for _, at := range times {
		n, _ := slices.BinarySearchFunc(list, at, func(e int32, at Day) int { return cmp.Compare(s.Extracts[e].At, at) })
		if n > 1 && n < len(list) {
			out = append(out, n)
		}
	}
	if out = slices.Compact(out); len(out) >= mostEnds {
		few := make([]int, 0, mostEnds)
		for i := range mostEnds - 1 {
			few = append(few, out[i*len(out)/(mostEnds-1)])
		}
		out = few
	}
	return append(out, len(list))
}

// beginnings gives what the first so many of an actor's extracts have to explain.
func (s *scratch) beginnings(list []int32, ends []int) []evidence {
	s.calls++
	out := make([]evidence, 0, len(ends))
	held, from := 0, 0
	var hits []int32
	for _, n := range ends {
		for _, e := range list[from:n] {
			held, hits = s.add(e, held, hits)
		}
		from = n
		at := s.Extracts[list[n-1]].At
		ev := evidence{from: at, hits: s.after(hits, at)}
		slices.Sort(ev.hits)
		ev.silent = float64(max(min(held, len(s.Tokens))-len(ev.hits), 0))
		out = append(out, ev)
	}
	return out
}

// add counts what an extract held that no other of this call did, with the hits.
func (s *scratch) add(e int32, held int, hits []int32) (int, []int32) {
	x := &s.Extracts[e]
	held += x.More
	for _, t := range x.Held {
		if s.token[t] != s.calls {
			s.token[t] = s.calls
			held++
		}
	}
	for _, h := range s.sets[s.has[e]] {
		if s.hit[h] != s.calls {
			s.hit[h] = s.calls
			hits = append(hits, h)
		}
	}
	return held, hits
}

// together gives what several extracts that were sold at one time have to explain. It
// is good until the next call.
func (s *scratch) together(list []int32, at Day) evidence {
	s.calls++
	held, hits := 0, s.room[:0]
	for _, e := range list {
		held, hits = s.add(e, held, hits)
	}
	s.room = hits
	n := 0
	for _, h := range hits {
		if s.hits[h].at > at {
			hits[n] = h
			n++
		}
	}
	ev := evidence{from: at, hits: hits[:n]}
	slices.Sort(ev.hits)
	ev.silent = float64(max(min(held, len(s.Tokens))-n, 0))
	return ev
}
