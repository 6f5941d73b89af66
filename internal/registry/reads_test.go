package registry_test

import (
	"slices"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
)

// TestReadsBetween gives the reads of a place and a time, and those whose time no log
// tells; filed again they are there once.
func TestReadsBetween(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		read := func(id string, place canary.Place, at time.Time) canary.Read {
			return canary.Read{ID: id, Place: place, Reader: r.ReaderOf(place, "eve@h"), Account: "eve@h", At: at, Taken: canary.Between(at, at.Add(time.Hour)), Returned: []canary.ID{"c_a"}}
		}
		hour := func(n int) time.Time { return start().Add(time.Duration(n) * time.Hour) }
		list := []canary.Read{
			read("early", "db:main", hour(0)), read("first", "db:main", hour(1)), read("last", "db:main", hour(5)), read("late", "db:main", hour(6)),
			read("elsewhere", "db:other", hour(2)), read("whenever", "db:main", time.Unix(0, 0)),
		}
		for range 2 {
			must(t, r.FileReads(t.Context(), canary.ReadBatch{Place: "db:main", Reads: list}))
		}
		got, err := r.ReadsBetween(t.Context(), "db:main", hour(1), hour(5))
		must(t, err)
		var ids []string
		for _, g := range got {
			ids = append(ids, g.ID)
			if g.Account != "eve@h" || !slices.Equal(g.Returned, []canary.ID{"c_a"}) || g.Place != "db:main" {
				t.Errorf("%+v", g)
			}
		}
		if want := []string{"whenever", "first", "last"}; !slices.Equal(ids, want) {
			t.Errorf("%q, want %q", ids, want)
		}
	})
}
