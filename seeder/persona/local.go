package persona

import (
	"slices"
	"strconv"
	"strings"
)

// scene is what one drawing takes place under; it is used by one goroutine.
type scene struct {
	m       *Mix
	g       *group
	rng     dice
	writing writing
	german  bool
	domains []string
	cells   []cell // by domain: whose address habits to imitate
	homes   []home // by domain: where it is a last name
	buf     []byte
	born    int16    // the year; 0 where it does not matter
	odd     bool     // the last local part has digits or a word that few people have
	tested  []uint32 // addresses that were tried, by hash; nil when few are wanted

	firsts, lasts stock
}

func (m *Mix) scene(who *Person, domains []string, seed uint64) *scene {
	s := m.sceneOf(m.near(who), seed)
	s.german = slices.Contains([]string{"DE", "AT", "CH", "DEU", "GERMANY"}, strings.ToUpper(who.Country)) || strings.HasPrefix(strings.ToLower(who.Language), "de")
	s.writing, s.domains = writingOf(who), domains
	s.cells, s.homes = make([]cell, len(domains)), make([]home, len(domains))
	known := map[int32]cell{}
	for i, d := range domains {
		class := m.classOf(d)
		if known[class] == nil {
			known[class] = m.window(m.habits(s.g, class), dayOf(who.Created))
		}
		s.cells[i] = known[class]
		if last, found := m.surname(d); found && class < ofMany && len(m.all.cells[ofHome]) > 0 {
			s.homes[i] = home{last, m.all.cells[ofHome]}
		}
	}
	return s
}

// home is a domain that is a last name: whose, and how people write there.
type home struct {
	last int32
	cell cell
}

// sceneOf is a scene for drawing names.
func (m *Mix) sceneOf(g *group, seed uint64) *scene {
	return &scene{
		m: m, g: g, rng: dice{seed}, buf: make([]byte, 0, 2*maxLocal),
		firsts: stock{names: &m.firsts, halves: &g.firsts},
		lasts:  stock{names: &m.lasts, halves: &g.lasts},
	}
}

// leastCell is the least number of people whose habits are worth imitating.
const leastCell = 40

// habits gives the people whose address habits a new address at a domain of
// some class should have: those of the group at such domains. At a small domain
// people write otherwise than at a provider, more than they do in another
// country.
func (m *Mix) habits(g *group, class int32) cell {
	c := g.cells[class]
	if len(c) < leastCell {
		c = m.all.cells[class]
	}
	if len(c) < leastCell {
		c = g.whole
	}
	return c
}

// style draws somebody of a cell, if possible with a name of the same bucket,
// and about as old where the age is known.
func (s *scene) style(c cell, bucket uint8) *somebody {
	tries := 5
	if s.born > 0 {
		tries = 25
	}
	var who *somebody
	for i := range tries {
		who = &s.m.people[c[s.rng.n(len(c))]]
		if who.bucket == bucket && s.peer(who.born) || i > 10 && s.peer(who.born) {
			break
		}
	}
	return who
}

// peer reports whether somebody who was born in a year is about as old.
func (s *scene) peer(born int16) bool {
	const years = 6
	return s.born == 0 || born > 0 && born-s.born <= years && s.born-born <= years
}

// local writes a name in somebody's style. It is not ok when the name cannot
// be written so (no Latin letters).
func (s *scene) local(d *drawn, style *somebody, c cell) ([]byte, bool) {
	w := writer{s: s, rng: &s.rng, style: style, cell: c, out: s.buf[:0]}
	u := s.umlaut(d)
	w.first, w.last = d.first.spell(u), d.last.spell(u)
	ok := w.write(form(s.m.forms.all[style.form]))
	s.buf, s.odd = w.out, w.rare || w.digits > 0
	return w.out, ok && usable(w.out)
}

// others reports whether somebody of the sample has the local part that was
// written last, and it is none that people have alike: two Dana Whitfields may
// be dana.whitfield, they are not both dana.whitfield84.
func (s *scene) others(local string) bool { return s.odd && s.m.locals.has(local) }

