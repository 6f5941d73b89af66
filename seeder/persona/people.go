package persona

import (
	"cmp"
	"math/bits"
	"slices"
	"strings"
	"time"
)

// somebody is one person of the sample, taken apart. Names, forms, digits and
// words are numbers of texts that are held once.
type somebody struct {
	first, last  int32
	form, digits int32
	words        [maxWords]int32 // -1 for none
	domain       int32           // of the texts
	class        int32           // of the domain, see classOf
	atDomain     int32           // people at the same domain
	day          int32           // of the sign-up, since 1970; 0 when unknown
	namesakes    uint8           // people with this full name, 255 for more
	bucket       uint8
	born         int16 // the year; 0 when unknown
	birth        bool  // the digits are the year of birth, or its end
	umlaut       umlaut
	capitals     capitals
}

// texts holds each text once and counts the people who have it.
type texts struct {
	all    []string
	counts []int32
	ids    map[string]int32
}

func newTexts() *texts { return &texts{ids: map[string]int32{}} }

func (x *texts) add(text string) int32 {
	id, found := x.ids[text]
	if !found {
		id = small(len(x.all))
		text = strings.Clone(text) // a piece would keep its whole address in memory
		x.all, x.counts, x.ids[text] = append(x.all, text), append(x.counts, 0), id
	}
	x.counts[id]++
	return id
}

// Domains with bigDomain people and more are told each for itself, others by
// their size.
const bigDomain = 50

// The classes of domains; big ones have higher numbers.
const (
	ofFew  int32 = iota // a family's, a small firm's
	ofSome              // with three people and more
	ofMany              // with ten
	ofHome              // named like their owner: whitfield.org
)

func classBySize(n int32) int32 {
	switch {
	case n < 3:
		return ofFew
	case n < 10:
		return ofSome
	}
	return ofMany
}

// seen is a set of texts that may not come out again, by hash (FNV-1a): a false
// "seen" costs another try.
type seen map[uint64]struct{}

func (s seen) add(text string)      { s[hash64(text)] = struct{}{} }
func (s seen) has(text string) bool { _, found := s[hash64(text)]; return found }

func hash64(text string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(text) {
		h = (h ^ uint64(text[i])) * 1099511628211
	}
	return h
}

// enter takes one person of the sample apart.
func (m *Mix) enter(p *Person) bool {
	first, last := p.Parts()
	if first == "" || last == "" {
		return false
	}
	who := somebody{first: m.firsts.add(first), last: m.lasts.add(last), words: [maxWords]int32{-1, -1}, day: dayOf(p.Created)}
	email := strings.TrimSpace(p.Email)
	low := strings.ToLower(email)
	local, domain, _ := strings.Cut(low, "@")
	untagged, _, _ := strings.Cut(local, "+")
	m.emails.add(low)
	m.locals.add(untagged)
	m.phones.learn(*p)
	r := read(untagged, &m.firsts.names[who.first], &m.lasts.names[who.last])
	who.form, who.digits, who.umlaut = m.forms.add(string(r.form)), m.digits.add(r.digits), r.umlaut
	who.born = int16(p.Born) //nolint:gosec // a year
	who.birth = m.births.learn(r.digits, p.Born)
	for i, w := range r.words {
		who.words[i] = m.words.add(w)
	}
	who.domain = m.domains.add(domain)
	who.capitals = capitalsOf(email)
	m.people = append(m.people, who)
	return true
}

// dayOf gives the days since 1970; no date is day 0.
func dayOf(t time.Time) int32 {
	if t.IsZero() {
		return 0
	}
	return int32(min(max(t.Unix()/86400, -1<<20), 1<<20))
}

