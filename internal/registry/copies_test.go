package registry_test

import (
	"slices"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
)

// TestCopies adds to what a table is known to hold, and takes nothing away.
func TestCopies(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		file := func(place canary.Place, list ...canary.Copy) {
			must(t, r.FileReads(t.Context(), canary.ReadBatch{Place: place, Copies: list}))
		}
		file("db:main", canary.Copy{Table: "shop.tmp", Held: []canary.ID{"c_a", "c_b"}, Since: start().Add(time.Hour)}, canary.Copy{Table: "file", Held: []canary.ID{"c_z"}, Since: start()})
		file("db:main", canary.Copy{Table: "shop.tmp", Held: []canary.ID{"c_b", "c_c"}, Since: start()})
		file("db:other", canary.Copy{Table: "shop.tmp", Held: []canary.ID{"c_d"}, Since: start()})
		list, err := r.Copies(t.Context(), "db:main")
		must(t, err)
		slices.SortFunc(list, func(a, b canary.Copy) int { return len(b.Held) - len(a.Held) })
		if len(list) != 2 || !slices.Equal(list[0].Held, []canary.ID{"c_a", "c_b", "c_c"}) || !list[0].Since.Equal(start()) || list[1].Table != "file" {
			t.Errorf("%+v", list)
		}
	})
}
