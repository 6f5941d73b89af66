package posterior

import (
	"cmp"
	"slices"
)

// hit is a token that was contacted by a source which may be the leak's: the contact
// that speaks most for a leak, and of those the first.
type hit struct {
	tokens []int
	source int // noSource: a caller who named the person
	at     Day
	w      float64 // how much better a leak explains the contact than noise, in days
	always bool    // it tells nothing of time
}

const noSource = -1

// Sources. A source that reached a placebo, or a token before it was planted, is
// noise; so is one that tried several names of one domain within a day, which is
// how dictionaries are tried. What is left of noise is measured with the
// placebos: each placebo's contacts are judged as if it were a token, with all
// others as placebos, so that the rate is that of noise which the same sieve lets
// pass.
type source struct {
	contacts []int // ascending in time
	controls int   // of them with placebos
	early    bool
	domains  int
	storm    bool
}

const stormSpan = 1 // day

func (m *model) domain(c *Contact) int {
	if c.Control >= 0 {
		return m.Controls[c.Control].Domain
	}
	return m.Tokens[c.Token].Domain
}

// sources groups the contacts by mail.
func (m *model) sources() map[int]*source {
	all := map[int]*source{}
	order := make([]int, len(m.Contacts))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(m.Contacts[a].At, m.Contacts[b].At) })
	for _, i := range order {
		c := &m.Contacts[i]
		if c.Named {
			continue
		}
		s := all[c.Source]
		if s == nil {
			s = &source{}
			all[c.Source] = s
		}
		s.contacts = append(s.contacts, i)
		if c.Control >= 0 {
			s.controls++
		} else if c.At < m.Tokens[c.Token].From {
			s.early = true
		}
	}
	for _, s := range all {
		domains, names := map[int]bool{}, map[[2]int]bool{}
		for _, i := range s.contacts {
			c := &m.Contacts[i]
			domains[m.domain(c)] = true
			names[[2]int{c.Token, c.Control}] = true
		}
		s.domains = len(domains)
		span := m.Contacts[s.contacts[len(s.contacts)-1]].At - m.Contacts[s.contacts[0]].At
		s.storm = len(names) > 1 && len(domains) == 1 && span <= stormSpan
	}
	return all
}

// noise reports whether a source is known for noise.
func (s *source) noise() bool { return s.controls > 0 || s.early || s.storm }

// sift gives the tokens that were hit, those of one source together in their order
// of time, and learns from the placebos how often noise passes for a hit.
func (m *model) sift() []hit {
	all := m.sources()
	r := m.learn(all)
	m.again = r.again
	best := map[int]hit{}
	keep := func(token int, h hit) {
		old, ok := best[token]
		if !ok || cmp.Or(cmp.Compare(h.w, old.w), cmp.Compare(old.at, h.at), cmp.Compare(old.source, h.source)) > 0 {
			h.tokens = []int{token}
			best[token] = h
		}
	}
	for id, s := range all { // in any order: keep's answer does not depend on it
		if s.noise() {
			continue
		}
		for _, i := range s.contacts {
			c := &m.Contacts[i]
			keep(c.Token, hit{nil, id, c.At, r.share[c.Content] / r.rate[m.Tokens[c.Token].Guessable], false})
		}
	}
	for i := range m.Contacts {
		if c := &m.Contacts[i]; c.Named && c.Token >= 0 {
			keep(c.Token, hit{nil, noSource, c.At, callWeight, false})
		}
	}
	list := make([]hit, 0, len(best))
	for _, h := range best {
		list = append(list, h)
	}
	inOrder(list)
	return list
}

// given takes hits as somebody else has found them.
func given(hits []Hit) []hit {
	list := make([]hit, 0, len(hits))
	for _, h := range hits {
		list = append(list, hit{h.Tokens, h.Source, h.At, h.Weight, h.Timeless})
	}
	inOrder(list)
	return list
}

// inOrder puts hits in an order that has nothing of the sources' numbers: they come
// by their first hits.
func inOrder(list []hit) {
	began := map[int]Day{}
	for _, h := range list {
		if t, ok := began[h.source]; !ok || h.at < t {
			began[h.source] = h.at
		}
	}
	slices.SortFunc(list, func(a, b hit) int {
		return cmp.Or(cmp.Compare(began[a.source], began[b.source]), cmp.Compare(a.source, b.source), cmp.Compare(a.at, b.at), slices.Compare(a.tokens, b.tokens))
	})
}

// callWeight: of a call that names the person noise makes next to none.
const callWeight = 1e5

// leakKnows is what contacts of a leak know, where contacts tell anything at all:
// assumed.
func leakKnows() [contents]float64 { return [contents]float64{.3, .45, .25} }

const mostKnowing = 3000 // so many times better a leak explains what a contact knew, at most

// learnt is what the contacts themselves tell of noise.
type learnt struct {
	rate  map[bool]float64  // by guessable: of each token and day, contacts of noise that pass for hits
	again float64           // how many times less than that noise has a contact of a source that was there before
	share [contents]float64 // how much better a leak explains what a contact knew
}

// An innocent sender who writes to several domains and meets no placebo is rare.
// Before any was seen: half a one among as many as this.
const innocents = 10

func (m *model) learn(all map[int]*source) *learnt {
	r := &learnt{rate: map[bool]float64{}}
	passed := map[bool]float64{}
	var wide float64
	var knew [contents]float64
	for _, s := range all {
		if s.noise() {
			for _, i := range s.contacts {
				knew[m.Contacts[i].Content]++
			}
		}
		if guessable, ok := m.passes(s); ok {
			passed[guessable]++
			if s.domains > 1 {
				wide++
			}
		}
	}
	count := map[bool]float64{}
	for i := range m.Controls {
		count[m.Controls[i].Guessable]++
	}
	for _, k := range []bool{false, true} {
		r.rate[k] = (passed[k] + .5) / (max(count[k], 1) * (m.Until - m.Since))
	}
	r.again = (passed[false] + passed[true] + innocents) / (wide + .5)
	m.judge(r, knew)
	return r
}

// judge says what contents are worth. Where no contact knows anything, contents are
// not recorded, and that one knows nothing says nothing.
func (m *model) judge(r *learnt, knew [contents]float64) {
	some := false
	for i := range m.Contacts {
		some = some || m.Contacts[i].Content != Generic
	}
	total := knew[Generic] + knew[NamesPerson] + knew[CitesTicket]
	for k, p := range leakKnows() {
		r.share[k] = 1
		if some {
			r.share[k] = min(p/((knew[k]+.5)/(total+1.5)), mostKnowing)
		}
	}
}

// passes reports whether a source reached a placebo that would have passed for a
// hit, had it been a token: it is the only one that the source reached. It gives
// whether the placebo is guessable.
func (m *model) passes(s *source) (guessable, ok bool) {
	if s.controls == 0 || s.early || s.storm {
		return false, false
	}
	which := -1
	for _, i := range s.contacts {
		switch c := m.Contacts[i].Control; {
		case c < 0 || c == which:
		case which < 0:
			which = c
		default:
			return false, false
		}
	}
	return m.Controls[which].Guessable, true
}
