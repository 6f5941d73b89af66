package registry_test

import (
	"fmt"
	"slices"
	"testing"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
)

func placebo(kind canary.Kind, text string) canary.Token {
	return canary.Token{ID: canary.TokenID(canary.NewID("t")), Kind: kind, Role: canary.RolePlacebo, Text: text}
}

// TestPlacebosAreFound registers placebos of every kind with a planting and
// later with an amendment, and finds each by its kind and text.
func TestPlacebosAreFound(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx, p, later := t.Context(), planting(1), []canary.Token(nil)
		p.Placebos = append(p.Placebos, placebo(canary.Phone, "+442079460123"), placebo(canary.Ticket, "TK202599999"))
		for n := range 99 {
			p.Placebos = append(p.Placebos, placebo(canary.Email, fmt.Sprintf("first%d@example.net", n)))
			later = append(later, placebo(canary.Email, fmt.Sprintf("later%d@example.net", n)))
		}
		must(t, r.Intend(ctx, []canary.Planting{p, planting(2)}))
		must(t, r.Amend(ctx, canary.Amendment{Canary: p.ID, Placebos: later}))
		for _, want := range slices.Concat(p.Placebos, later, planting(2).Placebos) {
			got, found, err := r.Token(ctx, want.Kind, want.Text)
			if err != nil || !found || got != (canary.DatedToken{Token: want}) {
				t.Errorf("%v: %v, %v, %v", want, got, found, err)
			}
		}
		if got, found, err := r.Token(ctx, canary.Ticket, "+442079460123"); err != nil || found {
			t.Errorf("a number was found among tickets: %v, %v", got, err)
		}
		counts, err := r.Counts(ctx)
		if err != nil || counts["placebo email"] != 200 || counts["placebo phone"] != 1 || counts["placebo ticket"] != 1 || counts["planted email"] != 2 {
			t.Errorf("counts %v, %v", counts, err)
		}
	})
}

// TestEveryTextIsRegisteredOnce: in whatever role it is there, and in whatever
// role it comes again.
func TestEveryTextIsRegisteredOnce(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx, there := t.Context(), planting(1)
		must(t, r.Intend(ctx, []canary.Planting{there}))
		for name, spoil := range map[string]func(p *canary.Planting){
			"planted is planted": func(p *canary.Planting) { p.Tokens[0].Text = there.Tokens[0].Text },
			"placebo is planted": func(p *canary.Planting) { p.Tokens[0].Text = there.Placebos[0].Text },
			"planted is placebo": func(p *canary.Planting) { p.Placebos[0].Text = there.Tokens[0].Text },
			"placebo is placebo": func(p *canary.Planting) { p.Placebos[0].Text = there.Placebos[0].Text },
			"both are new":       func(p *canary.Planting) { p.Placebos[0].Text = p.Tokens[0].Text },
		} {
			fresh := planting(2)
			spoil(&fresh)
			if err := r.Intend(ctx, []canary.Planting{fresh}); err == nil {
				t.Errorf("%s: registered again", name)
			}
			if known, err := r.Known(ctx, canary.Phone, fresh.Tokens[1].Text); err != nil || known {
				t.Errorf("%s: a part was registered: %v", name, err)
			}
		}
		must(t, r.Intend(ctx, []canary.Planting{planting(2)}))
	})
}

// TestKnownAmong asks for more texts than go into one statement.
func TestKnownAmong(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx, p := t.Context(), planting(1)
		must(t, r.Intend(ctx, []canary.Planting{p}))
		var texts []string
		for n := range 900 {
			texts = append(texts, fmt.Sprintf("nobody%d@example.net", n))
		}
		texts[3], texts[500], texts[899] = p.Placebos[0].Text, p.Tokens[0].Text, p.Placebos[0].Text
		texts[7] = p.Tokens[1].Text // a number among addresses
		known, err := r.KnownAmong(ctx, canary.Email, texts)
		if want := []string{texts[3], texts[500], texts[899]}; err != nil || !slices.Equal(known, want) {
			t.Errorf("%v, %v, want %v", known, err, want)
		}
		if known, err = r.KnownAmong(ctx, canary.Email, nil); err != nil || len(known) != 0 {
			t.Errorf("among none: %v, %v", known, err)
		}
	})
}
