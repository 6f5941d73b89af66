package seeder

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"saltmine/internal/inventory"
	"saltmine/seeder/persona"
)

// outlet is a mail domain at which canaries can have addresses: one of ours, on
// which they are minted, or one of mailboxes and seed addresses, which are
// given. Among the table's rows at a provider canaries hide; where it has none,
// as on owned domains, a domain is one of the table's small ones, of which each
// may carry only so many.
type outlet struct {
	domain  string
	country string // of an owned domain; empty: anywhere
	home    string // of the first canary of this run
	owned   bool
	young   bool    // owned, and soaks
	dry     int     // donors for whom no address could be made there
	large   bool    // of mailboxes, and the table has rows there
	share   float64 // of the table's rows, where it is large
	held    int     // canaries that have addresses there
	minted  int     // addresses that may still be minted
	boxes   []inventory.Item
	room    int // for canaries
	// due are seats for canaries whose donors are there too, extra those for
	// others, at whose own provider the pool has too few mailboxes. Of small
	// domains both are due.
	due, extra int
}

// seating is where the canaries of a run are to have their addresses.
type seating struct {
	// away is, by the provider of the donor, for how many canaries that has no
	// seat; they get extra ones. The empty one is all small domains.
	away      map[string]int
	small     int // seats at small domains for donors from there
	smallAway int // and for others
	refused   int // donors in a row
	regions   regions
	atHome    bool               // the people at a small domain of the table are of one country
	tail      map[string]float64 // canaries at small domains that are a country's, by its code
	lacks     map[string]int
	ends      map[string]map[string]float64 // of small domains, by country; see persona.Mix.Endings
	unfit     int                           // mailboxes whose address nobody of this table can have
}

// spare is 1 where there are more mailboxes than seats for canaries, else 0.
func (o *outlet) spare() int {
	if len(o.boxes) > o.due+o.extra {
		return 1
	}
	return 0
}

// starved reports whether mailboxes went elsewhere, such as to placebos, for
// which seats were given out: nobody could ever take these.
func (p *pool) starved() bool {
	return slices.ContainsFunc(p.outlets, func(o *outlet) bool { return !o.owned && len(o.boxes) < o.due+o.extra })
}

// seat is what a draft has taken of the pool for its address.
type seat struct {
	at    *outlet
	box   *inventory.Item // nil on an owned domain
	class string          // of the donor
	extra bool
}

// Bounds of looking for who suits the seats that are left.
const (
	patience = 60  // donors that are refused in a row, until any seat will do
	despair  = 300 // and until a mailbox may be of another country
	misfits  = 12  // donors whom a mailbox does not suit, until it is nobody's
)

// class is the provider at which somebody is, a large one or one that the pool
// has too; empty for a small domain.
func (p *pool) class(mix *persona.Mix, who *persona.Person) string {
	_, domain, _ := strings.Cut(strings.ToLower(strings.TrimSpace(who.Email)), "@")
	if mix.Large(domain) || p.outlet(domain) != nil {
		return domain
	}
	return ""
}

// shares are those of the table's rows at each provider, and under "" of those
// at small domains.
func (p *pool) shares(mix *persona.Mix) map[string]float64 {
	out := mix.Providers(persona.Person{})
	for _, o := range p.outlets {
		if o.large {
			out[o.domain] = o.share
		}
	}
	small := 1.0
	for _, share := range out {
		small -= share
	}
	out[""] = max(small, 0)
	return out
}

// seats counts those that are left.
func (p *pool) seats() int {
	n := p.small + p.smallAway
	for _, o := range p.outlets {
		if o.large {
			n += o.due + o.extra
		}
	}
	return n
}

