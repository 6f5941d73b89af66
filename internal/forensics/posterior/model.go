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
	again  float64 // see learnt
	latest Day     // of the hits

	// whole and copies are the points of the integral, of known extracts and of copies in
	// no log.
	whole, copies *grid
	// fades is, by mean of the delays and hit, how much less probable a contact at the
	// latest hit's time is than one at this hit's.
	fades [][]float64

	sets  [][]int32        // sets of hits, ascending; the first is empty
	names map[string]int32 // of sets
	has   []int32          // by extract: the set of the hits among what it held,
	fits  []int32          // and of those that came after it

	lists      bool               // some that explain something are known by lists that may have faults
	explaining []int32            // extracts of which all that they held is known
	sisters    map[int32][]sister // of extracts that were looked at so
	unreliable float64            // how probable it is that lists have faults,
	missing    float64            // and the share that they lack then
	within     [][]int32          // by extract that explains something: the segments of what it held

	weights []float64 // by extract: how likely it is the one, before any contact
	total   float64   // of weights
	// actors are how many there are; allActors is the sum of ActorWorth over those who
	// took several.
	actors    int
	allActors float64
	ticks     int // how many steps of time there are
	segments  int
	live      [][]float64 // by segment and step: how many tokens could be read
}

func newModel(c *Case) *model {
	m := &model{Case: c, names: map[string]int32{"": 0}, sets: [][]int32{nil}}
	if c.Hits == nil {
		m.hits = m.sift()
	} else {
		m.hits, m.again = given(c.Hits), innocents/.5
	}
	m.whole, m.copies = grids()
	m.fade()
	m.weights = make([]float64, len(c.Extracts))
	for e := range c.Extracts {
		x := &c.Extracts[e]
		m.weights[e] = Worth(x.Rows)
		m.total += m.weights[e]
		m.actors = max(m.actors, x.Actor+1)
	}
	for _, o := range c.Others {
		m.total += o.Weight
	}
	m.hold()
	m.count()
	if m.divide(); m.lists {
		m.trust()
	}
	return m
}

// fade works out what contacts lose with time. Of hits more than some twenty years
// apart a number cannot hold it.
func (m *model) fade() {
	m.latest = math.Inf(-1)
	for i := range m.hits {
		m.latest = max(m.latest, m.hits[i].at)
	}
	for _, l := range m.whole.delays {
		if l.pace < len(m.fades) {
			continue
		}
		list := make([]float64, len(m.hits))
		for i := range m.hits {
			list[i] = math.Exp(min((m.latest-m.hits[i].at)/l.mean, 700))
		}
		m.fades = append(m.fades, list)
	}
}

// hold finds the hits among what the extracts held.
func (m *model) hold() {
	of := slices.Repeat([]int32{-1}, len(m.Tokens))
	times := make([]Day, len(m.hits))
	for i, h := range m.hits {
		times[i] = h.at
		for _, t := range h.tokens {
			of[t] = int32(i)
		}
	}
	slices.Sort(times)
	type list struct {
		first *int32
		n     int
	}
	type early struct {
		set   int32
		times int
	}
	known := map[list]int32{} // many extracts share one list
	later := map[early]int32{}
	m.has, m.fits = make([]int32, len(m.Extracts)), make([]int32, len(m.Extracts))
	var room []int32
	for e := range m.Extracts {
		x := &m.Extracts[e]
		if len(x.Held) == 0 {
			continue
		}
		key := list{&x.Held[0], len(x.Held)}
		set, ok := known[key]
		if !ok {
			room = room[:0]
			for _, t := range x.Held {
				if h := of[t]; h >= 0 {
					room = append(room, h)
				}
			}
			set = m.set(room)
			known[key] = set
		}
		if m.has[e] = set; set == 0 {
			continue
		}
		n, _ := slices.BinarySearchFunc(times, x.At, func(at, by Day) int {
			if at <= by {
				return -1
			}
			return 1
		})
		fit, ok := later[early{set, n}]
		if !ok {
			fit = m.set(m.after(m.sets[set], x.At))
			later[early{set, n}] = fit
		}
		m.fits[e] = fit
	}
}

// set gives the number of a set of hits, which is put in order.
func (m *model) set(hits []int32) int32 {
	slices.Sort(hits)
	hits = slices.Compact(hits)
	text := make([]byte, 0, 4*len(hits))
	for _, h := range hits {
		text = binary.LittleEndian.AppendUint32(text, uint32(h)) //nolint:gosec // an index
	}
	n, known := m.names[string(text)]
	if !known {
		n = int32(len(m.sets)) //nolint:gosec // fewer than extracts
		m.names[string(text)] = n
		m.sets = append(m.sets, slices.Clone(hits))
	}
	return n
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

// theory is one explanation: how probable it is before any contact, and how much
// better than noise it explains them, as logarithms.
type theory struct {
	kind        kind
	set         int32 // of hits that it explains, see model.sets
	extracts    []int32
	at          Day // of the last access
	prior, like float64
}

type kind uint8

const (
	none kind = iota
	single
	union
	several
	unlogged
)

func (t *theory) log() float64 { return t.prior + t.like }

// sameness is how far a difference between explanations of the same hits counts where
// lists may have faults. They differ in how much stayed silent and by their day, which
// are known as well as what they held is, and no better: the full difference accuses
// more of the innocents who ran the culprit's report. Where it is known what they held,
// as of statements that were replayed, half of it names fewer culprits.
const sameness = .5

// temper brings explanations of the same hits nearer to each other, without
// changing what they weigh together.
func (m *model) temper(list []theory) {
	if !m.lists {
		return
	}
	type sums struct{ top, before, after float64 }
	of := make([]sums, len(m.sets))
	for i := range of {
		of[i].top = math.Inf(-1)
	}
	for i := range list {
		s := &of[list[i].set]
		s.top = max(s.top, list[i].log())
	}
	for i := range list {
		s := &of[list[i].set]
		if l := list[i].log() - s.top; l > -faint/sameness {
			s.before += math.Exp(l)
			s.after += math.Exp(sameness * l)
		}
	}
	for i := range list {
		t := &list[i]
		s := &of[t.set]
		if t.set == 0 || math.IsInf(s.top, -1) {
			continue
		}
		l := s.top + sameness*(t.log()-s.top) + math.Log(s.before) - math.Log(s.after)
		t.like = l - t.prior
	}
}

// faint is how far below the best an explanation, as a logarithm, says nothing more.
const faint = 40

// Of the explanations that look best, so many are weighed with care; of many hits
// fewer, for then they differ more, and each takes longer.
func (m *model) most(n int) int {
	const hits = 12_000
	return min(n, max(hits/max(len(m.hits), 1), 40))
}

// best gives the explanations that look best, not more than a number, and none that
// says nothing beside the first.
func best(list []theory, most int) []int {
	top := math.Inf(-1)
	for i := range list {
		top = max(top, list[i].log())
	}
	var out []int
	for i := range list {
		if l := list[i].log(); l >= top-faint && !math.IsInf(l, -1) && list[i].set != 0 {
			out = append(out, i)
		}
	}
	slices.SortStableFunc(out, func(a, b int) int { return cmp.Compare(list[b].log(), list[a].log()) })
	return out[:min(len(out), most)]
}
