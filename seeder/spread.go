package seeder

import (
	"cmp"
	"hash/fnv"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"saltmine/internal/forensics"
	"saltmine/internal/inventory"
	"saltmine/seeder/persona"
)

// The part of the canaries, one in, that one small domain carries at most, if there
// are domains enough; see fewest. Who has learned a few canaries knows a crowded
// domain, and all that are there: as long as mailboxes suffice, only those small
// domains of the table are imitated that have few rows, and canaries in place of
// the others go to providers.
const (
	few     = 100
	crowded = 50 // where mailboxes are lacking
)

// fewest is the least that a small domain may carry.
const fewest = 2

// family is how many people at a small domain are of one country.
const family = 5

// spread gives n seats to small domains, so that as many have one canary, two
// and so on as the table's small domains have rows; see [persona.Tail]. But for
// their own canaries the domains are not to be met twice much oftener than if
// all had as many, which is what plans reckon with.
func (p *pool) spread(mix *persona.Mix, tail persona.Tail, n int) {
	var small []*outlet
	total, all := n, p.seats()
	for _, o := range p.outlets {
		all += o.held
		if !o.large && o.room+o.held > 0 {
			small = append(small, o)
			total += o.held
		}
	}
	p.tail = map[string]float64{}
	for country, part := range mix.SmallShares() {
		if there := p.regions.of(country); there != "" {
			p.tail[there] += part * float64(total)
		}
	}
	p.atHome = len(p.tail) > 0 && mix.AtHome() > mostlyHome
	arrange(mix, small)
	most := max(all/crowded, fewest)
	if p.smallAway == 0 {
		most = max(all/few, fewest)
		tail, _ = tail.UpTo(most)
	}
	counts := p.deal(small, tame(tail.Counts(total, len(small))))
	want, caps, given := make([]float64, len(small)), make([]int, len(small)), 0
	wanted := 0
	for k, o := range small {
		want[k], caps[k] = float64(max(min(counts[k], most)-o.held, 0)), min(o.room, max(most-o.held, 0))
		wanted += int(want[k])
	}
	for k, got := range apportion(min(n, wanted), want, caps) {
		small[k].due = got
		given += got
	}
	for k, o := range small { // the rest goes rather where nobody is
		want[k], caps[k] = 1/float64(1+o.held+o.due), o.room-o.due
	}
	for k, got := range apportion(n-given, want, caps) {
		small[k].due += got
	}
}

// mostlyHome is how often two people at a small domain are of one country where
// such domains belong to a country each.
const mostlyHome = 0.8

// arrange puts domains in the order in which they are used: first those that have
// canaries, then rather those whose names are like the table's. It is the same
// order whenever it is asked for.
func arrange(mix *persona.Mix, small []*outlet) {
	names := make([]string, len(small))
	for k, o := range small {
		names[k] = o.domain
	}
	at := map[*outlet]float64{}
	for k, w := range mix.Kinship(names) { // the heaviest of random weights: Efraimidis and Spirakis 2006
		h := fnv.New64a()
		h.Write([]byte(names[k])) // never fails
		at[small[k]] = -math.Log((float64(h.Sum64()>>11)+1)/(1<<53)) / w
	}
	slices.SortStableFunc(small, func(a, b *outlet) int { return cmp.Or(b.held-a.held, cmp.Compare(at[a], at[b])) })
}

// deal gives counts, the largest first, to domains in their order. Where those
// of the table are of a country each, the canaries of a domain are, and none gets
// more than the country has people for.
func (p *pool) deal(small []*outlet, counts []int) []int {
	out, given, left := make([]int, len(small)), map[*outlet]bool{}, maps.Clone(p.tail)
	for _, n := range counts {
		at := slices.IndexFunc(small, func(o *outlet) bool { return !given[o] && (o.held > 0 || p.holds(o.country, n, left)) })
		if at < 0 {
			at = slices.IndexFunc(small, func(o *outlet) bool { return !given[o] })
		}
		o := small[at]
		if given[o] = true; p.atHome && n > family {
			there := strings.ToUpper(cmp.Or(o.country, o.home, largest(left)))
			if o.country == "" {
				o.home = there
			}
			n = min(n, max(int(left[there]), family))
			left[there] -= float64(n)
		}
		out[at] = n
	}
	return out
}

// largest is the country with the most people, of equals the first.
func largest(people map[string]float64) string {
	best := ""
	for _, country := range slices.Sorted(maps.Keys(people)) {
		if best == "" || people[country] > people[best] {
			best = country
		}
	}
	return best
}

// holds reports whether a country has people for so many canaries at a domain.
func (p *pool) holds(country string, n int, people map[string]float64) bool {
	return !p.atHome || country == "" || n <= max(1, int(people[strings.ToUpper(country)]+0.5))
}

// tame brings counts so near to their mean that, in the largest extract that is
// reckoned with, no more domains are met twice than plans say, but for one
// standard deviation of that number: plans reckon with canaries that fall on
// all domains alike.
func tame(counts []int) []int {
	total := 0
	for _, n := range counts {
		total += n
	}
	even := apportion(total, ones(len(counts)), nil)
	base := forensics.Repeats(float64(total)*inventory.Largest, len(counts))
	for part := 1.0; part > 0; part -= 0.1 {
		mixed := make([]float64, len(counts))
		for k, n := range counts {
			mixed[k] = part*float64(n) + (1-part)*float64(even[k])
		}
		out := apportion(total, mixed, nil)
		if inventory.Repeats(out, inventory.Largest) <= base+math.Sqrt(base) {
			return out
		}
	}
	return even
}

