package mailtext

import (
	"strings"
	"unicode"
)

// Clean makes foreign text safe to show in a terminal or a log: line breaks
// become "\n", tabs stay, and every other control character is removed, escape
// and the 8-bit controls included, so that what follows an ESC is left as plain
// characters. Marks that change the direction of text and characters without
// width that serve only to hide are removed as well; bytes that are no UTF-8
// become U+FFFD. It does not escape for HTML.
func Clean(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\r\n", "\n")
	return strings.Map(func(c rune) rune {
		switch {
		case c == '\n' || c == '\t':
			return c
		case c == '\r' || c == '\u2028' || c == '\u2029' || c == '\u0085':
			return '\n'
		case unicode.IsControl(c), hidden(c):
			return -1
		}
		return c
	}, s)
}

// hidden reports whether c is a direction mark or has no width. The joiners
// U+200C and U+200D stay: several scripts are not readable without them.
func hidden(c rune) bool {
	switch {
	case c == '\u00AD', c == '\u061C', c == '\u200B', c == '\u200E', c == '\u200F', c == '\uFEFF',
		c >= '\u202A' && c <= '\u202E', c >= '\u2060' && c <= '\u206F',
		c >= 0xE0000 && c <= 0xE007F:
		return true
	}
	return false
}

// line is Clean for one line of at most maxLine characters.
func line(s string) string {
	s = strings.Join(strings.Fields(Clean(s)), " ")
	if len(s) <= maxLine {
		return s
	}
	if r := []rune(s); len(r) > maxLine {
		return string(r[:maxLine])
	}
	return s
}
