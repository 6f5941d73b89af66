package prose

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"saltmine/seeder/persona"
)

// mask takes out of a unit what is one customer's.
type mask struct {
	first, last string
	own         []string
}

func newMask(who *Writer) mask {
	first, last := who.Parts()
	m := mask{first: strings.ToLower(first), last: strings.ToLower(last)}
	for _, text := range who.Own {
		m.own = append(m.own, strings.ToLower(text))
	}
	return m
}

var (
	mailInText  = regexp.MustCompile(`[^\s<>@"',;:(){}]+@[^\s<>@"',;:(){}]+\.[\pL]{2,}`)
	linkInText  = regexp.MustCompile(`(?i)\b(https?://|www\.)[^\s<>"')]+`)
	phoneInText = regexp.MustCompile(`\+?[0-9][0-9 ()./-]{6,}[0-9]`)
	digitRuns   = regexp.MustCompile(`[0-9]+`)
	places      = regexp.MustCompile(`\{(First|Last|FIRST|LAST|first|last|mail|link|phone|#[0-9]+|=[A-Za-z]{2})\}`)
)

// plainDigits is up to how many digits say nothing of anybody.
const plainDigits = 4

// template masks a unit, and gives the numbers that stood in it.
func (m mask) template(text string) (string, []string) {
	text = strings.NewReplacer("{", "(", "}", ")").Replace(text)
	text = mailInText.ReplaceAllString(text, "{mail}")
	text = linkInText.ReplaceAllString(text, "{link}")
	text = phoneInText.ReplaceAllStringFunc(text, func(s string) string {
		if persona.LooksPhone(s) {
			return "{phone}"
		}
		return s
	})
	text = without(without(text, m.last, "Last"), m.first, "First")
	for i, own := range m.own {
		text = without(text, own, placeOfOwn(i))
	}
	var numbers []string
	text = digitRuns.ReplaceAllStringFunc(text, func(s string) string {
		numbers = append(numbers, s)
		return fmt.Sprintf("{#%d}", len(s))
	})
	return text, numbers
}

// MaxOwn is how many of a writer's own things can be told apart.
const MaxOwn = len(ownLetters)

const ownLetters = "ABCDEFGHIJKLMNOPQRST"

// placeOfOwn is the place of the i-th of a writer's own things: "=Aa", "=Ba".
func placeOfOwn(i int) string { return "=" + ownLetters[i:i+1] + "a" }

// own is what stands in a place of an heir's own things, "" where it is another
// place or he has none.
func (h *Heir) own(name string) string {
	if name[0] != '=' {
		return ""
	}
	if i := strings.Index(ownLetters, strings.ToUpper(name[1:2])); i >= 0 && i < len(h.Own) {
		return h.Own[i]
	}
	return ""
}

// fits reports whether an heir has all of his own that a template names.
func (h *Heir) fits(template string) bool {
	if !strings.Contains(template, "{=") {
		return true
	}
	for _, p := range places.FindAllString(template, -1) {
		if p[1] == '=' && h.own(p[1:len(p)-1]) == "" {
			return false
		}
	}
	return true
}

// Names reports whether a text names something, as a word.
func Names(text, word string) bool {
	return without(text, strings.ToLower(word), "") != text
}

// without puts a place for a name where it stands as a word. A name of two
// letters is a word of its own too often.
func without(text, name, put string) string {
	low := strings.ToLower(text)
	if len(name) < 3 || len(low) != len(text) || !strings.Contains(low, name) {
		return text
	}
	var b strings.Builder
	for {
		at := strings.Index(low, name)
		if at < 0 {
			b.WriteString(text)
			return b.String()
		}
		end := at + len(name)
		before, _ := utf8.DecodeLastRuneInString(text[:at])
		after, _ := utf8.DecodeRuneInString(text[end:])
		b.WriteString(text[:at])
		if unicode.IsLetter(before) || unicode.IsDigit(before) || unicode.IsLetter(after) || unicode.IsDigit(after) || before == '{' {
			b.WriteString(text[at:end])
		} else {
			b.WriteString("{" + caseLike(text[at:end], put) + "}")
		}
		text, low = text[end:], low[end:]
	}
}

// caseLike writes a name in the case of another.
func caseLike(like, name string) string {
	switch {
	case like == strings.ToLower(like) && like != strings.ToUpper(like):
		return strings.ToLower(name)
	case like == strings.ToUpper(like) && like != strings.ToLower(like):
		return strings.ToUpper(name)
	}
	return name
}

// fillable reports whether a template has only places that a canary can fill.
func fillable(template string) bool {
	return !strings.Contains(template, "{mail}") && !strings.Contains(template, "{link}") && !strings.Contains(template, "{phone}")
}