// again reports whether an address was tried before, as far as it remembers:
// small domains have few addresses, and asking the rule is what costs.
func (s *scene) again(local []byte, domain int) bool {
	if s.tested == nil {
		return false
	}
	h := uint64(domain+1) * 14695981039346656037 //nolint:gosec // a hash
	for _, c := range local {
		h = (h ^ uint64(c)) * 1099511628211
	}
	slot, mark := &s.tested[h%uint64(len(s.tested))], uint32(h>>32)|1
	if *slot == mark {
		return true
	}
	*slot = mark
	return false
}

// umlaut draws how ä, ö, ü are written, as often as people of the group do so.
func (s *scene) umlaut(d *drawn) umlaut {
	if !d.first.marked && !d.last.marked {
		return umlautPlain
	}
	e := s.g.writesE
	if e < 0 && s.german {
		e = 1
	}
	if s.rng.chance(e) {
		return umlautE
	}
	return umlautPlain
}

// writer writes one local part.
type writer struct {
	s     *scene
	rng   *dice
	style *somebody
	cell  cell
	out   []byte

	first, last   *spells
	words, digits int  // written so far
	rare          bool // it has a word that few people have
}

func (w *writer) write(f form) bool {
	for i := 0; i < len(f); i++ {
		ok := true
		switch c := f[i]; c {
		case 'F', 'G', 'H':
			ok = w.name(w.first, c, w.s.m.partsFirst)
		case 'L', 'M', 'T':
			ok = w.name(w.last, c, w.s.m.partsLast)
		case 'f':
			ok = w.put(w.first.whole, 1)
		case 'l':
			ok = w.put(w.last.whole, 1)
		case 'p', 'q', '#':
			i++
			ok = w.sized(c, int(f[i]-'0'))
		case 'W':
			ok = w.word()
		default:
			w.out = append(w.out, c)
		}
		if !ok {
			return false
		}
	}
	return true
}

func (w *writer) put(text string, letters int) bool {
	w.out = append(w.out, text[:min(letters, len(text))]...)
	return text != ""
}

// name writes a name, or of one of several words the part that people with
// such names write.
func (w *writer) name(n *spells, code byte, parts string) bool {
	if n.head != n.whole && len(parts) > 0 {
		code = parts[w.rng.n(len(parts))]
	}
	switch code {
	case 'G', 'M':
		return w.put(n.head, maxLocal)
	case 'H', 'T':
		return w.put(n.tail, maxLocal)
	}
	return w.put(n.whole, maxLocal)
}

func (w *writer) sized(code byte, n int) bool {
	switch code {
	case 'p':
		return w.put(w.first.whole, n)
	case 'q':
		return w.put(w.last.whole, n)
	}
	all := w.s.m.digits.all
	own := all[w.style.digits]
	if w.style.birth && w.s.born > 0 && len(own) == n {
		own = strconv.Itoa(int(w.s.born))
		w.out = append(w.out, own[4-n:]...)
		w.digits += n
		return true
	}
	if len(own) == n {
		own = all[w.s.digitsLike(w.style, w.cell)]
	}
	if w.digits+n > len(own) {
		return false
	}
	w.appendDigits(own[w.digits : w.digits+n])
	w.digits += n
	return true
}

// word writes the next word of the style: itself when several people have it,
// else one that is put together from such words.
func (w *writer) word() bool {
	id := w.style.words[min(w.words, maxWords-1)]
	w.words++
	if id < 0 {
		return false
	}
	words := w.s.m.words
	if words.counts[id] >= commonWord {
		return w.put(words.all[id], maxLocal)
	}
	w.rare = true
	odd := w.s.g.odd
	if len(odd) < 2 {
		odd = w.s.m.all.odd
	}
	for range 8 {
		if text, ok := splice(w.rng, words.all[id], words.all[odd[w.rng.n(len(odd))]]); ok {
			return w.put(text, maxLocal)
		}
	}
	return false
}

// commonWord is how many people make a word everybody's.
const commonWord = 5

// usable keeps to what every mail system takes and what is canonical already:
// RFC 5321 §4.1.2 dot-atoms of lower-case letters and digits, at most 64 bytes.
func usable(local []byte) bool {
	if len(local) == 0 || len(local) > maxLocal || local[0] == '.' || local[len(local)-1] == '.' {
		return false
	}
	for i, c := range local {
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '_', c == '-':
		case c == '.' && local[i-1] != '.':
		default:
			return false
		}
	}
	return true
}
