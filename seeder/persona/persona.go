// Package persona makes one believable customer out of a sample of real ones
// and a source of randomness. It is pure: no I/O, no clock; the same sample
// and the same source give the same person.
//
// What identifies somebody is made new. A full name is put together from first
// and last names of the same country or language whose ends agree, or it is one
// that occurs, so that as many others have it as have a customer's; names that
// only one person has are not copied but made of such. The local part of the
// address is written in a style of the people who have the same kind of domain
// and signed up at the same time (first.last, flast84, nick …); a phone number
// of the pool is written as the donor's is; a ticket number follows the rule of
// the table's own numbers. Everything else is the donor's and is not made here.
//
// An address has to pass the blind acceptance rule, about one in 64 does. Name
// and style are drawn again for every try, so the rule prefers no style: the
// addresses that pass are distributed like those that are drawn. A provider
// mailbox is given, not drawn: [Mix.Fit] finds the persona who suits it, and
// [Tail] says how many canaries small owned domains can carry unseen.
//
// Its one invariant: no e-mail address and no phone number of the sample comes
// out again. It refuses to work from a sample with too few names, and fails
// with [ErrVariety] when the names at hand do not yield enough addresses.
package persona

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"time"
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
	Created     time.Time // the sign-up; zero when the table does not tell
	Born        int       // the year of birth; 0 when the table does not tell
}

// Identity is what is made new for a canary.
type Identity struct {
	First, Last string
	Full        string // written as the donor's full name is: "Dana Whitfield", "Whitfield, Dana"
	Local       string // canonical
	Domain      string // canonical
	Written     string // the address as its owner types it, some with capitals
}

// Email is the canonical address.
func (i Identity) Email() string { return i.Local + "@" + i.Domain }

// minPeople is the least number of people to learn from; minGroup the least
// that make a country or language of its own.
const (
	minPeople = 20
	minGroup  = 30
)

// Mix is what was learned from a sample. It is safe for concurrent use.
type Mix struct {
	people        []somebody
	rows          int     // of the table
	covered       float64 // share of the table that the sample is
	firsts, lasts lexicon
	forms         *texts
	digits        *texts
	words         *texts
	domains       *texts
	class         map[string]int32
	surnames      map[string]int32 // by their letters
	homely        float64          // share of the people at domains that are a last name who have it
	full          map[pair]int32   // people by full name
	maybe         []uint64         // bits, see occurs
	locals        seen
	emails        seen
	phones        phones
	births        births
	smalls        smalls

	all    *group
	groups map[groupKey]*group // by country, language and salutation, see groupsOf

	keys       []string // by form, see keyOf
	crowds     sync.Map // by circle
	unseen     sync.Map // by group, see strangers
	ratings    sync.Map // by address
	quarters   []quarter
	reading    sync.Once // fills dictionary
	dictionary *dictionary

	partsFirst, partsLast string // which parts of compound names stand in addresses: of FGH, of LMT
}

// Learn takes a sample apart, which is the whole table or stands for it. It
// needs at least 20 people with names.
func Learn(people []Person) (*Mix, error) {
	l := NewLearner(nil, len(people))
	for i := range people {
		l.Add(people[i])
	}
	return l.Mix(len(people))
}

// groupKey names a group: a country or a language, with a salutation or with all.
type groupKey struct {
	kind              byte
	place, salutation string
}

// groupsOf names the groups of a person, the closest first; those without a
// place are none.
func groupsOf(p *Person) [4]groupKey {
	keys := [4]groupKey{{'c', p.Country, p.Salutation}, {'c', p.Country, ""}, {'l', p.Language, p.Salutation}, {'l', p.Language, ""}}
	if p.Salutation == "" {
		keys[0].place, keys[2].place = "", ""
	}
	return keys
}

// near is the closest group of people that is large enough.
func (m *Mix) near(p *Person) *group {
	for _, key := range groupsOf(p) {
		if g := m.groups[key]; g != nil {
			return g
		}
	}
	return m.all
}

