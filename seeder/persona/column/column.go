// Package column makes values for the columns of which nothing else is known:
// prices, birthdays, customer codes, settings in JSON. Who has the extract
// finds a canary by a value that only its donor has too, by one that no real
// row would have (a price of 17.43 among many .99), and by values that are too
// common or too rare. So a value that many rows have is copied; one that few
// have is replaced by a new one from its neighbourhood, or by one that a
// neighbour has, so that as many others have it as have a real row's.
//
// A [Column] learns from a sample, as texts: what the values are, how often each
// occurs, which endings, hours and check digits they have. It keeps NULL as
// often as it stands. [Twins] watches the row as a whole: what goes together stays
// so, and of the rest a canary has some of other people's, for all that it has in
// common with its donor would be found.
//
// It refuses, with an error that says so, free text ([ErrProse], which is for
// package prose), e-mail addresses and phone numbers ([ErrContact]), and values
// of which there are no further ones ([ErrVariety]): the caller takes NULL or
// another donor. Its one invariant: a value that fewer than five rows have never
// comes out as the donor's own. It is pure: the same sample and source give the
// same values.
package column

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"saltmine/seeder/persona"
	"saltmine/seeder/persona/checkdigit"
)

var (
	// ErrProse says that a column holds free text.
	ErrProse = errors.New("free text is not made here")
	// ErrContact says that a value is an e-mail address or a phone number.
	ErrContact = errors.New("a way to contact somebody is not made here")
	// ErrVariety says that there is no further value like the donor's.
	ErrVariety = errors.New("no further value like the donor's")
)

// Value is one value as the database prints it.
type Value struct {
	Text string
	Null bool
}

// Kind is what a column holds.
type Kind string

// The kinds of columns.
const (
	Empty   Kind = "empty"   // nothing but NULL
	Word    Kind = "word"    // texts that many share: states, cities, names of products
	Number  Kind = "number"  // whole or decimal
	Date    Kind = "date"    // with a time or without
	Code    Kind = "code"    // texts without blanks that hardly anybody shares
	Prose   Kind = "prose"   // sentences
	JSON    Kind = "json"    // objects and lists
	Contact Kind = "contact" // addresses and phone numbers
)

// Common is how many rows have to share a value for it to be everybody's.
const Common = 5

// Column is what was learned of one column. It is safe for concurrent use.
type Column struct {
	kind   Kind
	counts map[string]int
	n      int // values that are not NULL
	nulls  int
	anew   float64 // how often a value is made new for one that is seen once, see missed
	cover  float64 // share of the table that the sample is
	enough int     // rows of the sample that make a value everybody's

	order   []point // numbers and dates: all values in order; codes: by shape and text
	layout  string  // of dates
	endings map[string]int
	shapes  map[string]*shape
	check   checkdigit.Scheme
	paths   map[string]*Column // of JSON
	phrases map[string]int     // of words with numbers: rows by the words
	coined  float64            // which part of the words seen once stands once
	common  []string           // values that are everybody's, each as often as it occurs
}

// point is one value at its place in the order.
type point struct {
	at   float64
	text string
}

// Learn learns from the values of sampled rows. rows is how many rows the
// table has, 0 when the sample is the table.
func Learn(values []Value, rows int) *Column { return learn(values, rows, 0) }

func learn(values []Value, rows, depth int) *Column {
	c := &Column{counts: map[string]int{}, cover: 1}
	if rows > len(values) {
		c.cover = float64(len(values)) / float64(rows)
	}
	for _, v := range values {
		if v.Null {
			c.nulls++
			continue
		}
		c.counts[v.Text]++
		c.n++
	}
	c.anew, c.enough = stillAlone(c.counts, c.cover), max(min(Common, int(math.Ceil(sureRows*c.cover))), 2)
	if depth > 0 {
		c.remember()
	}
	c.kind = c.find()
	switch c.kind {
	case Number, Date:
		c.arrange()
	case Code:
		c.shape()
	case JSON:
		if depth == 0 {
			c.learnPaths(values, rows)
		}
	case Word:
		c.readPhrases()
	case Empty, Prose, Contact:
	}
	c.anew = min(c.anew/(1-c.missed()), 1)
	return c
}

// sureRows is how many rows of the table have a value, about, when a sample that
// is a small part of it shows the value often enough to be everybody's.
const sureRows = 20

// remember lists the values that are everybody's, at most a thousand.
func (c *Column) remember() {
	const most = 1000
	for _, text := range slices.Sorted(maps.Keys(c.counts)) {
		if n := c.counts[text]; n >= c.enough {
			c.common = append(c.common, slices.Repeat([]string{text}, max(n*most/c.n, 1))...)
		}
	}
}

// Kind tells what the column holds.
func (c *Column) Kind() Kind { return c.kind }

// Shared reports whether a value is everybody's: it may be copied. In a small
// sample of a large table two rows tell it already.
func (c *Column) Shared(v Value) bool { return v.Null || c.counts[v.Text] >= c.enough }

// frequency is the share of rows that have a value; one that the sample has
// not counts as half a row.
func (c *Column) frequency(v Value) float64 {
	have := c.counts[v.Text]
	if v.Null {
		have = c.nulls
	}
	return max(float64(have), 0.5) / float64(max(c.n+c.nulls, 1))
}

