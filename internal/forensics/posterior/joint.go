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
		weight[a] = ActorWorth(rows)
		m.allActors += weight[a]
	}
	for _, o := range m.Others {
		m.allActors += o.Actors
	}
	var out []theory
	for _, a := range actors {
		ends := m.ends(of[a])
		for _, n := range ends {
			list := of[a][:n]
			at := m.Extracts[list[n-1]].At
			log := math.Log(priorUnion*weight[a]/m.allActors/float64(len(ends))) + m.likelihood(m.together(list, at))
			out = append(out, theory{kind: union, extracts: list, at: at, log: log})
		}
	}
	return out
}

// mostEnds is how many beginnings of what one actor took are weighed, with the whole.
const mostEnds = 8

// ends gives up to how many of an actor's extracts, in their order of time, are
// weighed as one leak: all of them, and those before each contact, for who goes on
// working after the sale has more by then.
func (m *model) ends(list []int) (out []int) {
	var times []Day
	for _, e := range list {
		for _, h := range m.has[e] {
			times = append(times, m.hits[h].at)
		}
	}
	slices.Sort(times)
	for _, at := range times {
		n, _ := slices.BinarySearchFunc(list, at, func(e int, at Day) int { return cmp.Compare(m.Extracts[e].At, at) })
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

// together gives what several extracts that were sold at one time have to explain.
func (m *model) together(list []int, at Day) *evidence {
	m.calls++
	held := 0
	ev := &evidence{from: at}
	for _, e := range list {
		held += m.Extracts[e].More
		for _, t := range m.Extracts[e].Held {
			if m.in[t] != m.calls {
				m.in[t] = m.calls
				held++
			}
		}
		ev.hits = append(ev.hits, m.after(m.has[e], at)...)
	}
	slices.Sort(ev.hits)
	ev.hits = slices.Compact(ev.hits)
	ev.silent = float64(max(held-len(ev.hits), 0))
	return ev
}

const (
	sameActor = .1 // of the prior of pairs: that both are one actor's
	alike     = 12 // of extracts that explain the same, so many begin a search
	beam      = 40 // so many explanations are extended,
	branches  = 40 // each by as many extracts
)

// several weighs pairs and triples of extracts: what was found best is extended by
// whatever explains a hit that it cannot, among all extracts.
func (m *model) several(singles []theory) []theory {
	pairs := m.extend(m.seeds(singles), m.pairPrior())
	m.forgive(pairs)
	slices.SortStableFunc(pairs, func(a, b theory) int { return cmp.Compare(b.log, a.log) })
	triples := m.extend(pairs[:min(len(pairs), beam)], func(list []int) float64 {
		log := math.Log(priorTriple*6) - 3*math.Log(m.total)
		for _, e := range list {
			log += math.Log(m.weights[e])
		}
		return log
	})
	m.forgive(triples)
	m.temperJoint(pairs)
	m.temperJoint(triples)
	return append(pairs, triples...)
}

// temperJoint tempers explanations by several extracts.
func (m *model) temperJoint(list []theory) {
	sets := make([]string, len(list))
	for i := range list {
		sets[i] = setOf(m.together(list[i].extracts, list[i].at).hits)
	}
	temper(list, sets)
}

// seeds are the best singles, few of those that are alike.
func (m *model) seeds(singles []theory) []theory {
	best := make([]theory, 0, len(singles))
	for _, s := range singles {
		if len(m.has[s.extracts[0]]) > 0 {
			best = append(best, s)
		}
	}
	slices.SortFunc(best, func(a, b theory) int {
		return cmp.Or(cmp.Compare(b.log, a.log), cmp.Compare(a.extracts[0], b.extracts[0]))
	})
	var out []theory
	times := map[string]int{}
	for _, s := range best {
		set := setOf(m.after(m.has[s.extracts[0]], s.at))
		if times[set]++; set != "" && times[set] <= alike {
			if out = append(out, s); len(out) == beam {
				break
			}
		}
	}
	return out
}

// pairPrior gives the prior of a pair.
func (m *model) pairPrior() func([]int) float64 {
	same, other := m.chancesOfPairs()
	return func(list []int) float64 {
		a, b := list[0], list[1]
		chance := priorPair * (1 - sameActor) / other
		if m.Extracts[a].Actor == m.Extracts[b].Actor {
			chance = priorPair * sameActor / same
		}
		return math.Log(chance * m.weights[a] * m.weights[b])
	}
}

// extend weighs what comes of adding one extract.
func (m *model) extend(from []theory, prior func([]int) float64) []theory {
	var out []theory
	done := map[[3]int]bool{}
	for i := range from {
		for _, e := range m.promising(&from[i]) {
			list := append(slices.Clone(from[i].extracts), e)
			slices.Sort(list)
			key := [3]int{-1, -1, -1}
			copy(key[:], list)
			if !done[key] {
				done[key] = true
				out = append(out, m.joint(list, prior(list)))
			}
		}
	}
	return out
}

// glance is what one look says of adding an extract to an explanation: with one
// share of contacted records and one delay, in place of all.
type glance struct {
	*model
	explained []bool // by hit
	known     []int32
	at        Day
	share     float64
	delay
}

func (m *model) glance(t *theory) *glance {
	ev := m.together(t.extracts, t.at)
	n := float64(len(ev.hits))
	g := &glance{
		model: m, explained: make([]bool, len(m.hits)), known: ev.hits, at: t.at,
		share: min((n+.5)/(n+ev.silent+1), .9), delay: m.delays[len(m.delays)/2],
	}
	for _, h := range ev.hits {
		g.explained[h] = true
	}
	return g
}

// gain of adding an extract, by and large.
func (g *glance) gain(e int32) float64 {
	x := &g.Extracts[e]
	at := max(x.At, g.at)
	sum := math.Log(g.weights[e])
	silent := len(x.Held)
	for _, k := range g.has[e] {
		if g.explained[k] {
			silent--
		} else if d := g.hits[k].at - at; d > 0 {
			density, all := g.reach(max(d, g.lag+.1))
			sum += math.Log1p(g.share * (density*g.hits[k].w - all))
			silent--
		}
	}
	_, all := g.reach(g.Until - at)
	sum += float64(silent) * math.Log1p(-g.share*all)
	if at > g.at { // then what came before cannot be the leak's
		for _, k := range g.known {
			if h := &g.hits[k]; h.at <= at {
				sum -= math.Log1p(g.share * h.w / g.mean)
			}
		}
	}
	return sum
}

// promising gives the extracts that would add most to an explanation.
func (m *model) promising(t *theory) []int {
	g := m.glance(t)
	seen := map[int32]bool{}
	type found struct {
		extract int
		gain    float64
	}
	var list []found
	for h := range m.hits {
		if g.explained[h] || m.hits[h].at <= t.at {
			continue
		}
		for _, e := range m.by[h] {
			if !seen[e] && !slices.Contains(t.extracts, int(e)) {
				seen[e] = true
				list = append(list, found{int(e), g.gain(e)})
			}
		}
	}
	slices.SortFunc(list, func(a, b found) int {
		return cmp.Or(cmp.Compare(b.gain, a.gain), cmp.Compare(a.extract, b.extract))
	})
	out := make([]int, 0, branches)
	for _, g := range list[:min(len(list), branches)] {
		out = append(out, g.extract)
	}
	return out
}

// chancesOfPairs are the weights of all pairs of one actor's and of two actors'.
func (m *model) chancesOfPairs() (same, other float64) {
	total := m.total
	var squares float64
	type sums struct{ weights, squares float64 }
	byActor := map[int]sums{}
	var actors []int
	for e := range m.Extracts {
		w, a := m.weights[e], m.Extracts[e].Actor
		squares += w * w
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
	for _, o := range m.Others {
		same += o.Pairs
		squares += o.Squares
	}
	return same, (total*total-squares)/2 - same
}

// joint weighs extracts that were sold together, when the last had been taken.
func (m *model) joint(list []int, prior float64) theory {
	at := math.Inf(-1)
	for _, e := range list {
		at = max(at, m.Extracts[e].At)
	}
	ev := m.together(list, at)
	return theory{kind: several, extracts: list, at: at, log: prior + m.likelihood(ev)}
}
