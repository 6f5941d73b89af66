package registry_test

import (
	"testing"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
)

// TestPositions gives a position back until another one is kept, and touches
// none of a spool's.
func TestPositions(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		must(t, r.Commit(t.Context(), canary.Outcome{Spool: "spool-1", To: "7"}))
		for _, want := range []string{"1 5 0 9", "1 5 8 9", "1 5 8 9", "1 6 0 12"} {
			must(t, r.SetPosition(t.Context(), "mailbox/o_x/1", want))
			if got, err := r.Position(t.Context(), "mailbox/o_x/1"); err != nil || got != want {
				t.Errorf("%q, %v, want %q", got, err, want)
			}
		}
		for name, want := range map[string]string{"spool-1": "7", "mailbox/o_x/2": ""} {
			if got, err := r.Position(t.Context(), name); err != nil || got != want {
				t.Errorf("%s: %q, %v, want %q", name, got, err, want)
			}
		}
	})
}
