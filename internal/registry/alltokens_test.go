package registry_test

import (
	"slices"
	"testing"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
)

// TestAllTokens walks over what is planted and the placebos, and ends where nobody
// goes on.
func TestAllTokens(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		t.Helper()
		p := planting(1)
		must(t, r.Intend(t.Context(), []canary.Planting{p}))
		var got []string
		for tok, err := range r.AllTokens(t.Context()) {
			must(t, err)
			if tok.Role == canary.RolePlanted && (tok.Canary != p.ID || tok.Window.From.IsZero() != p.Tokens[0].Window.From.IsZero()) || tok.Role == canary.RolePlacebo && tok.Canary != "" {
				t.Errorf("%+v of %q", tok, tok.Canary)
			}
			got = append(got, string(tok.Role)+" "+string(tok.Kind)+" "+tok.Text)
		}
		var want []string
		for _, tok := range p.Tokens {
			want = append(want, "planted "+string(tok.Kind)+" "+tok.Text)
		}
		for _, tok := range p.Placebos {
			want = append(want, "placebo "+string(tok.Kind)+" "+tok.Text)
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%d tokens %q, want %q", len(got), got, want)
		}
		for _, err := range r.AllTokens(t.Context()) {
			must(t, err)
			break
		}
	})
}
