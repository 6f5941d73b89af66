package posterior

import (
	"fmt"
	"math"
	"slices"
)

// Priors of the explanations.
const (
	priorNone     = .35
	priorSingle   = .25
	priorUnion    = .10
	priorPair     = .07
	priorTriple   = .03
	priorUnlogged = .20
)

// model is a case made ready.
type model struct {
	*Case
	hits   []hit
	of     []int32 // by token: its index in hits, or -1
	shares []float64
	delays []delay
}

// delay is one course that the contacts of a leak may take.
type delay struct{ mean, lag Day }

func newModel(c *Case) *model {
	m := &model{Case: c}
	m.hits = m.sift()
	m.of = slices.Repeat([]int32{-1}, len(c.Tokens))
	for i, h := range m.hits {
		m.of[h.token] = int32(i)
	}
	const n = 9
	for i := range n {
		m.shares = append(m.shares, .002*math.Pow(.95/.002, float64(i)/(n-1)))
	}
	for _, mean := range []Day{10, 25, 60} {
		for _, lag := range []Day{0, 3, 8} {
			m.delays = append(m.delays, delay{mean, lag})
		}
	}
	return m
}

// reach gives the density and the distribution of the delay after d days.
func (l delay) reach(d Day) (density, all float64) {
	if d -= l.lag; d <= 0 {
		return 0, 0
	}
	e := math.Exp(-d / l.mean)
	return e / l.mean, 1 - e
}

// evidence is what an explanation has to explain: the hits among what it held, how
// many tokens stayed silent, and the time from which on the leak was made use of.
type evidence struct {
	hits   []int32
	silent float64
	from   Day
}

// likelihood is the logarithm of how much better the explanation does than noise,
// the unknowns integrated out.
func (m *model) likelihood(e *evidence) float64 {
	grid := make([]float64, 0, len(m.shares)*len(m.delays))
	row := make([]float64, len(m.shares))
	for _, l := range m.delays {
		clear(row)
		for _, n := range e.hits {
			h := &m.hits[n]
			g, all := l.reach(h.at - e.from)
			if all == 0 {
				continue
			}
			for i, f := range m.shares {
				row[i] += math.Log1p(f * (g*h.w - all))
			}
		}
		_, all := l.reach(m.Until - e.from)
		for i, f := range m.shares {
			row[i] += e.silent * math.Log1p(-f*all)
		}
		grid = append(grid, row...)
	}
	return logSum(grid) - math.Log(float64(len(grid)))
}

func logSum(list []float64) float64 {
	top := slices.Max(list)
	if math.IsInf(top, -1) {
		return top
	}
	var sum float64
	for _, v := range list {
		sum += math.Exp(v - top)
	}
	return top + math.Log(sum)
}

// held gives the hits among an extract's tokens.
func (m *model) held(e int) []int32 {
	var list []int32
	for _, t := range m.Extracts[e].Held {
		if h := m.of[t]; h >= 0 {
			list = append(list, h)
		}
	}
	return list
}

// weight says how likely an extract is the one, before any contact.
func (m *model) weight(e int) float64 { return math.Sqrt(max(m.Extracts[e].Rows, 1)) }

// sameness is how far a difference between extracts that explain the same hits
// counts. They differ in how much stayed silent, which is known as well as what
// they held is, and no better.
const sameness = .5

// temper brings extracts that explain the same hits nearer to each other, without
// changing what they weigh together.
func temper(list []theory, sets []string) {
	groups := map[string][]int{}
	for i, set := range sets {
		if set != "" {
			groups[set] = append(groups[set], i)
		}
	}
	for _, group := range groups { // their order does not matter
		before, after := make([]float64, len(group)), make([]float64, len(group))
		for k, i := range group {
			before[k] = list[i].log
			list[i].log *= sameness
			after[k] = list[i].log
		}
		shift := logSum(before) - logSum(after)
		for _, i := range group {
			list[i].log += shift
		}
	}
}

// singles weighs every extract by itself.
func (m *model) singles() []theory {
	var total float64
	for e := range m.Extracts {
		total += m.weight(e)
	}
	list := make([]theory, 0, len(m.Extracts))
	cache := map[[2]float64]float64{}
	sets := make([]string, len(m.Extracts))
	for e := range m.Extracts {
		x := &m.Extracts[e]
		ev := evidence{from: x.At}
		for _, h := range m.held(e) {
			if m.hits[h].at > x.At {
				ev.hits = append(ev.hits, h)
			}
		}
		ev.silent = float64(len(x.Held) - len(ev.hits))
		var l float64
		if len(ev.hits) > 0 {
			sets[e] = fmt.Sprint(ev.hits)
			l = m.likelihood(&ev)
		} else {
			// Nothing but silence: as good for all extracts of a day that held as much.
			key := [2]float64{math.Floor(x.At), float64(len(x.Held))}
			known, ok := cache[key]
			if !ok {
				known = m.likelihood(&ev)
				cache[key] = known
			}
			l = known
		}
		list = append(list, theory{kind: single, extracts: []int{e}, at: x.At, log: math.Log(priorSingle*m.weight(e)/total) + l})
	}
	temper(list, sets)
	return list
}