// Widen makes a person one of a larger group, whose names and habits it then
// draws from; it reports whether there is one.
func (p *Person) Widen() bool {
	for _, fact := range []*string{&p.Salutation, &p.Country, &p.Language} {
		if *fact != "" {
			*fact = ""
			return true
		}
	}
	return false
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
// 64 needs on average. Each further one of several adds manyTries.
const (
	maxTries  = 64 * 300
	manyTries = 64 * 30
)

// Identity draws a person like the donor: name, style and domain are drawn
// anew until an address passes.
func (m *Mix) Identity(rng *rand.Rand, donor Person, pool Pool) (Identity, error) {
	some, err := m.Identities(rng, donor, pool, 1)
	if err != nil {
		return Identity{}, err
	}
	return some[0], nil
}

// Identities draws n of them with different addresses: a canary's placebos.
// Most of the work of drawing is shared. With [ErrVariety] come those that were
// found; a wider group of people ([Person.Widen]) has more.
func (m *Mix) Identities(rng *rand.Rand, donor Person, pool Pool, n int) ([]Identity, error) {
	if len(pool.Domains) == 0 {
		return nil, fmt.Errorf("draw an identity: %w: no domain", ErrVariety)
	}
	s, out := m.scene(&donor, pool.Domains, rng.Uint64()), make([]Identity, 0, n)
	if s.born = int16(donor.Born); n > 1 { //nolint:gosec // a year
		s.tested, s.born = make([]uint32, 1<<12), 0 // a placebo stands in no row
	}
	ways := []func(*Pool) (Identity, bool){s.try}
	if wider := donor; n == 1 || !wider.Widen() {
		ways = append(ways, s.crowded)
	}
	for _, draw := range ways {
		if out = s.collect(out, draw, &pool); len(out) == n {
			return out, nil
		}
	}
	return out, fmt.Errorf("draw an identity: %w (%d people in the group, %d domains)", ErrVariety, len(s.g.whole), len(pool.Domains))
}

// collect draws until out is full, or has cost too much.
func (s *scene) collect(out []Identity, draw func(*Pool) (Identity, bool), pool *Pool) []Identity {
	taken := make(map[string]bool, cap(out))
	for i := range out {
		taken[out[i].Email()] = true
	}
	for range maxTries + (cap(out)-1)*manyTries {
		if len(out) == cap(out) {
			break
		}
		id, ok := draw(pool)
		if ok && !taken[id.Email()] && s.serves(&id, pool) {
			out = append(out, id)
			taken[id.Email()] = true
		}
	}
	return out
}

// serves reports whether an identity that passed is nobody's, and of use.
func (s *scene) serves(id *Identity, pool *Pool) bool {
	return !s.writing.same(id) && !s.m.emails.has(id.Email()) && (pool.Usable == nil || pool.Usable(*id))
}

// crowded draws somebody who has to put a number to the name, as people do
// where nearly all addresses are in use. A canary has to be one of its donor's
// people; its placebos may rather be of a wider group.
func (s *scene) crowded(pool *Pool) (Identity, bool) {
	d := s.draw()
	if !s.keeps(&d) {
		return Identity{}, false
	}
	id, ok := s.numbered(&d, pool)
	named := s.writing.identity(d.first.text, d.last.text)
	named.Local, named.Domain, named.Written = id.Local, id.Domain, id.Written
	return named, ok
}

// try draws name, domain, style and digits once.
func (s *scene) try(pool *Pool) (Identity, bool) {
	a, ok := s.attempt()
	if !ok || s.again(a.local, a.at) {
		return Identity{}, false
	}
	local, domain := string(a.local), s.domains[a.at]
	if !pool.Accept(local, domain) || s.others(local) {
		return Identity{}, false
	}
	id := s.writing.identity(a.name.first.text, a.name.last.text)
	id.Local, id.Domain, id.Written = local, domain, a.style.capitals.write(local, domain)
	return id, true
}

// attempt is an address that was drawn; local is valid until the next.
type attempt struct {
	name  drawn
	style *somebody
	at    int // the domain
	local []byte
}

// attempt draws once. It is not ok when the name may not stand, or cannot be
// written in the style.
func (s *scene) attempt() (a attempt, ok bool) {
	if a.name = s.draw(); !s.keeps(&a.name) {
		return a, false
	}
	a.at = s.rng.n(len(s.domains))
	c := s.cells[a.at]
	if home := &s.homes[a.at]; home.cell != nil && s.rng.chance(s.m.homely) {
		c = home.cell
		a.name.pair.last, a.name.last = home.last, &s.m.lasts.names[home.last]
	}
	a.style = s.style(c, a.name.bucket)
	a.local, ok = s.local(&a.name, a.style, c)
	return a, ok
}

// Address draws a further address for somebody whose name stays: only style,
// digits and domain are drawn anew. A style is given up only when none of its
// addresses passes, so that those with many do not push out the others.
func (m *Mix) Address(rng *rand.Rand, who Person, pool Pool) (Identity, error) {
	if len(pool.Domains) == 0 {
		return Identity{}, fmt.Errorf("draw an address: %w: no domain", ErrVariety)
	}
	first, last := who.Parts()
	s, d := m.scene(&who, pool.Domains, rng.Uint64()), drawn{first: m.firsts.name(first), last: m.lasts.name(last)}
	d.bucket = bucketOf(d.first, d.last, m.shared(first, last))
	for _, draw := range []struct {
		tries int
		one   func(*drawn, *Pool) (Identity, bool)
	}{{maxTries / 64, s.further}, {maxTries, s.numbered}} {
		for range draw.tries {
			id, ok := draw.one(&d, &pool)
			id.First, id.Last, id.Full = first, last, who.Full
			if ok && (pool.Usable == nil || pool.Usable(id)) {
				return id, nil
			}
		}
	}
	return Identity{}, fmt.Errorf("draw an address: %w (%d domains)", ErrVariety, len(pool.Domains))
}

// further draws a style and goes through the domains with it.
func (s *scene) further(d *drawn, pool *Pool) (Identity, bool) {
	from, each := s.rng.n(len(s.domains)), max(len(s.domains), 3*64)
	style := s.style(s.cells[from], d.bucket)
	for i := range each {
		at := (from + i) % len(s.domains)
		if b, ok := s.local(d, style, s.cells[at]); ok {
			if id, ok := s.at(string(b), at, style, pool); ok {
				return id, true
			}
		}
	}
	return Identity{}, false
}

// numbered draws a style once and puts any digits to it: few people and a rare
// name may have styles without digits alone.
func (s *scene) numbered(d *drawn, pool *Pool) (Identity, bool) {
	at := s.rng.n(len(s.domains))
	style := s.style(s.cells[at], d.bucket)
	b, ok := s.local(d, style, s.cells[at])
	local := s.number(string(b))
	if !ok || !usable([]byte(local)) {
		return Identity{}, false
	}
	return s.at(local, at, style, pool)
}

// number puts a number to a local part instead of its own.
func (s *scene) number(local string) string {
	s.odd = true
	return strings.TrimRight(local, "0123456789") + strconv.Itoa(s.rng.n(1000))
}

// at makes an address of a local part, if it passes and nobody has it.
func (s *scene) at(local string, domain int, style *somebody, pool *Pool) (Identity, bool) {
	id := Identity{Local: local, Domain: s.domains[domain]}
	id.Written = style.capitals.write(id.Local, id.Domain)
	return id, pool.Accept(id.Local, id.Domain) && !s.others(id.Local) && !s.m.emails.has(id.Email())
}

// shared reports whether several people of the sample have a full name.
func (m *Mix) shared(first, last string) bool {
	f, known := m.firsts.ids[first]
	l, also := m.lasts.ids[last]
	return known && also && m.full[pair{f, l}] > 1
}
