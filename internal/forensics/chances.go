package forensics

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/forensics/posterior"
)

// Chances are the probabilities of what may have happened, see package posterior:
// None, Unlogged and Known are of one distribution. Extracts and Actors are those of
// having taken part, the most probable first, at most 20 each; where several sold
// together they are more than one in sum.
type Chances struct {
	None     float64  `json:"none"`     // all contacts are noise
	Unlogged float64  `json:"unlogged"` // a copy that no log knows
	Known    float64  `json:"known"`    // some of the known extracts
	Extracts []Chance `json:"extracts"`
	Actors   []Chance `json:"actors"`
	// Half, Likely and Nearly are the smallest sets of times that hold the access with
	// 50, 90 and 99 %, if there was a leak.
	Half   []TimeSpan `json:"set50"`
	Likely []TimeSpan `json:"set90"`
	Nearly []TimeSpan `json:"set99"`
	// Times says how probable each quarter of a day is.
	Times []TimeChance `json:"times"`
}

// Chance is the probability that an extract or an actor took part.
type Chance struct {
	Name string  `json:"name"`
	P    float64 `json:"p"`
}

// TimeSpan is half-open: [From, Until).
type TimeSpan struct {
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
}

// TimeChance is the probability of one quarter of a day.
type TimeChance struct {
	From time.Time `json:"from"`
	P    float64   `json:"p"`
}

// What may be said of a probability: a suspect has more than Suspected, a lead more
// than Leads.
const (
	Suspected = .9
	Leads     = .5
)

// noiseUnknown is the rate of noise, in contacts a token-year, of tokens of which
// nothing was measured: half a contact in the first 20,000 years of an address that
// nobody guesses.
const noiseUnknown = .5 / 20_000

const (
	daysOfYear  = 365.25
	longAgo     = 730 // days before the question, beyond which no unlogged copy is looked for
	mostScopes  = 64
	mostWeighed = 200 // records that were hit
)

// part is what a hit may have reached: a canary's row in one segment of a place.
type part struct {
	area
	canary int
}

// weighing is a question as the posterior takes it.
type weighing struct {
	posterior.Case
	ix       *index
	ranked   []weighed // known extracts and what is in no log, in the question's order
	order    []int32   // of the known ones, by time: an order of their own
	clusters []*cluster
	left     int // clusters that are not weighed
	areas    map[area]int
	covers   map[area]*cover // by what an extract is known by
	units    []unit
	of       map[int][]int32 // by canary: its units
	reached  []int32         // units that were hit: the last
	known    map[int]span    // by such a unit: while it could be read and was not contacted
	edges    edges           // moments at which one of these begins or ends
	times    []float64       // of the hits, in days, sorted
	names    []string        // by actor
	actors   []int32         // by place in order: the actor
	who      []string        // by actor of the posterior
	what     []int32         // by extract of the posterior: its place in ranked
}

// cover says of which areas an extract had rows, and what it held of what was hit.
type cover struct {
	areas []bool
	held  map[[2]int][]int32 // by the edges before its time
	fits  []int32            // by edges before a moment: how many hits it explains
}

// unit is what the posterior calls a token: a canary's row while it stood, and of one
// that was hit the times apart in which the token stood that was.
type unit struct {
	part
	span
}

// found is what comes of it.
type found struct {
	*Chances
	// others counts the other actors of whom an extract explains the same hits.
	others map[*canary.Extract]int
	shared map[*canary.Extract][]string // who else took the same
	rows   [3]float64
	left   int // records that were hit and not weighed
}

// weighChances works out probabilities, and writes them down with what was ranked. The
// order of the question's lists does not matter: everything is put in one of its own.
func weighChances(q *Question, ix *index, ranked []weighed, now time.Time) *found {
	w := &weighing{ix: ix, ranked: ranked, areas: map[area]int{}, covers: map[area]*cover{}, of: map[int][]int32{}, known: map[int]span{}}
	w.Until = daysOf(now.UnixMicro())
	for _, h := range ix.hits { // an ear's clock may be before ours
		w.Until = max(w.Until, daysOf(h.first))
	}
	var sorting sync.WaitGroup
	sorting.Go(w.sort) // which needs nothing of what else is made ready
	w.cluster(q)
	w.few()
	w.stand()
	w.hits()
	w.scopes()
	sorting.Wait()
	w.extracts()
	return w.answer(posterior.Weigh(&w.Case))
}

// sort puts the known extracts in their order, and numbers their actors.
func (w *weighing) sort() {
	type dated struct {
		at int64
		n  int32
	}
	list := make([]dated, 0, len(w.ranked))
	for n := range w.ranked {
		if e := w.ranked[n].from; e != nil {
			list = append(list, dated{e.Taken.Latest.UnixMicro(), int32(n)})
		}
	}
	slices.SortFunc(list, func(a, b dated) int {
		if a.at != b.at {
			return cmp.Compare(a.at, b.at)
		}
		x, y := &w.ranked[a.n], &w.ranked[b.n]
		return cmp.Or(
			cmp.Compare(x.from.ID, y.from.ID), cmp.Compare(x.from.Actor, y.from.Actor), x.from.Taken.Earliest.Compare(y.from.Taken.Earliest),
			cmp.Compare(x.why.holds, y.why.holds), cmp.Compare(x.why.explained, y.why.explained),
		)
	})
	w.order, w.actors = make([]int32, len(list)), make([]int32, len(list))
	numbers := map[string]int32{}
	for i, d := range list {
		actor := w.ranked[d.n].from.Actor
		a, known := numbers[actor]
		if !known {
			a = int32(len(w.names)) //nolint:gosec // fewer than extracts
			numbers[actor] = a
			w.names = append(w.names, actor)
		}
		w.order[i], w.actors[i] = d.n, a
	}
}

