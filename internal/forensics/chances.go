package forensics

import (
	"cmp"
	"maps"
	"math"
	"slices"
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
type part struct{ area, canary int32 }

// weighing is a question as the posterior takes it.
type weighing struct {
	posterior.Case
	*roll
	ix       *index
	ranked   []weighed // those of the roll, and what is in no log
	clusters []*cluster
	left     int             // clusters that are not weighed
	segments []int32         // by area: the number of its segment here, -1 for none
	areas    []area          // by segment
	covers   map[area]*cover // by what an extract is known by
	units    []unit
	of       [][]int32    // by canary: its units
	reached  []int32      // units that were hit: the last
	known    map[int]span // by such a unit: while it could be read and was not contacted
	edges    edges        // moments at which one of these begins or ends
	times    []float64    // of the hits, in days, sorted
	who      []string     // by actor of the posterior
	what     []int32      // by extract of the posterior: its place in ranked
	room     []int32
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
	left   int     // records that were hit and not weighed
	lacks  float64 // how much lists of extracts lack
}

// prepare makes ready all of a question that does not depend on its extracts. The order
// of its lists does not matter: everything is put in one of its own.
func prepare(q *Question, ix *index, now time.Time) *weighing {
	w := &weighing{
		ix: ix, segments: slices.Repeat([]int32{-1}, len(ix.areas)), covers: map[area]*cover{}, of: make([][]int32, len(ix.names)), known: map[int]span{},
		units: make([]unit, 0, len(ix.lived)),
	}
	w.Tokens = make([]posterior.Token, 0, len(ix.lived))
	w.Until = daysOf(now.UnixMicro())
	for _, h := range ix.hits { // an ear's clock may be before ours
		w.Until = max(w.Until, daysOf(h.first))
	}
	w.cluster(q)
	w.few()
	w.stand()
	w.hits()
	w.scopes()
	return w
}

// weigh works out probabilities, and writes them down with what was ranked.
func (w *weighing) weigh(r *roll, ranked []weighed) *found {
	w.roll, w.ranked = r, ranked
	w.extracts()
	return w.answer(posterior.Weigh(&w.Case))
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
	var spans, rest []span
	for all := w.ix.lived; len(all) > 0; {
		p := part{all[0].area, all[0].canary}
		spans = spans[:0]
		for len(all) > 0 && all[0].area == p.area && all[0].canary == p.canary {
			spans = append(spans, all[0].hull)
			all = all[1:]
		}
		rest = minus(rest[:0], merge(spans), merge(reached[p]))
		for _, s := range rest {
			w.unit(p, s)
		}
	}
	for _, c := range w.clusters {
		w.edges = append(w.edges, c.at)
		for _, p := range slices.SortedFunc(maps.Keys(c.spans), func(a, b part) int {
			return cmp.Or(cmp.Compare(a.area, b.area), cmp.Compare(w.ix.names[a.canary], w.ix.names[b.canary]))
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
	n := w.segments[p.area]
	if n < 0 {
		n = int32(len(w.areas)) //nolint:gosec // an index
		w.segments[p.area] = n
		w.areas = append(w.areas, w.ix.areas[p.area])
	}
	i := len(w.Tokens)
	until := w.Until
	if s.until != forever {
		until = daysOf(s.until)
	}
	w.Tokens = append(w.Tokens, posterior.Token{From: daysOf(s.from), Until: until, Segment: int(n)})
	w.units = append(w.units, unit{p, s})
	w.of[p.canary] = append(w.of[p.canary], int32(i)) //nolint:gosec // fewer than windows
	return i
}

// minus takes spans away from others, and adds what is left to a list; both are sorted
// and disjoint.
func minus(out, from, away []span) []span {
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
	for n, a := range w.areas {
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
