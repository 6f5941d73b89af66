package registry_test

import (
	"bytes"
	"testing"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
)

func TestPanels(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx := t.Context()
		if got, err := r.Panel(ctx, "db:main"); got != nil || err != nil {
			t.Errorf("none yet: %q, %v", got, err)
		}
		for _, text := range []string{"first", "second"} {
			must(t, r.SetPanel(ctx, "db:main", []byte(text)))
			if got, err := r.Panel(ctx, "db:main"); string(got) != text || err != nil {
				t.Errorf("%q, %v", got, err)
			}
		}
		if got, err := r.Panel(ctx, "db:other"); got != nil || err != nil {
			t.Errorf("of another place: %q, %v", got, err)
		}
		first := r.Mark(canary.Email, "a")
		if again := r.Mark(canary.Email, "a"); again != first || r.Mark(canary.Email, "b") == first {
			t.Error("marks do not go by the text")
		}
		if r.Mark(canary.Email, "a") == r.Mark(canary.Phone, "a") {
			t.Error("marks do not go by their kind")
		}
		if !bytes.Equal(r.Seed("a"), r.Seed("a")) || bytes.Equal(r.Seed("a"), r.Seed("b")) {
			t.Error("seeds do not go by their purpose")
		}
	})
}
