package registry

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Tick is one scheduled moment of a job that was done.
type Tick struct {
	At   time.Time // when it was to be done
	Done time.Time
	Late bool // it was missed and made up for
}

// keepTicks is how long ticks stay on the record.
const keepTicks = 400 * 24 * time.Hour

// LastRun returns the last moment up to which a scheduled job has been done,
// zero when it never was.
func (r *Registry) LastRun(ctx context.Context, job string) (time.Time, error) {
	var at int64
	err := r.db.QueryRowContext(ctx, "SELECT last_run FROM jobs WHERE name = ?", job).Scan(&at)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, fmt.Errorf("registry: job %s: %w", job, err)
	}
	return fromMicros(at), nil
}

// SetLastRun records up to when a scheduled job has been done.
func (r *Registry) SetLastRun(ctx context.Context, job string, at time.Time) error {
	return r.SettleTicks(ctx, job, at, nil)
}

// SettleTicks records in one transaction that a job has been done up to a
// moment, and the ticks that were done for it, in their order. A tick that is
// on the record already fails the whole call. What is older than 400 days
// leaves the record.
func (r *Registry) SettleTicks(ctx context.Context, job string, last time.Time, ticks []Tick) error {
	err := r.inTx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "DELETE FROM jobs WHERE name = ?", job); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO jobs (name, last_run) VALUES (?,?)", job, micros(last)); err != nil {
			return err
		}
		args := make([]any, 0, 4*len(ticks))
		for _, t := range ticks {
			late := 0
			if t.Late {
				late = 1
			}
			args = append(args, job, micros(t.At), micros(t.Done), late)
		}
		if err := insertRows(ctx, tx, "ticks (job, tick, done, late)", 4, args); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "DELETE FROM ticks WHERE job = ? AND tick < ?", job, micros(last.Add(-keepTicks)))
		return err
	})
	if err != nil {
		return fmt.Errorf("registry: job %s: %w", job, err)
	}
	return nil
}

// Ticks returns the ticks of a job that are on the record and not before a
// moment, the oldest first.
func (r *Registry) Ticks(ctx context.Context, job string, since time.Time) ([]Tick, error) {
	var list []Tick
	err := r.each(ctx, "SELECT tick, done, late FROM ticks WHERE job = ? AND tick >= ? ORDER BY tick", []any{job, micros(since)}, func(rows *sql.Rows) error {
		var at, done int64
		var late int
		err := rows.Scan(&at, &done, &late)
		list = append(list, Tick{fromMicros(at), fromMicros(done), late != 0})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("registry: ticks of %s: %w", job, err)
	}
	return list, nil
}
