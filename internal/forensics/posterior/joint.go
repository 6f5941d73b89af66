package posterior

import (
	"cmp"
	"math"
	"slices"
)

const (
	sameActor = .1   // of the prior of pairs: that both are one actor's
	alike     = 12   // of extracts that explain the same, so many are tried in pairs
	beam      = 40   // so many explanations are extended,
	branches  = 40   // each by as many extracts,
	sought    = 1000 // out of those of as many sets of hits
)

// several weighs pairs and triples of extracts: what was found best is extended by
// whatever explains a hit that it cannot, among all extracts.
func (m *model) several(singles []theory) []theory {
	p := m.party(singles)
	pairs := m.extend(p, p.seeds(singles), m.pairPrior())
	near := best(pairs, beam)
	seeds := make([]theory, 0, len(near))
	for _, i := range near {
		seeds = append(seeds, pairs[i])
	}
	triples := m.extend(p, seeds, func(list []int32) float64 {
		log := math.Log(priorTriple*6) - 3*math.Log(m.total)
		for _, e := range list {
			log += math.Log(m.weights[e])
		}
		return log
	})
	m.temper(pairs)
	m.temper(triples)
	return append(pairs, triples...)
}

// party is who may have taken part beside others: by what they explain.
type party struct {
	best [][]int32 // by set of hits: of the extracts that explain it the best
	with [][]int32 // by hit: the sets that have it
}

func (m *model) party(singles []theory) *party {
	p := &party{best: make([][]int32, len(m.sets)), with: make([][]int32, len(m.hits))}
	better := func(a, b int32) int {
		return cmp.Or(cmp.Compare(singles[b].log(), singles[a].log()), cmp.Compare(a, b))
	}
	for e := range singles {
		e := int32(e)
		set := m.fits[e]
		if set == 0 {
			continue
		}
		list := p.best[set]
		if len(list) == alike && better(e, list[alike-1]) > 0 {
			continue
		}
		at, _ := slices.BinarySearchFunc(list, e, better)
		if list = slices.Insert(list, at, e); len(list) > alike {
			list = list[:alike]
		}
		p.best[set] = list
	}
	for set, list := range p.best {
		if len(list) > 0 {
			for _, h := range m.sets[set] {
				p.with[h] = append(p.with[h], int32(set))
			}
		}
	}
	return p
}

// seeds are the best singles, few of those that are alike.
func (p *party) seeds(singles []theory) []theory {
	var out []theory
	for _, list := range p.best {
		for _, e := range list {
			out = append(out, singles[e])
		}
	}
	slices.SortFunc(out, func(a, b theory) int {
		return cmp.Or(cmp.Compare(b.log(), a.log()), cmp.Compare(a.extracts[0], b.extracts[0]))
	})
	return out[:min(len(out), beam)]
}

// pairPrior gives the prior of a pair.
func (m *model) pairPrior() func([]int32) float64 {
	same, other := m.chancesOfPairs()
	return func(list []int32) float64 {
		a, b := list[0], list[1]
		chance := priorPair * (1 - sameActor) / other
		if m.Extracts[a].Actor == m.Extracts[b].Actor {
			chance = priorPair * sameActor / same
		}
		return math.Log(chance * m.weights[a] * m.weights[b])
	}
}

// extend weighs what comes of adding one extract.
func (m *model) extend(p *party, from []theory, prior func([]int32) float64) []theory {
	more := make([][]int32, len(from))
	m.each(len(from), func(s *scratch, i int) { more[i] = s.promising(p, &from[i]) })
	var out []theory
	done := map[[3]int32]bool{}
	for i := range from {
		for _, e := range more[i] {
			list := append(slices.Clone(from[i].extracts), e)
			slices.Sort(list)
			key := [3]int32{-1, -1, -1}
			copy(key[:], list)
			if done[key] {
				continue
			}
			done[key] = true
			at := math.Inf(-1)
			for _, e := range list {
				at = max(at, m.Extracts[e].At)
			}
			out = append(out, theory{kind: several, extracts: list, at: at, prior: prior(list)})
		}
	}
	hits := make([][]int32, len(out))
	m.each(len(out), func(s *scratch, i int) {
		out[i].like = s.weigh(&out[i], m.rough)
		hits[i] = slices.Clone(s.together(out[i].extracts, out[i].at).hits)
	})
	for i := range out {
		out[i].set = m.set(hits[i])
	}
	near := best(out, m.most(beam*branches))
	m.each(len(near), func(s *scratch, i int) { out[near[i]].like = s.weigh(&out[near[i]], m.likelihood) })
	m.meet(out)
	return out
}

