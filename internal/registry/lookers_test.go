package registry_test

import (
	"errors"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
)

func TestLookersAreKeptAndNotOverwritten(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		at := time.Date(2026, 8, 5, 10, 0, 0, 0, time.UTC)
		l, err := r.Looker(t.Context(), "ann")
		if err != nil || l.Version != 0 || l.Recent != nil {
			t.Fatalf("%+v, %v", l, err)
		}
		l.Add(canary.LookUp{Contact: "k_contact1", At: at, Number: "TK1", Of: "c_1"})
		for n := range 2 {
			if err := r.Commit(t.Context(), canary.Outcome{Lookers: []canary.Looker{l}}); err != nil {
				t.Fatal(err)
			}
			if l, err = r.Looker(t.Context(), "ann"); err != nil || l.Version != int64(n+1) || l.Agent != "ann" || len(l.Recent) != n+1 || !l.Recent[0].At.Equal(at) || l.On(at) != n+1 {
				t.Fatalf("%+v, %v", l, err)
			}
			l.Add(canary.LookUp{Contact: "k_contact2", At: at, Number: "TK2"})
		}
		l.Version-- // another intake was faster
		if err := r.Commit(t.Context(), canary.Outcome{Lookers: []canary.Looker{l}}); !errors.Is(err, registry.ErrMoved) {
			t.Errorf("an older version: %v", err)
		}
		if other, err := r.Looker(t.Context(), "bob"); err != nil || other.Version != 0 {
			t.Errorf("%+v, %v", other, err)
		}
	})
}
