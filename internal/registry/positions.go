package registry

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// SetPosition keeps a position under a name that is not a spool's, for
// [Registry.Position] to give back.
func (r *Registry) SetPosition(ctx context.Context, name, position string) error {
	err := r.inTx(ctx, func(tx *sql.Tx) error {
		var old string
		err := tx.QueryRowContext(ctx, "SELECT position FROM cursors WHERE name = ?", name).Scan(&old)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			_, err = tx.ExecContext(ctx, "INSERT INTO cursors (name, position) VALUES (?,?)", name, position)
		case err == nil && old != position:
			_, err = tx.ExecContext(ctx, "UPDATE cursors SET position = ? WHERE name = ?", position, name)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("registry: keep the position of %s: %w", name, err)
	}
	return nil
}
