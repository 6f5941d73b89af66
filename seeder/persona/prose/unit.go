package prose

import (
	"strings"
	"unicode"
)

// unit is a line or a sentence, with the blanks and line ends behind it.
type unit struct {
	text string
	gap  string
}

// split cuts a text into units; the units and their gaps, put together, are the
// text without the blanks before it.
func split(text string) []unit {
	var out []unit
	text = strings.TrimLeftFunc(text, unicode.IsSpace)
	for text != "" {
		end := sentence(text)
		gap := len(text[end:]) - len(strings.TrimLeftFunc(text[end:], unicode.IsSpace))
		out = append(out, unit{text[:end], text[end : end+gap]})
		text = text[end+gap:]
	}
	return out
}

// sentence finds the end of the first sentence or line.
func sentence(text string) int {
	for i, r := range text {
		switch {
		case r == '\n' || r == '\r':
			return len(strings.TrimRightFunc(text[:i], unicode.IsSpace))
		case strings.ContainsRune(".!?。！？", r):
			end := i + len(string(r))
			rest := text[end:]
			if rest == "" || r > '~' || unicode.IsSpace(rune(rest[0])) && i > 2 {
				return end
			}
		}
	}
	return len(strings.TrimRightFunc(text, unicode.IsSpace))
}

func join(units []unit) string {
	var b strings.Builder
	for _, u := range units {
		b.WriteString(u.text)
		b.WriteString(u.gap)
	}
	return b.String()
}
