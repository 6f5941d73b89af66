package scan

import (
	"slices"
	"strings"

	"saltmine/internal/mention"
)

// How ticket numbers are known. A short one stands in every file by chance.
const (
	shortMixed  = 6  // letters and digits: fewer count only where they are called a ticket
	shortPlain  = 7  // digits alone
	strongMixed = 8  // from so many on it is hardly chance
	strongPlain = 12 // digits alone
	mostGaps    = 6  // in one number
	toldBefore  = 48 // bytes before a number among which it may be called a ticket
)

// isTicket reports whether a ticket number, whose last digit stands before a place
// and is followed by some letters, stands there.
func isTicket(b, text []byte, letters, end int) (spelling, bool) {
	sp := spelling{to: over(b, text[len(text)-letters:], end)}
	if sp.to < 0 || sp.to < len(b) && isAlnum(b[sp.to]) {
		return sp, false
	}
	from, spaced := backOver(b, text[:len(text)-letters], end)
	if from < 0 || inWord(b, from) {
		return sp, false
	}
	sp.from = from
	least, strong := shortMixed, strongMixed
	if trailing(text) == len(text) {
		least, strong = shortPlain, strongPlain
	}
	if len(text) >= strong && !spaced {
		return sp, true
	}
	told := mention.Told(string(b[max(0, from-toldBefore):from]))
	sp.weak = !told
	return sp, told || len(text) >= least && !spaced
}

// inWord reports whether a place stands in the middle of a word.
func inWord(b []byte, at int) bool { return at > 0 && isAlnum(b[at-1]) && !escaped(b, at) }

// backOver goes back over a text, and the signs that people put into it; -1 where it
// does not stand there. It says whether spaces are among them.
func backOver(b, text []byte, end int) (from int, spaced bool) {
	i, gaps := end-1, 0
	for j, c := range slices.Backward(text) {
		for over := 0; j < len(text)-1 && i >= 0 && over < 3 && !isAlnum(b[i]) && strings.IndexByte("-_/.:# ", b[i]) >= 0; i-- {
			over++
			gaps++
			spaced = spaced || b[i] == ' '
		}
		if i < 0 || gaps > mostGaps || upper(b[i]) != c {
			return -1, false
		}
		i--
	}
	return i + 1, spaced
}

// over goes over letters, and up to two signs before each; -1 where they do not stand
// there.
func over(b, letters []byte, i int) int {
	for _, c := range letters {
		for signs := 0; i < len(b) && signs < 2 && strings.IndexByte("-_/.:#", b[i]) >= 0; i++ {
			signs++
		}
		if i >= len(b) || upper(b[i]) != c {
			return -1
		}
		i++
	}
	return i
}

func upper(c byte) byte {
	if 'a' <= c && c <= 'z' {
		return c - ('a' - 'A')
	}
	return c
}

func lower(b []byte) string { return strings.ToLower(string(b)) }
