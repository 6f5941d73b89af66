package registry

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"saltmine/internal/canary"
)

// KeepOwnRead notes that an account of ours has just read the canaries of a place back,
// and how long that took: a log of that time has to have it.
func (r *Registry) KeepOwnRead(ctx context.Context, place canary.Place, account string, took time.Duration) error {
	now := canary.Micro(r.now())
	id := canary.NewID("o")
	plain, err := json.Marshal(canary.OwnRead{Account: account, From: now.Add(-took), Until: now})
	if err == nil {
		_, err = r.db.ExecContext(ctx, "INSERT INTO own_reads (id, place, finished, sealed) VALUES (?,?,?,?)", id, place, micros(now), r.vault.Seal("own_reads|"+id, plain))
	}
	if err != nil {
		return fmt.Errorf("registry: own read of %s: %w", place, err)
	}
	return nil
}

// OwnReads returns those of a place that ended after a time and until another, in their
// order.
func (r *Registry) OwnReads(ctx context.Context, place canary.Place, after, until time.Time) ([]canary.OwnRead, error) {
	var list []canary.OwnRead
	args := []any{place, micros(after), micros(until)}
	err := r.each(ctx, "SELECT id, sealed FROM own_reads WHERE place = ? AND finished > ? AND finished <= ? ORDER BY finished, id", args, func(row *sql.Rows) error {
		var id string
		var sealed []byte
		if err := row.Scan(&id, &sealed); err != nil {
			return err
		}
		plain, err := r.vault.Open("own_reads|"+id, sealed)
		if err != nil {
			return err
		}
		o := canary.OwnRead{Place: place}
		err = json.Unmarshal(plain, &o)
		list = append(list, o)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("registry: own reads of %s: %w", place, err)
	}
	return list, nil
}
