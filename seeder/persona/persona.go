// Package persona makes one believable customer out of a sample of real ones
// and a source of randomness. It is pure: no I/O, no clock; the same sample
// and the same source give the same person.
//
// What identifies somebody is made new: the name is put together from first
// and last names of the same country or language, as often as they occur; the
// local part of the address follows the styles that the sample itself has
// (first.last, flast84, nick …); a phone number of the pool is written as the
// donor's is; a ticket number follows the rule of the table's own numbers.
// Everything else is the donor's and is not made here.
//
// An address has to pass the blind acceptance rule, about one in 64 does. Name
// and style are drawn again for every try, so the rule prefers no style: the
// addresses that pass are distributed like those that are drawn.
//
// Its one invariant: no e-mail address and no phone number of the sample comes
// out again. It refuses to work from a sample with too few names, and fails
// with [ErrVariety] when the names at hand do not yield enough addresses.
package persona

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
)

var (
	// ErrSample says that a sample holds too little to learn from.
	ErrSample = errors.New("sample is too small")
	// ErrVariety says that no usable address was found in many tries.
	ErrVariety = errors.New("names and styles of the sample yield no further usable address")
)

// Person is one sampled customer, as the table holds the fields.
type Person struct {
	First, Last string // empty when the table has the full name only
	Full        string // empty when the table has the parts only
	Email       string
	Phone       string
	Salutation  string
	Country     string
	Language    string
}

// Identity is what is made new for a canary.
type Identity struct {
	First, Last string
	Full        string // written as the donor's full name is: "Dana Whitfield", "Whitfield, Dana"
	Local       string // canonical
	Domain      string // canonical
}

// Email is the address.
func (i Identity) Email() string { return i.Local + "@" + i.Domain }

// minPeople is the least number of people to learn from; minGroup the least
// that make a country or language of its own.
const (
	minPeople = 20
	minGroup  = 30
)

// Mix is what was learned from a sample. It is safe for concurrent use.
type Mix struct {
	all    []entry
	groups map[string][]entry // by country, language and salutation, see groupsOf
	locals map[string]bool    // of the sample
	emails map[string]bool
	phones phones
}

// entry is one person, taken apart.
type entry struct {
	first, last string
	style       style
}

// Learn takes a sample apart. It needs at least 20 people with names.
func Learn(people []Person) (*Mix, error) {
	m := &Mix{groups: map[string][]entry{}, locals: map[string]bool{}, emails: map[string]bool{}, phones: phones{}}
	for _, p := range people {
		first, last := p.parts()
		if first == "" || last == "" {
			continue
		}
		email := strings.ToLower(strings.TrimSpace(p.Email))
		local, _, _ := strings.Cut(email, "@")
		local, _, _ = strings.Cut(local, "+")
		m.locals[local], m.emails[email] = true, true
		m.phones.learn(p)
		e := entry{first, last, readStyle(local, first, last)}
		m.all = append(m.all, e)
		for _, g := range groupsOf(p) {
			m.groups[g] = append(m.groups[g], e)
		}
	}
	if len(m.all) < minPeople {
		return nil, fmt.Errorf("learn names: %w: %d people with names, %d wanted", ErrSample, len(m.all), minPeople)
	}
	return m, nil
}

// groupsOf names the groups of a person, the closest first.
func groupsOf(p Person) []string {
	var groups []string
	if p.Country != "" && p.Salutation != "" {
		groups = append(groups, "c:"+p.Country+"\x00"+p.Salutation)
	}
	if p.Country != "" {
		groups = append(groups, "c:"+p.Country)
	}
	if p.Language != "" && p.Salutation != "" {
		groups = append(groups, "l:"+p.Language+"\x00"+p.Salutation)
	}
	if p.Language != "" {
		groups = append(groups, "l:"+p.Language)
	}
	return groups
}

// near is the closest group of people that is large enough.
func (m *Mix) near(p Person) []entry {
	for _, g := range groupsOf(p) {
		if len(m.groups[g]) >= minGroup {
			return m.groups[g]
		}
	}
	return m.all
}

