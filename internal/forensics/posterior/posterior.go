// Package posterior says how probable it is that a leak happened, which known
// extracts and actors it came from, and when they were taken: the arithmetic of
// suspicion, without I/O and without a clock.
//
// The material is which tokens were contacted and when, and which were not: an
// extract that held many canaries and explains few hits is a poor explanation
// (negative evidence). The explanations that compete are
//
//	none      all contacts are noise
//	single    one known extract
//	union     all that one actor took, or took up to some extract (drip)
//	several   two or three known extracts together
//	unlogged  a copy that no log knows, at any time, of any segments
//
// Each is weighed by its likelihood against noise alone: of a contact with a token
// that it held, f g(T-t) w + 1 - f G(T-t), where f is the share of records that
// are contacted, g and G the density and the distribution of the delay since the
// copy, and w how much better the leak explains such a contact than noise does; of
// a token that it held and that stayed silent, 1 - f G(now-t). The share f, the
// delay and the lag before the first contact are unknown and integrated out; the
// lag is one for all contacts of a leak. The model is that of generalised guilt
// with negative evidence; how often noise makes a contact is learnt from the
// placebos (see noise.go), and how much lists of extracts lack from those that are
// nearly the same (faults.go).
//
// Invariants: the answer does not depend on names or on the order of lists, the
// same case gives the same numbers, and all probabilities are those of one
// distribution: P(none) + P(unlogged) + P(some known extract) = 1.
package posterior

import (
	"cmp"
	"iter"
	"maps"
	"math"
	"slices"
)

// Day is the unit of time here; times are days since any fixed moment.
type Day = float64

// Case is all that is known. Tokens and extracts are named by their indices.
type Case struct {
	Since, Until Day // contacts were watched from here until here
	Tokens       []Token
	Controls     []Control
	Extracts     []Extract
	Contacts     []Contact
	// Hits, where they are known, take the place of Contacts and Controls: somebody
	// has told noise from what may be the leak's already.
	Hits []Hit
	// Others are the extracts that held no token which was hit, by their sort: there
	// may be a million, and which of them it was cannot be told anyway.
	Others []Others
	// Within says of extracts where their time lies, if nobody knows more closely.
	Within map[int][]Interval
	// Scopes are the sets of segments that an unlogged copy may have held.
	Scopes [][]int
}

// Hit is a contact that may be the leak's.
type Hit struct {
	Tokens []int // the one that was contacted; several, where it may have been any of them
	Source int   // who came: hits of one source are told apart from those of several
	At     Day
	// Weight is how much better a leak explains the contact than noise, in days: of
	// noise there is one such contact in so many days on each token.
	Weight float64
	// Timeless is a find in a file, which may have lain anywhere since any time: that it
	// was found late tells nothing of when the copy was made.
	Timeless bool
}

// Others are extracts of about one day that held about as many tokens.
type Others struct {
	At    Day
	Holds float64
	// Weight is the sum of [Worth] over them, Squares that of its squares.
	Weight, Squares float64
	// Actors is the sum of [ActorWorth] over those of their actors of whom no extract
	// is among the case's, and who took several; Pairs that of the products of [Worth]
	// over the pairs of extracts of each of them.
	Actors, Pairs float64
}

// Token is one planted token: readable in [From, Until).
type Token struct {
	From, Until Day
	Segment     int
	Domain      int
	Guessable   bool
}

// Control is a placebo.
type Control struct {
	Domain    int
	Guessable bool
}

// Extract is one known extract, with the tokens that it held.
type Extract struct {
	Actor int
	At    Day
	Rows  float64
	Held  []int32 // ascending
	// More is how many tokens it held besides, none of which was hit.
	More int
	// Whole says that nothing is missing in what is known of it: no list of it has faults.
	Whole bool
}

// Content says what a contact knew.
type Content uint8

// What contacts know.
const (
	Generic Content = iota
	NamesPerson
	CitesTicket
	contents
)