// Draw gives the canary's value in the place of the donor's. near are the
// values of rows that resemble the donor's, which are taken where none can be
// made up (cities). used tells of values that may not come out.
func (c *Column) Draw(rng *rand.Rand, donor Value, near []Value, used func(string) bool) (Value, error) {
	if donor.Null || strings.TrimSpace(donor.Text) == "" {
		return donor, nil
	}
	if c.kind == Contact || mail(donor.Text) || c.kind == Word && contact(donor.Text) {
		return Value{}, fmt.Errorf("draw a value: %w", ErrContact)
	}
	if c.Shared(donor) {
		return donor, nil
	}
	if c.kind == Prose {
		return Value{}, fmt.Errorf("draw a value: %w", ErrProse)
	}
	if text, ok := c.existing(rng, donor.Text, near, used); ok {
		return Value{Text: text}, nil
	}
	text, ok := c.fresh(rng, donor.Text, near, used)
	if !ok { // the values stand too close for a new one
		text, ok = c.nearby(rng, donor.Text, used, func(int) bool { return true })
	}
	if !ok {
		return Value{}, fmt.Errorf("draw a %s: %w", c.kind, ErrVariety)
	}
	return Value{Text: text}, nil
}

// existing draws a value that others have: as many others as have the value of
// a row like the donor's, which is one less than have it (Good 1953). It is not
// ok where the value should be new.
func (c *Column) existing(rng *rand.Rand, donor string, near []Value, used func(string) bool) (string, bool) {
	want := c.counts[donor]
	if c.kind == JSON || want <= 1 && rng.Float64() < c.anew && (c.kind != Word || numbered(donor)) {
		return "", false
	}
	switch {
	case c.kind == Word:
		return c.neighbours(rng, donor, near, used)
	case want <= 1:
		want = 1
	case rng.Float64() < c.cover:
		want--
	}
	return c.nearby(rng, donor, used, func(rows int) bool { return rows == want })
}

// neighbours takes the value of a row that resembles the donor's.
// Of several it takes one that about as many others have as have the donor's.
func (c *Column) neighbours(rng *rand.Rand, donor string, near []Value, used func(string) bool) (string, bool) {
	best, least, want := "", math.Inf(1), max(c.counts[donor], 1)
	if want > 1 && rng.Float64() < c.cover {
		want-- // with the canary they are as many
	}
	from := rng.IntN(max(len(near), 1))
	for k := range near {
		v := near[(from+k)%len(near)]
		if v.Null || v.Text == donor || c.counts[v.Text] == 0 || contact(v.Text) || used(v.Text) {
			continue
		}
		if off := math.Abs(math.Log(float64(c.counts[v.Text]) / float64(want))); off < least {
			best, least = v.Text, off
		}
	}
	return best, best != ""
}

// nearby looks for another value near the donor's that a fitting number of rows
// has.
func (c *Column) nearby(rng *rand.Rand, donor string, used func(string) bool, fits func(rows int) bool) (string, bool) {
	const reach = 200
	at := c.place(donor)
	for step := 1; step < reach; step++ {
		i := at + step*(1-2*rng.IntN(2))
		if i < 0 || i >= len(c.order) {
			continue
		}
		if text := c.order[i].text; text != donor && fits(c.counts[text]) && !used(text) && !mail(text) {
			return text, true
		}
	}
	return "", false
}

// place is where a value stands in the order, or would stand.
func (c *Column) place(text string) int {
	if c.kind == Code || c.kind == Word {
		key := shapeOf(text) + text
		at, _ := slices.BinarySearchFunc(c.order, key, func(p point, key string) int { return strings.Compare(shapeOf(p.text)+p.text, key) })
		return at
	}
	x, _ := c.parse(text)
	at, _ := slices.BinarySearchFunc(c.order, x, func(p point, x float64) int {
		switch {
		case p.at < x:
			return -1
		case p.at > x:
			return 1
		}
		return 0
	})
	return at
}

// fresh makes a value that no row of the sample has.
func (c *Column) fresh(rng *rand.Rand, donor string, near []Value, used func(string) bool) (string, bool) {
	for try := range freshTries {
		if text, ok := c.made(rng, donor, near, try); ok && c.counts[text] == 0 && !used(text) {
			return text, true
		}
	}
	return "", false
}

const freshTries = 400

// made makes a value like the donor's, less and less like it from try to try.
func (c *Column) made(rng *rand.Rand, donor string, near []Value, try int) (string, bool) {
	const wider, wide = freshTries / 5, 8
	switch c.kind {
	case Number:
		return c.number(rng, donor, wide<<(try/wider))
	case Date:
		return c.date(rng, donor, wide<<(try/wider))
	case Code:
		return c.code(rng, donor, 2*try/wider)
	case JSON:
		return c.object(rng, donor, 2*try/wider)
	case Word:
		return c.phrase(rng, donor, near)
	case Empty, Prose, Contact:
	}
	return "", false
}

// contact reports whether a value is a way to contact somebody.
func contact(text string) bool { return mail(text) || persona.LooksPhone(text) }

func mail(text string) bool {
	local, domain, found := strings.Cut(text, "@")
	return found && local != "" && strings.Contains(domain, ".") && !strings.ContainsAny(text, " \n{")
}
