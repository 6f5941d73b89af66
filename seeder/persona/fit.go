package persona

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
)

// ErrAddress says that a pool address cannot be given to anybody: it is no
// address that people have, or a customer has it.
var ErrAddress = errors.New("pool address suits nobody")

// Fit finds the persona that suits a given address, which is a mailbox at a
// provider, not one that is minted. It reads the local part by the names of the
// sample, and gives back who it may be with the index of a donor from a country
// in which such people are; donors at the same provider are preferred. Of
// addresses that read like a name, as many belong to people with that name as
// in the table; a nickname is anybody's. Letters that are no name of the sample
// are one that it lacks, as often as somebody has such a name.
//
// What the hint tells wins: First and Last (or Full) as the name of the
// mailbox's owner, Country and Language as the donor's. The error is
// [ErrAddress] for an address that no persona can have, and [ErrVariety] when
// there is no donor who suits.
func (m *Mix) Fit(rng *rand.Rand, address string, hint Person, donors []Person) (Identity, int, error) {
	local, domain, found := strings.Cut(strings.ToLower(strings.TrimSpace(address)), "@")
	if !found || !usable([]byte(local)) || m.emails.has(local+"@"+domain) {
		return Identity{}, 0, fmt.Errorf("fit a persona to an address of %d bytes: %w", len(address), ErrAddress)
	}
	m.reading.Do(func() { m.dictionary = m.newDictionary() })
	f := fitting{m: m, domain: domain, local: local, hint: hint, rng: dice{rng.Uint64()}, guesses: m.dictionary.guesses(local)}
	f.hintFirst, f.hintLast = hint.Parts()
	places := f.places(donors)
	if len(places) == 0 {
		return Identity{}, 0, fmt.Errorf("fit a persona: %w: %d donors, none of the country and language wanted", ErrVariety, len(donors))
	}
	const tries = 200
	for range tries {
		p := f.choose(places)
		at := p.donors[f.rng.n(len(p.donors))]
		w := writingOf(&donors[at])
		first, last, ok := f.name(p, donors[at].Born)
		if !ok {
			continue
		}
		id := w.identity(first, last)
		id.Local, id.Domain, id.Written = local, domain, f.capitals(p).write(local, domain)
		if !w.same(&id) || f.hintFirst != "" {
			return id, at, nil
		}
	}
	return Identity{}, 0, fmt.Errorf("fit a persona: %w: no name of %d places suits", ErrVariety, len(places))
}

// fitting is one call of Fit.
type fitting struct {
	m                   *Mix
	rng                 dice
	local, domain       string
	hint                Person
	hintFirst, hintLast string
	guesses             []guess
}

// place is a group of donors, with how the address reads there.
type place struct {
	g      *group
	donors []int
	odds   []float64 // of the guesses, adding up to 1
	weight float64   // how probable it is that the address is from here
}

// places sorts the donors by their groups and weighs these. Of one group's
// donors those at the address's own domain are kept, if there are any.
func (f *fitting) places(donors []Person) []*place {
	byGroup := map[*group]*place{}
	atDomain := map[*group]bool{}
	var out []*place
	for i := range donors {
		d := &donors[i]
		if !hinted(f.hint.Country, d.Country) || !hinted(f.hint.Language, d.Language) {
			continue
		}
		g := f.m.near(d)
		p := byGroup[g]
		if p == nil {
			p = &place{g: g}
			byGroup[g] = p
			out = append(out, p)
		}
		same := strings.EqualFold(d.Email[strings.IndexByte(d.Email, '@')+1:], f.domain)
		if same && !atDomain[g] {
			atDomain[g], p.donors = true, nil
		}
		if same || !atDomain[g] {
			p.donors = append(p.donors, i)
		}
	}
	f.weigh(out)
	return out
}

// capitals is how some owner of an address there types it: a mailbox has it
// either way.
func (f *fitting) capitals(p *place) capitals {
	some := p.g.cells[f.m.classOf(f.domain)]
	if len(some) < minGroup {
		some = p.g.whole
	}
	return f.m.people[some[f.rng.n(len(some))]].capitals
}

func hinted(wanted, have string) bool {
	return wanted == "" || have == "" || strings.EqualFold(wanted, have)
}

