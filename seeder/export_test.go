package seeder

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/inventory"
	"saltmine/seeder/persona"
	"saltmine/seeder/supportdb"
)

// LooksMasked is looksMasked, for the tests.
func LooksMasked(kind canary.Kind, value, key string) bool { return looksMasked(kind, value, key) }

// Allot is allot, for the tests.
func Allot(count int, rows map[canary.Segment]int, weights []Weight) ([]canary.Stratum, error) {
	return allot(count, rows, weights)
}

// Tame is tame, for the tests.
func Tame(counts []int) []int { return tame(counts) }

// OrderHolds reports whether an order of two columns is learned from rows.
func OrderHolds(days bool, first, second []time.Time) bool {
	o := order{days: days}
	return o.holds(first, second)
}

// Cut cuts a slot for the ticket of a donor who had it so long after the sign-up,
// of a canary that signs up at start.
func Cut(slot *supportdb.Slot, start time.Time, after time.Duration) bool {
	donor := start.AddDate(0, 0, -9)
	return (&past{start: start, signedUp: donor}).cut(slot, donor.Add(after))
}

// OtherDays moves dates of a donor who signed up long ago, as of now.
func OtherDays(now time.Time, dates []time.Time) []time.Time {
	start := now.AddDate(-3, 0, 0)
	p := &past{rng: rand.New(rand.NewPCG(3, 4)), signedUp: start, start: start, now: now}
	out := make([]time.Time, len(dates))
	for i, at := range dates {
		out[i] = p.otherDay(at, time.Time{}, now)
	}
	return out
}

// AtEvening moves dates of a donor who signed up in the morning to a canary who did
// in the evening of the same day, as of now.
func AtEvening(now time.Time, afters []time.Duration) []time.Time {
	day := startOfDay(now.AddDate(-1, 0, 0))
	out := make([]time.Time, len(afters))
	for i, after := range afters {
		p := &past{rng: rand.New(rand.NewPCG(3, uint64(i))), signedUp: day.Add(8 * time.Hour), start: day.Add(21 * time.Hour), now: now, moved: map[time.Time]time.Time{}}
		out[i] = p.move(p.signedUp.Add(after))
	}
	return out
}

// Boxes is the number of people, of a country and language, for whom a mailbox is
// found at a provider that has the pool's in one language alone.
func Boxes(mix *persona.Mix, there, elsewhere string, who persona.Person, n int) (found int) {
	for i := range n {
		p := &pool{spoken: map[string]bool{strings.ToLower(elsewhere): true, strings.ToLower(there): true}}
		o := &outlet{domain: "mail.example", large: true, boxes: []inventory.Item{{Kind: inventory.Mailbox, Text: "reader77@mail.example", Locale: there}}}
		if p.boxFor(rand.New(rand.NewPCG(1, uint64(i))), mix, o, &who) != nil {
			found++
		}
	}
	return found
}

// Suits reports whether a mailbox of a locale may be a person's, in a pool that
// has such locales.
func Suits(has []string, locale string, who persona.Person) bool {
	p := &pool{spoken: map[string]bool{}}
	for _, l := range has {
		p.spoken[l] = true
	}
	return p.suitable(&inventory.Item{Kind: inventory.Mailbox, Locale: locale}, &who, true)
}

// Deal is deal, for owned domains of some countries in a table whose small domains
// have so many people of each.
func Deal(people map[string]float64, countries []string, counts []int) (dealt []int, homes []string) {
	p := &pool{seating: seating{atHome: true, tail: people}}
	small := make([]*outlet, len(countries))
	for k, country := range countries {
		small[k] = &outlet{owned: true, country: country}
	}
	dealt = p.deal(small, counts)
	for _, o := range small {
		homes = append(homes, o.home)
	}
	return dealt, homes
}

// SmallFor draws the small domain for somebody in whose country small domains end
// so, after some donors were refused: empty when another donor is to come.
func SmallFor(domains []string, ends map[string]float64, refused int) string {
	p := &pool{seating: seating{ends: map[string]map[string]float64{"DE": ends}, refused: refused}}
	for _, domain := range domains {
		p.outlets = append(p.outlets, &outlet{domain: domain, owned: true, due: 1})
	}
	if o := p.smallOutlet(rand.New(rand.NewPCG(1, 2)), &persona.Person{Country: "DE"}); o != nil {
		return o.domain
	}
	return ""
}

// MostAt is how many of 1,000 canaries one owned domain is to carry at most, of
// 40 domains without mailboxes to help.
func MostAt(mix *persona.Mix) int {
	p := &pool{}
	for k := range 40 {
		p.outlets = append(p.outlets, &outlet{domain: fmt.Sprintf("small%d.example", k), owned: true, room: 1000})
	}
	p.smallAway = 1000
	p.spread(mix, mix.Tail(persona.Person{}), 1000)
	return slices.MaxFunc(p.outlets, func(a, b *outlet) int { return a.due - b.due }).due
}

// TurnAway counts, for donors whose number the pool has or not, who were turned
// away before one was served.
func TurnAway(most int, has []bool) (away []int) {
	t := turnedAway{most: most}
	for _, found := range has {
		n := 0
		for ; !found && t.donors < t.most; n++ {
			t.refuse()
		}
		t.over()
		away = append(away, n)
	}
	return away
}

// RegionNamed is regions.of, for the tests.
func RegionNamed(country string) string { return new(regions).of(country) }

// PersonOf is person, for the tests.
func PersonOf(facts supportdb.Row) persona.Person { return person(&facts) }
