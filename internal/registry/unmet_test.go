package registry_test

import (
	"testing"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
)

// TestUnmet: what is no token, and is one letter off none, meets nothing; whatever
// Match or Variants know something of is left to them.
func TestUnmet(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		must(t, r.Intend(t.Context(), []canary.Planting{planting(1)}))
		email := func(text string) canary.Target {
			return canary.Target{Kind: canary.Email, Text: text, Refused: true}
		}
		want := map[canary.Target]bool{
			email("<dana.whitfield1@example.net>"): false, email("Dana.Whitfield1+x@example.net"): false, email("tom.placebo1@example.net"): false,
			email("dana.whitfeld1@example.net"): false, email("tom.placeboo1@example.net"): false, email("info@example.net"): true, email("marion@example.net"): true,
			email("dana.whitfield1@example.com"): true, {Kind: canary.Phone, Text: "+442079400001"}: false, {Kind: canary.Phone, Text: "+442079400002"}: true,
			{Kind: canary.Ticket, Text: "tk-2025-00001"}: false, {Kind: canary.Ticket, Text: "TK202500002"}: true, {Text: "mx.example.net"}: false, email("no address"): false,
		}
		var all []canary.Target
		for target := range want {
			all = append(all, target, target)
		}
		got, err := r.Unmet(t.Context(), all)
		must(t, err)
		for target, w := range want {
			if got[target] != w {
				t.Errorf("%+v: unmet %v", target, got[target])
			}
		}
	})
}