// classes turns each person's domain into its class, and learns how many of
// those at a domain that is a last name have that name.
func (m *Mix) classes() {
	m.class = map[string]int32{}
	classes := make([]int32, len(m.domains.all))
	next := ofHome + 1
	for id, n := range m.domains.counts {
		if classes[id] = classBySize(n); n >= bigDomain {
			classes[id] = next
			next++
		}
		if classes[id] > 0 {
			m.class[m.domains.all[id]] = classes[id]
		}
	}
	m.surnames = make(map[string]int32, len(m.lasts.names))
	for id := range m.lasts.names {
		if text := m.lasts.names[id].plain; len(text) > 2 {
			m.surnames[text] = small(id)
		}
	}
	named, own := 0.0, 0.0
	for i := range m.people {
		p := &m.people[i]
		domain := m.domains.all[p.domain]
		p.atDomain, p.class = m.domains.counts[p.domain], classes[p.domain]
		if _, found := m.surname(domain); found && p.class < ofMany {
			named++
			if label(domain) == m.lasts.names[p.last].plain {
				own++
				p.class = ofHome
			}
		}
	}
	if named > 0 {
		m.homely = own / named
	}
}

// surname finds the last name that a domain is.
func (m *Mix) surname(domain string) (int32, bool) {
	id, found := m.surnames[label(domain)]
	return id, found
}

// label is the part of a domain before the first dot.
func label(domain string) string {
	text, _, _ := strings.Cut(domain, ".")
	return text
}

// classOf gives the class of a domain. One that is not in the sample is small.
func (m *Mix) classOf(domain string) int32 { return m.class[domain] }

// pairs counts the full names, and puts each person into a bucket.
func (m *Mix) pairs() {
	m.full = make(map[pair]int32, len(m.people))
	m.maybe = make([]uint64, 1<<max(bits.Len(uint(len(m.people)))-2, 0))
	for i := range m.people {
		p := m.people[i].pair()
		m.full[p]++
		word, bit := m.slot(p)
		m.maybe[word] |= 1 << bit
	}
	for i := range m.people {
		p := &m.people[i]
		p.namesakes = uint8(min(m.full[p.pair()], 255)) //nolint:gosec // bounded
		p.bucket = bucketOf(&m.firsts.names[p.first], &m.lasts.names[p.last], p.namesakes > 1)
	}
}

// pair is a full name.
type pair struct{ first, last int32 }

func (s *somebody) pair() pair { return pair{s.first, s.last} }

// mayOccur reports whether a full name is in the sample, from sixteen bits for
// each person: of names that are not, about six in a hundred seem to be. That is
// good enough for names on trial, and quicker than the map.
func (m *Mix) mayOccur(p pair) bool {
	word, bit := m.slot(p)
	return m.maybe[word]>>bit&1 == 1
}

func (m *Mix) slot(p pair) (word, bit int) {
	h := (uint64(p.first)<<32 ^ uint64(p.last)) * 0x9e3779b97f4a7c15 //nolint:gosec // a hash
	return int(h >> 38 & uint64(len(m.maybe)-1)), int(h >> 32 & 63)  //nolint:gosec // bounded
}

// bucketOf tells apart people who write their addresses differently because of
// their names: namesakes need digits, long names are shortened.
func bucketOf(first, last *name, shared bool) uint8 {
	bucket := uint8(0)
	switch n := len(first.plain) + len(last.plain); {
	case n == 0: // another script
		bucket = 6
	case n > 14:
		bucket = 4
	case n > 10:
		bucket = 2
	}
	if shared {
		bucket++
	}
	return bucket
}

// cell are people of one group whose addresses are at domains of one class, by
// sign-up.
type cell []int32

// window is the part of a cell around a day: those who signed up at about the
// same time, an eighth of all but not few.
func (m *Mix) window(c cell, day int32) cell {
	const least = 80
	n := max(least, len(c)/8)
	if n >= len(c) || day == 0 {
		return c
	}
	at, _ := slices.BinarySearchFunc(c, day, func(i, day int32) int { return cmp.Compare(m.people[i].day, day) })
	from := min(max(at-n/2, 0), len(c)-n)
	return c[from : from+n]
}