// allot gives n canaries seats, so that all live canaries together are spread
// over the providers as the table's rows are. What the mailboxes at a provider
// do not suffice for goes to other providers, and what no mailbox is left for to
// owned domains.
func (p *pool) allot(mix *persona.Mix, n int) error {
	p.measure(mix)
	p.away, p.lacks, p.refused, p.small, p.smallAway = map[string]int{}, map[string]int{}, 0, 0, 0
	classes, needs := p.needs(mix, n)
	smallRoom, tail := p.smallRoom(), mix.Tail(persona.Person{})
	left := 0
	for k, want := range apportion(n, needs, nil) {
		o := p.outlet(classes[k])
		got := 0
		switch {
		case classes[k] == "":
			got = min(want, smallRoom, p.hidden(mix, tail, n))
			p.small = got
		case o != nil:
			got = min(want, o.room)
			o.due = got
		}
		p.away[classes[k]] = want - got
		left += want - got
		if classes[k] != "" && want > got {
			p.lacks[classes[k]] = want - got
		}
	}
	left -= p.elsewhere(left)
	p.smallAway = min(left, smallRoom-p.small)
	if left -= p.smallAway; left > 0 {
		return fmt.Errorf("%w: %d canaries need addresses, and there is room for %d: %d on owned domains and small ones, %d at large providers%s",
			ErrPool, n, n-left, smallRoom, n-left-smallRoom, p.waiting(inventory.Mailbox, inventory.Seed))
	}
	p.spread(mix, tail, p.small+p.smallAway)
	return nil
}

// hidden is for how many of n more canaries the table's domains with few rows
// have place.
func (p *pool) hidden(mix *persona.Mix, tail persona.Tail, n int) int {
	held, all := 0, n
	for _, o := range p.outlets {
		if all += o.held; !o.large {
			held += o.held
		}
	}
	_, part := tail.UpTo(max(all/few, fewest))
	return max(int(part*p.shares(mix)[""]*float64(all)+0.5)-held, 0)
}

// measure finds which outlets are large in this table, and how many canaries
// each has room for when placebos are held back.
func (p *pool) measure(mix *persona.Mix) {
	free := 0
	for _, o := range p.outlets {
		o.share = mix.Share(o.domain)
		o.large = o.share > 0 && !o.owned
		o.room, o.due, o.extra = o.minted, 0, 0
		if !o.owned {
			free += len(o.boxes)
		}
	}
	usable := free
	for usable > 0 && usable+p.due(p.boxes, usable) > free {
		usable--
	}
	weights, caps := make([]float64, len(p.outlets)), make([]int, len(p.outlets))
	for k, o := range p.outlets {
		if !o.owned {
			weights[k], caps[k] = float64(len(o.boxes)), len(o.boxes)
		}
	}
	for k, n := range apportion(usable, weights, caps) {
		if !p.outlets[k].owned {
			p.outlets[k].room = n
		}
	}
}

// needs lists the providers of the table, "" for the small domains, and how
// many more canaries each ought to have.
func (p *pool) needs(mix *persona.Mix, n int) (classes []string, needs []float64) {
	shares := p.shares(mix)
	total, held := float64(n), map[string]int{}
	for _, o := range p.outlets {
		total += float64(o.held)
		if o.large {
			held[o.domain] += o.held
		} else {
			held[""] += o.held
		}
	}
	for domain := range shares {
		classes = append(classes, domain)
	}
	slices.Sort(classes)
	for _, domain := range classes {
		needs = append(needs, max(shares[domain]*total-float64(held[domain]), 0))
	}
	return classes, needs
}

func (p *pool) outlet(domain string) *outlet {
	if i := slices.IndexFunc(p.outlets, func(o *outlet) bool { return o.domain == domain && o.large }); i >= 0 {
		return p.outlets[i]
	}
	return nil
}

func (p *pool) smallRoom() int {
	n := 0
	for _, o := range p.outlets {
		if !o.large {
			n += o.room
		}
	}
	return n
}

// elsewhere gives out extra seats at large providers with mailboxes to spare.
func (p *pool) elsewhere(n int) int {
	weights, caps, given := make([]float64, len(p.outlets)), make([]int, len(p.outlets)), 0
	for k, o := range p.outlets {
		if o.large {
			weights[k], caps[k] = o.share, o.room-o.due
		}
	}
	for k, got := range apportion(n, weights, caps) {
		p.outlets[k].extra = got
		given += got
	}
	return given
}

// suitable reports whether a mailbox may be a customer's of a country, and of his
// language where that matters. Who speaks another language than any mailbox of
// his country has one of those.
func (p *pool) suitable(i *inventory.Item, who *persona.Person, speaks bool) bool {
	if p.refused >= despair {
		return true // better than none
	}
	if p.regions.abroad(i.Region(), who.Country) {
		return false
	}
	language, region, _ := strings.Cut(i.Locale, "-")
	if !speaks || language == "" || len(who.Language) != 2 || strings.EqualFold(language, who.Language) {
		return true
	}
	there := p.regions.of(who.Country)
	return there != "" && strings.EqualFold(region, there) && !p.spoken[strings.ToLower(who.Language+"-"+there)]
}

