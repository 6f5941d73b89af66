// Package forensics works out from contacts when a leaked extract must have
// been taken and which known extracts can be the one: arithmetic only, no I/O,
// no clock.
//
// The material is the windows of the tokens that were hit. A token tells when
// the copy it came from was made: it cannot stand in an extract that was taken
// while it could not be read, and a contact cannot stem from an extract that
// was taken after it. So the access window is where the windows of all tokens
// hit overlap, and an extract explains a hit when three things hold together:
// it held the token's canary (its list names it, or its place and segment
// cover the row), the token may have been readable while it was taken, and the
// first contact came later.
//
//	t_a  |  =========x          email in the row from day 2 to day 11, hit on day 11
//	t_b  |      =======>   x    changed on day 6, hit on day 17
//	     |      #####           access window: day 6 to day 11
//	E-7  |        ^             taken on day 8: explains both
//	E-9  | ^                    taken on day 1: explains none
//
// One hit is one token, however often it was contacted, and its earliest
// contact counts: repeats are evidence of persistence, not of a second leak,
// and would let any later extract claim them.
//
// Every end of a window carries its uncertainty, so there are two answers: the
// hull, outside of which the extract cannot have been taken, and the core,
// inside of which all tokens could certainly be read.
//
// How sure it is stands beside: package posterior weighs single extracts, all that
// one actor took, several together, a copy that no log knows, and no leak at all
// against each other; suspects come in the order of their probabilities, then by the
// hits they explain. A giant extract is less probable than a small one that explains
// the same, because it would have brought contacts elsewhere.
//
// What it refuses: to call anybody a suspect below nine in ten, and hiding a
// contradiction. When no moment fits all hits, it says so and gives the moments
// that fit most. An extract that nobody logged is always one of the suspects.
//
// Invariant: the answer does not depend on the order of the question's lists,
// and names canaries and tokens by their ids alone.
package forensics

import (
	"cmp"
	"slices"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/parallel"
)

// Hit is one contact with one planted token.
type Hit struct {
	Token   canary.TokenID   `json:"token"`
	Canary  canary.ID        `json:"canary"`
	Kind    canary.Kind      `json:"kind"`
	Channel canary.Channel   `json:"channel"`
	At      time.Time        `json:"at"`
	Segment canary.Segment   `json:"segment"`
	Window  canary.Window    `json:"window"`
	Contact canary.ContactID `json:"contact"`
	// Noise is how many contacts a year noise brings to such a token, 0 where nothing
	// was measured; Content how many times likelier what the contact says is under a
	// leak, 0 and 1 are nothing; Source tells who came from others, if it is known.
	Noise   float64 `json:"-"`
	Content float64 `json:"-"`
	Source  string  `json:"-"`
}

// Live is one planted token in one window, hit or not. A token that stood in
// two places, or twice in one, is given once for each window; one whose address
// or number stood in another canary's row before, once for each canary whose it
// may have been. A canary belongs to one segment of a place.
type Live struct {
	Token   canary.TokenID `json:"token"`
	Canary  canary.ID      `json:"canary"`
	Segment canary.Segment `json:"segment"`
	Window  canary.Window  `json:"window"`
}

// Question is what is to be traced.
type Question struct {
	// Hits are the contacts of one incident, without own traffic and noise.
	Hits []Hit
	// Tokens are all tokens that were ever planted. They say what an extract
	// known by place and segment held, and what stayed silent. The windows given
	// here go before those of the hits.
	Tokens []Live
	// Extracts are the known extracts; those that are not valid are counted and
	// passed over.
	Extracts []canary.Extract
	// Now is the time of the question; it is only written down.
	Now time.Time
}