func (f *fitting) weigh(places []*place) {
	class := f.m.classOf(f.domain)
	top := math.Inf(-1)
	for _, p := range places {
		f.read(p, f.m.crowd(p.g, class))
		p.weight += math.Log(float64(len(p.g.cells[class])) + 0.1)
		top = max(top, p.weight)
	}
	for _, p := range places {
		p.weight = math.Exp(p.weight - top)
	}
}

// read weighs the guesses at a place; a hint counts as read.
func (f *fitting) read(p *place, c *crowd) {
	p.odds = make([]float64, len(f.guesses))
	top := math.Inf(-1)
	for i := range f.guesses {
		p.odds[i] = c.odds(&f.guesses[i])
		top = max(top, p.odds[i])
	}
	sum := 0.0
	for i := range p.odds {
		p.odds[i] = math.Exp(p.odds[i] - top)
		sum += p.odds[i]
	}
	p.weight = top + math.Log(sum)
	if id, known := f.m.firsts.ids[f.hintFirst]; known {
		p.weight += 2 * c.of(&half{ids: []int32{id}}, true)
	}
	if id, known := f.m.lasts.ids[f.hintLast]; known {
		p.weight += 2 * c.of(&half{ids: []int32{id}}, false)
	}
}

// choose draws a place as probable as it is.
func (f *fitting) choose(places []*place) *place {
	weights := make([]float64, len(places))
	for i, p := range places {
		weights[i] = p.weight
	}
	return places[draw(&f.rng, weights)]
}

// draw draws one of some things by their weights.
func draw(rng *dice, weights []float64) int {
	sum := 0.0
	for _, w := range weights {
		sum += w
	}
	x := sum * float64(rng.next()>>11) / (1 << 53)
	for i, w := range weights {
		if x -= w; x < 0 {
			return i
		}
	}
	return len(weights) - 1
}

// name draws a name that agrees with the address as much as names do.
func (f *fitting) name(p *place, born int) (first, last string, ok bool) {
	if f.hintFirst != "" && f.hintLast != "" {
		return f.hintFirst, f.hintLast, true
	}
	s := f.m.sceneOf(p.g, f.rng.next())
	s.born = int16(born) //nolint:gosec // a year
	d, ok := s.suiting(&f.guesses[draw(&f.rng, p.odds)])
	if !ok {
		return "", "", false
	}
	first, last = d.first.text, d.last.text
	if f.hintFirst != "" {
		first = f.hintFirst
	}
	if f.hintLast != "" {
		last = f.hintLast
	}
	return first, last, true
}

// suiting draws a full name and puts what a guess says in the place of what it
// speaks of.
func (s *scene) suiting(g *guess) (drawn, bool) {
	const tries = 50
	for range tries {
		d := s.draw()
		if !s.keeps(&d) {
			continue
		}
		ok := true
		if !g.first.empty() {
			d.first, ok = s.named(&g.first, &s.m.firsts)
		}
		if !g.last.empty() && ok {
			d.last, ok = s.named(&g.last, &s.m.lasts)
		}
		if ok && s.rng.chance(s.g.mixing.concord.agree(d.first, d.last)) {
			return d, true
		}
	}
	return drawn{}, false
}

// named draws a name that fits a part of a guess, as often as people of the
// group have it.
func (s *scene) named(p *half, x *lexicon) (*name, bool) {
	first := x == &s.m.firsts
	if p.unseen != "" {
		return new(newName(s.m.crowd(s.g, ofFew).written(&s.rng, p.unseen, first))), true
	}
	if p.initial == 0 {
		best, most := int32(-1), -1.0
		for _, id := range p.ids { // the heaviest of random weights: Efraimidis and Spirakis 2006
			weight := s.g.having(id, first) + 0.01*float64(x.names[id].count)
			key := math.Pow(float64(s.rng.next()>>11+1)/(1<<53), 1/weight)
			if key > most {
				best, most = id, key
			}
		}
		return &x.names[best], true
	}
	const tries = 300
	for range tries {
		l := &s.g.links[s.rng.n(len(s.g.links))]
		id := l.last
		if first {
			id = l.first
		}
		if n := &x.names[id]; n.plain != "" && n.plain[0] == p.initial {
			return n, true
		}
	}
	return nil, false
}
