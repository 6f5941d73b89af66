package persona

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
)

// Scrub puts the canary's identity where a donor's text has the donor's.
type Scrub struct {
	donor      Person
	donorLocal string
	id         Identity
	phone      string // the canary's, as stored; may be empty
	words      []wordPair
}

// wordPair is a word and what is put in its place. Few texts have it, and making
// the pattern takes longer than all else that is done for a canary.
type wordPair struct {
	plain   string // without regard to capitals
	pattern func() *regexp.Regexp
	put     string
}

func newWordPair(word, put string) wordPair {
	return wordPair{uncased(word), sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?i)(^|[^\pL\pN])` + regexp.QuoteMeta(word) + `($|[^\pL\pN])`)
	}), "${1}" + strings.ReplaceAll(put, "$", "$$") + "${2}"}
}

func (w *wordPair) replace(text string) string {
	if !strings.Contains(uncased(text), w.plain) {
		return text
	}
	return w.pattern().ReplaceAllString(text, w.put)
}

// uncased brings letters that a pattern takes for the same, as Σ, σ and ς, to one.
func uncased(text string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			least = min(least, f)
		}
		return least
	}, text)
}

// NewScrub prepares the replacement of one donor by one canary.
func NewScrub(donor Person, id Identity, phone string) *Scrub {
	s := &Scrub{donor: donor, id: id, phone: phone}
	s.donorLocal, _, _ = strings.Cut(donor.Email, "@")
	first, last := donor.Parts()
	for _, w := range [][2]string{
		{donor.Email, id.Email()},
		{first + " " + last, id.First + " " + id.Last},
		{last, id.Last}, {first, id.First}, {s.donorLocal, id.Local},
	} {
		// A name of two letters is a word of its own too often.
		if len(w[0]) > 2 {
			s.words = append(s.words, newWordPair(w[0], w[1]))
		}
	}
	return s
}

var (
	emailInText = regexp.MustCompile(`[^\s<>@"',;:]+@([^\s<>@"',;:]+\.[\pL]{2,})`)
	phoneInText = regexp.MustCompile(`\+?[0-9][0-9 ()./-]{7,}[0-9]`)
)

// Text returns the value for the canary. It is not clean when something is
// left that looks like somebody's e-mail address or phone number; then the
// value may not be copied.
func (s *Scrub) Text(value string) (text string, clean bool) {
	if value == "" {
		return "", true
	}
	if same, ok := s.whole(value); ok {
		return same, true
	}
	for i := range s.words {
		value = s.words[i].replace(value)
	}
	for _, m := range emailInText.FindAllString(value, -1) {
		if !strings.EqualFold(m, s.id.Email()) {
			return "", false
		}
	}
	if slices.ContainsFunc(phoneInText.FindAllString(value, -1), LooksPhone) {
		return "", false
	}
	return value, true
}

// whole replaces values that are one fact of the donor as a whole.
func (s *Scrub) whole(value string) (string, bool) {
	first, last := s.donor.Parts()
	for _, fact := range [][2]string{
		{s.donor.Email, s.id.Email()},
		{s.donorLocal, s.id.Local},
		{first + " " + last, fullLike(value, s.id.First, s.id.Last)},
		{last + ", " + first, fullLike(value, s.id.First, s.id.Last)},
		{first, s.id.First},
		{last, s.id.Last},
	} {
		if fact[0] != "" && strings.EqualFold(value, fact[0]) {
			return fact[1], true
		}
	}
	had, _ := digitsOf(value)
	theirs, _ := digitsOf(s.donor.Phone)
	if len(had) >= 7 && had == theirs && LooksPhone(value) {
		return s.phone, true
	}
	return "", false
}

// LooksPhone reports whether a whole value looks like a phone number: 9 to 15
// digits and what stands between them, and neither a date nor an IP address.
func LooksPhone(v string) bool {
	v = strings.TrimSpace(v)
	if strings.ContainsFunc(v, func(r rune) bool { return !strings.ContainsRune("0123456789 +()-./", r) }) {
		return false
	}
	digits, _ := digitsOf(v)
	if len(digits) < 9 || len(digits) > 15 {
		return false
	}
	_, err := netip.ParseAddr(v)
	return err != nil && !isoDate.MatchString(v)
}

var isoDate = regexp.MustCompile(`^(19|20)[0-9]{2}[-/.][01]?[0-9][-/.][0-3]?[0-9]`)
