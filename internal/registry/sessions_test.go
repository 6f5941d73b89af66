package registry_test

import (
	"testing"
	"time"

	"saltmine/internal/registry"
)

// TestSessions gives the sessions of a place since a time, in their order.
func TestSessions(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		for _, n := range []uint32{7, 1<<32 - 1} {
			must(t, r.NoteSession(t.Context(), "db:main", n))
		}
		must(t, r.NoteSession(t.Context(), "db:other", 8))
		list, err := r.Sessions(t.Context(), "db:main", time.Time{})
		must(t, err)
		numbers := map[uint32]bool{}
		for _, s := range list {
			numbers[s.Number] = true
			if s.ID == "" || s.From.Before(start()) {
				t.Errorf("%+v", s)
			}
		}
		if len(list) != 2 || !numbers[7] || !numbers[1<<32-1] {
			t.Errorf("%+v", list)
		}
		list, err = r.Sessions(t.Context(), "db:main", list[1].From.Add(time.Second))
		must(t, err)
		if len(list) != 0 {
			t.Errorf("later: %+v", list)
		}
	})
}
