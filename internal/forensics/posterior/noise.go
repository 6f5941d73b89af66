package posterior

import (
	"cmp"
	"slices"
)

// hit is a token that was contacted by a source which may be the leak's: its first
// such contact.
type hit struct {
	token int
	at    Day
	w     float64 // how much better a leak explains the contact than noise, in days
}

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

// class is a class of contacts that noise makes at one rate.
type class struct {
	guessable bool
	wide      bool // by a source that reached several domains
}

func (s *source) wide() bool { return s.domains > 1 }

// noise reports whether a source is known for noise.
func (s *source) noise() bool { return s.controls > 0 || s.early || s.storm }

// sift gives the tokens that were hit, and learns from the placebos how often
// noise passes for a hit.
func (m *model) sift() []hit {
	all := m.sources()
	r := m.learn(all)
	first := map[int]hit{}
	keep := func(token int, at Day, w float64) {
		if old, ok := first[token]; !ok || at < old.at || at == old.at && w > old.w {
			first[token] = hit{token, at, w}
		}
	}
	for _, s := range all { // in any order: keep's answer does not depend on it
		if !s.noise() {
			m.weighSource(s, r, keep)
		}
	}
	for i := range m.Contacts {
		if c := &m.Contacts[i]; c.Named && c.Token >= 0 {
			keep(c.Token, c.At, callWeight)
		}
	}
	list := make([]hit, 0, len(first))
	for _, h := range first {
		list = append(list, h)
	}
	slices.SortFunc(list, func(a, b hit) int { return cmp.Compare(a.token, b.token) })
	return list
}

// weighSource weighs the contacts of one source. That there is a source which
// reached several domains is counted once; of its further contacts only where they
// went is news.
func (m *model) weighSource(s *source, r *learnt, keep func(int, Day, float64)) {
	seen := map[int]bool{}
	for _, i := range s.contacts {
		c := &m.Contacts[i]
		if seen[c.Token] {
			continue
		}
		k, given := class{m.Tokens[c.Token].Guessable, s.wide()}, .5
		if s.wide() && len(seen) > 0 {
			k.wide, given = false, 1
		}
		seen[c.Token] = true
		keep(c.Token, c.At, given*r.share[c.Content]/r.rate[k])
	}
}

// callWeight: of a call that names the person noise makes next to none.
const callWeight = 1e5

// leakKnows is what contacts of a leak know, where contacts tell anything at all:
// assumed.
func leakKnows() [contents]float64 { return [contents]float64{.3, .45, .25} }

const mostKnowing = 3000 // so many times better a leak explains what a contact knew, at most

// learnt is what the contacts themselves tell of noise.
type learnt struct {
	rate  map[class]float64 // of each token and day: contacts of noise that pass for hits
	share [contents]float64 // how much better a leak explains what a contact knew
}

func (m *model) learn(all map[int]*source) *learnt {
	r := &learnt{rate: map[class]float64{}}
	passed := map[class]float64{}
	var knew [contents]float64
	for _, s := range all {
		for _, i := range s.contacts {
			knew[m.Contacts[i].Content]++
		}
		if k, ok := m.passes(s); ok {
			passed[k]++
		}
	}
	count := map[bool]float64{}
	for i := range m.Controls {
		count[m.Controls[i].Guessable]++
	}
	for _, k := range []class{{false, false}, {false, true}, {true, false}, {true, true}} {
		r.rate[k] = (passed[k] + .5) / (max(count[k.guessable], 1) * (m.Until - m.Since))
	}
	total := knew[Generic] + knew[NamesPerson] + knew[CitesTicket]
	for k, p := range leakKnows() {
		r.share[k] = 1
		if knew[NamesPerson]+knew[CitesTicket] > 0 {
			r.share[k] = min(p/((knew[k]+.5)/(total+1.5)), mostKnowing)
		}
	}
	return r
}

// passes reports whether a source reached a placebo that would have passed for a
// hit, had it been a token: it is the only one that the source reached.
func (m *model) passes(s *source) (class, bool) {
	if s.controls == 0 || s.early || s.storm {
		return class{}, false
	}
	which := -1
	for _, i := range s.contacts {
		switch c := m.Contacts[i].Control; {
		case c < 0 || c == which:
		case which < 0:
			which = c
		default:
			return class{}, false
		}
	}
	return class{m.Controls[which].Guessable, s.wide()}, true
}
