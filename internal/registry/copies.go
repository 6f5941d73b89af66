package registry

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"saltmine/internal/canary"
)

func copyField(id string) string { return "table_copies|" + id }

// saveCopies adds to what tables are known to hold; nothing is taken away.
func (r *Registry) saveCopies(ctx context.Context, tx *sql.Tx, b *canary.ReadBatch) error {
	for i := range b.Copies {
		c := b.Copies[i]
		id := r.vault.Blind("copy", string(b.Place)+"|"+c.Table)
		var sealed []byte
		err := tx.QueryRowContext(ctx, r.locking("SELECT sealed FROM table_copies WHERE id = ?"), id).Scan(&sealed)
		fresh := errors.Is(err, sql.ErrNoRows)
		if err != nil && !fresh {
			return err
		}
		if !fresh {
			before, err := r.openCopy(id, sealed)
			if err != nil {
				return err
			}
			c = before.With(&c)
		}
		plain, err := json.Marshal(&c)
		if err != nil {
			return err
		}
		sealed = r.vault.Seal(copyField(id), plain)
		if fresh {
			_, err = tx.ExecContext(ctx, "INSERT INTO table_copies (id, place, sealed) VALUES (?,?,?)", id, b.Place, sealed)
		} else {
			_, err = tx.ExecContext(ctx, "UPDATE table_copies SET sealed = ? WHERE id = ?", sealed, id)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *Registry) openCopy(id string, sealed []byte) (c canary.Copy, err error) {
	plain, err := r.vault.Open(copyField(id), sealed)
	if err == nil {
		err = json.Unmarshal(plain, &c)
	}
	return c, err
}

// Copies returns the tables of a place that statements filled with canaries' rows.
func (r *Registry) Copies(ctx context.Context, place canary.Place) ([]canary.Copy, error) {
	list, err := opened(ctx, r, "SELECT id, sealed FROM table_copies WHERE place = ? ORDER BY id", []any{place}, copyField, func(string) (c canary.Copy) { return c })
	if err != nil {
		return nil, fmt.Errorf("registry: copies in %s: %w", place, err)
	}
	return list, nil
}
