package persona

import (
	"math"
	"slices"
	"strings"
)

// guess is one way to read a local part of which the owner is not known: which
// of its letters are which names. It is read by the names of the sample alone.
type guess struct {
	key         string // the form without digits: F.L, fL, W
	first, last half
	words       []string
}

// half is what a guess says of a first or last name: nothing, its first letter,
// or that it is one of some names.
type half struct {
	ids     []int32
	initial byte
}

func (p *half) empty() bool { return p.initial == 0 && len(p.ids) == 0 }

// dictionary finds the names of the sample by the letters of local parts.
type dictionary struct {
	firsts, lasts map[string][]int32
	agreed        map[string]*[4]float64 // by key, see agreement
}

func (m *Mix) newDictionary() *dictionary {
	d := &dictionary{firsts: index(m.firsts.names), lasts: index(m.lasts.names), agreed: map[string]*[4]float64{}}
	return d
}

func index(names []name) map[string][]int32 {
	out := make(map[string][]int32, len(names))
	for i := range names {
		for _, s := range names[i].spells {
			for _, text := range []string{s.whole, s.head, s.tail} {
				if len(text) > 1 && !slices.Contains(out[text], small(i)) {
					out[text] = append(out[text], small(i))
				}
			}
		}
	}
	return out
}

// guesses lists the ways to read a local part, at least one: all is words.
func (d *dictionary) guesses(local string) []guess {
	const runs = 3 // of letters; an address of more is read as a word
	parts, gaps := letterRuns(local)
	if len(parts) > runs {
		return []guess{{key: "W", words: []string{local}}}
	}
	all := []guess{{key: gaps[0]}}
	for i, run := range parts {
		var longer []guess
		for _, option := range d.options(run) {
			for _, g := range all {
				if !g.first.empty() && !option.first.empty() || !g.last.empty() && !option.last.empty() {
					continue
				}
				longer = append(longer, g.with(option, gaps[i+1]))
			}
		}
		all = longer
	}
	return all
}

func (g *guess) with(o guess, gap string) guess {
	out := guess{key: g.key + o.key + gap, first: g.first, last: g.last, words: slices.Concat(g.words, o.words)}
	if !o.first.empty() {
		out.first = o.first
	}
	if !o.last.empty() {
		out.last = o.last
	}
	return out
}

// letterRuns gives the runs of letters, and what separators stand before,
// between and behind them; digits are left out.
func letterRuns(local string) (runs, gaps []string) {
	gaps = []string{""}
	for i := 0; i < len(local); {
		switch kindOf(local[i]) {
		case isLetter:
			end := i
			for end < len(local) && kindOf(local[end]) == isLetter {
				end++
			}
			runs, gaps = append(runs, local[i:end]), append(gaps, "")
			i = end
			continue
		case isGap:
			gaps[len(gaps)-1] += local[i : i+1]
		case isDigit:
		}
		i++
	}
	return runs, gaps
}

// options are the ways to read one run of letters.
func (d *dictionary) options(run string) []guess {
	out := []guess{{key: "W", words: []string{run}}}
	add := func(key string, first, last half, words ...string) {
		out = append(out, guess{key, first, last, words})
	}
	none := half{}
	for i := range len(run) + 1 {
		f, l, l2, f2 := d.first(run[:i]), d.last(run[i:]), d.last(run[:i]), d.first(run[i:])
		switch i {
		case len(run):
			if !f.empty() {
				add(code('F', f), f, none)
			}
			if !l2.empty() {
				add(code('L', l2), none, l2)
			}
			continue
		case 0:
			continue
		}
		if whole := len(f.ids)+len(l.ids) > 0; whole && !f.empty() && !l.empty() {
			add(code('F', f)+code('L', l), f, l)
		}
		if whole := len(f2.ids)+len(l2.ids) > 0; whole && !f2.empty() && !l2.empty() {
			add(code('L', l2)+code('F', f2), f2, l2)
		}
		d.besideWords(run, i, add)
	}
	return out
}

