package posterior

import (
	"cmp"
	"encoding/binary"
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
	again  float64   // see learnt
	has    [][]int32 // by extract: the hits among what it held, ascending
	by     [][]int32 // by hit: the extracts that held it, ascending
	shares []float64
	delays []delay
	paces  []Day // of campaigns

	weights []float64 // by extract: how likely it is the one, before any contact
	total   float64   // of weights
	// allActors is the sum of ActorWorth over those who took several.
	allActors float64
	ticks     int               // how many steps of time there are
	live      map[int][]float64 // by segment and step: how many tokens could be read
	in        []int32           // by token: the last call of union that met it
	calls     int32
}

// delay is one course that the contacts of a leak may take: after a lag, which is
// of days and a fortnight at most, at a pace that falls off. The lags are close
// enough that extracts of neighbouring days are told apart: with 0, 3 and 8 fewer
// culprits came first in worlds made for it.
type delay struct{ mean, lag Day }

func newModel(c *Case) *model {
	m := &model{Case: c, in: make([]int32, len(c.Tokens))}
	if c.Hits == nil {
		m.hits = m.sift()
	} else {
		m.hits, m.again = given(c.Hits), innocents/.5
	}
	of := slices.Repeat([]int32{-1}, len(c.Tokens))
	for i, h := range m.hits {
		for _, t := range h.tokens {
			of[t] = int32(i)
		}
	}
	m.by = make([][]int32, len(m.hits))
	m.has = make([][]int32, len(c.Extracts))
	m.weights = make([]float64, len(c.Extracts))
	for e := range c.Extracts {
		m.weights[e] = Worth(c.Extracts[e].Rows)
		m.total += m.weights[e]
		for _, t := range c.Extracts[e].Held {
			if h := of[t]; h >= 0 {
				m.has[e] = append(m.has[e], h)
				m.by[h] = append(m.by[h], int32(e))
			}
		}
		slices.Sort(m.has[e])
		m.has[e] = slices.Compact(m.has[e])
	}
	for _, o := range c.Others {
		m.total += o.Weight
	}
	m.count()
	// Campaigns last from a second, for whoever has all at hand, to two months.
	m.paces = []Day{1e-5, 1e-3, .04, 1, 10, 60}
	m.shares = ladder(.002, .95, 13)
	for _, mean := range []Day{10, 25, 60} {
		for _, lag := range []Day{0, 2, 4, 7, 12} {
			m.delays = append(m.delays, delay{mean, lag})
		}
	}
	return m
}

// ladder gives n numbers from one to another, each as many times the last.
func ladder(from, to float64, n int) []float64 {
	list := make([]float64, n)
	for i := range list {
		list[i] = from * math.Pow(to/from, float64(i)/float64(n-1))
	}
	return list
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
	// slipped are hits on what it held by no list, slip how likely it held each
	// nevertheless.
	slipped []int32
	slip    float64
}

// likelihood is the logarithm of how much better the explanation does than noise,
// the unknowns integrated out. That a source had its addresses from the leak is
// counted once: what it reached besides is as much more telling as noise seldom has
// two contacts of one source.
func (m *model) likelihood(e *evidence) float64 { return m.integral(e, m.shares) }

// integral is the likelihood over these shares of records that are contacted.
func (m *model) integral(e *evidence, shares []float64) float64 {
	grid := make([]float64, 0, (len(m.delays)+len(m.paces))*len(shares))
	found := slices.ContainsFunc(e.hits, func(h int32) bool { return m.hits[h].always })
	add := func(l delay, weight float64) {
		row := grid[len(grid) : len(grid)+len(shares)]
		grid = grid[:len(grid)+len(shares)]
		_, all := l.reach(m.Until - e.from)
		if found {
			all = 1 // a file has all that it was made of
		}
		for i, f := range shares {
			row[i] = weight + e.silent*math.Log1p(-f*all)
		}
		m.explain(e, l, shares, row)
	}
	began := m.first(e)
	known := math.Log(1 / float64(len(m.delays)))
	if began > 0 {
		known += math.Log(1 - belated)
		m.campaigns(e, began, add)
	}
	for _, l := range m.delays {
		add(l, known)
	}
	return logSum(grid) - math.Log(float64(len(shares)))
}

// Who bought a list may use it all at once, and months later: then contacts come
// together, and how they lie in time says next to nothing of when the copy was made.
// Without that, whatever was taken shortly before they came would be accused of it.
const (
	belated     = .2  // how probable it is
	usualLag    = 4   // days, the median;
	spreadOfLag = 1.4 // of its logarithm
)

// first is how long after the copy the first of the contacts came, 0 for none.
func (m *model) first(e *evidence) Day {
	var first Day
	for _, list := range [2][]int32{e.hits, e.slipped} {
		for _, h := range list {
			if d := m.hits[h].at - e.from; !m.hits[h].always && d > 0 && (first == 0 || d < first) {
				first = d
			}
		}
	}
	return first
}

// campaigns adds those that began shortly before the first contact: of n contacts it
// came a mean of so many days by n after.
func (m *model) campaigns(e *evidence, first Day, add func(delay, float64)) {
	n := float64(len(e.hits) + len(e.slipped))
	for _, mean := range m.paces {
		before := min(mean/n, first/2)
		lag := first - before
		z := math.Log(lag/usualLag) / spreadOfLag
		p := 1 / (lag * spreadOfLag * math.Pi * (1 + z*z)) // a Cauchy's tails: nothing is too late
		add(delay{mean, lag}, math.Log(belated/float64(len(m.paces))*min(p*2*before, 1)))
	}
}

