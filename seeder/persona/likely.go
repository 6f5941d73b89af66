package persona

import "strings"

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
	return there.weight - anywhere.weight
}

// Agrees reports whether an address may be that of somebody with a name: it
// holds a part of the name, or reads like nobody's.
func (m *Mix) Agrees(address string, who Person) bool {
	local, domain, _ := strings.Cut(strings.ToLower(strings.TrimSpace(address)), "@")
	first, last := who.Parts()
	if strings.ContainsAny(keyOf(read(local, m.firsts.name(first), m.lasts.name(last)).form), "FLfl") {
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
