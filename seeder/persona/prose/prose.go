// Package prose composes free text for a canary: subjects, descriptions, notes.
// A copy of the donor's text would give the pair away, and would carry whatever
// its writer told of himself. So it learns what many customers write, and
// composes a text of such sentences, like the donor's in length and structure.
//
// A text is cut into units: lines, and sentences within lines. In a unit the
// writer's names, addresses, numbers and dates are masked; what is left is its
// template. Only templates that occur with [Common] different customers come
// out again, with the canary's own name and new numbers:
//
//	My key 4711-22 is refused, Dana Whitfield   of the donor
//	My key {#4}-{#2} is refused, {First} {Last}   is the template
//	My key 9034-57 is refused, Kevin Lee        of the canary
//
// What the writer's row says of him, where texts name that, is masked too: who
// has the one product does not write of another.
//
// A text that many customers have stays what it is. Of any other text, units
// that are the donor's own, and half of the others, are exchanged for common
// ones of the same language, place and length. Where there are none the error
// is [ErrUncommon], and the caller takes NULL or another donor.
//
// Its one invariant: no word and no address comes out that fewer than five
// customers have written; numbers of three digits and more are put together
// anew. Memory is bounded: rare templates are forgotten when
// there are too many.
package prose

import (
	"errors"
	"slices"
	"strings"

	"saltmine/seeder/persona"
)

// ErrUncommon says that a text cannot be composed of what many write.
var ErrUncommon = errors.New("text cannot be composed of what customers commonly write")

// Common is how many customers make a sentence everybody's.
const Common = 5

// Bounds of what is kept.
const (
	maxTemplates = 60_000
	maxUnits     = 60 // of one text
	maxValues    = 12 // of one number in a template
	maxProbes    = 400
)

// Book is what was learned of one column. Learning is for one goroutine; a
// book that has been learned may be used by several.
type Book struct {
	languages map[string]*language
	size      int
	probes    []probe
	texts     int
	twice     int // of them, those in which a sentence stands twice
}

// language are the templates of one language.
type language struct {
	units  map[string]*entry
	wholes map[string]*entry // of texts
	common []*entry          // units, by length; after Finish
	shared []*entry          // texts, by length
	twice  bool              // texts repeat sentences
}

// entry is one template.
type entry struct {
	template string
	at       [allPlaces]int32 // how often it stands in each place
	owners   []uint64         // hashes of the first Common customers
	values   [][]string       // of its numbers
}

func (e *entry) isCommon() bool { return e != nil && len(e.owners) >= Common }

type probe struct {
	who  Writer
	text string
}

// Writer is a customer who writes. Own is what his row says of him and texts of
// such customers name, his product: by what it is, "" for nothing.
type Writer struct {
	persona.Person
	Own []string
}

// Heir is a canary that is to have a text, with what its row says.
type Heir struct {
	persona.Identity
	Own []string
}

// place is where a unit stands in a text, and in its line.
type place int

const (
	only place = iota
	first
	middle
	last
	behind    = 4          // another one stands before it in the line
	before    = 2 * behind // and one after it
	allPlaces = 2 * before
)

// NewBook makes an empty book.
func NewBook() *Book { return &Book{languages: map[string]*language{}} }

// Add learns a text that a customer wrote, or that is in his row. owner is the
// key of his row.
func (b *Book) Add(owner string, who Writer, text string) {
	units := split(text)
	if len(units) == 0 || len(units) > maxUnits {
		return
	}
	b.texts++
	if len(b.probes) < maxProbes {
		b.probes = append(b.probes, probe{who, text})
	} else if at := int(hash(owner+text) % uint64(b.texts)); at < maxProbes { //nolint:gosec // bounded
		b.probes[at] = probe{who, text}
	}
	l := b.language(&who.Person)
	m, by := newMask(&who), hash(owner)
	for i, u := range units {
		t, numbers := m.template(u.text)
		units[i].text = t
		b.note(l.units, t, placeOf(units, i), by).remember(numbers)
	}
	if repeats(units) {
		b.twice++
	}
	b.note(l.wholes, join(units), only, by)
	if b.size > maxTemplates {
		b.forget()
	}
}

// repeats reports whether a sentence stands twice in a text.
func repeats(units []unit) bool {
	for i := range units {
		if slices.ContainsFunc(units[:i], func(u unit) bool { return u.text == units[i].text }) {
			return true
		}
	}
	return false
}

func languageOf(who *persona.Person) string {
	if who.Language == "" {
		return "in " + strings.ToLower(who.Country)
	}
	return strings.ToLower(who.Language)
}

func (b *Book) language(who *persona.Person) *language {
	key := languageOf(who)
	l := b.languages[key]
	if l == nil {
		l = &language{units: map[string]*entry{}, wholes: map[string]*entry{}}
		b.languages[key] = l
	}
	return l
}

func (b *Book) note(in map[string]*entry, template string, at place, owner uint64) *entry {
	e := in[template]
	if e == nil {
		e = &entry{template: template}
		in[template] = e
		b.size++
	}
	e.at[at]++
	if len(e.owners) < Common {
		known := false
		for _, o := range e.owners {
			known = known || o == owner
		}
		if !known {
			e.owners = append(e.owners, owner)
		}
	}
	return e
}

// remember keeps some of the numbers that stood in a template. Long ones are
// somebody's; they are made up.
func (e *entry) remember(numbers []string) {
	if e.values == nil {
		e.values = make([][]string, len(numbers))
	}
	for i, n := range numbers {
		if len(n) <= plainDigits && len(e.values[i]) < maxValues {
			e.values[i] = append(e.values[i], n)
		}
	}
}

// forget drops templates of the fewest customers until there is room again.
func (b *Book) forget() {
	for few := 1; few < Common && b.size > maxTemplates*3/4; few++ {
		for _, l := range b.languages {
			for _, in := range []map[string]*entry{l.units, l.wholes} {
				for t, e := range in {
					if len(e.owners) <= few {
						delete(in, t)
						b.size--
					}
				}
			}
		}
	}
}

func placeOf(units []unit, i int) place {
	at := middle
	switch {
	case len(units) == 1:
		return only
	case i == 0:
		at = first
	case i == len(units)-1:
		at = last
	}
	if i > 0 && !strings.Contains(units[i-1].gap, "\n") {
		at += behind
	}
	if i < len(units)-1 && !strings.Contains(units[i].gap, "\n") {
		at += before
	}
	return at
}

// stands is how often the unit stands in a place, or anywhere alike in texts
// where that place in a line is not asked for.
func (e *entry) stands(at place, inLine bool) int {
	if inLine {
		return int(e.at[at])
	}
	n := 0
	for k := at % behind; k < allPlaces; k += behind {
		n += int(e.at[k])
	}
	return n
}

// hash is FNV-1a.
func hash(text string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(text) {
		h = (h ^ uint64(text[i])) * 1099511628211
	}
	return h
}
