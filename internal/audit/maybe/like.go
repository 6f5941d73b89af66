package maybe

import "unicode"

// maxOdd bounds the work on a text and a pattern that are not plain, as the
// product of their lengths.
const maxOdd = 1 << 16

// likeOdd is LIKE where the text or the pattern is not plain. What is not plain
// may be ignored, or equal one or two of whatever stands on the other side; for
// sure it is only what '%' passes over.
func likeOdd(class Class, text, pattern string, escape byte) Truth {
	if class == Odd || len(text)*len(pattern) > maxOdd {
		return Either
	}
	t, p := marks(text, 0), marks(pattern, escape)
	sure := class
	if class == CaseFirst {
		sure = Bytes
	}
	switch {
	case !reaches(class, t, p, true):
		return False
	case reaches(sure, t, p, false):
		return True
	default:
		return Either
	}
}

// mark is one character of a text or of a pattern.
type mark struct {
	c    byte // of plain ASCII
	odd  bool // it is not, or something combines with it
	any  bool // '%'
	once bool // '_'
}

func marks(s string, escape byte) (list []mark) {
	escaped := false
	for _, r := range s {
		if escape != 0 && !escaped && r == rune(escape) {
			escaped = true
			continue
		}
		if unicode.Is(unicode.M, r) && len(list) > 0 {
			list[len(list)-1] = mark{odd: true}
		}
		wild := escape != 0 && !escaped
		list = append(list, markOf(r, wild))
		escaped = false
	}
	return list
}

func markOf(r rune, wild bool) mark {
	if r > '~' || r < ' ' {
		return mark{odd: true}
	}
	return mark{c: byte(r), any: wild && r == '%', once: wild && r == '_'}
}

// reaches reports whether a text may match a pattern (wide) or does for sure.
func reaches(class Class, t, p []mark, wide bool) bool {
	next := make([]bool, len(t)+3)
	after := make([]bool, len(t)+3)
	for j := len(p); j >= 0; j-- {
		here := make([]bool, len(t)+3)
		for i := len(t); i >= 0; i-- {
			switch {
			case j == len(p):
				here[i] = i == len(t) || wide && t[i].odd && here[i+1]
			case p[j].any:
				here[i] = next[i] || i < len(t) && here[i+1]
			default:
				here[i] = steps(class, t, p, i, j, wide, [3][]bool{here, next, after})
			}
		}
		next, after = here, next
	}
	return next[0]
}

// steps tries one character of the pattern. The rows of whether the rest
// matches are for the same place in the pattern, the next and the one after.
func steps(class Class, t, p []mark, i, j int, wide bool, rest [3][]bool) bool {
	ended := i == len(t)
	odd := p[j].odd || !ended && t[i].odd
	switch {
	case odd:
		return wide && widely(t, p, i, j, rest)
	case ended:
		return false
	default:
		return (p[j].once || alike(class, t[i].c, p[j].c)) && rest[1][i+1]
	}
}

// widely lets a character that is not plain be ignored or equal one or two.
func widely(t, p []mark, i, j int, rest [3][]bool) bool {
	if p[j].odd && (rest[1][i] || i+2 <= len(t) && rest[1][i+2]) {
		return true
	}
	if i == len(t) {
		return false
	}
	return rest[1][i+1] || t[i].odd && (rest[0][i+1] || j+2 <= len(p) && rest[2][i+1])
}