// Answer is what can be said.
type Answer struct {
	Now time.Time `json:"now"`
	// Conclusion is one or two sentences.
	Conclusion string `json:"conclusion"`
	// Hits are the tokens hit, in the order of their first contacts; Contacts
	// counts the contacts with them.
	Hits     []Reached `json:"hits"`
	Contacts int       `json:"contacts"`
	// Silent counts the tokens that may have been readable in Window, or where most
	// hits fit, and were not hit.
	Silent int     `json:"silent"`
	events int     // independent hits
	left   int     // records that were hit and not weighed
	lacks  float64 // how much lists of extracts lack
	aside  int     // contacts beside which others with the same token tell far more

	// Window is the hull: disjoint intervals in which all hit tokens may have
	// been readable, and after which all were contacted. Empty when no moment
	// fits; then Peaks says what does.
	Window []Interval `json:"window"`
	// Certain is the part of Window in which all could certainly be read.
	Certain []Interval `json:"certain"`
	// Peaks are the greatest sets of hits that fit together, greatest first, at
	// most 20 of them. Empty when Window is not.
	Peaks []Peak `json:"peaks,omitempty"`
	// Steps says for every moment how many of the hit tokens may have been
	// readable; moments at which none was are left out.
	Steps []Step `json:"steps"`

	// Chances are the probabilities; nil when nothing was hit.
	Chances *Chances `json:"chances,omitempty"`
	// Size is how much leaked; nil when nothing was hit.
	Size *Size `json:"size,omitempty"`

	// All, Some and None count the known extracts by Verdict; Unusable those
	// that were not valid.
	All      int `json:"all"`
	Some     int `json:"some"`
	None     int `json:"none"`
	Unusable int `json:"unusable,omitempty"`
	// Suspects are the known extracts that explain a hit, of a short log the others as
	// well, at most 1,000, and "not in the log". They come by what speaks for them: the
	// best extract of each actor by the actor's probability, others by their own.
	Suspects []Suspect `json:"suspects"`

	// Reasons say in plain words how the answer came about.
	Reasons []string `json:"reasons"`
	// Proves and ProvesNot bound what may be concluded.
	Proves    []string `json:"proves"`
	ProvesNot []string `json:"proves_not"`
}

// Reached is a token that was hit.
type Reached struct {
	Token    canary.TokenID   `json:"token"`
	Canary   canary.ID        `json:"canary"`
	Kind     canary.Kind      `json:"kind"`
	Channels []canary.Channel `json:"channels"` // sorted
	First    time.Time        `json:"first"`    // earliest contact
	Contact  canary.ContactID `json:"contact"`  // the earliest contact's id
	Contacts int              `json:"contacts"`
	Windows  []canary.Window  `json:"windows"` // by place and beginning
	segment  canary.Segment   // of the row that it is put down to
}

// Interval is half-open: [From, Until).
type Interval struct {
	Place canary.Place `json:"place"`
	From  time.Time    `json:"from"`
	Until time.Time    `json:"until"`
}

// Step is an interval in which a fixed number of the hit tokens may have been
// readable.
type Step struct {
	Interval
	Tokens int `json:"tokens"`
}

// Peak is an interval that fits more hits than the moments around it.
type Peak struct {
	Interval
	Tokens  int              `json:"tokens"`
	Without []canary.TokenID `json:"without"` // hits that it does not fit, sorted
}

// Verdict says how many of the hits a suspect explains.
type Verdict string

// The verdicts.
const (
	ExplainsAll  Verdict = "all"
	ExplainsSome Verdict = "some"
	ExplainsNone Verdict = "none"
)

// Suspect is an extract that may be the one that leaked, or the assumption
// that it is in no log.
type Suspect struct {
	Extract canary.ExtractID `json:"extract,omitempty"`
	// P is the probability that it took part in the leak.
	// ActorP is that of its actor, who may have taken several.
	P      float64       `json:"p"`
	ActorP float64       `json:"actor_p"`
	Actor  string        `json:"actor,omitempty"`
	Taken  canary.Moment `json:"taken,omitzero"`
	// Unlogged marks "not in the log": one extract that is not known. Extract,
	// Actor, Taken, Holds and Silent are then empty.
	Unlogged bool `json:"unlogged,omitempty"`
	// Explains counts the hits it explains, Of all hits.
	Explains int `json:"explains"`
	Of       int `json:"of"`
	// Holds counts the canaries it held, Silent those of them from which it
	// explains no hit.
	Holds   int      `json:"holds"`
	Silent  int      `json:"silent"`
	Verdict Verdict  `json:"verdict"`
	Reasons []string `json:"reasons"`
}

// Leading gives the best known extract, if any explains a hit. Suspects[0] may
// be "not in the log" instead.
func (a Answer) Leading() (Suspect, bool) {
	for _, s := range a.Suspects {
		if !s.Unlogged {
			return s, s.Explains > 0
		}
	}
	return Suspect{}, false
}

