package mention

import (
	"bytes"
	"strings"
	"unicode"
)

// Fold brings the characters of a text to those in which tokens are written:
// full-width forms to ASCII, digits of any script to 0-9, dashes and spaces to
// one kind, and characters without width away. Letters keep their case.
func Fold(text string) string {
	if plainASCII(text) {
		return text
	}
	return strings.Map(fold, text)
}

func plainASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= 0x80 {
			return false
		}
	}
	return true
}

func fold(c rune) rune {
	switch {
	case c < 0x80:
		return c
	case c >= 0xFF01 && c <= 0xFF5E: // full-width forms
		return c - 0xFEE0
	case unicode.Is(unicode.Nd, c):
		return digit(c)
	case unicode.Is(unicode.Pd, c), c == '\u2212', c == '\u00AD':
		return dash(c)
	case c == '\u2028', c == '\u2029', c == '\u0085':
		return '\n'
	case unicode.IsSpace(c):
		return ' '
	case c == '\u3002', c == '\uFF61', c == '\u2024', c == '\uFE52':
		return '.'
	case c == '\uFE6B':
		return '@'
	case c == '\uFE62':
		return '+'
	case unicode.Is(unicode.Cf, c):
		return -1
	}
	return c
}

func dash(c rune) rune {
	if c == '\u00AD' { // a soft hyphen is not seen
		return -1
	}
	return '-'
}

// digit gives the value of a decimal digit. Unicode keeps those of a script
// together, from zero to nine.
func digit(c rune) rune {
	for _, r := range unicode.Nd.R16 {
		if c >= rune(r.Lo) && c <= rune(r.Hi) {
			return '0' + (c-rune(r.Lo))%10
		}
	}
	for _, r := range unicode.Nd.R32 {
		if c >= rune(r.Lo) && c <= rune(r.Hi) { //nolint:gosec // code points
			return '0' + (c-rune(r.Lo))%10 //nolint:gosec // code points
		}
	}
	return c
}

// despaced undoes what is written against programs that look for addresses:
// "dana [at] example [dot] net", "dana @ example.net". It is empty where there
// is nothing of the kind.
func despaced(text string) string {
	if !strings.ContainsAny(text, "[({<@") {
		return ""
	}
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); {
		sign, n := disguised(text[i:])
		if n == 0 {
			out = append(out, text[i])
			i++
			continue
		}
		out = append(bytes.TrimRight(out, " \t"), sign)
		i = len(text) - len(strings.TrimLeft(text[i+n:], " \t"))
	}
	if string(out) == text {
		return ""
	}
	return string(out)
}

// disguised reads an at-sign, or a word for it or for a dot in brackets, at the
// beginning of a text, and gives its length.
func disguised(text string) (sign byte, n int) {
	if text[0] == '@' {
		return '@', 1
	}
	if strings.IndexByte("[({<", text[0]) < 0 {
		return 0, 0
	}
	end := strings.IndexAny(text[1:min(len(text), 16)], "])}>")
	if end < 0 {
		return 0, 0
	}
	switch strings.ToLower(strings.Trim(text[1:1+end], " \t")) {
	case "at", "@", "ät":
		return '@', end + 2
	case "dot", "punkt", ".":
		return '.', end + 2
	}
	return 0, 0
}
