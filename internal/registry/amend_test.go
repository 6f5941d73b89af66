package registry_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
)

// TestAmendAll registers and changes more canaries at once than go into one
// statement, each in another way, and finds every change on its canary.
func TestAmendAll(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		var want []canary.Planting
		for n := range 410 {
			want = append(want, planting(n))
		}
		must(t, r.Intend(t.Context(), want))
		check := func(name string) {
			t.Helper()
			got, err := r.Plantings(t.Context(), canary.Filter{})
			if d := diff(want, got); err != nil || d != "" {
				t.Errorf("%s: %v, - want, + got:\n%.3000s", name, err, d)
			}
		}
		check("registered")
		var list []canary.Amendment
		for n := range want {
			p := &want[n]
			a := canary.Amendment{Canary: p.ID, State: []canary.State{canary.Planted, canary.Verified, canary.Retired}[n%3]}
			p.State = a.State
			if n%2 == 0 {
				a.Keys = fmt.Appendf(nil, "keys %d", n)
				p.Keys = a.Keys
			}
			if n%5 == 0 {
				a.Rows = fmt.Appendf(nil, "new rows %d", n)
				p.Rows = a.Rows
			}
			if n%3 == 0 {
				a.Life = fmt.Appendf(nil, "life %d", n)
				p.Life = a.Life
			}
			a.Windows = map[canary.TokenID]canary.Window{}
			for i := range p.Tokens {
				tok := &p.Tokens[i]
				tok.Window.From = canary.Between(start(), start().Add(time.Duration(3*n+i)*time.Second))
				a.Windows[tok.ID] = tok.Window
			}
			list = append(list, a)
		}
		must(t, r.AmendAll(t.Context(), list))
		check("amended")
		must(t, r.AmendAll(t.Context(), nil))
	})
}

// TestAmendAllIsAllOrNothing: the second of two changes cannot be made, and the
// first is not there afterwards.
func TestAmendAllIsAllOrNothing(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		one, two := planting(1), planting(2)
		must(t, r.Intend(t.Context(), []canary.Planting{one, two}))
		open := canary.Window{Place: "db:main", From: canary.At(start())}
		other := planting(3).Tokens[0]
		for name, c := range map[string]struct {
			a    canary.Amendment
			want error
		}{
			"unknown canary":   {canary.Amendment{Canary: "c_nobody"}, registry.ErrNotFound},
			"another's token":  {canary.Amendment{Canary: two.ID, Windows: map[canary.TokenID]canary.Window{one.Tokens[0].ID: open}}, registry.ErrNotFound},
			"no window":        {canary.Amendment{Canary: two.ID, Windows: map[canary.TokenID]canary.Window{two.Tokens[0].ID: {}}}, canary.ErrInvalid},
			"twice":            {canary.Amendment{Canary: one.ID, State: canary.Retired}, canary.ErrInvalid},
			"another's new":    {canary.Amendment{Canary: two.ID, Tokens: []canary.DatedToken{other}}, canary.ErrInvalid},
			"no placebo":       {canary.Amendment{Canary: two.ID, Placebos: []canary.Token{other.Token}}, canary.ErrInvalid},
			"registered token": {canary.Amendment{Canary: two.ID, Placebos: one.Placebos}, nil},
		} {
			first := canary.Amendment{Canary: one.ID, State: canary.Planted, Keys: []byte("keys"), Windows: map[canary.TokenID]canary.Window{one.Tokens[0].ID: open}}
			err := r.AmendAll(t.Context(), []canary.Amendment{first, c.a})
			if err == nil || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("%s: %v", name, err)
			}
			got, err := r.Plantings(t.Context(), canary.Filter{})
			if d := diff([]canary.Planting{one, two}, got); err != nil || d != "" {
				t.Errorf("%s: %v, - want, + got:\n%s", name, err, d)
			}
		}
	})
}
