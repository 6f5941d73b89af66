package seeder

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"

	"saltmine/internal/inventory"
	"saltmine/seeder/persona"
)

// callers are those whose numbers were read. Where a town has numbers of its own,
// as landlines are, several of its people have the same first digits; all other
// numbers, as of mobile phones, are anybody's.
type callers struct {
	all   map[string][]caller // by country
	towns map[string][]caller // by country and town
	// What follows is settled before the first is drawn.
	strays map[string][]caller           // those whose first digits nobody of their town has too, by country
	areas  map[string]map[string]float64 // how many have the same first digits, by country
}

// caller is somebody's number, with what tells the town of it: the first three
// digits, and the first four.
type caller struct{ country, phone, area, town string }

// How many digits tell a network or a town, and of some countries' towns.
const (
	areaDigits = 3
	townDigits = 4
)

func newCallers() callers { return callers{all: map[string][]caller{}, towns: map[string][]caller{}} }

func townKey(country, town string) string { return country + "\x00" + town }

// meet remembers somebody's number.
func (c *callers) meet(who persona.Person, town string) {
	if who.Phone == "" {
		return
	}
	one := caller{country: who.Country, phone: who.Phone}
	c.all[who.Country] = append(c.all[who.Country], one)
	if town != "" {
		key := townKey(who.Country, town)
		c.towns[key] = append(c.towns[key], one)
	}
}

// settle parts the numbers that towns have of their own from the others.
func (c *callers) settle(mix *persona.Mix) {
	if c.areas != nil {
		return
	}
	c.strays, c.areas = map[string][]caller{}, map[string]map[string]float64{}
	for country, there := range c.all {
		c.areas[country] = areasOf(mix, there)
	}
	for _, key := range slices.Sorted(maps.Keys(c.towns)) {
		there := c.towns[key]
		areas := areasOf(mix, there)
		for i := range there {
			if areas[there[i].area] < 2 {
				c.strays[there[i].country] = append(c.strays[there[i].country], there[i])
			}
		}
	}
}

// areasOf reads the first digits of numbers, and counts those who share them.
func areasOf(mix *persona.Mix, there []caller) map[string]float64 {
	out := map[string]float64{}
	for i := range there {
		one := &there[i]
		if one.town == "" {
			one.town = mix.Area(one.person(), townDigits)
			one.area = one.town[:min(areaDigits, len(one.town))]
		}
		out[one.area]++
	}
	return out
}

func (c *caller) person() persona.Person { return persona.Person{Country: c.country, Phone: c.phone} }

// like is a number after which one for a donor is chosen.
type like struct {
	caller
	// digits are how many of the number, behind the calling code, have to be the
	// same; 0 where it is one as anybody has: then it is to be as rare.
	digits int
	theirs map[string]float64 // numbers of the town, that is
}

// caller draws after whose number one for somebody of a town may be chosen: of
// the same town, as far as numbers go by towns there. The donor's own would show:
// where it is of elsewhere nobody else of the town has one like it. It is not ok
// where nobody of the country is known.
func (c *callers) caller(rng *rand.Rand, country, town string) (l like, ok bool) {
	there := c.towns[townKey(country, town)]
	if len(there) == 0 {
		there = c.all[country]
	}
	if len(there) == 0 {
		return like{}, false
	}
	l = like{caller: there[rng.IntN(len(there))], digits: areaDigits, theirs: map[string]float64{}}
	closer := 0.0
	for i := range there {
		l.theirs[there[i].area]++
		if there[i].town == l.town {
			closer++
		}
	}
	switch strays, alike := c.strays[country], l.theirs[l.area]; {
	case alike < 2 && len(strays) > 0:
		l.digits, l.caller = 0, strays[rng.IntN(len(strays))]
	case closer > 2 && 2*closer > alike:
		l.digits = townDigits
	}
	return l, true
}

// turnedAway counts the donors in a row for whose towns the pool has no number.
// Another with a number has to come in their place, and one of those who have it
// of their town: if strays came, or donors without a number, canaries would have
// more of those than the table has.
type turnedAway struct {
	donors int
	most   int // donors, until any number will do
}

// refuse turns a donor away.
func (t *turnedAway) refuse() {
	t.donors++
}

// over ends a series: a donor was served. Where any number had to do, the pool
// has other numbers than the towns, and the next series is shorter.
func (t *turnedAway) over() {
	if t.donors > 0 && t.donors >= t.most {
		t.most = max(t.most/2, 1)
	}
	t.donors = 0
}

// strict reports whether only a donor whose town's number the pool has will do.
func (t *turnedAway) strict() bool { return t.donors > 0 && t.donors < t.most }

// phone takes a number for a donor out of the pool, as people of the town have;
// or any of the country when too many donors were turned away.
func (m *minter) phone(rng *rand.Rand, d *draft, anyCountry bool) (inventory.Item, bool) {
	const tries = 4
	h := m.l.neighbours
	if h.none() {
		return m.pool.takePhone(m.l.mix, d.who, anyCountry)
	}
	h.settle(m.l.mix)
	town, who := h.town.Of(&d.donor.Image), d.who
	for range tries {
		l, ok := h.caller(rng, d.who.Country, string(town))
		if !ok {
			break
		}
		who.Phone = l.phone
		if l.digits == 0 && m.away.strict() {
			continue
		}
		if n := m.choose(l); n >= 0 {
			return m.pool.takeNumber(n), true
		}
		if l.digits > 0 && m.away.donors < m.away.most && !anyCountry {
			return inventory.Item{}, false
		}
	}
	if m.away.strict() && !anyCountry {
		return inventory.Item{}, false
	}
	return m.pool.takePhone(m.l.mix, who, anyCountry)
}

// choose finds the place of a number in the pool that is like another; negative
// when there is none.
func (m *minter) choose(l like) int {
	closeness := m.l.mix.Closeness(l.person())
	areas, best, least := m.l.neighbours.areas[l.country], -1, math.Inf(1)
	rare := func(area string) float64 { return math.Log(max(areas[area], 0.5)) }
	want := rare(l.area)
	for n := range m.pool.numbers {
		text := m.pool.numbers[n].Text
		near := closeness(text)
		switch {
		case l.digits > 0 && near > l.digits:
			return n
		case l.digits > 0 || near < 2:
			continue
		}
		area := m.l.mix.Area(persona.Person{Country: l.country, Phone: text}, areaDigits)
		if off := math.Abs(rare(area) - want); l.theirs[area] == 0 && off < least {
			best, least = n, off
		}
	}
	return best
}
