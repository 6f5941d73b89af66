package persona

import (
	"math"
	"slices"
	"strings"
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
// one of a single word, what share of them is known elsewhere, and how probable
// a name of two words is, of which others have each.
type stranger struct {
	odds, known float64
	double      float64
	gaps        []string // between two words, of some
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
	once, elsewhere, double := 0.0, 0.0, 0.0
	s := &stranger{}
	var names []*name
	for n, list := range h.counts {
		for _, id := range distinct(list) {
			name := &x.names[id]
			switch {
			case name.words:
				double += float64(n)
				s.gaps = append(s.gaps, name.text[strings.IndexAny(name.text, " -"):][:1])
				continue
			case n == 1 && name.count > 1:
				elsewhere++
			}
			if n == 1 {
				once++
			}
			if len(names) < enough || n == 1 {
				names = append(names, name)
			}
		}
	}
	all := float64(len(g.links)) + 1
	s.odds, s.known, s.double = (once+0.5)/all, (elsewhere+0.5)/(once+1), (double+0.1)/all
	s.spelling = spellingOf(names, g.writesE)
	return s
}

func distinct(ids []int32) []int32 {
	some := slices.Clone(ids)
	slices.Sort(some)
	return slices.Compact(some)
}

// splits are the ways to read letters as a name of two words, as the places
// where the second begins, with their odds. Of two words one at least is known,
// but for those that a hyphen parts.
func (c *crowd) splits(text string, first bool) (at []int, odds []float64) {
	s, code := c.side(first)
	names := c.m.dictionary.names[code]
	word := func(w string) (float64, bool) {
		if ids := names[w]; len(ids) > 0 {
			return c.have(ids, first), true
		}
		return s.odds * (1 - s.known) * math.Exp(s.spelling.odds(w)), false
	}
	from, to := leastName, len(text)-leastName
	hyphen := strings.IndexByte(text, '-')
	if hyphen > 0 {
		from, to = hyphen, hyphen
	}
	for i := from; i <= to; i++ {
		a, known := word(text[:i])
		b, also := word(strings.TrimPrefix(text[i:], "-"))
		if known || also || hyphen > 0 {
			at, odds = append(at, i), append(odds, s.double*a*b)
		}
	}
	return at, odds
}

// side is what is known of one half of unseen names, and the code of that half.
func (c *crowd) side(first bool) (*stranger, byte) {
	if first {
		return c.firsts, 'F'
	}
	return c.lasts, 'L'
}

// single is the share of people who have a name of one word that is not known.
func (s *stranger) single(text string) float64 {
	if strings.Contains(text, "-") {
		return 0
	}
	return s.odds * (1 - s.known) * math.Exp(s.spelling.odds(text))
}

// written draws how somebody writes a name of which the letters are known alone.
func (c *crowd) written(rng *dice, text string, first bool) string {
	s, _ := c.side(first)
	at, odds := c.splits(text, first)
	k := draw(rng, append(odds, s.single(text)))
	if k == len(at) {
		return s.write(rng, text)
	}
	gap := "-"
	if len(s.gaps) > 0 {
		gap = s.gaps[rng.n(len(s.gaps))]
	}
	return c.known(rng, text[:at[k]], first) + gap + c.known(rng, strings.TrimPrefix(text[at[k]:], "-"), first)
}

// known writes one word of a name as somebody has it who has that name.
func (c *crowd) known(rng *dice, word string, first bool) string {
	s, code := c.side(first)
	x := &c.m.lasts
	if first {
		x = &c.m.firsts
	}
	if ids := c.m.dictionary.names[code][word]; len(ids) > 0 {
		return x.names[ids[rng.n(len(ids))]].text
	}
	return s.write(rng, word)
}

// odds is the logarithm of how many people of a crowd of one would have an
// address that reads so.
func (c *crowd) odds(g *guess) float64 {
	sum := math.Log((c.keys[g.key] + 0.01) / (c.cell + 1))
	sum += c.of(&g.first, true) + c.of(&g.last, false)
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

// of is the logarithm of the share of people whose name is as a guess has it.
func (c *crowd) of(p *half, first bool) float64 {
	s, _ := c.side(first)
	switch {
	case p.empty():
		return 0
	case p.unseen != "":
		sum := s.single(p.unseen)
		_, odds := c.splits(p.unseen, first)
		for _, o := range odds {
			sum += o
		}
		return math.Log(sum + 1e-30)
	case p.initial != 0:
		initials := &c.g.lastInitials
		if first {
			initials = &c.g.firstInitials
		}
		return math.Log((initials[p.initial] + 0.1) / (c.n + 1))
	}
	return math.Log(c.have(p.ids, first) + 1e-12)
}

// have is the share of people who have one of some names of the sample.
func (c *crowd) have(ids []int32, first bool) float64 {
	s, _ := c.side(first)
	x := &c.m.lasts
	if first {
		x = &c.m.firsts
	}
	have := 0.0
	for _, id := range ids {
		if n := c.g.having(id, first); n > 0 {
			have += n * (1 - s.odds) / c.n
			continue
		}
		have += s.odds * s.known * float64(x.names[id].count) / float64(len(c.m.people))
	}
	return have
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
