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

// dictionary finds the names of the sample by the letters of local parts, by
// the code of a form: F and L as a whole, G, H, M and T by a word of several.
type dictionary struct {
	names map[byte]map[string][]int32
	words *spelling
	told  float64 // words of all addresses
	fresh float64 // the share of those that nobody else has
}

func (m *Mix) newDictionary() *dictionary {
	for _, f := range m.forms.all {
		m.keys = append(m.keys, keyOf(form(f)))
	}
	d := &dictionary{names: map[byte]map[string][]int32{}, words: spellingOfWords(m.words), told: 1}
	d.index(m.firsts.names, "FGH")
	d.index(m.lasts.names, "LMT")
	for _, n := range m.words.counts {
		if d.told += float64(n); n == 1 {
			d.fresh++
		}
	}
	d.fresh = (d.fresh + 1) / (d.told + 1)
	return d
}

func (d *dictionary) index(names []name, codes string) {
	for i := range codes {
		d.names[codes[i]] = make(map[string][]int32, len(names))
	}
	for i := range names {
		for _, s := range names[i].spells {
			for k, text := range [...]string{s.whole, s.head, s.tail} {
				in := d.names[codes[k]]
				if len(text) > 1 && (k == 0 || names[i].words) && !slices.Contains(in[text], small(i)) {
					in[text] = append(in[text], small(i))
				}
			}
		}
	}
}

// guesses lists the ways to read a local part, at least one: all is words.
func (d *dictionary) guesses(local string) []guess {
	const runs = 3 // of letters; an address of more is read as a word
	parts, gaps := letterRuns(local)
	if len(parts) > runs {
		return []guess{{key: "W", words: []string{local}}}
	}
	all := []guess{{key: gaps[0]}}
	var before []guess // without the last run
	for i, run := range parts {
		longer := joined(nil, all, d.options(run), gaps[i+1])
		if i > 0 && gaps[i] == "-" {
			longer = joined(longer, before, d.hyphened(parts[i-1], run), gaps[i+1])
		}
		before, all = all, longer
	}
	return all
}

// joined adds guesses that go on with options.
func joined(to, guesses, options []guess, gap string) []guess {
	for i := range options {
		o := &options[i]
		for k := range guesses {
			g := &guesses[k]
			if (g.first.empty() || o.first.empty()) && (g.last.empty() || o.last.empty()) {
				to = append(to, g.with(*o, gap))
			}
		}
	}
	return to
}

// hyphened are the ways to read two runs as one name with a hyphen.
func (d *dictionary) hyphened(a, b string) []guess {
	if min(len(a), len(b)) < leastName {
		return nil
	}
	return []guess{{key: "G-H", first: half{unseen: a + "-" + b}}, {key: "M-T", last: half{unseen: a + "-" + b}}}
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
	firsts, lasts := d.named(run, "FGH"), d.named(run, "LMT")
	for _, f := range firsts {
		add(f.code, f.half, half{})
	}
	for _, l := range lasts {
		add(l.code, half{}, l.half)
	}
	for i := 1; i < len(run); i++ {
		for _, f := range d.named(run[:i], "FGH") {
			for _, l := range d.named(run[i:], "LMT") {
				if joinable(&f.half, &l.half) {
					add(f.code+l.code, f.half, l.half)
				}
			}
		}
		for _, l := range d.named(run[:i], "LMT") {
			for _, f := range d.named(run[i:], "FGH") {
				if joinable(&f.half, &l.half) {
					add(l.code+f.code, f.half, l.half)
				}
			}
		}
		d.besideWords(run, i, add)
	}
	return out
}

// joinable reports whether two names may stand in one run of letters: one of
// them at least is known, or where the seam is would be anybody's guess.
func joinable(a, b *half) bool {
	return (a.initial == 0 || b.initial == 0) && (a.unseen == "" || b.unseen == "")
}

// besideWords adds the readings in which a name stands beside a word.
func (d *dictionary) besideWords(run string, i int, add func(key string, first, last half, words ...string)) {
	const least = 3 // letters of either
	if i < least || len(run)-i < least {
		return
	}
	none := half{}
	if ids := d.names['F'][run[:i]]; ids != nil {
		add("FW", half{ids: ids}, none, run[i:])
	}
	if ids := d.names['F'][run[i:]]; ids != nil {
		add("WF", half{ids: ids}, none, run[:i])
	}
	if ids := d.names['L'][run[:i]]; ids != nil {
		add("LW", none, half{ids: ids}, run[i:])
	}
	if ids := d.names['L'][run[i:]]; ids != nil {
		add("WL", none, half{ids: ids}, run[:i])
	}
}

// coded is a part of a name with the letter of a form for it.
type coded struct {
	code string
	half
}

// leastName is how many letters a name has that is not known.
const leastName = 3

// named lists what some letters may be of a first or a last name, of which the
// codes are given: a name, or a word of one.
func (d *dictionary) named(text, codes string) []coded {
	if len(text) == 1 {
		return []coded{{string(codes[0] | ' '), half{initial: text[0]}}}
	}
	var out []coded
	for i := range len(codes) {
		if ids := d.names[codes[i]][text]; len(ids) > 0 {
			out = append(out, coded{codes[i : i+1], half{ids: ids}})
		}
	}
	if len(text) >= leastName && len(d.names[codes[0]][text]) == 0 {
		out = append(out, coded{codes[:1], half{unseen: text}})
	}
	return out
}

// keyOf is the form without digits; the first letters of a name count as a name.
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
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
