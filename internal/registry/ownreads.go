package registry

import (
	"context"
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
		_, err = r.db.ExecContext(ctx, "INSERT INTO own_reads (id, place, finished, sealed) VALUES (?,?,?,?)", id, place, micros(now), r.vault.Seal(ownReadField(id), plain))
	}
	if err != nil {
		return fmt.Errorf("registry: own read of %s: %w", place, err)
	}
	return nil
}

func ownReadField(id string) string { return "own_reads|" + id }

// OwnReads returns those of a place that ended after a time and until another, in their
// order.
func (r *Registry) OwnReads(ctx context.Context, place canary.Place, after, until time.Time) ([]canary.OwnRead, error) {
	list, err := opened(ctx, r, "SELECT id, sealed FROM own_reads WHERE place = ? AND finished > ? AND finished <= ? ORDER BY finished, id",
		[]any{place, micros(after), micros(until)}, ownReadField, func(string) canary.OwnRead { return canary.OwnRead{Place: place} })
	if err != nil {
		return nil, fmt.Errorf("registry: own reads of %s: %w", place, err)
	}
	return list, nil
}
