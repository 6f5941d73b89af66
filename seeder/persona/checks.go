package persona

import (
	"slices"
	"strings"
	"time"

	"saltmine/seeder/persona/checkdigit"
)

// check is how ticket numbers are checked: by a scheme, over all of their
// digits or those of the last run.
type check struct {
	scheme checkdigit.Scheme
	run    bool
}

// checkOf finds the check of numbers, if they have one.
func checkOf(rows []Numbered) check {
	all, runs := make([]string, len(rows)), make([]string, len(rows))
	for i, r := range rows {
		found := digitRuns.FindAllString(r.Text, -1)
		if len(found) == 0 {
			return check{}
		}
		all[i], runs[i] = strings.Join(found, ""), found[len(found)-1]
	}
	for _, c := range []check{{checkdigit.Detect(all), false}, {checkdigit.Detect(runs), true}} {
		switch c.scheme {
		case checkdigit.Luhn, checkdigit.GS1, checkdigit.Mod1110, checkdigit.Mod97, checkdigit.OTRS:
			return c
		case checkdigit.None, checkdigit.Mod11, checkdigit.Mod112, checkdigit.IBAN: // not of digits alone
		}
	}
	return check{}
}

// size is how many digits the check has.
func (c check) size() int {
	if c.scheme == checkdigit.Mod97 {
		return 2
	}
	if c.scheme == checkdigit.None {
		return 0
	}
	return 1
}

// complete gives a number with the right check. It does not fit when the
// number has too few digits.
func (c check) complete(text string) (string, bool) {
	if c.scheme == checkdigit.None {
		return text, true
	}
	spans := digitRuns.FindAllStringIndex(text, -1)
	if len(spans) == 0 {
		return text, false
	}
	if c.run {
		spans = spans[len(spans)-1:]
	}
	var digits strings.Builder
	for _, s := range spans {
		digits.WriteString(text[s[0]:s[1]])
	}
	right, ok := c.scheme.Complete(digits.String())
	if !ok {
		return text, false
	}
	for _, s := range slices.Backward(spans) {
		at := len(right) - (s[1] - s[0])
		text, right = text[:s[0]]+right[at:]+text[s[1]:], right[:at]
	}
	return text, true
}

// learnKeys finds out whether the counter is the key of the row and something
// that is always the same.
func (n *Numbers) learnKeys(rows []Numbered) {
	const always = 0.98
	offsets, told, most := map[int64]int{}, 0, 0
	for _, r := range rows {
		_, counter, ok := n.Read(r.Text)
		if !ok || r.ID == 0 {
			continue
		}
		told++
		offsets[counter-r.ID]++
		if c := offsets[counter-r.ID]; c > most {
			most, n.offset = c, counter-r.ID
		}
	}
	n.keyed = told >= minNumbers && float64(most) >= always*float64(told)
}

// OfKey gives the number of a row by its key, where numbers follow from keys
// ("TK-" and the key, "#" and the key and 1000); such numbers are not drawn, and
// are known only when the row has its key.
func (n *Numbers) OfKey(id int64, at time.Time) (string, bool) {
	if !n.keyed || id+n.offset < 0 {
		return "", false
	}
	return n.Write(at, id+n.offset), true
}