// Contact is one contact with a token or a placebo; the other index is -1.
type Contact struct {
	Token, Control int
	Source         int // who came, as far as that is told apart
	At             Day
	Content        Content
	Named          bool // a call whose caller named the canary
}

// Interval is [From, Until).
type Interval struct{ From, Until Day }

// Share is the probability that something took part in the leak.
type Share struct {
	Index int
	P     float64
}

// Answer is what can be said.
type Answer struct {
	None, Unlogged float64
	Extracts       []Share // the most probable first, at most 20
	Actors         []Share
	ByExtract      []float64 // the same of all, by index
	ByActor        []float64
	Intervals      []Interval // the 90 % credible set of the time of access, if there was a leak
	Half, Nearly   []Interval // the same of 50 % and of 99 %
	// Rows are how many the leaked extracts have together, if known ones leaked: with 90 %
	// from the first to the last, the second in the middle.
	Rows [3]float64
	// Times says how probable each quarter of a day is, if there was a leak.
	Times []Time
	// Lacking is how much the lists of what extracts held lack, by those of one report; 0
	// where it is more probable that they lack nothing.
	Lacking float64
}

// Time is a quarter of a day with its probability.
type Time struct {
	From Day
	P    float64
}

const named = 20

// Weigh weighs the explanations of a case.
func Weigh(c *Case) Answer {
	m := newModel(c)
	singles := m.singles()
	return m.report([][]theory{{{kind: none, prior: math.Log(priorNone)}}, singles, m.unions(), m.others(), m.several(singles), m.unlogged()})
}

// report turns weights into probabilities.
func (m *model) report(lists [][]theory) Answer {
	top := math.Inf(-1)
	for t := range every(lists) {
		top = max(top, t.log())
	}
	var total float64
	for t := range every(lists) {
		total += math.Exp(t.log() - top)
	}
	extracts, actors := make([]float64, len(m.Extracts)), make([]float64, m.actors)
	var out Answer
	bins := map[int]float64{}
	var sizes []sized
	for t := range every(lists) {
		p := math.Exp(t.log()-top) / total
		if p < nothing {
			continue
		}
		switch t.kind {
		case none:
			out.None += p
			continue
		case unlogged:
			out.Unlogged += p
		case single, union, several:
			m.blame(t, p, extracts, actors)
			if len(t.extracts) > 0 {
				sizes = append(sizes, sized{m.rows(t), p})
			}
		}
		m.spread(t, bins, p)
	}
	out.Extracts, out.Actors = shares(extracts, m.obvious()), shares(actors, m.obvious())
	out.ByExtract, out.ByActor = extracts, actors
	out.Intervals, out.Half, out.Nearly = credible(bins, .9), credible(bins, .5), credible(bins, .99)
	out.Times, out.Rows = times(bins), middle(sizes)
	out.Lacking = m.lacking()
	return out
}

func every(lists [][]theory) iter.Seq[*theory] {
	return func(yield func(*theory) bool) {
		for _, list := range lists {
			for i := range list {
				if !yield(&list[i]) {
					return
				}
			}
		}
	}
}

// nothing is the probability of what need not be told: of a million such the sum is
// less than what answers are rounded to.
const nothing = 1e-13

// blame adds the probability of an explanation to what took part in it.
func (m *model) blame(t *theory, p float64, extracts, actors []float64) {
	for i, e := range t.extracts {
		extracts[e] += p
		a := m.Extracts[e].Actor
		if i == 0 || t.kind == several && !slices.ContainsFunc(t.extracts[:i], func(e int32) bool { return m.Extracts[e].Actor == a }) {
			actors[a] += p
		}
	}
}

// bin is the width in which times of access are told, in days.
const bin = .25

