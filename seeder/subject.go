package seeder

import (
	"regexp"
	"slices"
	"strings"

	"saltmine/seeder/persona/column"
	"saltmine/seeder/persona/prose"
	"saltmine/seeder/supportdb"
)

// subject keeps a subject that is everybody's. Else it has the short numbers of
// somebody who writes the same, if there is one, or is the donor's if others write
// it too. One that is the donor's alone keeps its words, if many write them. Long
// numbers are made new: they may be of somebody's order. Else a common subject of
// the same language takes its place.
func (c *composer) subject(donors, scrubbed supportdb.Value) supportdb.Value {
	counts := c.l.subjects[c.d.who.Language+"\x00"+c.d.who.Country]
	if donors.IsNull() || counts[donors.Text()] >= column.Common {
		return scrubbed
	}
	if alike := c.sameWords(counts, donors.Text()); len(alike) > 0 && scrubbed.Text() == donors.Text() {
		return supportdb.Text(c.otherNumbers(alike[c.rng.IntN(len(alike))]))
	}
	if counts[donors.Text()] > 1 {
		return scrubbed
	}
	own := c.otherNumbers(scrubbed.Text())
	if own != donors.Text() && c.plainWords(own) {
		return supportdb.Text(own)
	}
	var common []string
	for text, n := range counts {
		if n > 1 && strings.TrimSpace(text) != "" {
			common = append(common, text)
		}
	}
	if len(common) == 0 {
		return scrubbed
	}
	slices.Sort(common)
	return supportdb.Text(common[c.rng.IntN(len(common))])
}

// otherNumbers makes the long numbers of a text new.
func (c *composer) otherNumbers(text string) string {
	return longNumbers.ReplaceAllStringFunc(text, func(n string) string { return reroll(c.rng, n, 1) })
}

// sameWords lists the subjects that differ from another in their numbers alone, in
// words that many write.
func (c *composer) sameWords(counts map[string]int, subject string) []string {
	words := numberRuns.ReplaceAllString(subject, "#")
	if words == subject || !c.plainWords(subject) {
		return nil
	}
	var out []string
	for text := range counts {
		if text != subject && numberRuns.ReplaceAllString(text, "#") == words {
			out = append(out, text)
		}
	}
	slices.Sort(out)
	return out
}

var (
	numberRuns  = regexp.MustCompile(`[0-9]+`)
	wordRuns    = regexp.MustCompile(`\pL+`)
	longNumbers = regexp.MustCompile(`[0-9]{3,}`)
)

// plainWords reports whether many customers write each word of a subject, but
// for the canary's name.
func (c *composer) plainWords(text string) bool {
	own := wordRuns.FindAllString(strings.ToLower(c.d.id.First+" "+c.d.id.Last), -1)
	for _, word := range wordRuns.FindAllString(strings.ToLower(text), -1) {
		if c.l.words[word] < prose.Common && !slices.Contains(own, word) {
			return false
		}
	}
	return true
}
