package picture

import (
	"fmt"
	"html"
	"math"
	"strings"
	"time"
	"unicode"
)

// plain makes foreign text fit to be shown: what does not print, or would turn the
// writing direction, becomes '?'; of accents upon accents few are kept.
func plain(s string) string {
	const accents = 2
	var b strings.Builder
	run := 0
	for _, r := range s {
		switch {
		case !unicode.IsPrint(r):
			r, run = '?', 0
		case unicode.In(r, unicode.Mn, unicode.Me):
			run++
		default:
			run = 0
		}
		if run <= accents {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// escape makes it fit to stand in a page.
func escape(s string) string { return html.EscapeString(plain(s)) }

// cells is how many columns a rune takes.
func cells(r rune) int {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	case unicode.In(r, unicode.Han, unicode.Hangul, unicode.Hiragana, unicode.Katakana, unicode.Yi, unicode.Bopomofo),
		r >= 0x3000 && r < 0x3040, r >= 0xfe30 && r < 0xfe70, r >= 0xff00 && r < 0xff61, r >= 0x1f000 && r < 0x1fb00:
		return 2
	}
	return 1
}

func columns(s string) (n int) {
	for _, r := range s {
		n += cells(r)
	}
	return n
}

// cut shortens text to so many columns.
func cut(text string, most int) string {
	text = plain(text)
	if columns(text) <= most {
		return text
	}
	n := 0
	for i, r := range text {
		if n += cells(r); n > most-2 {
			return text[:i] + ".."
		}
	}
	return text
}

// pad cuts or fills text to exactly so many columns.
func pad(text string, n int) string {
	text = cut(text, n)
	return text + strings.Repeat(" ", n-columns(text))
}

// fold breaks text at spaces into lines of at most so many columns.
func fold(text string, most int) (out []string) {
	line := ""
	for word := range strings.FieldsSeq(plain(text)) {
		word = cut(word, most)
		if line != "" && columns(line)+1+columns(word) > most {
			out, line = append(out, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	if line == "" {
		return out
	}
	return append(out, line)
}

// percent gives a probability as it is read aloud.
func percent(p float64) string {
	p *= 100
	switch {
	case math.IsNaN(p), p < 0, p > 100.001:
		return "?"
	case p > 0 && p < .1:
		return "<0.1 %"
	case p > 99.9 && p < 100:
		return ">99.9 %"
	case p > 0 && p < 9.95:
		return fmt.Sprintf("%.1f %%", p)
	}
	return fmt.Sprintf("%.0f %%", p)
}

func stamp(micro float64) string {
	return time.UnixMicro(int64(micro)).UTC().Format("2006-01-02 15:04:05")
}

// period gives an interval in words.
func period(m mark) string {
	switch {
	case math.IsInf(m.until, 1):
		return stamp(m.from) + " to now"
	case m.from == m.until:
		return stamp(m.from)
	}
	return stamp(m.from) + " to " + stamp(m.until)
}

func many(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
