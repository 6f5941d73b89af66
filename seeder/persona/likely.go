package persona

import (
	"math"
	"strings"
)

// Likely says how much oftener than anybody people of somebody's country would
// have such an address, as a logarithm: 0 is as often. It finds for a mailbox
// at a provider the people among whom it does not stand out; see [Mix.Fit].
func (m *Mix) Likely(address string, who Person) float64 {
	local, domain, _ := strings.Cut(strings.ToLower(strings.TrimSpace(address)), "@")
	m.reading.Do(func() { m.dictionary = m.newDictionary() })
	f := fitting{m: m, domain: domain, local: local, guesses: m.dictionary.guesses(local)}
	class := m.classOf(domain)
	there, anywhere := &place{g: m.near(&who)}, &place{g: m.all}
	f.read(there, m.crowd(there.g, class))
	f.read(anywhere, m.crowd(anywhere.g, class))
	return there.weight - anywhere.weight + f.ofAge(there, who.Born)
}

// ofAge says how much oftener than anybody people born in a year have the first
// name that an address most probably reads.
func (f *fitting) ofAge(p *place, born int) float64 {
	const doubt = 3 // people who are as old as all are
	best := &f.guesses[0]
	for i := range f.guesses {
		if p.odds[i] == 1 {
			best = &f.guesses[i]
		}
	}
	if born == 0 || len(best.first.ids) == 0 {
		return 0
	}
	s := scene{born: int16(born)} //nolint:gosec // a year
	peers, dated := 0.0, 0.0
	for _, id := range best.first.ids {
		for _, i := range p.g.named(id) {
			if year := p.g.links[i].born; year > 0 {
				dated++
				if s.peer(year) {
					peers++
				}
			}
		}
	}
	share := p.g.aged(&s)
	return math.Log((peers + doubt*share) / ((dated + doubt) * share))
}

// aged is the share of a group that is about as old as somebody.
func (g *group) aged(s *scene) float64 {
	peers, dated := 0.5, 1.0
	for year, n := range g.years {
		if n > 0 {
			dated += float64(n)
			if s.peer(int16(year + oldest)) { //nolint:gosec // a year
				peers += float64(n)
			}
		}
	}
	return peers / dated
}

// Agrees reports whether an address may be that of somebody with a name: it
// holds a part of the name, or reads like nobody's.
func (m *Mix) Agrees(address string, who Person) bool {
	local, domain, _ := strings.Cut(strings.ToLower(strings.TrimSpace(address)), "@")
	first, last := who.Parts()
	if strings.ContainsAny(keyOf(read(local, m.firsts.name(first), m.lasts.name(last)).form), "FGHLMTfl") {
		return true
	}
	m.reading.Do(func() { m.dictionary = m.newDictionary() })
	f := fitting{m: m, guesses: m.dictionary.guesses(local)}
	const maybe = 0.1
	p, nobodys := &place{g: m.near(&who)}, 0.0
	f.read(p, m.crowd(p.g, m.classOf(domain)))
	sum := 0.0
	for i := range p.odds {
		if sum += p.odds[i]; f.guesses[i].degree() == 0 {
			nobodys += p.odds[i]
		}
	}
	return nobodys > maybe*sum
}