// spread gives the bins of a theory's time their shares: that of an unlogged copy is
// known to a step of the grid, that of an extract to where it lies.
func (m *model) spread(t *theory, bins map[int]float64, p float64) {
	within := []Interval{{t.at - step/2, t.at + step/2}}
	if t.kind != unlogged {
		within = nil
		for _, e := range t.extracts { // the last of them, which is of that time
			if m.Extracts[e].At == t.at {
				within = m.Within[int(e)]
			}
		}
	}
	all := 0.
	for _, in := range within {
		all += in.Until - in.From
	}
	if all == 0 {
		bins[int(math.Floor(t.at/bin))] += p
		return
	}
	for _, in := range within {
		for k := math.Floor(in.From / bin); k*bin < in.Until; k++ {
			bins[int(k)] += p / all * (min(in.Until, (k+1)*bin) - max(in.From, k*bin))
		}
	}
}

// What is said of a person, or of what a person took, is more than one half only when
// it would be four fifths: a slight lead comes as often from what the model does not
// know (who ran the culprit's report twice, an address that was in more copies than
// are listed) as from the contacts. Between even and that, probabilities are brought
// together below one half, in their order.
const (
	doubtful = .4
	obvious  = .8
)

// Careful is what is said of such a probability.
func Careful(p float64) float64 { return careful(p, obvious) }

func careful(p, from float64) float64 {
	if p <= doubtful || p >= from {
		return p
	}
	return doubtful + (p-doubtful)*(.5-doubtful)/(from-doubtful)
}

// obvious is from where on more than one half is said. Where lists lack some of what was
// held, another who had that by his list is accused by chance, the more often the more
// they lack.
func (m *model) obvious() float64 { return obvious + m.lacking() }

// shares gives the greatest of probabilities, and has all of them said with care.
func shares(of []float64, obvious float64) []Share {
	var list []Share
	for i, p := range of {
		if p > 0 {
			of[i] = careful(min(p, 1), obvious)
			list = append(list, Share{i, of[i]})
		}
	}
	slices.SortFunc(list, func(a, b Share) int { return cmp.Or(cmp.Compare(b.P, a.P), cmp.Compare(a.Index, b.Index)) })
	return list[:min(len(list), named)]
}

// sized is how many rows an explanation has, and how probable it is.
type sized struct{ rows, p float64 }

func (m *model) rows(t *theory) (rows float64) {
	for _, e := range t.extracts {
		rows += m.Extracts[e].Rows
	}
	return rows
}

// middle gives the rows of which 5, 50 and 95 % of the probability have fewer.
func middle(list []sized) (out [3]float64) {
	slices.SortStableFunc(list, func(a, b sized) int { return cmp.Or(cmp.Compare(a.rows, b.rows), cmp.Compare(a.p, b.p)) })
	var all float64
	for _, s := range list {
		all += s.p
	}
	for i, share := range [3]float64{.05, .5, .95} {
		sum := 0.
		for _, s := range list {
			if sum += s.p; sum >= share*all {
				out[i] = s.rows
				break
			}
		}
	}
	return out
}

// times gives what bins hold, as shares of all that they hold.
func times(bins map[int]float64) []Time {
	var all float64
	list := make([]Time, 0, len(bins))
	for _, k := range slices.Sorted(maps.Keys(bins)) {
		all += bins[k]
		list = append(list, Time{float64(k) * bin, bins[k]})
	}
	for i := range list {
		list[i].P /= all
	}
	return list
}

// credible gives the smallest set of bins that holds the share of what they hold together.
func credible(bins map[int]float64, share float64) []Interval {
	keys := make([]int, 0, len(bins))
	var all float64
	for k := range bins {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		all += bins[k]
	}
	slices.SortStableFunc(keys, func(a, b int) int { return cmp.Compare(bins[b], bins[a]) })
	var sum float64
	n := 0
	for n < len(keys) && sum < share*all {
		sum += bins[keys[n]]
		n++
	}
	keys = keys[:n]
	slices.Sort(keys)
	var out []Interval
	for _, k := range keys {
		from := float64(k) * bin
		if n := len(out); n > 0 && out[n-1].Until == from {
			out[n-1].Until = from + bin
			continue
		}
		out = append(out, Interval{from, from + bin})
	}
	return out
}
