package persona

import (
	"math"
	"slices"
)

// crowd is what a group is for guessing: how many people write how, and have
// which names.
type crowd struct {
	m      *Mix
	g      *group
	n      float64
	keys   map[string]float64 // people by the key of their form, at such domains
	cell   float64
	firsts *stranger
	lasts  *stranger
}

// stranger is what is known of the names that nobody of a group has in the
// sample, by those that one has (Good 1953): how probable it is that somebody has
// one of them, and what share of them is known elsewhere.
type stranger struct {
	odds, known float64
	*spelling
}

type circle struct {
	g     *group
	class int32
}

// crowd counts the people of a group at domains of a class, once.
func (m *Mix) crowd(g *group, class int32) *crowd {
	if known, found := m.crowds.Load(circle{g, class}); found {
		return known.(*crowd)
	}
	c := m.habits(g, class)
	out := &crowd{m: m, g: g, n: float64(len(g.whole)), keys: map[string]float64{}, cell: float64(len(c))}
	for _, i := range c {
		out.keys[m.keys[m.people[i].form]]++
	}
	out.firsts, out.lasts = m.strangers(g)
	m.crowds.Store(circle{g, class}, out)
	return out
}

// strangers tells of the names that a group lacks, once.
func (m *Mix) strangers(g *group) (firsts, lasts *stranger) {
	if known, found := m.unseen.Load(g); found {
		both := known.([2]*stranger)
		return both[0], both[1]
	}
	firsts, lasts = m.stranger(g, &m.firsts, &g.firsts), m.stranger(g, &m.lasts, &g.lasts)
	m.unseen.Store(g, [2]*stranger{firsts, lasts})
	return firsts, lasts
}

func (m *Mix) stranger(g *group, x *lexicon, h *halves) *stranger {
	const enough = 500 // names to learn from
	once, elsewhere := h.counts[1], 0.0
	for _, id := range once {
		if x.names[id].count > 1 {
			elsewhere++
		}
	}
	var names []*name
	for _, list := range h.counts {
		some := slices.Clone(list)
		slices.Sort(some)
		for _, id := range slices.Compact(some) {
			names = append(names, &x.names[id])
		}
		if len(names) >= enough {
			break
		}
	}
	n := float64(len(once))
	return &stranger{
		odds: (n + 0.5) / (float64(len(g.links)) + 1), known: (elsewhere + 0.5) / (n + 1),
		spelling: spellingOf(names, g.writesE),
	}
}

// odds is the logarithm of how many people of a crowd of one would have an
// address that reads so.
func (c *crowd) odds(g *guess) float64 {
	sum := math.Log((c.keys[g.key] + 0.01) / (c.cell + 1))
	sum += c.of(&g.first, &c.m.firsts, true) + c.of(&g.last, &c.m.lasts, false)
	for _, w := range g.words {
		sum += c.word(w)
	}
	return sum
}

// word is the logarithm of the share of the words of addresses that is a word.
func (c *crowd) word(w string) float64 {
	d := c.m.dictionary
	p := d.fresh * math.Exp(d.words.odds(w))
	if id, found := c.m.words.ids[w]; found {
		p += (1 - d.fresh) * float64(c.m.words.counts[id]) / d.told
	}
	return math.Log(p)
}

func (c *crowd) of(p *half, x *lexicon, first bool) float64 {
	s := c.lasts
	if first {
		s = c.firsts
	}
	switch {
	case p.empty():
		return 0
	case p.unseen != "":
		return math.Log(s.odds*(1-s.known)) + s.spelling.odds(p.unseen)
	case p.initial != 0:
		initials := &c.g.lastInitials
		if first {
			initials = &c.g.firstInitials
		}
		return math.Log((initials[p.initial] + 0.1) / (c.n + 1))
	}
	have := 0.0
	for _, id := range p.ids {
		if n := c.g.having(id, first); n > 0 {
			have += n * (1 - s.odds) / c.n
			continue
		}
		have += s.odds * s.known * float64(x.names[id].count) / float64(len(c.m.people))
	}
	return math.Log(have + 1e-12)
}

// having counts the people of a group who have a name.
func (g *group) having(id int32, first bool) float64 {
	if first {
		return float64(len(g.named(id)))
	}
	at, found := slices.BinarySearchFunc(g.byLast, id, func(i, id int32) int { return int(g.links[i].last) - int(id) })
	if !found {
		return 0
	}
	return float64(g.links[g.byLast[at]].lastsN)
}

// named lists the people of a group who have a first name.
func (g *group) named(id int32) []int32 {
	at, found := slices.BinarySearchFunc(g.byFirst, id, func(i, id int32) int { return int(g.links[i].first) - int(id) })
	if !found {
		return nil
	}
	return g.byFirst[at : at+int(g.links[g.byFirst[at]].firstsN)]
}
