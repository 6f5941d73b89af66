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
		who := m.occurring(rng, g)
		d.pair, d.bucket = who.pair(), who.bucket
		d.first, d.last = &m.firsts.names[d.pair.first], &m.lasts.names[d.pair.last]
		return d
	}
	d.put = true
	first, last := g.walk(rng, !g.mixing.walk)
	d.pair.first, d.first = s.half(&s.firsts, first.first, first.firstsN)
	d.pair.last, d.last = s.half(&s.lasts, last.last, last.lastsN)
	d.bucket = bucketOf(d.first, d.last, false)
	return d
}

// occurring draws a full name that occurs.
func (m *Mix) occurring(rng *dice, g *group) *somebody {
	if len(g.multi) == 0 || len(g.few[1]) > 0 && !rng.chance(g.mixing.several) {
		return &m.people[g.few[1][rng.n(len(g.few[1]))]]
	}
	who := g.multi[rng.n(len(g.multi))]
	if rng.chance(m.covered()) {
		who = rng.of(g.few.less(int32(m.people[who].namesakes)), who)
	}
	return &m.people[who]
}

// half does for one half of a put-together name what occurring does for the
// whole. One that nobody else of the group has, as far as it is not merely
// missing in the sample, is coined when nobody at all has it, and otherwise
// taken from elsewhere. n is how many of the group have it. The number of a
// coined one is -1.
func (s *scene) half(k *stock, id, n int32) (int32, *name) {
	x := k.names
	switch {
	case n > 1 && s.rng.chance(s.m.covered()):
		id = x.like(&s.rng, k.counts.less(n), id)
	case n > 1 || !s.rng.chance(k.alone):
	case x.names[id].count > 1:
		id = x.like(&s.rng, k.abroad, id)
	default:
		if made, ok := k.coin(&s.rng, x.names[id].words); ok {
			return -1, made
		}
	}
	return id, &x.names[id]
}

// like draws one of a list of names that one less of the group have, or the
// other: it has several words when the other has, and about as many people.
func (x *lexicon) like(rng *dice, from []int32, other int32) int32 {
	const tries = 6
	want := &x.names[other]
	best, least := other, max(want.count/3, 3)
	for range tries {
		id := rng.of(from, other)
		n := &x.names[id]
		off := n.count + 1 - want.count
		if off = max(off, -off); n.words == want.words && off < least {
			best, least = id, off
		}
		if least <= want.count/8 {
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
	coined [8]*name
}

func (k *stock) coin(rng *dice, words bool) (*name, bool) {
	at := rng.n(64 * len(k.coined))
	slot := &k.coined[at%len(k.coined)]
	if at >= len(k.coined) && *slot != nil && (*slot).words == words {
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