func daysOf(micro int64) float64 { return float64(micro) / float64(24*time.Hour/time.Microsecond) }

func microOf(d float64) int64 { return int64(math.Round(d * float64(24*time.Hour/time.Microsecond))) }

func timeOf(d float64) time.Time {
	return time.UnixMicro(int64(math.Round(d*86400)) * 1e6).UTC()
}

// stand makes the units.
func (w *weighing) stand() {
	reached := map[part][]span{}
	for _, c := range w.clusters {
		for p, list := range c.spans {
			reached[p] = append(reached[p], list...)
		}
	}
	for all := w.ix.lived; len(all) > 0; {
		end := 1
		for end < len(all) && all[end].area == all[0].area && all[end].canary == all[0].canary {
			end++
		}
		var spans []span
		for _, l := range all[:end] {
			spans = append(spans, l.hull)
		}
		p := part{all[0].area, all[0].canary}
		for _, s := range minus(merge(spans), merge(reached[p])) {
			w.unit(p, s)
		}
		all = all[end:]
	}
	for _, c := range w.clusters {
		w.edges = append(w.edges, c.at)
		for _, p := range slices.SortedFunc(maps.Keys(c.spans), func(a, b part) int {
			return cmp.Or(cmp.Compare(a.place, b.place), cmp.Compare(a.segment, b.segment), cmp.Compare(w.ix.names[a.canary], w.ix.names[b.canary]))
		}) {
			for _, s := range c.spans[p] {
				u := w.unit(p, s)
				c.units, w.reached = append(c.units, u), append(w.reached, int32(u)) //nolint:gosec // fewer than windows
				w.edges = append(w.edges, s.from, s.until)
				w.known[u] = span{s.from, min(s.until, c.at)}
			}
		}
	}
	slices.Sort(w.edges)
	w.edges = slices.Compact(w.edges)
}

func (w *weighing) unit(p part, s span) int {
	n, known := w.areas[p.area]
	if !known {
		n = len(w.areas)
		w.areas[p.area] = n
	}
	i := len(w.Tokens)
	until := w.Until
	if s.until != forever {
		until = daysOf(s.until)
	}
	w.Tokens = append(w.Tokens, posterior.Token{From: daysOf(s.from), Until: until, Segment: n})
	w.units = append(w.units, unit{p, s})
	w.of[p.canary] = append(w.of[p.canary], int32(i)) //nolint:gosec // fewer than windows
	return i
}

// minus takes spans away from others; both are sorted and disjoint.
func minus(from, away []span) (out []span) {
	for _, s := range from {
		for _, a := range away {
			if a.until <= s.from || s.until <= a.from {
				continue
			}
			if a.from > s.from {
				out = append(out, span{s.from, a.from})
			}
			s.from = a.until
		}
		if !s.empty() {
			out = append(out, s)
		}
	}
	return out
}

// hits tells the posterior of them.
func (w *weighing) hits() {
	sources := map[string]int{}
	w.Since = w.Until
	for _, c := range w.clusters {
		source := -1
		if c.source != "" && !c.found { // a file is no sender
			if _, known := sources[c.source]; !known {
				sources[c.source] = len(sources)
			}
			source = sources[c.source]
		}
		w.times = append(w.times, daysOf(c.at))
		w.Hits = append(w.Hits, posterior.Hit{Tokens: c.units, Source: source, At: daysOf(c.at), Weight: c.weight, Timeless: c.found})
		for _, u := range c.units {
			w.Since = min(w.Since, w.Tokens[u].From)
		}
	}
	slices.Sort(w.times)
	w.Since = max(w.Since, w.Until-longAgo)
}

// scopes are what a copy may be of: one segment, all with something in common, a
// whole place; those that nothing was hit of are left out where there are many.
func (w *weighing) scopes() {
	byName := map[area][]int{}
	for a, n := range w.areas {
		whole := area{place: a.place}
		byName[whole] = append(byName[whole], n)
		for pair := range pairs(a.segment) {
			common := area{a.place, canary.Segment(pair)}
			byName[common] = append(byName[common], n)
		}
		if a.segment != "" {
			byName[area{a.place, a.segment + ","}] = []int{n} // no pair's name
		}
	}
	reached := map[int]bool{}
	for _, u := range w.reached {
		reached[w.Tokens[u].Segment] = true
	}
	for _, a := range slices.SortedFunc(maps.Keys(byName), func(a, b area) int {
		return cmp.Or(cmp.Compare(a.place, b.place), cmp.Compare(a.segment, b.segment))
	}) {
		scope := byName[a]
		if slices.Sort(scope); len(byName) <= mostScopes || slices.ContainsFunc(scope, func(n int) bool { return reached[n] }) {
			w.Scopes = append(w.Scopes, scope)
		}
	}
	slices.SortFunc(w.Scopes, slices.Compare)
	w.Scopes = slices.CompactFunc(w.Scopes, slices.Equal) // what all have in common is the whole
}