// glance is what one look says of adding an extract to an explanation: with one
// share of contacted records and one delay, in place of all.
type glance struct {
	*scratch
	explained int32 // the call that marked the hits that are explained
	known     []int32
	at        Day
	share     float64
	*delay
}

func (s *scratch) glance(t *theory) *glance {
	ev := s.together(t.extracts, t.at)
	n := float64(len(ev.hits))
	g := &glance{
		scratch: s, explained: s.calls, known: ev.hits, at: t.at,
		share: min((n+.5)/(n+ev.silent+1), .9), delay: &s.whole.delays[len(s.whole.delays)/2],
	}
	for i := range s.hit { // hits before that time are not
		s.hit[i] = 0
	}
	for _, h := range ev.hits {
		s.hit[h] = g.explained
	}
	return g
}

// gain of adding an extract, by and large.
func (g *glance) gain(e int32) float64 {
	x := &g.Extracts[e]
	at := max(x.At, g.at)
	sum, product := math.Log(g.weights[e]), 1.
	silent := len(x.Held) + x.More
	since := at + g.lag
	fade, most := math.Exp((since-g.latest)/g.mean), math.Exp(-.1/g.mean)
	for _, k := range g.sets[g.fits[e]] {
		h := &g.hits[k]
		if g.hit[k] == g.explained {
			silent--
			continue
		}
		if h.at <= at {
			continue
		}
		silent--
		kept := most
		if h.at > since+.1 {
			kept = fade * g.fades[g.pace][k]
		}
		if product *= 1 + g.share*min(kept*(h.w/g.mean+1)-1, telling); product > 1e150 {
			sum += math.Log(product)
			product = 1
		}
	}
	all := g.reach(g.Until - at)
	sum += math.Log(product) + float64(silent)*math.Log1p(-g.share*all)
	if at > g.at { // then what came before cannot be the leak's
		for _, k := range g.known {
			if h := &g.hits[k]; h.at <= at {
				sum -= math.Log1p(g.share * h.w / g.mean)
			}
		}
	}
	return sum
}

// promising gives the extracts that would add most to an explanation: of the sets that
// have most of what it cannot explain first those whose best extract adds most.
func (s *scratch) promising(p *party, t *theory) []int32 {
	g := s.glance(t)
	type found struct {
		extract int32
		gain    float64
	}
	most := func(a, b found) int { return cmp.Or(cmp.Compare(b.gain, a.gain), cmp.Compare(a.extract, b.extract)) }
	var sets []found
	for _, set := range g.sought(p, t) {
		for _, e := range p.best[set] {
			if !slices.Contains(t.extracts, e) {
				sets = append(sets, found{e, g.gain(e)})
				break
			}
		}
	}
	slices.SortFunc(sets, most)
	var list []found
	for _, one := range sets[:min(len(sets), branches)] {
		for _, e := range p.best[s.fits[one.extract]] {
			if !slices.Contains(t.extracts, e) {
				list = append(list, found{e, g.gain(e)})
			}
		}
	}
	slices.SortFunc(list, most)
	out := make([]int32, 0, branches)
	for _, g := range list[:min(len(list), branches)] {
		out = append(out, g.extract)
	}
	return out
}

// sought gives the sets that have most of the hits which are not explained.
func (g *glance) sought(p *party, t *theory) []int32 {
	count := make([]int32, len(p.best))
	var sets []int32
	for h := range g.hits {
		if g.hit[h] == g.explained || g.hits[h].at <= t.at {
			continue
		}
		for _, set := range p.with[h] {
			if count[set] == 0 {
				sets = append(sets, set)
			}
			count[set]++
		}
	}
	if len(sets) > sought {
		slices.SortFunc(sets, func(a, b int32) int { return cmp.Or(cmp.Compare(count[b], count[a]), cmp.Compare(a, b)) })
		sets = sets[:sought]
	}
	return sets
}

// chancesOfPairs are the weights of all pairs of one actor's and of two actors'.
func (m *model) chancesOfPairs() (same, other float64) {
	var all float64
	weights, squares := make([]float64, m.actors), make([]float64, m.actors)
	for e := range m.Extracts {
		w, a := m.weights[e], m.Extracts[e].Actor
		weights[a] += w
		squares[a] += w * w
	}
	for a, w := range weights {
		all += squares[a]
		same += (w*w - squares[a]) / 2
	}
	for _, o := range m.Others {
		same += o.Pairs
		all += o.Squares
	}
	return same, (m.total*m.total-all)/2 - same
}
