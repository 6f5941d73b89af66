package registry

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"saltmine/internal/canary"
)

// Panel returns what SetPanel kept of a place; nil when there is none.
func (r *Registry) Panel(ctx context.Context, place canary.Place) ([]byte, error) {
	var sealed []byte
	err := r.db.QueryRowContext(ctx, "SELECT sealed FROM panels WHERE place = ?", place).Scan(&sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("registry: panel of %s: %w", place, err)
	}
	panel, err := r.vault.Open(panelField(place), sealed)
	if err != nil {
		return nil, fmt.Errorf("registry: panel of %s: %w", place, err)
	}
	return panel, nil
}

// SetPanel keeps, sealed, what the seeder watches of a place, in the seeder's
// own encoding.
func (r *Registry) SetPanel(ctx context.Context, place canary.Place, panel []byte) error {
	sealed := r.vault.Seal(panelField(place), panel)
	err := r.inTx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "DELETE FROM panels WHERE place = ?", place); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO panels (place, sealed) VALUES (?,?)", place, sealed)
		return err
	})
	if err != nil {
		return fmt.Errorf("registry: panel of %s: %w", place, err)
	}
	return nil
}

func panelField(place canary.Place) string { return "panels|" + string(place) }

// Mark is a keyed hash of a customer's text, by which a later look tells
// whether it has changed.
func (r *Registry) Mark(kind canary.Kind, text string) int64 {
	return r.vault.Index("panel "+string(kind), text)
}

// Seed is a secret of these keys for a purpose: always the same, and told to
// nobody by the database.
func (r *Registry) Seed(purpose string) []byte { return []byte(r.vault.Blind("seed", purpose)) }
