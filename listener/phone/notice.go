package phone

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"saltmine/internal/canary"
	"saltmine/internal/token"
)

// Who may record a call without telling the other side differs from country to
// country, and within some of them. So a caller is told, before anything is taken
// down, unless the configuration says that in the called number's country nobody
// need be: a notice too many costs nothing.

// elsewhere is the country of the notice for all that have none of their own, and
// for numbers whose country is not known.
const elsewhere = "*"

// defaultNotice is what is spoken where nothing is configured, in the greeting's
// language, or in English.
func defaultNotice(language string) string {
	word, _, _ := strings.Cut(language, "-")
	switch word {
	case "de":
		return "Dieser Anruf wird aufgezeichnet. Wenn Sie das nicht möchten, legen Sie bitte auf."
	case "fr":
		return "Cet appel est enregistré. Si vous ne le souhaitez pas, veuillez raccrocher."
	case "es":
		return "Esta llamada se graba. Si no lo desea, cuelgue el teléfono."
	case "it":
		return "Questa chiamata viene registrata. Se non lo desidera, la preghiamo di riagganciare."
	case "nl":
		return "Dit gesprek wordt opgenomen. Als u dat niet wilt, hang dan op."
	}
	return "This call is recorded. If you do not want that, please hang up."
}

// checkNotices says what is wrong with the notices.
func checkNotices(notices map[string]string) error {
	var faults []error
	for _, country := range slices.Sorted(maps.Keys(notices)) {
		if !spoken(notices[country]) {
			faults = append(faults, fmt.Errorf("notice for %s: want up to %d bytes of UTF-8 without control characters", country, maxGreeting))
		}
		if country != elsewhere && (len(country) != 2 || strings.ToUpper(country) != country) {
			faults = append(faults, fmt.Errorf("notice for %q: want a country's two capital letters, or %q", country, elsewhere))
		}
	}
	return errors.Join(faults...)
}

// spoken reports whether a text can be read out.
func spoken(text string) bool {
	return len(text) <= maxGreeting && utf8.ValidString(text) && !bytes.ContainsFunc([]byte(text), unicode.IsControl)
}

// scripts are a provider's answers by the country of the number that is called.
type scripts struct {
	notices   map[string]string
	byNotice  map[string]script
	otherwise string // the notice for all other countries
}

func newScripts(d *dialect, p Provider, notices map[string]string, back string) *scripts {
	s := &scripts{notices: notices, byNotice: map[string]script{}, otherwise: defaultNotice(p.Language)}
	if text, given := notices[elsewhere]; given {
		s.otherwise = text
	}
	for _, text := range append(slices.Collect(maps.Values(notices)), s.otherwise) {
		p.notice = text
		s.byNotice[text] = d.script(p, back)
	}
	return s
}

// to gives the answer to what a webhook says.
func (s *scripts) to(ev event) answer {
	of := s.byNotice[s.notice(ev)]
	return of.to(ev)
}

// notice is what the caller of a number is told.
func (s *scripts) notice(ev event) string {
	if len(ev.to) > 0 {
		if number, err := token.Canon(canary.Phone, ev.to[0]); err == nil {
			if text, own := s.notices[token.Country(number)]; own {
				return text
			}
		}
	}
	return s.otherwise
}

// says is what a caller hears first of all: the notice, then the greeting.
func (p *Provider) says() string { return strings.TrimSpace(p.notice + " " + p.Greeting) }
