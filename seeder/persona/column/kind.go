package column

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// By which a column's kind is told: a share of the rows, and how often values are met.
const (
	mostly   = 0.95
	fewKinds = 3 // rows to a value, on average, of words
)

// find tells the kind by the values, each as often as it occurs.
func (c *Column) find() Kind {
	if c.n == 0 {
		return Empty
	}
	words := c.n >= fewKinds*len(c.counts)
	switch {
	case c.share(mail) >= mostly, c.share(dialled) >= mostly, c.n >= 50 && !words && c.share(american) >= mostly:
		return Contact
	case c.share(structured) >= mostly:
		return JSON
	case c.share(func(text string) bool { _, ok := number(text); return ok }) >= mostly:
		return Number
	case c.dated():
		return Date
	case words, c.share(address) >= 0.6:
		return Word
	case c.share(wordy) >= 0.3:
		return Prose
	case c.share(code) >= mostly:
		return Code
	}
	return Word
}

// codes reports whether the column holds many short texts with digits, of which
// most are rare.
func (c *Column) codes() bool {
	const short, rare = 12, 20
	if c.kind != Code && c.kind != Number && c.kind != Word || len(c.counts)*rare < c.n {
		return false
	}
	return c.share(func(text string) bool { return len(text) <= short && strings.ContainsAny(text, "0123456789") }) >= mostly
}

// share of the rows of which something is true.
func (c *Column) share(is func(string) bool) float64 {
	n := 0
	for text, rows := range c.counts {
		if is(text) {
			n += rows
		}
	}
	return float64(n) / float64(c.n)
}

// dated finds the layout of dates.
func (c *Column) dated() bool {
	for _, layout := range layouts() {
		if c.share(func(text string) bool { _, err := time.Parse(layout, text); return err == nil }) >= mostly {
			c.layout = layout
			return true
		}
	}
	return false
}

func wordy(text string) bool { return strings.Count(text, " ") >= 3 || strings.Contains(text, "\n") }

// address reports whether a text is a few words with a number before or behind
// them, as streets are.
func address(text string) bool {
	words := strings.Fields(text)
	if len(text) > 60 || len(words) < 2 || len(words) > 7 || strings.ContainsAny(text, "!?:;\n") {
		return false
	}
	return numbered(words[0]) || numbered(words[len(words)-1])
}

// dialled are phone numbers as people type them, not bare digits.
func dialled(text string) bool {
	return contact(text) && (strings.HasPrefix(text, "0") || strings.ContainsAny(text, "+ ()/-."))
}

var nanp = regexp.MustCompile(`^1?[2-9][0-9]{2}[2-9][0-9]{6}$`)

// american are phone numbers of North America in bare digits: no other number
// has these digits in fifty cases of fifty.
func american(text string) bool { return nanp.MatchString(text) }

func structured(text string) bool {
	t := strings.TrimSpace(text)
	return (strings.HasPrefix(t, "{") || strings.HasPrefix(t, "[")) && json.Valid([]byte(t))
}

var plainNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,9})?$`)

func number(text string) (float64, bool) {
	if !plainNumber.MatchString(text) {
		return 0, false
	}
	x, err := strconv.ParseFloat(text, 64)
	return x, err == nil
}

// layouts are the ways in which databases print dates.
func layouts() []string {
	return []string{time.DateOnly, time.DateTime, "2006-01-02 15:04:05.999999", "2006-01-02T15:04:05", time.RFC3339Nano, "15:04:05", "20060102", "02.01.2006", "01/02/2006"}
}

func code(text string) bool {
	return len(text) >= 4 && len(text) <= 255 && !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) &&
		(strings.ContainsAny(text, "0123456789") || len(text) >= 12)
}

// parse gives the place of a number or date on its scale; seconds for dates.
func (c *Column) parse(text string) (float64, bool) {
	if c.kind == Number {
		return number(text)
	}
	t, err := time.Parse(c.layout, text)
	if err != nil {
		return 0, false
	}
	return float64(t.UnixMicro()) / 1e6, true
}

// arrange puts all values in order, each as often as it occurs, and counts the
// endings of numbers.
func (c *Column) arrange() {
	c.endings = map[string]int{}
	for text, n := range c.counts {
		x, ok := c.parse(text)
		if !ok {
			continue
		}
		for range n {
			c.order = append(c.order, point{x, text})
		}
		for size := 1; size <= 2; size++ {
			if len(text) > size {
				c.endings[text[len(text)-size:]] += n
			}
		}
	}
	slices.SortFunc(c.order, func(a, b point) int {
		switch {
		case a.at < b.at:
			return -1
		case a.at > b.at:
			return 1
		}
		return strings.Compare(a.text, b.text)
	})
}
