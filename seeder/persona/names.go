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
	d.pair = g.walk(rng, !g.mixing.walk)
	s.rarer(&d)
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

// rarer does for each half of a put-together name what occurring does for the
// whole. A half that nobody else has is coined, as far as such names are not
// merely missing in the sample.
func (s *scene) rarer(d *drawn) {
	d.pair.first, d.first = s.half(&s.coinedFirsts, d.pair.first)
	d.pair.last, d.last = s.half(&s.coinedLasts, d.pair.last)
}

// half draws another name for one that few people have; the number of a coined
// one is -1.
func (s *scene) half(k *stock, id int32) (int32, *name) {
	n, x := k.names.names[id].count, k.names
	switch {
	case n == 1 && s.rng.chance(x.alone):
		if made, ok := k.draw(&s.rng, x.names[id].words); ok {
			return -1, made
		}
	case n > 1 && s.rng.chance(s.m.covered()):
		id = x.like(&s.rng, k.counted.less(n), id)
	}
	return id, &x.names[id]
}

// like draws one of a list that has several words when the other has; or the
// other.
func (x *lexicon) like(rng *dice, from []int32, other int32) int32 {
	const tries = 4
	for range tries {
		if id := rng.of(from, other); x.names[id].words == x.names[other].words {
			return id
		}
	}
	return other
}

// stock are first or last names for the next tries. It keeps some coined ones:
// coining costs more than all else, and of 64 tries one is of use.
type stock struct {
	names   *lexicon
	counted *counted
	rare    []int32
	coined  [8]*name
}

func (k *stock) draw(rng *dice, words bool) (*name, bool) {
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
