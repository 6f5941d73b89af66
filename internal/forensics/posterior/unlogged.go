package posterior

import (
	"math"
	"slices"
)

// step is the width of the grid of times at which an unlogged copy may have been
// made, in days.
const step = .5

// chances are how likely a record was in the copy and is contacted.
func chances() []float64 {
	const n = 10
	list := make([]float64, n)
	for i := range list {
		list[i] = 1e-5 * math.Pow(.3/1e-5, float64(i)/(n-1))
	}
	return list
}

// unlogged weighs copies that no log knows: of each of the scopes, at each time.
// Whether a record was in it is not known, only how many were.
func (m *model) unlogged() []theory {
	qs := chances()
	from := m.Since
	n := int(math.Ceil((m.Until - from) / step))
	times := max(n, 1)
	prior := math.Log(priorUnlogged) - math.Log(float64(times*len(m.Scopes)))
	var out []theory
	for _, scope := range m.Scopes {
		in := map[int]bool{}
		for _, s := range scope {
			in[s] = true
		}
		var begins, ends []float64
		for i := range m.Tokens {
			if in[m.Tokens[i].Segment] {
				begins, ends = append(begins, m.Tokens[i].From), append(ends, m.Tokens[i].Until)
			}
		}
		slices.Sort(begins)
		slices.Sort(ends)
		for k := range times {
			at := from + (float64(k)+.5)*step
			live := float64(count(begins, at) - count(ends, at))
			if live <= 0 {
				out = append(out, theory{kind: unlogged, at: at, log: prior})
				continue
			}
			ev := evidence{from: at}
			for i := range m.hits {
				t := &m.Tokens[m.hits[i].token]
				if in[t.Segment] && t.From <= at && at < t.Until && m.hits[i].at > at {
					ev.hits = append(ev.hits, int32(i))
				}
			}
			ev.silent = live - float64(len(ev.hits))
			out = append(out, theory{kind: unlogged, at: at, log: prior + m.integral(&ev, qs)})
		}
	}
	return out
}

// count gives how many are at most x.
func count(sorted []float64, x float64) int {
	n, _ := slices.BinarySearchFunc(sorted, x, func(e, x float64) int {
		if e <= x {
			return -1
		}
		return 1
	})
	return n
}
