package persona

// drawn is a full name on trial.
type drawn struct {
	first, last *name
	pair        pair
	put         bool // put together, not one that occurs
	bucket      uint8
}

// draw draws a full name of a group. What is put together has still to be
// looked at, see keeps.
func (s *scene) draw() drawn {
	var d drawn
	m, g, rng := s.m, s.g, &s.rng
	if !rng.chance(g.mixing.fresh) {
		who := s.occurring(g)
		d.pair, d.bucket = who.pair(), who.bucket
		d.first, d.last = &m.firsts.names[d.pair.first], &m.lasts.names[d.pair.last]
		return d
	}
	d.put = true
	first, last := g.walk(rng, !g.mixing.walk)
	for range ageTries {
		if s.peer(first.born) {
			break
		}
		first, last = g.walk(rng, !g.mixing.walk)
	}
	d.pair.first, d.first = s.half(&s.firsts, first.first, first.rarerFirst, first.firstsN > 1)
	d.pair.last, d.last = s.half(&s.lasts, last.last, last.rarerLast, last.lastsN > 1)
	d.bucket = bucketOf(d.first, d.last, false)
	return d
}

// ageTries is how often somebody about as old is looked for.
const ageTries = 16

// occurring draws a full name that occurs, if possible of somebody about as old.
func (s *scene) occurring(g *group) *somebody {
	who := s.m.occurring(&s.rng, g)
	for range ageTries {
		if s.peer(who.born) {
			break
		}
		who = s.m.occurring(&s.rng, g)
	}
	return who
}

// occurring draws a full name that occurs.
func (m *Mix) occurring(rng *dice, g *group) *somebody {
	if len(g.multi) == 0 || len(g.few[1]) > 0 && !rng.chance(g.mixing.several) {
		return &m.people[g.few[1][rng.n(len(g.few[1]))]]
	}
	who := g.multi[rng.n(len(g.multi))]
	if !rng.chance(m.covered) {
		return &m.people[who]
	}
	const tries = 6
	for range tries {
		if other := rng.of(g.few.less(int32(m.people[who].namesakes)), who); m.sameKind(who, other) {
			return &m.people[other]
		}
	}
	return &m.people[who]
}

// sameKind reports whether the names of two people have several words alike.
func (m *Mix) sameKind(a, b int32) bool {
	x, y := &m.people[a], &m.people[b]
	return m.firsts.names[x.first].words == m.firsts.names[y.first].words && m.lasts.names[x.last].words == m.lasts.names[y.last].words
}

// half does for one half of a put-together name what occurring does for the
// whole: it takes the rarer name that was chosen for it, see rarer. One that
// nobody else of the group has is exchanged as far as it is not merely missing
// in the sample. The number of a coined name is -1.
func (s *scene) half(k *stock, id, rarer int32, others bool) (int32, *name) {
	x := k.names
	p := k.alone[elsewhere(x.names[id].count > 1)]
	if others {
		p = s.m.covered
	}
	if !s.rng.chance(p) {
		return id, &x.names[id]
	}
	if rarer < 0 {
		if made, ok := k.coin(&s.rng, x.names[id].words); ok {
			return -1, made
		}
		rarer = id
	}
	return rarer, &x.names[rarer]
}

// rarer chooses the name that stands for another one of a group: one that one
// less have. For one that nobody else of the group has it is one that only
// people elsewhere have; -1, to be coined, when nobody at all has.
func (h *halves) rarer(rng *dice, x *lexicon, id, n int32) int32 {
	switch {
	case n > 1:
		return x.like(rng, h.counts.less(n), id)
	case x.names[id].count > 1:
		return x.like(rng, h.abroad, id)
	}
	return -1
}

// like draws one of a list of names that one less of the group have, or the
// other: it has several words when the other has, and about as many people.
func (x *lexicon) like(rng *dice, from []int32, other int32) int32 {
	const tries = 40
	want := &x.names[other]
	best, least := other, max(want.count/8, 2)
	for range tries {
		id := rng.of(from, other)
		n := &x.names[id]
		off := n.count + 1 - want.count
		if off = max(off, -off); n.words == want.words && off < least {
			best, least = id, off
		}
		if least <= want.count/16 {
			break
		}
	}
	return best
}

// stock are the first or the last names of a group. It keeps some coined ones
// for the next tries: coining costs more than all else, and of 64 tries one is
// of use.
type stock struct {
	names *lexicon
	*halves
	coined [2][4]*name // of one word, and of several
}

func (k *stock) coin(rng *dice, words bool) (*name, bool) {
	some := &k.coined[0]
	if words {
		some = &k.coined[1]
	}
	at := rng.n(128 * len(some))
	slot := &some[at%len(some)]
	if at >= len(some) && *slot != nil {
		return *slot, true
	}
	made, ok := k.names.coin(rng, k.rare, words)
	if ok {
		*slot = made
	}
	return made, ok
}

// keeps reports whether a drawn name may stand: one that was put together
// occurs nowhere, and its halves agree.
func (s *scene) keeps(d *drawn) bool {
	if !d.put {
		return true
	}
	coined := d.pair.first < 0 || d.pair.last < 0
	return (coined || !s.m.mayOccur(d.pair)) && s.rng.chance(s.g.mixing.concord.agree(d.first, d.last))
}
