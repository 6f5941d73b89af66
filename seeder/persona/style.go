package persona

import (
	"slices"
	"strings"
)

// A form is how one local part is made from its owner's name, written with a
// letter for each piece and the separators as they are:
//
//	F L    first, last name      G M  its first word     H T  its last word
//	f l    the initial           p q  the first letters; a byte says how many
//	W      a word that is not of the name
//	#      digits; a byte says how many
//
//	dana.whitfield84  of Dana Whitfield  F.L#2
//	dwhitfield        of Dana Whitfield  fL
//	nightowl_7        of Dana Whitfield  W_#1   the word is "nightowl"
//	tigerdan          of Dana Whitfield  Wp3
type form string

// reading is a local part taken apart.
type reading struct {
	form   form
	digits string   // of all runs
	words  []string // at most two
	umlaut umlaut
	cost   int // how far-fetched it is
}

// What a piece costs. The cheapest reading of a local part is taken, so that
// Ann's "planning" stays one word, and "annfan" is Ann and a word.
const (
	costName    = 10
	costPart    = 12
	costInitial = 25
	costPrefix  = 35
	costWord    = 30
	costLetter  = 10
	minPrefix   = 3
	maxLocal    = 64
)

// read takes a local part, in small letters, apart.
func read(local string, first, last *name) reading {
	plain := readAs(local, first, last, umlautPlain)
	if !first.marked && !last.marked {
		return plain
	}
	if e := readAs(local, first, last, umlautE); e.cost < plain.cost {
		e.umlaut = umlautE
		return e
	}
	if strings.ContainsAny(string(plain.form), "FGHLMTpq") {
		plain.umlaut = umlautPlain
	}
	return plain
}

func readAs(local string, first, last *name, u umlaut) reading {
	var r reading
	if len(local) == 0 || len(local) > maxLocal {
		return reading{form: "W", words: []string{local}, cost: costWord + costLetter*len(local)}
	}
	var b strings.Builder
	p := parser{first: first, last: last, f: first.spell(u), l: last.spell(u)}
	for i := 0; i < len(local); {
		end := i + 1
		switch kind := kindOf(local[i]); kind {
		case isDigit:
			for end < len(local) && kindOf(local[end]) == isDigit {
				end++
			}
			r.digits += local[i:end]
			b.WriteByte('#')
			b.WriteByte(byte('0' + end - i))
		case isGap:
			b.WriteByte(local[i])
		default:
			for end < len(local) && kindOf(local[end]) == kind {
				end++
			}
			p.run(local[i:end], &b, &r)
		}
		i = end
	}
	r.form = form(b.String())
	if len(r.words) > maxWords { // a saying
		return reading{form: "W", words: []string{local}, cost: r.cost}
	}
	return r
}

const maxWords = 2

type byteKind int

const (
	isLetter byteKind = iota
	isDigit
	isGap
)

func kindOf(c byte) byteKind {
	switch {
	case c >= '0' && c <= '9':
		return isDigit
	case c == '.' || c == '_' || c == '-':
		return isGap
	}
	return isLetter
}

// parser finds the cheapest reading of a run of letters.
type parser struct {
	first, last *name
	f, l        *spells
	// step is the best way to reach a place: outside of a word, and in one.
	out, in [maxLocal + 1]step
}

type step struct {
	cost int
	from int
	code byte // of the piece that ends here; 0 for a letter of a word
	size int  // of a prefix
	word bool // it comes from inside a word
}

const never = 1 << 20

func (p *parser) run(text string, b *strings.Builder, r *reading) {
	for i := range len(text) + 1 {
		p.out[i], p.in[i] = step{cost: never}, step{cost: never}
	}
	p.out[0] = step{}
	for i := range len(text) {
		p.letter(i)
		at, word := p.out[i].cost, false
		if p.in[i].cost < at {
			at, word = p.in[i].cost, true
		}
		p.pieces(text, i, at, word)
	}
	p.emit(text, b, r)
}

// letter goes on by one letter of a word.
func (p *parser) letter(i int) {
	if c := p.out[i].cost + costWord + costLetter; c < p.in[i+1].cost {
		p.in[i+1] = step{cost: c, from: i}
	}
	if c := p.in[i].cost + costLetter; c < p.in[i+1].cost {
		p.in[i+1] = step{cost: c, from: i, word: true}
	}
}

// pieces goes on by each piece of the name that stands at a place.
func (p *parser) pieces(text string, i, at int, word bool) {
	rest := text[i:]
	try := func(piece string, code byte, cost int) {
		if len(piece) > 1 && strings.HasPrefix(rest, piece) {
			p.reach(i+len(piece), step{cost: at + cost, from: i, code: code, word: word})
		}
	}
	initial := func(piece string, code byte) {
		if piece != "" && rest[0] == piece[0] {
			p.reach(i+1, step{cost: at + costInitial, from: i, code: code, word: word})
		}
	}
	prefix := func(piece string, code byte) {
		n := 0
		for n < len(piece)-1 && n < len(rest) && piece[n] == rest[n] {
			n++
		}
		if n >= minPrefix {
			p.reach(i+n, step{cost: at + costPrefix, from: i, code: code, size: n, word: word})
		}
	}
	try(p.f.whole, 'F', costName)
	try(p.l.whole, 'L', costName)
	if p.first.words {
		try(p.f.head, 'G', costPart)
		try(p.f.tail, 'H', costPart)
	}
	if p.last.words {
		try(p.l.head, 'M', costPart)
		try(p.l.tail, 'T', costPart)
	}
	initial(p.f.whole, 'f')
	initial(p.l.whole, 'l')
	prefix(p.f.whole, 'p')
	prefix(p.l.whole, 'q')
}

func (p *parser) reach(i int, s step) {
	if s.cost < p.out[i].cost {
		p.out[i] = s
	}
}

// emit walks back along the cheapest way and writes its pieces.
func (p *parser) emit(text string, b *strings.Builder, r *reading) {
	i, word := len(text), p.in[len(text)].cost < p.out[len(text)].cost
	r.cost += min(p.in[i].cost, p.out[i].cost)
	var back []step // its pieces, the last first; from and size bound a word
	for end := i; i > 0; {
		if word {
			s := p.in[i]
			if i, word = s.from, s.word; !word {
				back = append(back, step{code: 'W', from: i, size: end})
				end = i
			}
			continue
		}
		s := p.out[i]
		back = append(back, s)
		i, word, end = s.from, s.word, s.from
	}
	for _, s := range slices.Backward(back) {
		b.WriteByte(s.code)
		switch s.code {
		case 'W':
			r.words = append(r.words, text[s.from:s.size])
		case 'p', 'q':
			b.WriteByte(byte('0' + s.size)) //nolint:gosec // at most maxLocal
		}
	}
}