// longSince is over how many days a find in a file is spread, so that its weight, which
// is in days, is one of a contact among others.
const longSince = 730

// explain adds what the hits say. Their factors are multiplied as long as they can
// be, which saves most of the logarithms.
func (m *model) explain(e *evidence, l delay, shares, row []float64) {
	var factors [24]float64
	product := factors[:len(shares)]
	for i := range product {
		product[i] = 1
	}
	last := noSource
	for k := range len(e.hits) + len(e.slipped) {
		part, n := 1., int32(0)
		if k < len(e.hits) {
			n = e.hits[k]
		} else {
			part, n = e.slip, e.slipped[k-len(e.hits)]
		}
		h := &m.hits[n]
		g, all := l.reach(h.at - e.from)
		if h.always {
			g, all = 1/longSince, 1
		}
		if all == 0 {
			continue
		}
		x := g * h.w
		if h.source != noSource && h.source == last {
			x *= m.again
		}
		last = h.source
		for i, f := range shares {
			if product[i] *= 1 + part*f*(x-all); product[i] > 1e200 || product[i] < 1e-200 {
				row[i] += math.Log(product[i])
				product[i] = 1
			}
		}
	}
	for i := range product {
		row[i] += math.Log(product[i])
	}
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

// worth is the power with which the chance of an extract to be the leak grows with
// its rows: nearly in proportion, as lists are sold by the thousand rows, but less,
// as small ones are taken more easily. Of .5, .75, .8 and 1, in worlds made for it,
// the higher ones named more culprits, and 1 fewer of those who sold little.
const worth = .8

// Worth is the weight of an extract of so many rows among the others, before any
// contact.
func Worth(rows float64) float64 { return math.Pow(max(rows, 1), worth) }

// ActorWorth is that of all that one actor took, of so many rows.
func ActorWorth(rows float64) float64 { return math.Sqrt(max(rows, 1)) }

// sameness is how far a difference between explanations of the same hits counts.
// They differ in how much stayed silent and by their day, which are known as well
// as what they held and how contacts are spread in time are, and no better: the full
// difference accuses more of the innocents who ran the culprit's report.
const sameness = .5

// temper brings explanations of the same hits nearer to each other, without
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

// after gives those of hits that came after a time.
func (m *model) after(hits []int32, at Day) []int32 {
	list := make([]int32, 0, len(hits))
	for _, h := range hits {
		if m.hits[h].at > at {
			list = append(list, h)
		}
	}
	return list
}

// setOf names a set of hits.
func setOf(hits []int32) string {
	text := make([]byte, 0, 4*len(hits))
	for _, h := range hits {
		text = binary.LittleEndian.AppendUint32(text, uint32(h)) //nolint:gosec // an index
	}
	return string(text)
}

// singles weighs every extract by itself.
func (m *model) singles() []theory {
	list := make([]theory, 0, len(m.Extracts))
	cache := map[[2]float64]float64{}
	sets := make([]string, len(m.Extracts))
	quick := m.quick()
	var explain []int
	for e := range m.Extracts {
		x := &m.Extracts[e]
		ev := m.alone(e)
		var l float64
		if len(ev.hits) > 0 {
			sets[e] = setOf(ev.hits)
			explain = append(explain, e)
			l = quick.likelihood(&ev)
		} else {
			// Nothing but silence: as good for all extracts of a day that held as much.
			key := [2]float64{math.Floor(x.At), ev.silent}
			known, ok := cache[key]
			if !ok {
				ev.from = key[0] + .5
				known = m.likelihood(&ev)
				cache[key] = known
			}
			l = known
		}
		list = append(list, theory{kind: single, extracts: []int{e}, at: x.At, log: math.Log(priorSingle*m.weights[e]/m.total) + l})
	}
	slices.SortStableFunc(explain, func(a, b int) int { return cmp.Compare(list[b].log, list[a].log) })
	for _, e := range explain[:min(len(explain), exactly)] {
		ev := m.alone(e)
		list[e].log = math.Log(priorSingle*m.weights[e]/m.total) + m.likelihood(&ev)
	}
	m.forgive(list)
	temper(list, sets)
	return list
}

// alone is what an extract has to explain by itself.
func (m *model) alone(e int) evidence {
	x := &m.Extracts[e]
	ev := evidence{from: x.At, hits: m.after(m.has[e], x.At)}
	ev.silent = float64(max(len(x.Held)+x.More-len(ev.hits), 0))
	return ev
}

// exactly is of how many extracts the whole integral is taken; of the others a few
// points of it tell enough.
const exactly = 600

// quick is a model with a few of the shares and delays.
func (m *model) quick() *model {
	q := *m
	q.shares = []float64{m.shares[2], m.shares[6], m.shares[10]}
	q.delays = []delay{{10, 2}, {25, 4}, {60, 7}}
	q.paces = []Day{.01, 3}
	return &q
}

// others weighs those that explain nothing: any of them, and all that one of their
// actors took.
func (m *model) others() (list []theory) {
	for _, o := range m.Others {
		l := m.likelihood(&evidence{from: o.At, silent: o.Holds})
		if o.Weight > 0 {
			list = append(list, theory{kind: single, at: o.At, log: math.Log(priorSingle*o.Weight/m.total) + l})
		}
		if o.Actors > 0 {
			list = append(list, theory{kind: union, at: o.At, log: math.Log(priorUnion*o.Actors/m.allActors) + l})
		}
	}
	return list
}
