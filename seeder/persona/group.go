package persona

import (
	"cmp"
	"slices"
)

// group are the people of one country or language, or of one salutation there.
type group struct {
	links []link  // of whole
	multi []int32 // people whose full name others have too
	few   counted // people, by how many have their full name

	byFirst, byLast []int32 // links, by name
	firsts, lasts   halves

	mixing mixing

	writesE float64 // share of ue among those who show how they write ü
	cells   map[int32]cell
	whole   cell
	lengths map[int][]int32 // digits by their number
	odd     []int32         // words that few people have

	years [youngest - oldest + 1]int32 // people by the year of birth
	doubt float64                      // how little first names tell of them, see doubtful

	firstInitials, lastInitials [256]float64 // people by the first letter of a name
}

// halves are the first or the last names of a group.
type halves struct {
	counts counted // names, by how many of the group have them; for each who has it
	rare   []int32 // from which others are coined
	abroad []int32 // names that occur elsewhere, and not in the group
	// alone is which part of the names seen once in the group stands once there:
	// of those that nobody else has, and of those that people elsewhere have,
	// of which far fewer do.
	alone [2]float64
}

func (h *halves) settle(m *Mix, x *lexicon) {
	const enough = 40
	h.rare = h.counts.rarest()
	var all kinds
	var some [2]kinds
	for n, list := range h.counts {
		for _, id := range list { // n times each
			all.add(n)
			some[elsewhere(x.names[id].count > int32(n))].add(n)
		}
	}
	for k := range some {
		if some[k][1] < enough {
			some[k] = all
		}
		h.alone[k] = m.stillAlone(&some[k])
	}
}

// elsewhere is the place in halves.alone of names that others elsewhere have, or
// that none have.
func elsewhere(have bool) int {
	if have {
		return 1
	}
	return 0
}

// borrow notes names of a larger group that the group has not.
func (g *group) borrow(from *group, seed uint64) {
	const draws = 1500
	rng := &dice{seed}
	for range draws {
		l := &from.links[rng.n(len(from.links))]
		if g.having(l.first, true) == 0 {
			g.firsts.abroad = append(g.firsts.abroad, l.first)
		}
		if g.having(l.last, false) == 0 {
			g.lasts.abroad = append(g.lasts.abroad, l.last)
		}
	}
}

// exchange chooses the rarer names that stand for the group's.
func (g *group) exchange(m *Mix) {
	rng := &dice{3}
	for i := range g.links {
		l := &g.links[i]
		l.rarerFirst = g.firsts.rarer(rng, &m.firsts, l.first, l.firstsN)
		l.rarerLast = g.lasts.rarer(rng, &m.lasts, l.last, l.lastsN)
	}
}

// link is somebody's name, and where in byFirst and byLast
// those stand who share one half of it.
type link struct {
	first, last                  int32
	firstAt, firstsN, firstPlace int32
	lastAt, lastsN, lastPlace    int32

	born int16 // the year; 0 when unknown

	rarerFirst, rarerLast int32 // names that stand for these, see halves.rarer
}

func (m *Mix) newGroup(members []int32) *group {
	g := &group{whole: members, cells: map[int32]cell{}, lengths: map[int][]int32{}}
	slices.SortStableFunc(members, func(a, b int32) int { return cmp.Compare(m.people[a].day, m.people[b].day) })
	marked, e := 0, 0
	for _, i := range members {
		p := &m.people[i]
		g.links = append(g.links, link{first: p.first, last: p.last, born: p.born})
		if p.born >= oldest && p.born <= youngest {
			g.years[p.born-oldest]++
		}
		if p.namesakes > 1 {
			g.multi = append(g.multi, i)
		}
		g.few.add(int32(p.namesakes), i)
		g.cells[p.class] = append(g.cells[p.class], i)
		if d := len(m.digits.all[p.digits]); d > 0 {
			g.lengths[d] = append(g.lengths[d], p.digits)
		}
		g.letters(m, p)
		switch p.umlaut {
		case umlautE:
			e++
			marked++
		case umlautPlain:
			marked++
		case umlautAny:
		}
	}
	g.writesE = -1
	if marked > 0 {
		g.writesE = float64(e) / float64(marked)
	}
	g.index()
	g.doubt = g.doubtful()
	for i := range g.links {
		l := &g.links[i]
		g.firsts.counts.add(l.firstsN, l.first)
		g.lasts.counts.add(l.lastsN, l.last)
	}
	g.firsts.settle(m, &m.firsts)
	g.lasts.settle(m, &m.lasts)
	g.mixing = m.mix(g)
	return g
}