// Pool is what an identity is drawn under.
type Pool struct {
	Domains []string // canonical
	// Accept is the blind acceptance rule.
	Accept func(local, domain string) bool
	// Usable may refuse an identity that passed: taken, too long. Nil takes all.
	Usable func(Identity) bool
}

// maxTries bounds the tries for one identity: 300 times what a rule of one in
// 64 needs on average.
const maxTries = 64 * 300

// Identity draws a person like the donor: name, style and domain are drawn
// anew until an address passes.
func (m *Mix) Identity(rng *rand.Rand, donor Person, pool Pool) (Identity, error) {
	if len(pool.Domains) == 0 {
		return Identity{}, fmt.Errorf("draw an identity: %w: no domain", ErrVariety)
	}
	group := m.near(donor)
	for range maxTries {
		id := m.name(rng, group, donor)
		local, ok := m.local(rng, group, id, donor)
		id.Local, id.Domain = local, pool.Domains[rng.IntN(len(pool.Domains))]
		if !ok || !pool.Accept(id.Local, id.Domain) || m.emails[id.Email()] {
			continue
		}
		if pool.Usable == nil || pool.Usable(id) {
			return id, nil
		}
	}
	return Identity{}, fmt.Errorf("draw an identity: %w (%d people in the group, %d domains)", ErrVariety, len(group), len(pool.Domains))
}

// Address draws a further address for somebody whose name stays: only style,
// digits and domain are drawn anew.
func (m *Mix) Address(rng *rand.Rand, who Person, pool Pool) (Identity, error) {
	if len(pool.Domains) == 0 {
		return Identity{}, fmt.Errorf("draw an address: %w: no domain", ErrVariety)
	}
	group := m.near(who)
	first, last := who.parts()
	for range maxTries {
		id := Identity{First: first, Last: last, Full: who.Full}
		local, ok := m.local(rng, group, id, who)
		id.Local, id.Domain = local, pool.Domains[rng.IntN(len(pool.Domains))]
		if ok && pool.Accept(id.Local, id.Domain) && !m.emails[id.Email()] && (pool.Usable == nil || pool.Usable(id)) {
			return id, nil
		}
	}
	return Identity{}, fmt.Errorf("draw an address: %w (%d domains)", ErrVariety, len(pool.Domains))
}

// name puts a name together; it is not the donor's own.
func (m *Mix) name(rng *rand.Rand, group []entry, donor Person) Identity {
	df, dl := donor.parts()
	var id Identity
	for range 20 {
		id.First, id.Last = pick(rng, group).first, pick(rng, group).last
		same := strings.EqualFold(id.First, df) && strings.EqualFold(id.Last, dl)
		if !same && caseOf(id.First) == caseOf(id.Last) {
			break
		}
	}
	id.Full = fullLike(donor.Full, id.First, id.Last)
	return id
}

// caseOf tells how somebody types: people write both of their names in small
// letters, or in capitals, or neither.
func caseOf(name string) int {
	lower, upper := strings.ToLower(name), strings.ToUpper(name)
	switch {
	case lower == upper: // a script without case
		return 0
	case name == lower:
		return 1
	case name == upper && len(name) > 1:
		return 2
	}
	return 0
}

func pick(rng *rand.Rand, group []entry) *entry { return &group[rng.IntN(len(group))] }

// parts gives first and last name, from the full name where there are none.
func (p Person) parts() (first, last string) {
	if p.First != "" || p.Last != "" {
		return strings.TrimSpace(p.First), strings.TrimSpace(p.Last)
	}
	full := strings.Join(strings.Fields(p.Full), " ")
	if last, first, ok := strings.Cut(full, ", "); ok {
		return first, last
	}
	first, last, _ = strings.Cut(full, " ")
	return first, last
}

// fullLike writes a name in the order and case of another.
func fullLike(like, first, last string) string {
	full := first + " " + last
	if strings.Contains(like, ", ") {
		full = last + ", " + first
	}
	switch {
	case len(like) > 3 && like == strings.ToUpper(like) && like != strings.ToLower(like):
		return strings.ToUpper(full)
	case len(like) > 3 && like == strings.ToLower(like) && like != strings.ToUpper(like):
		return strings.ToLower(full)
	}
	return full
}
