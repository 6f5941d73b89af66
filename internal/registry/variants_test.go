package registry_test

import (
	"fmt"
	"testing"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
)

// near asks what some addresses are one letter off.
func near(t *testing.T, r *registry.Registry, texts ...string) (list []string) {
	t.Helper()
	var targets []canary.Target
	for _, text := range texts {
		targets = append(targets, canary.Target{Kind: canary.Email, Text: text, Refused: true})
	}
	found, err := r.Variants(t.Context(), targets)
	must(t, err)
	for _, m := range found {
		list = append(list, fmt.Sprintf("%d %s %s %s %v", m.Target, m.Token.Role, m.Token.Text, m.Place, m.Variant))
	}
	return list
}

// TestVariants finds planted addresses and as many placebos by what is one letter
// off, and nothing by what is two, on another domain, or the address itself.
func TestVariants(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx, p := t.Context(), planting(1)
		p.Placebos = append(p.Placebos, canary.Token{ID: "t_x_second", Kind: canary.Email, Role: canary.RolePlacebo, Text: "second.placebo@example.net"})
		must(t, r.Intend(ctx, []canary.Planting{p}))
		const planted, placebo = "0 planted dana.whitfield1@example.net db:main true", "0 placebo tom.placebo1@example.net  true"
		for text, want := range map[string]string{
			"dana.whitfeld1@example.net": planted, "<Dana.Whitfield11@EXAMPLE.net>": planted, "dana.whitfield@example.net": planted,
			"dana.whitfield2+shop@example.net": planted, "adna.whitfield1@example.net": planted, "danawhitfield1@example.net": planted,
			"tom.placebo2@example.net": placebo, "ton.placebo1@example.net": placebo,
			"dana.whitfield1@example.net": "", "dana.whitfield1@example.com": "", "dana.whitfield23@example.net": "", "whitfield@example.net": "",
			"second.placeb@example.net": "", "info@example.net": "", "no address": "",
		} {
			got := near(t, r, text)
			if want == "" && len(got) > 0 || want != "" && (len(got) != 1 || got[0] != want) {
				t.Errorf("%s: %q, want %q", text, got, want)
			}
		}
		if got := near(t, r, "nobody@example.net", "dana.whitfeld1@example.net"); len(got) != 1 || got[0][0] != '1' {
			t.Errorf("the second target: %q", got)
		}
		if n, err := r.Variants(ctx, []canary.Target{{Kind: canary.Phone, Text: "+442079400002"}, {Kind: canary.Email, Text: "dana.whitfeld1@example.net", Via: canary.InText}}); err != nil || len(n) != 0 {
			t.Errorf("a number one digit off, and an address in a text: %+v, %v", n, err)
		}
		// What is planted beside it counts for itself, and shares most of its rows.
		must(t, r.Intend(ctx, []canary.Planting{planting(2)}))
		if got := near(t, r, "dana.whitfield@example.net"); len(got) != 2 {
			t.Errorf("one letter off two: %q", got)
		}
		h, err := r.Heard(ctx, canary.Cell{Channel: canary.SMTP, Stratum: canary.VariantStratum + r.BlindDomain("example.net")}, start())
		if err != nil || canary.TokensBy(h.Planted, start()) != 2 || canary.TokensBy(h.Placebos, start()) != 2 {
			t.Errorf("watched: %+v, %v", h, err)
		}
	})
}
