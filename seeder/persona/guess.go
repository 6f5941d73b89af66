package persona

import (
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
// that it is one of some names, or the letters of one that the sample has not.
type half struct {
	ids     []int32
	initial byte
	unseen  string
}

func (p *half) empty() bool { return p.initial == 0 && len(p.ids) == 0 && p.unseen == "" }

// degree is how much of a name stands in its owner's address: a set of
// firstAgrees and lastAgrees.
type degree int

const (
	firstAgrees degree = 1 << iota
	lastAgrees
)

func (g *guess) degree() degree {
	d := degree(0)
	if !g.first.empty() {
		d |= firstAgrees
	}
	if !g.last.empty() {
		d |= lastAgrees
	}
	return d
}

// dictionary finds the names of the sample by the letters of local parts.
type dictionary struct {
	firsts, lasts map[string][]int32
	words         *spelling
	told          float64 // words of all addresses
	fresh         float64 // the share of those that nobody else has
}

func (m *Mix) newDictionary() *dictionary {
	for _, f := range m.forms.all {
		m.keys = append(m.keys, keyOf(form(f)))
	}
	d := &dictionary{firsts: index(m.firsts.names), lasts: index(m.lasts.names), words: spellingOfWords(m.words), told: 1}
	for _, n := range m.words.counts {
		if d.told += float64(n); n == 1 {
			d.fresh++
		}
	}
	d.fresh = (d.fresh + 1) / (d.told + 1)
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
	if f := d.first(run); !f.empty() {
		add(code('F', f), f, none)
	}
	if l := d.last(run); !l.empty() {
		add(code('L', l), none, l)
	}
	for i := 1; i < len(run); i++ {
		if f, l := d.first(run[:i]), d.last(run[i:]); joinable(&f, &l) {
			add(code('F', f)+code('L', l), f, l)
		}
		if l, f := d.last(run[:i]), d.first(run[i:]); joinable(&f, &l) {
			add(code('L', l)+code('F', f), f, l)
		}
		d.besideWords(run, i, add)
	}
	return out
}

// joinable reports whether two names may stand in one run of letters: one of
// them at least is known, or where the seam is would be anybody's guess.
func joinable(a, b *half) bool {
	if a.empty() || b.empty() || a.initial != 0 && b.initial != 0 {
		return false
	}
	return a.unseen == "" || b.unseen == ""
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
	const least = 3 // letters of a name that is not known
	if len(text) == 1 {
		return half{initial: text[0]}
	}
	if ids := names[text]; len(ids) > 0 || len(text) < least {
		return half{ids: ids}
	}
	return half{unseen: text}
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
