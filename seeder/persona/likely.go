package persona

import (
	"math"
	"strings"
)

// Likely says how much oftener than anybody people like somebody would have
// such an address, as a logarithm: 0 is as often. Anybody is of all countries, or
// within the same one: where it is known of which an address is, a nickname is
// nobody's there. It finds for a mailbox at a provider the people among whom it
// does not stand out; see [Mix.Fit].
func (m *Mix) Likely(address string, who Person, within bool) float64 {
	r := m.rate(address)
	own := m.near(&who)
	top, sum, all, there := math.Inf(-1), 0.0, 0.0, math.Inf(-1)
	for i := range m.quarters {
		top = max(top, r[i].weight)
	}
	for i := range m.quarters {
		if m.quarters[i].g == own {
			there = max(there, r[i].weight+m.ofAge(r[i].firsts, own, who.Born))
		}
		if !within || m.quarters[i].country == who.Country {
			sum += m.quarters[i].people * math.Exp(r[i].weight-top)
			all += m.quarters[i].people
		}
	}
	if sum == 0 || math.IsInf(there, -1) {
		return 0
	}
	return there - top - math.Log(sum/all)
}

// quarter are the people of a country whose closest group is one.
type quarter struct {
	g       *group
	country string
	people  float64
}

// divide counts the people by their closest groups.
func (m *Mix) divide(people []Person) {
	at := map[quarter]int{}
	for i := range people {
		key := quarter{g: m.near(&people[i]), country: people[i].Country}
		k, known := at[key]
		if !known {
			k = len(m.quarters)
			at[key], m.quarters = k, append(m.quarters, key)
		}
		m.quarters[k].people++
	}
}

// rating is how probable an address is in a quarter, and what first name it
// most probably reads there.
type rating struct {
	weight float64
	firsts []int32
}

// rate rates an address in all quarters, once.
func (m *Mix) rate(address string) []rating {
	if known, found := m.ratings.Load(address); found {
		return known.([]rating)
	}
	local, domain, _ := strings.Cut(strings.ToLower(strings.TrimSpace(address)), "@")
	m.reading.Do(func() { m.dictionary = m.newDictionary() })
	f := fitting{m: m, domain: domain, local: local, guesses: m.dictionary.guesses(local)}
	class := m.classOf(domain)
	out := make([]rating, len(m.quarters))
	for i := range m.quarters {
		p := &place{g: m.quarters[i].g}
		f.read(p, m.crowd(p.g, class))
		out[i].weight = p.weight
		for k := range f.guesses {
			if p.odds[k] == 1 {
				out[i].firsts = f.guesses[k].first.ids
			}
		}
	}
	m.ratings.Store(address, out)
	return out
}

// ofAge says how much oftener than anybody people born in a year have one of
// some first names.
func (m *Mix) ofAge(firsts []int32, g *group, born int) float64 {
	if born == 0 || len(firsts) == 0 {
		return 0
	}
	s := scene{born: int16(born)} //nolint:gosec // a year
	peers, dated := 0.0, 0.0
	for _, id := range firsts {
		for _, i := range g.named(id) {
			if year := g.links[i].born; year > 0 {
				dated++
				if s.peer(year) {
					peers++
				}
			}
		}
	}
	share := g.aged(&s)
	return math.Log((peers + g.doubt*share) / ((dated + g.doubt) * share))
}

// aged is the share of a group that is about as old as somebody.
func (g *group) aged(s *scene) float64 {
	peers, dated := 0.5, 1.0
	for year, n := range g.years {
		if n > 0 {
			dated += float64(n)
			if s.peer(int16(year + oldest)) {
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