// Trace answers the question.
func Trace(q Question) Answer {
	var r roll
	valid := make(chan struct{})
	var besides parallel.Group
	besides.Go(func() {
		func() {
			defer close(valid)
			r.enrol(q.Extracts)
		}()
		r.sort()
	})
	all := len(q.Hits)
	q.Hits = telling(q.Hits)
	hits := group(q)
	a := Answer{Now: canary.Micro(q.Now), Hits: make([]Reached, 0, len(hits)), Contacts: contacts(q.Hits), aside: all - len(q.Hits)}
	for _, h := range hits {
		a.Hits = append(a.Hits, h.Reached)
	}
	a.access(hits)
	ix := newIndex(q.Tokens, hits)
	a.events = ix.events
	var w *weighing
	besides.Go(func() {
		a.Silent = a.silentTokens(q.Tokens)
		w = prepare(&q, ix, a.Now)
	})
	<-valid
	ranked := a.weighAll(ix, &r)
	besides.Wait()
	if len(hits) > 0 {
		a.chances(w, &r, ranked)
	} else {
		a.suspects(ix.first(ranked))
	}
	a.conclude()
	return a
}

// target is a token that was hit, with its windows as numbers.
type target struct {
	Reached
	by    map[canary.ContactID]bool
	first int64
	lies  []placed
}

// placed is one window of one token in a segment of a place.
type placed struct {
	canary  canary.ID
	place   canary.Place
	segment canary.Segment
	hull    span
	core    span
}

// group brings contacts together by token, in the order of first contacts.
func group(q Question) []*target {
	byToken := map[canary.TokenID]*target{}
	given := map[canary.TokenID][]Live{}
	for _, h := range q.Hits {
		t := byToken[h.Token]
		if t == nil {
			t = &target{Reached: Reached{Token: h.Token}, by: map[canary.ContactID]bool{}}
			byToken[h.Token] = t
		}
		t.add(h)
		given[h.Token] = append(given[h.Token], Live{h.Token, h.Canary, h.Segment, h.Window})
	}
	known := map[canary.TokenID][]Live{}
	for _, l := range q.Tokens {
		if byToken[l.Token] != nil {
			known[l.Token] = append(known[l.Token], l)
		}
	}
	hits := make([]*target, 0, len(byToken))
	for id, t := range byToken {
		lies := known[id]
		if lies == nil {
			lies = given[id]
		}
		t.settle(lies)
		hits = append(hits, t)
	}
	slices.SortFunc(hits, func(x, y *target) int {
		return cmp.Or(cmp.Compare(x.first, y.first), cmp.Compare(x.Token, y.Token))
	})
	return hits
}

// contacts counts the contacts of hits: one may name several tokens.
func contacts(hits []Hit) int {
	ids := map[canary.ContactID]bool{}
	for _, h := range hits {
		ids[h.Contact] = true
	}
	return len(ids)
}

func (t *target) add(h Hit) {
	at := canary.Micro(h.At)
	earlier := at.Before(t.First) || at.Equal(t.First) && h.Contact < t.Contact
	if t.Contacts == 0 || earlier {
		t.First, t.Contact, t.first = at, h.Contact, at.UnixMicro()
		t.Canary, t.Kind, t.segment = h.Canary, h.Kind, h.Segment
	}
	t.Contacts++
	t.by[h.Contact] = true
	if !slices.Contains(t.Channels, h.Channel) {
		t.Channels = append(t.Channels, h.Channel)
		slices.Sort(t.Channels)
	}
}

// settle writes down where the token could be read, each window once.
func (t *target) settle(lies []Live) {
	slices.SortFunc(lies, compareLive)
	lies = slices.CompactFunc(lies, func(x, y Live) bool { return compareLive(x, y) == 0 })
	for _, l := range lies {
		if !slices.Contains(t.Windows, l.Window) {
			t.Windows = append(t.Windows, l.Window)
		}
		t.lies = append(t.lies, placed{l.Canary, l.Window.Place, l.Segment, hull(l.Window), core(l.Window)})
	}
}

func compareLive(x, y Live) int {
	return cmp.Or(
		cmp.Compare(x.Window.Place, y.Window.Place),
		x.Window.From.Earliest.Compare(y.Window.From.Earliest),
		x.Window.From.Latest.Compare(y.Window.From.Latest),
		x.Window.Until.Earliest.Compare(y.Window.Until.Earliest),
		x.Window.Until.Latest.Compare(y.Window.Until.Latest),
		cmp.Compare(x.Segment, y.Segment),
		cmp.Compare(x.Canary, y.Canary),
	)
}
