package registry

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"

	"saltmine/internal/canary"
)

// errEnough ends a walk that nobody goes on with.
var errEnough = errors.New("enough")

// AllTokens walks over all planted tokens, with their windows, and all placebos,
// which have none. Those of drills are left out. An error ends the walk.
func (r *Registry) AllTokens(ctx context.Context) iter.Seq2[canary.DatedToken, error] {
	return func(yield func(canary.DatedToken, error) bool) {
		err := r.each(ctx, "SELECT id, kind, canary, sealed, sealed_window FROM tokens", nil, func(row *sql.Rows) error {
			t, err := r.scanToken(row)
			if err == nil && !yield(t, nil) {
				err = errEnough
			}
			return err
		})
		if err == nil {
			err = r.eachCohort(ctx, "", nil, func(_ canary.ID, t canary.Token) error {
				if !yield(canary.DatedToken{Token: t}, nil) {
					return errEnough
				}
				return nil
			})
		}
		if err != nil && !errors.Is(err, errEnough) {
			yield(canary.DatedToken{}, fmt.Errorf("registry: all tokens: %w", err))
		}
	}
}
