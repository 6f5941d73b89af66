package persona

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// lexicon holds the distinct first or last names of a sample, each once.
// Names that differ in capitals only are one when one of them is written all
// small or all large; "McLean" and "Mclean" are two.
type lexicon struct {
	names []name
	ids   map[string]int32 // by text
	lower map[string]int32 // the first entry of that lower-case text
}

// name is one first or last name with what is needed to write it quickly; what
// every try needs comes first.
type name struct {
	plain  string   // in the letters of a local part, without blanks and hyphens
	count  int32    // people of the sample
	ends   [2]int32 // numbers for its last letter and its last two
	words  bool     // it has several, by blanks and hyphens
	marked bool     // the two ways of writing it differ

	guessed bool      // the case is a guess: nobody types it naturally
	text    string    // in its natural case
	spells  [2]spells // by umlaut, umlautPlain first
}

// spells is a name in the letters of a local part.
type spells struct {
	whole string // without blanks and hyphens
	head  string // its first word
	tail  string // its last word
}

func newLexicon() lexicon {
	return lexicon{ids: map[string]int32{}, lower: map[string]int32{}}
}

// small is the id of one of the things that a sample has; a sample is bounded.
func small(n int) int32 { return int32(n) } //nolint:gosec // MaxPeople bounds it

// add counts a name and gives its id.
func (x *lexicon) add(text string) int32 {
	low := strings.ToLower(text)
	id, found := x.ids[text]
	if !found {
		id, found = x.lower[low]
		plain := habitOf(text) == typedNatural
		switch {
		case found && plain && x.names[id].guessed: // seen in small or large letters only, so far
			n := newName(text)
			n.count = x.names[id].count
			x.names[id], x.ids[text] = n, id
		case !found || plain:
			id = x.enter(text, low, plain)
		}
	}
	x.names[id].count++
	return id
}

func (x *lexicon) enter(text, low string, plain bool) int32 {
	id := small(len(x.names))
	n := newName(natural(text))
	n.guessed = !plain
	x.names = append(x.names, n)
	x.ids[n.text] = id
	if _, found := x.lower[low]; !found {
		x.lower[low] = id
	}
	return id
}

// name gives the entry of a text, or one of its own for a text that the sample
// has not.
func (x *lexicon) name(text string) *name {
	id, found := x.ids[text]
	if !found {
		id, found = x.lower[strings.ToLower(text)]
	}
	if found {
		return &x.names[id]
	}
	return new(newName(natural(text)))
}

// newName prepares a name; it has no count.
func newName(text string) name {
	n := name{text: text, ends: [2]int32{endOf(text, 1), endOf(text, 2)}}
	gap := func(r rune) bool { return r == ' ' || r == '-' }
	from, to := strings.IndexFunc(text, gap), strings.LastIndexFunc(text, gap)
	for i, u := range []umlaut{umlautPlain, umlautE} {
		whole := fold(text, u)
		n.spells[i] = spells{whole, whole, whole}
		if from > 0 {
			n.words = true
			n.spells[i].head, n.spells[i].tail = fold(text[:from], u), fold(text[to+1:], u)
		}
		if i == 0 && strings.IndexFunc(text, func(r rune) bool { return r > '~' }) < 0 {
			n.spells[1] = n.spells[0]
			break
		}
	}
	n.plain, n.marked = n.spells[0].whole, n.spells[0].whole != n.spells[1].whole
	return n
}

func (n *name) spell(u umlaut) *spells {
	if u == umlautE {
		return &n.spells[1]
	}
	return &n.spells[0]
}

// habit is how somebody types a name.
type habit uint8

const (
	typedNatural habit = iota // Dana, McLean, de la Cruz, 健
	typedLower                // dana
	typedUpper                // DANA
)

// habitOf tells how a name is typed; one letter tells nothing.
func habitOf(text string) habit {
	lower, upper := strings.ToLower(text), strings.ToUpper(text)
	switch {
	case lower == upper: // a script without case
		return typedNatural
	case text == lower:
		return typedLower
	case text == upper && utf8.RuneCountInString(text) > 1:
		return typedUpper
	}
	return typedNatural
}

func (h habit) write(text string) string {
	switch h {
	case typedLower:
		return strings.ToLower(text)
	case typedUpper:
		return strings.ToUpper(text)
	case typedNatural:
	}
	return text
}

// natural writes a name that is all small or all large with a capital at the
// beginning of each word; any other stays.
func natural(text string) string {
	if habitOf(text) == typedNatural {
		return text
	}
	begins := true
	return strings.Map(func(r rune) rune {
		first := begins
		begins = !unicode.IsLetter(r) && !unicode.IsMark(r)
		if first {
			return unicode.ToTitle(r)
		}
		return unicode.ToLower(r)
	}, text)
}