func ones(n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = 1
	}
	return out
}

// takeSeat finds a seat for a canary like a donor. There is none when others
// are due, or no mailbox suits: then another donor is to be taken.
func (p *pool) takeSeat(rng *rand.Rand, mix *persona.Mix, who *persona.Person) (seat, bool) {
	c := p.class(mix, who)
	p.meet(mix, who)
	own, away, o := p.small, max(p.away[c], 0), p.outlet(c)
	if c != "" {
		if own = 0; o != nil {
			own = o.due
		}
	}
	s := seat{class: c}
	ok := false
	switch {
	case own+away > 0 && rng.IntN(own+away) < own:
		s.at, ok = o, true
		if c == "" {
			s.at = p.smallOutlet(rng, who)
			ok = s.at != nil
		}
	case away > 0:
		s.at, s.extra = p.extraOutlet(rng, who), true
		ok = s.at != nil
	case p.refused >= patience:
		s.at, s.extra, ok = p.anyOutlet(rng, who)
	}
	if ok && !s.at.owned {
		s.box = p.boxFor(rng, mix, s.at, who)
		ok = s.box != nil
	}
	if !ok {
		p.refused++
		return s, false
	}
	p.refused = 0
	if s.at.home == "" {
		s.at.home = p.regions.of(who.Country)
	}
	p.count(&s, -1)
	return s, true
}

// count takes a seat from those that are left, or puts it back.
func (p *pool) count(s *seat, by int) {
	s.at.held -= by
	s.at.room += by
	switch {
	case s.at.large && s.extra:
		s.at.extra += by
	case s.at.large:
		s.at.due += by
	case s.extra:
		s.at.due += by
		p.smallAway += by
	default:
		s.at.due += by
		p.small += by
	}
	if s.extra {
		p.away[s.class] += by
	}
}

// giveBack undoes takeSeat.
func (p *pool) giveBack(s *seat) {
	if s.at == nil {
		return
	}
	p.count(s, 1)
	if s.box != nil {
		s.at.boxes = append(s.at.boxes, *s.box)
	}
	*s = seat{}
}

// strange is the part of a country's rows at small domains below which an ending
// is not one of that country's.
const strange = 0.02

// usual reports whether a domain's ending is one that small domains of somebody's
// country have.
func (p *pool) usual(o *outlet, who *persona.Person) bool {
	ends := p.ends[who.Country]
	return len(ends) == 0 || ends[persona.Ending(o.domain)] >= strange
}

// meet learns how small domains of somebody's country end.
func (p *pool) meet(mix *persona.Mix, who *persona.Person) {
	if _, known := p.ends[who.Country]; known {
		return
	}
	if p.ends == nil {
		p.ends = map[string]map[string]float64{}
	}
	p.ends[who.Country] = mix.Endings(*who)
}

// at reports whether a domain is of somebody's country, or may become so.
func (p *pool) at(o *outlet, who *persona.Person) bool {
	country := o.country
	if country == "" && (p.atHome || o.held+o.due <= family) {
		country = o.home
	}
	if country == "" && !p.holds(p.regions.of(who.Country), o.due, p.tail) {
		return false
	}
	return !p.regions.abroad(country, who.Country)
}

// smallOutlet draws a small domain by its seats, of the country and with an ending
// of it as long as there may be donors for the others.
func (p *pool) smallOutlet(rng *rand.Rand, who *persona.Person) *outlet {
	if o := p.draw(rng, func(o *outlet) int {
		if o.large || !p.usual(o, who) || !p.at(o, who) {
			return 0
		}
		return o.due
	}); o != nil || p.refused < patience {
		return o
	}
	return p.draw(rng, func(o *outlet) int {
		if o.large {
			return 0
		}
		return o.due
	})
}

// extraOutlet draws one for a canary at whose own provider there is no seat.
func (p *pool) extraOutlet(rng *rand.Rand, who *persona.Person) *outlet {
	large := 0
	for _, o := range p.outlets {
		if o.large {
			large += o.extra
		}
	}
	if large+p.smallAway == 0 {
		return nil
	}
	if rng.IntN(large+p.smallAway) >= large {
		return p.smallOutlet(rng, who)
	}
	return p.draw(rng, func(o *outlet) int {
		if !o.large {
			return 0
		}
		return o.extra
	})
}

// anyOutlet draws any that is left.
func (p *pool) anyOutlet(rng *rand.Rand, who *persona.Person) (o *outlet, extra, ok bool) {
	if o = p.draw(rng, func(o *outlet) int {
		if !o.large {
			return 0
		}
		return o.due + o.extra
	}); o != nil {
		return o, o.due == 0, true
	}
	o = p.smallOutlet(rng, who)
	return o, p.small == 0, o != nil
}

// draw draws an outlet by weights; nil when there is none.
func (p *pool) draw(rng *rand.Rand, weight func(*outlet) int) *outlet {
	sum := 0
	for _, o := range p.outlets {
		sum += weight(o)
	}
	if sum == 0 {
		return nil
	}
	x := rng.IntN(sum)
	for _, o := range p.outlets {
		if x -= weight(o); x < 0 {
			return o
		}
	}
	return nil
}
