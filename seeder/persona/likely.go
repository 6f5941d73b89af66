package persona

import "strings"

// Likely says how much oftener than anybody people of somebody's country would
// have such an address, as a logarithm: 0 is as often. It finds for a mailbox
// at a provider the people among whom it does not stand out; see [Mix.Fit].
func (m *Mix) Likely(address string, who Person) float64 {
	local, domain, _ := strings.Cut(strings.ToLower(strings.TrimSpace(address)), "@")
	m.reading.Do(func() { m.dictionary = m.agreement() })
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
	if degreeOf(read(local, m.firsts.name(first), m.lasts.name(last)).form) != 0 {
		return true
	}
	m.reading.Do(func() { m.dictionary = m.agreement() })
	f := fitting{m: m, guesses: m.dictionary.guesses(local)}
	p := &place{g: m.near(&who)}
	f.read(p, m.crowd(p.g, m.classOf(domain)))
	return f.guesses[p.best].degree() == 0
}
