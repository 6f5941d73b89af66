package registry

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"saltmine/internal/canary"
)

type batchCard struct {
	Place   canary.Place     `json:"place"`
	Segment canary.Segment   `json:"segment"`
	Count   int              `json:"count"`
	Seed    []byte           `json:"seed"`
	With    []canary.Kind    `json:"with,omitempty"`
	Over    time.Duration    `json:"over,omitempty"`
	Rates   []float64        `json:"rates,omitempty"`
	By      []string         `json:"by,omitempty"`
	Strata  []canary.Stratum `json:"strata,omitempty"`

	Gate canary.Judgement `json:"gate"`
	Form bool             `json:"form,omitempty"`
}

// OpenBatch registers a run of plant before its first canary.
func (r *Registry) OpenBatch(ctx context.Context, b canary.Batch) error {
	body, err := json.Marshal(batchCard{Place: b.Place, Segment: b.Segment, Count: b.Count, Seed: b.Seed, With: b.With, Over: b.Over, Rates: b.Rates, By: b.By, Strata: b.Strata, Gate: b.Gate, Form: b.Form})
	if err != nil {
		return fmt.Errorf("registry: batch %s: %w", b.ID, err)
	}
	_, err = r.db.ExecContext(ctx, "INSERT INTO batches (id, opened, closed, sealed) VALUES (?,?,0,?)",
		b.ID, micros(b.Opened), r.vault.Seal("batches|"+string(b.ID), body))
	if err != nil {
		return fmt.Errorf("registry: batch %s: %w", b.ID, err)
	}
	return nil
}

// CloseBatch marks a run of plant as finished.
func (r *Registry) CloseBatch(ctx context.Context, id canary.BatchID, at time.Time) error {
	if err := one(r.db.ExecContext(ctx, "UPDATE batches SET closed = ? WHERE id = ? AND closed = 0", micros(at), id)); err != nil {
		return fmt.Errorf("registry: close batch %s: %w", id, err)
	}
	return nil
}

// Batch returns one run of plant.
func (r *Registry) Batch(ctx context.Context, id canary.BatchID) (b canary.Batch, found bool, err error) {
	b, err = r.scanBatch(r.db.QueryRowContext(ctx, "SELECT id, opened, closed, sealed FROM batches WHERE id = ?", id))
	if errors.Is(err, sql.ErrNoRows) {
		return canary.Batch{}, false, nil
	}
	if err != nil {
		return canary.Batch{}, false, fmt.Errorf("registry: batch %s: %w", id, err)
	}
	return b, true, nil
}

// UnfinishedBatches returns the runs of plant that were not finished, oldest first.
func (r *Registry) UnfinishedBatches(ctx context.Context) ([]canary.Batch, error) {
	return r.batches(ctx, "SELECT id, opened, closed, sealed FROM batches WHERE closed = 0 ORDER BY opened")
}

// Batches returns all runs of plant, oldest first.
func (r *Registry) Batches(ctx context.Context) ([]canary.Batch, error) {
	return r.batches(ctx, "SELECT id, opened, closed, sealed FROM batches ORDER BY opened, id")
}

func (r *Registry) batches(ctx context.Context, query string) ([]canary.Batch, error) {
	rows, err := r.db.QueryContext(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("registry: batches: %w", err)
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	var list []canary.Batch
	for rows.Next() {
		b, err := r.scanBatch(rows)
		if err != nil {
			return nil, fmt.Errorf("registry: batches: %w", err)
		}
		list = append(list, b)
	}
	return list, rows.Err()
}

func (r *Registry) scanBatch(row scanner) (b canary.Batch, err error) {
	var opened, closed int64
	var sealed []byte
	if err := row.Scan(&b.ID, &opened, &closed, &sealed); err != nil {
		return b, err
	}
	body, err := r.vault.Open("batches|"+string(b.ID), sealed)
	if err != nil {
		return b, err
	}
	var c batchCard
	if err := json.Unmarshal(body, &c); err != nil {
		return b, err
	}
	b.Opened, b.Closed = fromMicros(opened), fromMicros(closed)
	b.Place, b.Segment, b.Count, b.Seed = c.Place, c.Segment, c.Count, c.Seed
	b.With, b.Over, b.Rates, b.By, b.Strata, b.Gate, b.Form = c.With, c.Over, c.Rates, c.By, c.Strata, c.Gate, c.Form
	return b, nil
}
