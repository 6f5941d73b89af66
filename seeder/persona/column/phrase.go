package column

import (
	"cmp"
	"maps"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"

	"saltmine/seeder/persona"
)

var digitRuns = regexp.MustCompile(`[0-9]+`)

// numbered reports whether a text has numbers among its words: a street with
// the number of the house.
func numbered(text string) bool { return strings.ContainsAny(text, "0123456789") }

// wordsOf is a text without its numbers.
func wordsOf(text string) string { return digitRuns.ReplaceAllString(text, "#") }

// readPhrases counts the rows that have the same words.
func (c *Column) readPhrases() {
	c.phrases = map[string]int{}
	for _, text := range slices.Sorted(maps.Keys(c.counts)) {
		if numbered(text) {
			c.phrases[wordsOf(text)] += c.counts[text]
			c.order = append(c.order, point{text: text})
		}
	}
	slices.SortStableFunc(c.order, byShape)
	c.coined = stillAlone(c.phrases, c.cover)
}

// phrase puts words that some row has together with numbers that others have:
// words that about as many rows have as have the donor's, and that stand in a
// row like the donor's where there is one. What is hardly more than a number
// (a postcode) keeps its beginning.
func (c *Column) phrase(rng *rand.Rand, donor string, near []Value) (string, bool) {
	switch {
	case !numbered(donor):
		return "", false
	case !worded.MatchString(donor):
		return c.lastDigits(rng, donor, near), true
	}
	runs := len(digitRuns.FindAllString(donor, -1))
	at := -1
	return digitRuns.ReplaceAllStringFunc(c.wordsLike(rng, donor, near, runs), func(own string) string {
		at++
		return cmp.Or(c.runs(rng, near, at, runs), own)
	}), true
}

var worded = regexp.MustCompile(`\pL{3}`)

// lastDigits exchanges the last one or two digits of a number that the donor
// or a row like it has.
func (c *Column) lastDigits(rng *rand.Rand, donor string, near []Value) string {
	text := donor
	if other := c.oneOf(rng, near, true); wordsOf(other) == wordsOf(donor) && len(other) == len(donor) {
		text = other
	}
	b := []byte(text)
	for i, left := len(b)-1, 1+rng.IntN(2); i >= 0 && left > 0; i-- {
		if b[i] >= '0' && b[i] <= '9' {
			b[i] = "0123456789"[rng.IntN(10)]
			left--
		}
	}
	return string(b)
}

// wordsLike draws a text whose words may be the new value's: some that about as
// many others have as have the donor's, or new ones where nobody else has those.
// It is the donor's own when nothing better is found.
func (c *Column) wordsLike(rng *rand.Rand, donor string, near []Value, runs int) string {
	const tries = 60
	want := float64(c.phrases[wordsOf(donor)])
	alone := want <= 1 && rng.Float64() < c.coined
	if want > 1 && rng.Float64() < c.cover {
		want--
	}
	best, least := donor, math.Inf(1)
	for i := range tries {
		text := c.oneOf(rng, near, i < tries*2/3)
		words := wordsOf(text)
		if strings.Count(words, "#") != runs || words == wordsOf(donor) {
			continue
		}
		if off := math.Abs(math.Log(float64(c.phrases[words]) / want)); off < least {
			best, least = text, off
		}
		if least < 0.1 && !alone {
			break
		}
	}
	if alone {
		return c.coin(rng, best, near)
	}
	return best
}

var letters = regexp.MustCompile(`\pL{4,}`)

// coin puts the longest word of a text together with that of another one.
func (c *Column) coin(rng *rand.Rand, text string, near []Value) string {
	const tries = 20
	own := longest(text)
	for i := range tries {
		other := longest(c.oneOf(rng, near, i < tries*2/3))
		if made, ok := persona.Splice(rng, own, other); ok {
			if whole := strings.Replace(text, own, made, 1); c.phrases[wordsOf(whole)] == 0 {
				return whole
			}
		}
	}
	return text
}

func longest(text string) string {
	best := ""
	for _, word := range letters.FindAllString(text, -1) {
		if len(word) > len(best) {
			best = word
		}
	}
	return best
}

// runs gives the number at a place of some other text with as many numbers.
func (c *Column) runs(rng *rand.Rand, near []Value, at, of int) string {
	const tries = 20
	for range tries {
		if some := digitRuns.FindAllString(c.oneOf(rng, near, false), -1); len(some) == of {
			return some[at]
		}
	}
	return ""
}

// oneOf draws a text of the rows like the donor's, or of all.
func (c *Column) oneOf(rng *rand.Rand, near []Value, like bool) string {
	switch {
	case like && len(near) > 0:
		return near[rng.IntN(len(near))].Text
	case len(c.order) == 0:
		return ""
	}
	return c.order[rng.IntN(len(c.order))].text
}
