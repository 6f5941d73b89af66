package registry_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"saltmine/internal/canary"
)

// TestKeptStatements: many at once ask the same within one another, and for more
// texts than a connection keeps; some give up in the middle. Each gets its own rows.
func TestKeptStatements(t *testing.T) {
	t.Parallel()
	r := openAt(t, "sqlite:"+filepath.Join(t.TempDir(), "r.db"), vault(t))
	var list []canary.Planting
	for n := range 300 {
		list = append(list, planting(n))
	}
	must(t, r.Intend(t.Context(), list))
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for n := worker; n < 300; n += 4 {
				ctx, cancel := context.WithCancel(t.Context())
				if n%7 == 0 {
					cancel()
				}
				_, _ = r.Plantings(ctx, canary.Filter{})
				var ids []canary.ID
				for i := range n%250 + 1 { // each number of marks is a text of its own
					ids = append(ids, list[(n+i)%300].ID)
				}
				got, err := r.Plantings(t.Context(), canary.Filter{IDs: ids})
				if err != nil || len(got) != len(ids) || len(got[0].Tokens) != 3 {
					t.Errorf("%d of %d plantings, %v", len(got), len(ids), err)
				}
				tok, found, err := r.Token(t.Context(), canary.Email, fmt.Sprintf("dana.whitfield%d@example.net", n))
				if err != nil || !found || tok.Canary != list[n].ID {
					t.Errorf("token of %d: %+v, %v", n, tok, err)
				}
				cancel()
			}
		})
	}
	all.Wait()
}
