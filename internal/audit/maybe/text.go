package maybe

import "strings"

// Class is how a collation treats letters.
type Class uint8

// The classes. A collation that is not of a known class may treat two texts
// alike that differ, so only equal bytes are sure.
const (
	Odd       Class = iota
	Folding         // case does not count
	CaseFirst       // case counts; order is the alphabet's
	Bytes           // the order of the codes
)

// Padding is what a collation does with spaces at the end.
type Padding uint8

// The paddings.
const (
	EitherWay Padding = iota
	Padded            // they do not count
	Unpadded
)

// Collation is what is known of a column's collation.
type Collation struct {
	Class   Class
	Padding Padding
}

// CollationOf reads a collation's name. Those of a language are [Odd]: 'y' may
// equal 'i' there, and 'w' 'v'.
func CollationOf(name string) Collation {
	name = strings.ToLower(name)
	if name == "binary" {
		return Collation{Bytes, Unpadded}
	}
	padding := Padded
	if strings.Contains(name, "nopad") || strings.Contains(name, "_0900_") {
		padding = Unpadded
	}
	charset, rest, _ := strings.Cut(name, "_")
	rest = strings.Replace(rest, "_nopad_", "_", 1)
	rest = strings.TrimPrefix(rest, "nopad_")
	switch charset {
	case "utf8", "utf8mb3", "utf8mb4", "ascii", "latin1", "uca1400", "ucs2", "utf16", "utf32":
	default:
		return Collation{Odd, padding}
	}
	switch rest {
	case "bin", "0900_bin":
		return Collation{Bytes, padding}
	case "general_ci", "unicode_ci", "unicode_520_ci", "0900_ai_ci", "0900_as_ci",
		"uca1400_ai_ci", "uca1400_as_ci", "ai_ci", "as_ci":
		return Collation{Folding, padding}
	case "swedish_ci":
		if charset == "latin1" {
			return Collation{Folding, padding}
		}
	case "general_cs", "0900_as_cs", "uca1400_as_cs", "as_cs":
		return Collation{CaseFirst, padding}
	}
	return Collation{Odd, padding}
}

// agreed is the collation by which two texts are compared.
func agreed(a, b *Value) Collation {
	switch {
	case a.Literal && b.Literal:
		return Collation{} // the connection's
	case a.Literal:
		return b.Collation
	case b.Literal, a.Collation == b.Collation:
		return a.Collation
	default:
		return Collation{}
	}
}

func compareTexts(a, b *Value) Order {
	by := agreed(a, b)
	if a.Text == b.Text && (Plain(a.Text) || !a.Literal && !b.Literal) {
		return Equal
	}
	s, t := a.Text, b.Text
	if by.Padding != Unpadded {
		s, t = strings.TrimRight(s, " "), strings.TrimRight(t, " ")
		if by.Padding == EitherWay && s == t {
			return Unordered
		}
	}
	order := compareBy(by.Class, s, t)
	if (a.Listed || b.Listed) && order&Unlike != 0 {
		order |= Unlike // their order is the declaration's, or the alphabet's
	}
	return order
}

// Plain reports whether a text is printable ASCII, which is all that is
// compared by rules here.
func Plain(s string) bool {
	for i := range len(s) {
		if !plain(s[i]) {
			return false
		}
	}
	return true
}

func plainAt(s string, i int) bool { return i >= len(s) || plain(s[i]) }

func plain(c byte) bool { return c >= ' ' && c <= '~' }

func fold(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c | 0x20
	}
	return c
}

func ordinary(c byte) bool { return c >= '0' && c <= '9' || fold(c) >= 'a' && fold(c) <= 'z' }

// compareBy compares two texts up to where they first differ.
func compareBy(class Class, s, t string) Order {
	i := 0
	for i < len(s) && i < len(t) && plain(s[i]) && plain(t[i]) && alike(class, s[i], t[i]) {
		i++
	}
	return differ(class, s, t, i)
}

// differ is the order of two texts that are alike before i.
func differ(class Class, s, t string, i int) Order {
	if i == len(s) && i == len(t) {
		return tie(class, s, t)
	}
	if class == Odd || !plainAt(s, i) || !plainAt(t, i) {
		return Unordered
	}
	switch {
	case cased(class, s, t, i):
		return Unlike
	case i == len(s):
		return before(t[i], Less)
	case i == len(t):
		return before(s[i], More)
	case ordinary(s[i]) && ordinary(t[i]):
		return byLetter(class, s[i], t[i])
	default:
		return Unlike
	}
}

// cased reports whether texts differ in the case of a letter before i, which
// some collations take for the first difference and others for the last.
func cased(class Class, s, t string, i int) bool {
	return class == CaseFirst && s[:i] != t[:i]
}

func alike(class Class, c, d byte) bool {
	if class == Bytes {
		return c == d
	}
	return fold(c) == fold(d)
}

func tie(class Class, s, t string) Order {
	switch {
	case s == t, class == Folding, class == Bytes:
		return Equal
	case class == CaseFirst:
		return Unlike
	default:
		return Unordered
	}
}

// before is the order of a text that has ended to one that goes on with c.
func before(c byte, order Order) Order {
	if ordinary(c) {
		return order
	}
	return Unlike
}

func byLetter(class Class, c, d byte) Order {
	if class != Bytes {
		c, d = fold(c), fold(d)
	}
	if c < d {
		return Less
	}
	return More
}

// Like tells whether a text matches a pattern of LIKE.
func Like(text, pattern *Value, escape byte) Truth {
	if text.IsNull() || pattern.IsNull() {
		return Unknown
	}
	if text.Kind == Anything || pattern.Kind != TextValue || text.Kind != TextValue && text.Text == "" {
		return Either | pick(text.MayBeNull() || pattern.MayBeNull(), Unknown)
	}
	class, p := likeBy(text, pattern), pattern.Text
	if strings.Trim(p, "%") == "" && p != "" {
		return True
	}
	if Plain(text.Text) && Plain(p) {
		return likePlain(class, text.Text, p, escape)
	}
	return likeOdd(class, text.Text, p, escape)
}

// likeBy is how LIKE compares letters of a text. Digits and signs, which numbers
// and dates are, have no case.
func likeBy(text, pattern *Value) Class {
	if text.Kind != TextValue {
		return Bytes
	}
	return agreed(text, pattern).Class
}

func likePlain(class Class, text, pattern string, escape byte) Truth {
	if class == Folding || class == Bytes {
		return pick(match(class, text, pattern, escape), True) | pick(!match(class, text, pattern, escape), False)
	}
	switch {
	case match(Bytes, text, pattern, escape):
		return True
	case class == CaseFirst && !match(Folding, text, pattern, escape):
		return False
	default:
		return Either
	}
}

// match is LIKE on plain text: '%' is any text, '_' one character.
func match(class Class, text, pattern string, escape byte) bool {
	t, p, star, from := 0, 0, -1, 0
	for t < len(text) {
		switch c, width, wild := symbol(pattern, p, escape); {
		case wild && c == '%':
			star, from = p, t
			p++
		case width > 0 && (wild || alike(class, c, text[t])):
			p += width
			t++
		case star >= 0:
			from++
			p, t = star+1, from
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "%") == ""
}

// symbol is what stands in a pattern at p: a character or a wildcard, and how
// long it is; 0 at the end.
func symbol(pattern string, p int, escape byte) (c byte, width int, wild bool) {
	if p >= len(pattern) {
		return 0, 0, false
	}
	c = pattern[p]
	if c == escape && p+1 < len(pattern) {
		return pattern[p+1], 2, false
	}
	return c, 1, c == '%' || c == '_'
}