// letters notes the rare words of somebody's address and the initials of his name.
func (g *group) letters(m *Mix, p *somebody) {
	for _, w := range p.words {
		if w < 0 {
			continue
		}
		if m.words.counts[w] < commonWord {
			g.odd = append(g.odd, w)
		}
	}
	if text := m.firsts.names[p.first].plain; text != "" {
		g.firstInitials[text[0]]++
	}
	if text := m.lasts.names[p.last].plain; text != "" {
		g.lastInitials[text[0]]++
	}
}

// counted are lists of people or names, by how often something occurs.
type counted [64][]int32

func (c *counted) add(count, id int32) {
	if int(count) < len(c) {
		c[count] = append(c[count], id)
	}
}

// less gives those that occur once less often: somebody of the table has as
// many namesakes as there are people with the name, less one, and so should
// somebody who is added (Good 1953).
func (c *counted) less(count int32) []int32 {
	if count < 1 || int(count) > len(c) {
		return nil
	}
	return c[count-1]
}

// rarest gives those that occur least often, as many as it takes to make others
// like them.
func (c *counted) rarest() []int32 {
	const enough = 200
	var out []int32
	for _, list := range c {
		if out = append(out, list...); len(out) >= enough {
			break
		}
	}
	return out
}

// index links the people to those who share one name.
func (g *group) index() {
	g.byFirst = g.order(func(l *link) int32 { return l.first }, func(l *link, at, n, place int32) { l.firstAt, l.firstsN, l.firstPlace = at, n, place })
	g.byLast = g.order(func(l *link) int32 { return l.last }, func(l *link, at, n, place int32) { l.lastAt, l.lastsN, l.lastPlace = at, n, place })
}

func (g *group) order(key func(*link) int32, set func(l *link, at, n, place int32)) []int32 {
	out := make([]int32, len(g.links))
	for i := range out {
		out[i] = small(i)
	}
	slices.SortStableFunc(out, func(a, b int32) int { return cmp.Compare(key(&g.links[a]), key(&g.links[b])) })
	for from := 0; from < len(out); {
		to := from + 1
		for to < len(out) && key(&g.links[out[to]]) == key(&g.links[out[from]]) {
			to++
		}
		for k, i := range out[from:to] {
			set(&g.links[i], small(from), small(to-from), small(k))
		}
		from = to
	}
	return out
}

// walk puts a first and a last name together that belong together: from
// somebody to a namesake by last name, to his namesake by first name, whose
// last name it is. Every step leads from people drawn evenly to people drawn
// evenly, so each name comes out as often as it occurs; and who has neighbours
// on neither side swaps with anybody. When loose, names are drawn each for itself.
func (g *group) walk(rng *dice, loose bool) (first, last *link) {
	a := &g.links[rng.n(len(g.links))]
	if loose || a.lastsN == 1 && a.firstsN == 1 {
		return a, &g.links[rng.n(len(g.links))]
	}
	b := &g.links[other(rng, g.byLast[a.lastAt:a.lastAt+a.lastsN], a.lastPlace)]
	c := &g.links[other(rng, g.byFirst[b.firstAt:b.firstAt+b.firstsN], b.firstPlace)]
	return a, c
}

// walked is the name that a walk puts together.
func (g *group) walked(rng *dice, loose bool) pair {
	first, last := g.walk(rng, loose)
	return pair{first.first, last.last}
}

// other draws one of a list that is not the one at a place, if there is one.
func other(rng *dice, from []int32, place int32) int32 {
	if len(from) == 1 {
		return from[0]
	}
	at := rng.n(len(from) - 1)
	if at >= int(place) {
		at++
	}
	return from[at]
}
