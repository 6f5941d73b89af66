package seeder

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/token"
	"saltmine/seeder/persona"
	"saltmine/seeder/supportdb"
)

// planted makes a token that is about to be planted. Its window is announced.
func (s *Seeder) planted(kind canary.Kind, owner canary.ID, text string, at time.Time) (canary.DatedToken, error) {
	t, err := newToken(kind, canary.RolePlanted, text)
	t.Canary = owner
	return canary.DatedToken{Token: t, Window: canary.Window{Place: s.cfg.Place, From: canary.After(at)}}, err
}

func placebo(kind canary.Kind, text string) (canary.Token, error) {
	return newToken(kind, canary.RolePlacebo, text)
}

func newToken(kind canary.Kind, role canary.Role, text string) (canary.Token, error) {
	canon, err := token.Canon(kind, text)
	if err != nil {
		return canary.Token{}, fmt.Errorf("%s token: %w", kind, err)
	}
	return canary.Token{ID: canary.TokenID(canary.NewID("t")), Kind: kind, Role: role, Text: canon}, nil
}

// current returns the newest token of a kind whose window is open.
func current(p *canary.Planting, kind canary.Kind) (canary.DatedToken, bool) {
	var found canary.DatedToken
	ok := false
	for _, t := range p.Tokens {
		if t.Kind == kind && t.Window.Until.IsZero() && (!ok || found.Window.From.Earliest.Before(t.Window.From.Earliest)) {
			found, ok = t, true
		}
	}
	return found, ok
}

// open lists the tokens whose window has no end yet, or only an announced one.
func open(p *canary.Planting) []canary.DatedToken {
	var out []canary.DatedToken
	for _, t := range p.Tokens {
		if !t.Window.Until.Come() {
			out = append(out, t)
		}
	}
	return out
}

// never is the window of a token that was announced and did not come: it is
// empty, so no contact can lie in it.
func never(w canary.Window) canary.Window {
	w.From = canary.After(w.From.Earliest)
	w.Until = canary.At(w.From.Earliest)
	return w
}

// begun gives the windows of the tokens a beginning; those that have one keep it.
func begun(tokens []canary.DatedToken, from canary.Moment) map[canary.TokenID]canary.Window {
	out := map[canary.TokenID]canary.Window{}
	for _, t := range tokens {
		if !t.Window.From.Come() {
			t.Window.From = from
			out[t.ID] = t.Window
		}
	}
	return out
}

// ended gives windows an end.
func ended(tokens []canary.DatedToken, until canary.Moment) map[canary.TokenID]canary.Window {
	out := map[canary.TokenID]canary.Window{}
	for _, t := range tokens {
		t.Window.Until = until
		out[t.ID] = t.Window
	}
	return out
}

// vanished gives windows of tokens that are gone an end: between the last time
// that the token was seen, or its end was announced, and now.
func vanished(p *canary.Planting, tokens []canary.DatedToken, now time.Time) map[canary.TokenID]canary.Window {
	out := map[canary.TokenID]canary.Window{}
	for _, t := range tokens {
		switch {
		case !t.Window.From.Come():
			t.Window = never(t.Window)
		case !t.Window.Until.IsZero():
			t.Window.Until = settled(t.Window.Until.Earliest, now)
		default:
			t.Window.Until = settled(lastSeen(p, t), now)
		}
		out[t.ID] = t.Window
	}
	return out
}

// lastSeen is the last time at which a token is known to have stood.
func lastSeen(p *canary.Planting, t canary.DatedToken) time.Time {
	if at := t.Window.From.Latest; at.After(p.Seen) {
		return at
	}
	return p.Seen
}

// settled is a moment between two stamps that survives a clock which was set
// back in between.
func settled(before, after time.Time) canary.Moment {
	if after.Before(before) {
		after = before
	}
	return canary.Between(before, after)
}

// person reads what the facts of a customer say of a person.
func person(facts *supportdb.Row) persona.Person {
	text := func(word string) string { return facts.Get(word).Text() }
	created, _ := supportdb.ParseTime(facts.Get("created"))
	born, _ := supportdb.ParseTime(facts.Get("born"))
	return persona.Person{
		First: text("first_name"), Last: text("last_name"), Full: text("name"), Email: text("email"), Phone: text("phone"),
		Salutation: cmp.Or(text("salutation"), text("gender")), Country: text("segment.country"), Language: text("segment.language"),
		Created: created, Born: bornIn(born),
	}
}

// bornIn is the year of a birthday that somebody may have; 0 for none.
func bornIn(t time.Time) int {
	if t.Year() < 1900 {
		return 0
	}
	return t.Year()
}

// fact reads a fact of a customer's rows, NULL where the recipe names none.
func (s *Seeder) fact(i *supportdb.Image, word string) supportdb.Value {
	at, ok := s.cfg.Desk.Fact(word)
	if !ok {
		return supportdb.Null()
	}
	return i.Get(i.Customer(), at)
}

// numbers reads the ticket numbers of a customer's rows.
func (s *Seeder) numbersOf(i *supportdb.Image) []string {
	at, _ := s.cfg.Desk.TicketFact("number")
	var out []string
	for _, n := range i.Tickets() {
		out = append(out, i.Get(n, at).Text())
	}
	return out
}

func sameEmail(a, b string) bool {
	return strings.EqualFold(strings.TrimSpace(a), strings.TrimSpace(b))
}

// represents reports whether a stored value is a spelling of a token's text. A
// number in national form is told by its last digits.
func represents(kind canary.Kind, canon, stored string) bool {
	if got, err := token.Canon(kind, stored); err == nil && got == canon {
		return true
	}
	if kind != canary.Phone {
		return false
	}
	digits := strings.TrimLeft(digitsOf(stored), "0")
	return len(digits) >= 6 && strings.HasSuffix(canon, digits)
}

func digitsOf(text string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, text)
}