// boxFor draws a mailbox at an outlet that people like somebody would have. It
// is taken out. There may be none. Where none is of his language one of his
// country does: at the providers that people who speak a rare language are at,
// the pool would hardly ever have one of theirs, and they would be left out.
func (p *pool) boxFor(rng *rand.Rand, mix *persona.Mix, o *outlet, who *persona.Person) *inventory.Item {
	if box := p.boxAmong(rng, mix, o, who, true); box != nil {
		return box
	}
	return p.boxAmong(rng, mix, o, who, false)
}

func (p *pool) boxAmong(rng *rand.Rand, mix *persona.Mix, o *outlet, who *persona.Person, speaks bool) *inventory.Item {
	const looks, worst = 40, -3
	var at []int
	var weights []float64
	sum := 0.0
	for from, n := rng.IntN(max(len(o.boxes), 1)), 0; n < len(o.boxes) && len(at) < looks; n++ {
		k := (from + n) % len(o.boxes)
		i := &o.boxes[k]
		if !p.suitable(i, who, speaks) {
			continue
		}
		w := 0.0
		if i.Name == "" {
			w = min(mix.Likely(i.Text, *who, i.Region() != "" && p.regions.of(who.Country) != ""), 3)
		}
		if w < worst && p.refused < patience {
			continue
		}
		at, weights = append(at, k), append(weights, math.Exp(w))
		sum += math.Exp(w)
	}
	if len(at) == 0 {
		return nil
	}
	x := rng.Float64() * sum
	for n, w := range weights {
		if x -= w; x < 0 || n == len(weights)-1 {
			box := o.boxes[at[n]]
			o.boxes = slices.Delete(o.boxes, at[n], at[n]+1)
			return &box
		}
	}
	return nil
}

// errNothingFree says that nothing in the pool can take a token's place now.
var errNothingFree = fmt.Errorf("%w: nothing is free that could take the token's place", ErrPool)

// boxesOf finds where the mailboxes are at whose domain an address is; nil when
// it is on an owned domain, or on none that the pool knows.
func (p *pool) boxesOf(email string) *outlet {
	_, domain, _ := strings.Cut(strings.ToLower(strings.TrimSpace(email)), "@")
	i := slices.IndexFunc(p.outlets, func(o *outlet) bool { return o.domain == domain && !o.owned })
	if i < 0 {
		return nil
	}
	return p.outlets[i]
}

// boxOfName takes a mailbox that somebody with a name may have out of the pool:
// rather one at the same provider.
func (p *pool) boxOfName(rng *rand.Rand, mix *persona.Mix, first *outlet, who *persona.Person) (*inventory.Item, *outlet) {
	from := []*outlet{first}
	for _, k := range rng.Perm(len(p.outlets)) {
		if o := p.outlets[k]; o != first && o.large {
			from = append(from, o)
		}
	}
	for _, o := range from {
		for _, k := range rng.Perm(len(o.boxes)) {
			box := o.boxes[k]
			if p.suitable(&box, who, true) && named(&box, who) && mix.Agrees(box.Text, *who) {
				o.boxes = slices.Delete(o.boxes, k, k+1)
				return &box, o
			}
		}
	}
	return nil, nil
}

// named reports whether a mailbox is nobody else's by the name that is given
// for it.
func named(i *inventory.Item, who *persona.Person) bool {
	first, last := who.Parts()
	return i.Name == "" || strings.EqualFold(i.Name, first+" "+last)
}

// ownDomain draws an owned domain with room, rather one of the country, and as
// their present numbers of canaries are; nil when there is none.
func (p *pool) ownDomain(rng *rand.Rand, who *persona.Person) *outlet {
	_, present, _ := strings.Cut(strings.ToLower(strings.TrimSpace(who.Email)), "@")
	weights := func(strict bool) func(*outlet) int {
		return func(o *outlet) int {
			if !o.owned || o.room <= 0 || strict && (o.domain == present || p.regions.abroad(o.country, who.Country)) {
				return 0
			}
			return 1 + o.held
		}
	}
	if o := p.draw(rng, weights(true)); o != nil {
		return o
	}
	return p.draw(rng, weights(false))
}
