package registry

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"saltmine/internal/canary"
)

// LogID names a log of a place, of which a text is the mark: what is kept of it under
// the same id is replaced.
func (r *Registry) LogID(place canary.Place, mark string) string {
	return "l_" + r.vault.Blind("log", string(place)+"|"+mark)
}

// KeepLogHealth keeps what a log shows of itself, in the place of what was kept of it
// before, and puts an act about it on the evidence log.
func (r *Registry) KeepLogHealth(ctx context.Context, h canary.LogHealth, act canary.Act) error {
	err := r.inTx(ctx, func(tx *sql.Tx) error { return r.saveHealth(ctx, tx, &h, &act) })
	if err != nil {
		return fmt.Errorf("registry: health of a log: %w", err)
	}
	return nil
}

// saveHealth keeps either, or neither.
func (r *Registry) saveHealth(ctx context.Context, tx *sql.Tx, h *canary.LogHealth, act *canary.Act) error {
	if h != nil {
		plain, err := json.Marshal(h)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "DELETE FROM log_health WHERE id = ?", h.ID); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "INSERT INTO log_health (id, place, latest, sealed) VALUES (?,?,?,?)",
			h.ID, h.Place, micros(h.Last), r.vault.Seal(healthField(h.ID), plain))
		if err != nil {
			return err
		}
	}
	if act != nil {
		return r.record(ctx, tx, *act)
	}
	return nil
}

func healthField(id string) string { return "log_health|" + id }

// LogHealth returns what is kept of one log; of one that was not read, the zero value.
func (r *Registry) LogHealth(ctx context.Context, id string) (canary.LogHealth, error) {
	list, err := r.logHealth(ctx, "id = ?", id)
	if err != nil || len(list) == 0 {
		return canary.LogHealth{}, err
	}
	return list[0], nil
}

// LogsOf returns what is kept of the logs of a place, or of all places when it is
// empty, those that end first before the others.
func (r *Registry) LogsOf(ctx context.Context, place canary.Place) ([]canary.LogHealth, error) {
	if place == "" {
		return r.logHealth(ctx, "1=1")
	}
	return r.logHealth(ctx, "place = ?", place)
}

func (r *Registry) logHealth(ctx context.Context, where string, args ...any) ([]canary.LogHealth, error) {
	list, err := opened(ctx, r, "SELECT id, sealed FROM log_health WHERE "+where+" ORDER BY latest, id", args, healthField, func(string) (h canary.LogHealth) { return h })
	if err != nil {
		return nil, fmt.Errorf("registry: health of logs: %w", err)
	}
	return list, nil
}
