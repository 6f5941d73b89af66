package seeder

import (
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

// settled is a moment between two stamps that survives a clock which was set
// back in between.
func settled(before, after time.Time) canary.Moment {
	if after.Before(before) {
		after = before
	}
	return canary.Between(before, after)
}

// person reads what a customer row says of a person.
func (s *Seeder) person(r *supportdb.Row) persona.Person {
	c := s.cfg.Desk.Recipe().Customer
	text := func(column string) string {
		if column == "" {
			return ""
		}
		return r.Get(column).Text()
	}
	return persona.Person{
		First: text(c.FirstName), Last: text(c.LastName), Full: text(c.Name), Email: text(c.Email), Phone: text(c.Phone),
		Salutation: text(c.Salutation), Country: text(c.Segment["country"]), Language: text(c.Segment["language"]),
	}
}

func sameEmail(a, b string) bool {
	return strings.EqualFold(strings.TrimSpace(a), strings.TrimSpace(b))
}
