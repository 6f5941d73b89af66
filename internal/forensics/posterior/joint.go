package posterior

import (
	"cmp"
	"math"
	"slices"
)

// unions weighs all that one actor took. The records are sold when the last is
// taken, so contacts before that are not explained.
func (m *model) unions() []theory {
	of := map[int][]int{}
	for e := range m.Extracts {
		of[m.Extracts[e].Actor] = append(of[m.Extracts[e].Actor], e)
	}
	actors := make([]int, 0, len(of))
	var total float64
	weight := map[int]float64{}
	for a, list := range of {
		if len(list) < 2 {
			continue
		}
		actors = append(actors, a)
		slices.SortFunc(list, func(a, b int) int { return cmp.Or(cmp.Compare(m.Extracts[a].At, m.Extracts[b].At), cmp.Compare(a, b)) })
	}
	slices.Sort(actors)
	for _, a := range actors {
		var rows float64
		for _, e := range of[a] {
			rows += m.Extracts[e].Rows
		}
		weight[a] = math.Sqrt(max(rows, 1))
		total += weight[a]
	}
	var out []theory
	for _, a := range actors {
		at := m.Extracts[of[a][len(of[a])-1]].At
		ev := m.together(of[a], at)
		out = append(out, theory{kind: union, extracts: of[a], at: at, log: math.Log(priorUnion*weight[a]/total) + m.likelihood(ev)})
	}
	return out
}

// together gives what several extracts that were sold at one time have to explain.
func (m *model) together(list []int, at Day) *evidence {
	held := map[int32]bool{}
	for _, e := range list {
		for _, t := range m.Extracts[e].Held {
			held[t] = true
		}
	}
	ev := &evidence{from: at}
	for t := range held {
		if h := m.of[t]; h >= 0 && m.hits[h].at > at {
			ev.hits = append(ev.hits, h)
		}
	}
	slices.Sort(ev.hits)
	ev.silent = float64(len(held) - len(ev.hits))
	return ev
}

const (
	sameActor = .1 // of the prior of pairs: that both are one actor's
	pairsOf   = 40 // best singles that pairs are made of
	triplesOf = 8  // best pairs that are extended
)

// several weighs pairs and triples of extracts.
func (m *model) several(singles []theory) []theory {
	best := slices.Clone(singles)
	slices.SortFunc(best, func(a, b theory) int {
		return cmp.Or(cmp.Compare(b.log, a.log), cmp.Compare(a.extracts[0], b.extracts[0]))
	})
	best = best[:min(len(best), pairsOf)]
	sets := map[int]map[int32]bool{}
	for _, s := range best {
		set := map[int32]bool{}
		for _, h := range m.held(s.extracts[0]) {
			if m.hits[h].at > s.at {
				set[h] = true
			}
		}
		sets[s.extracts[0]] = set
	}
	pairs := m.pairs(best, sets)
	return append(pairs, m.triples(pairs, best, sets)...)
}

// pairs weighs pairs of which neither explains all that the other does, the best first.
func (m *model) pairs(best []theory, sets map[int]map[int32]bool) []theory {
	same, other := m.chancesOfPairs()
	var out []theory
	for i := range best {
		for j := range i {
			a, b := best[j].extracts[0], best[i].extracts[0]
			if nested(sets[a], sets[b]) || nested(sets[b], sets[a]) {
				continue
			}
			chance := priorPair * (1 - sameActor) / other
			if m.Extracts[a].Actor == m.Extracts[b].Actor {
				chance = priorPair * sameActor / same
			}
			out = append(out, m.joint([]int{a, b}, math.Log(chance*m.weight(a)*m.weight(b))))
		}
	}
	slices.SortStableFunc(out, func(a, b theory) int { return cmp.Compare(b.log, a.log) })
	return out
}

// chancesOfPairs are the weights of all pairs of one actor's and of two actors'.
func (m *model) chancesOfPairs() (same, other float64) {
	var total, squares float64
	type sums struct{ weights, squares float64 }
	byActor := map[int]sums{}
	var actors []int
	for e := range m.Extracts {
		w, a := m.weight(e), m.Extracts[e].Actor
		total, squares = total+w, squares+w*w
		s, ok := byActor[a]
		if !ok {
			actors = append(actors, a)
		}
		byActor[a] = sums{s.weights + w, s.squares + w*w}
	}
	for _, a := range actors {
		s := byActor[a]
		same += (s.weights*s.weights - s.squares) / 2
	}
	return same, (total*total-squares)/2 - same
}

// triples extends the best pairs.
func (m *model) triples(pairs, best []theory, sets map[int]map[int32]bool) []theory {
	var total float64
	for e := range m.Extracts {
		total += m.weight(e)
	}
	var out []theory
	done := map[[3]int]bool{}
	for _, p := range pairs[:min(len(pairs), triplesOf)] {
		for _, s := range best {
			e := s.extracts[0]
			if slices.Contains(p.extracts, e) || nested(sets[e], sets[p.extracts[0]]) || nested(sets[e], sets[p.extracts[1]]) {
				continue
			}
			key := [3]int{p.extracts[0], p.extracts[1], e}
			slices.Sort(key[:])
			if done[key] {
				continue
			}
			done[key] = true
			prior := math.Log(priorTriple*6) - 3*math.Log(total)
			for _, e := range key {
				prior += math.Log(m.weight(e))
			}
			out = append(out, m.joint(key[:], prior))
		}
	}
	return out
}

// joint weighs extracts that were sold together, when the last had been taken.
func (m *model) joint(list []int, prior float64) theory {
	at := math.Inf(-1)
	for _, e := range list {
		at = max(at, m.Extracts[e].At)
	}
	ev := m.together(list, at)
	return theory{kind: several, extracts: slices.Clone(list), at: at, log: prior + m.likelihood(ev)}
}

func nested(small, large map[int32]bool) bool {
	for h := range small {
		if !large[h] {
			return false
		}
	}
	return true
}