// besideWords adds the readings in which a name stands beside a word.
func (d *dictionary) besideWords(run string, i int, add func(key string, first, last half, words ...string)) {
	const least = 3 // letters of either
	if i < least || len(run)-i < least {
		return
	}
	none := half{}
	if ids := d.firsts[run[:i]]; ids != nil {
		add("FW", half{ids: ids}, none, run[i:])
	}
	if ids := d.firsts[run[i:]]; ids != nil {
		add("WF", half{ids: ids}, none, run[:i])
	}
	if ids := d.lasts[run[:i]]; ids != nil {
		add("LW", none, half{ids: ids}, run[i:])
	}
	if ids := d.lasts[run[i:]]; ids != nil {
		add("WL", none, half{ids: ids}, run[:i])
	}
}

func (d *dictionary) first(text string) half { return lookUp(d.firsts, text) }
func (d *dictionary) last(text string) half  { return lookUp(d.lasts, text) }

func lookUp(names map[string][]int32, text string) half {
	if len(text) == 1 {
		return half{initial: text[0]}
	}
	return half{ids: names[text]}
}

// code is the letter of a form for a name or, in small, for its initial.
func code(letter byte, p half) string {
	if p.initial != 0 {
		letter |= ' '
	}
	return string(letter)
}

// keyOf is the form without digits, and without which part of a name it is.
func keyOf(f form) string {
	var b strings.Builder
	for i := 0; i < len(f); i++ {
		switch c := f[i]; c {
		case '#':
			i++
		case 'p':
			i++
			b.WriteByte('F')
		case 'q':
			i++
			b.WriteByte('L')
		case 'G', 'H':
			b.WriteByte('F')
		case 'M', 'T':
			b.WriteByte('L')
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// crowd is what a group is for guessing: how many people write how, and have
// which names.
type crowd struct {
	m      *Mix
	g      *group
	n      float64
	keys   map[string]float64 // people by the key of their form, at such domains
	cell   float64
	except *somebody // is not there
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
	m.crowds.Store(circle{g, class}, out)
	return out
}

// odds is the logarithm of how many people of a crowd of one would have an
// address that reads so.
func (c *crowd) odds(g *guess) float64 {
	sum := math.Log((c.keys[g.key] + 0.01) / (c.cell + 1))
	sum += c.of(&g.first, &c.m.firsts, true) + c.of(&g.last, &c.m.lasts, false)
	for _, w := range g.words {
		letters := math.Pow(26, -float64(len(w))) / 4
		known := 0.0
		if id, found := c.m.words.ids[w]; found {
			known = float64(c.g.words[id]) / c.n
		}
		sum += math.Log(letters + known)
	}
	return sum
}

func (c *crowd) of(p *half, x *lexicon, first bool) float64 {
	switch {
	case p.empty():
		return 0
	case p.initial != 0:
		initials := &c.g.lastInitials
		if first {
			initials = &c.g.firstInitials
		}
		return math.Log((initials[p.initial] + 0.1) / (c.n + 1))
	}
	have := 0.0
	for _, id := range p.ids {
		n, everywhere := c.g.having(id, first), float64(x.names[id].count)
		if c.except != nil && (first && id == c.except.first || !first && id == c.except.last) {
			n, everywhere = n-1, everywhere-1
		}
		have += max(n, 0) + 0.5*everywhere/float64(len(c.m.people))
	}
	return math.Log((have + 1e-9) / (c.n + 1))
}

// having counts the people of a group who have a name.
func (g *group) having(id int32, first bool) float64 {
	list := g.byLast
	key := func(i int32) int32 { return g.links[i].last }
	if first {
		list, key = g.byFirst, func(i int32) int32 { return g.links[i].first }
	}
	at, found := slices.BinarySearchFunc(list, id, func(i, id int32) int { return int(key(i)) - int(id) })
	switch {
	case !found:
		return 0
	case first:
		return float64(g.links[list[at]].firstsN)
	}
	return float64(g.links[list[at]].lastsN)
}
