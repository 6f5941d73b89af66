package registry

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"saltmine/internal/canary"
)

// card is the sealed part of a canary's row.
type card struct {
	Segment canary.Segment `json:"segment"`
	Name    string         `json:"name"`
	Rows    []byte         `json:"rows"`
}

// Intend registers plantings with all their tokens and placebos in one
// transaction. A token that is already registered fails the whole call.
func (r *Registry) Intend(ctx context.Context, plantings []canary.Planting) error {
	return r.inTx(ctx, func(tx *sql.Tx) error {
		for i := range plantings {
			if err := r.insertPlanting(ctx, tx, &plantings[i]); err != nil {
				return fmt.Errorf("registry: register %s: %w", plantings[i].ID, err)
			}
		}
		return nil
	})
}

func (r *Registry) insertPlanting(ctx context.Context, tx *sql.Tx, p *canary.Planting) error {
	body, err := json.Marshal(card{p.Segment, p.Name, p.Rows})
	if err != nil {
		return err
	}
	var keys []byte
	if p.Keys != nil {
		keys = r.vault.Seal(canaryField(p.ID, "keys"), p.Keys)
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO canaries (id, state, batch, place, sealed, sealed_keys) VALUES (?,?,?,?,?,?)",
		p.ID, p.State, p.Batch, p.Place, r.vault.Seal(canaryField(p.ID, "card"), body), keys)
	if err != nil {
		return err
	}
	return r.insertTokens(ctx, tx, owner{p.ID, p.Place}, p.Tokens, p.Placebos)
}

// Amend applies one change of a planting, all of it or nothing.
func (r *Registry) Amend(ctx context.Context, a canary.Amendment) error {
	err := r.inTx(ctx, func(tx *sql.Tx) error {
		p, err := r.planting(ctx, tx, a.Canary)
		if err != nil {
			return err
		}
		if err := r.amendCanary(ctx, tx, p, a); err != nil {
			return err
		}
		for id, w := range a.Windows {
			sealed, err := r.sealWindow(id, w)
			if err != nil {
				return err
			}
			if err := one(tx.ExecContext(ctx, "UPDATE tokens SET sealed_window = ? WHERE id = ? AND canary = ?", sealed, id, a.Canary)); err != nil {
				return fmt.Errorf("window of %s: %w", id, err)
			}
		}
		return r.insertTokens(ctx, tx, owner{p.ID, p.Place}, a.Tokens, a.Placebos)
	})
	if err != nil {
		return fmt.Errorf("registry: amend %s: %w", a.Canary, err)
	}
	return nil
}

func (r *Registry) amendCanary(ctx context.Context, tx *sql.Tx, p *canary.Planting, a canary.Amendment) error {
	if a.State != "" {
		if _, err := tx.ExecContext(ctx, "UPDATE canaries SET state = ? WHERE id = ?", a.State, a.Canary); err != nil {
			return err
		}
	}
	if a.Keys != nil {
		if _, err := tx.ExecContext(ctx, "UPDATE canaries SET sealed_keys = ? WHERE id = ?", r.vault.Seal(canaryField(a.Canary, "keys"), a.Keys), a.Canary); err != nil {
			return err
		}
	}
	if a.Rows == nil && a.Segment == "" {
		return nil
	}
	c := card{p.Segment, p.Name, p.Rows}
	if a.Rows != nil {
		c.Rows = a.Rows
	}
	if a.Segment != "" {
		c.Segment = a.Segment
	}
	body, err := json.Marshal(c)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "UPDATE canaries SET sealed = ? WHERE id = ?", r.vault.Seal(canaryField(a.Canary, "card"), body), a.Canary)
	return err
}

func canaryField(id canary.ID, field string) string { return "canaries|" + string(id) + "|" + field }

// one turns "no row was changed" into ErrNotFound. MySQL counts changed rows,
// and every sealed value is new, so an update that found its row changed it.
func one(res sql.Result, err error) error {
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err != nil {
		return err
	}
	if n == 0 {
		return ErrNotFound
	}
	return nil
}

type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

const plantingColumns = "id, state, batch, place, sealed, sealed_keys"

func (r *Registry) planting(ctx context.Context, q querier, id canary.ID) (*canary.Planting, error) {
	p, err := r.scanPlanting(q.QueryRowContext(ctx, "SELECT "+plantingColumns+" FROM canaries WHERE id = ?", id))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrNotFound
	}
	return p, err
}

type scanner interface{ Scan(dest ...any) error }

func (r *Registry) scanPlanting(row scanner) (*canary.Planting, error) {
	var p canary.Planting
	var sealed, keys []byte
	if err := row.Scan(&p.ID, &p.State, &p.Batch, &p.Place, &sealed, &keys); err != nil {
		return nil, err
	}
	body, err := r.vault.Open(canaryField(p.ID, "card"), sealed)
	if err != nil {
		return nil, fmt.Errorf("canary %s: %w", p.ID, err)
	}
	var c card
	if err := json.Unmarshal(body, &c); err != nil {
		return nil, fmt.Errorf("canary %s: %w", p.ID, err)
	}
	p.Segment, p.Name, p.Rows = c.Segment, c.Name, c.Rows
	if keys != nil {
		if p.Keys, err = r.vault.Open(canaryField(p.ID, "keys"), keys); err != nil {
			return nil, fmt.Errorf("canary %s: %w", p.ID, err)
		}
	}
	return &p, nil
}

// Plantings returns the plantings that the filter chooses, with their tokens
// and without their placebos, in the order of their ids.
func (r *Registry) Plantings(ctx context.Context, f canary.Filter) ([]canary.Planting, error) {
	if f.IDs != nil && len(f.IDs) == 0 {
		return nil, nil
	}
	where, args := filterSQL(f)
	list, err := r.queryPlantings(ctx, "SELECT "+plantingColumns+" FROM canaries"+where, args)
	if err != nil {
		return nil, fmt.Errorf("registry: plantings: %w", err)
	}
	if err := r.attachTokens(ctx, list); err != nil {
		return nil, fmt.Errorf("registry: plantings: %w", err)
	}
	return list, nil
}

func filterSQL(f canary.Filter) (string, []any) {
	where, args := " WHERE 1=1", []any{}
	if f.Place != "" {
		where, args = where+" AND place = ?", append(args, f.Place)
	}
	if f.Batch != "" {
		where, args = where+" AND batch = ?", append(args, f.Batch)
	}
	if len(f.States) > 0 {
		where += " AND state IN (" + marks(len(f.States)) + ")"
		for _, s := range f.States {
			args = append(args, s)
		}
	}
	if len(f.IDs) > 0 {
		where += " AND id IN (" + marks(len(f.IDs)) + ")"
		for _, id := range f.IDs {
			args = append(args, id)
		}
	}
	where += " ORDER BY id"
	if f.Limit > 0 {
		where, args = where+" LIMIT ?", append(args, f.Limit)
	}
	return where, args
}

func (r *Registry) queryPlantings(ctx context.Context, query string, args []any) ([]canary.Planting, error) {
	rows, err := r.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	var list []canary.Planting
	for rows.Next() {
		p, err := r.scanPlanting(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, *p)
	}
	return list, rows.Err()
}

// Counts says how many canaries stand in each state and how many tokens there
// are of each role and kind ("planted email").
func (r *Registry) Counts(ctx context.Context) (map[string]int, error) {
	out := map[string]int{}
	for _, query := range []string{
		"SELECT state, COUNT(*) FROM canaries GROUP BY state",
		"SELECT CONCAT(role, ' ', kind), COUNT(*) FROM tokens GROUP BY role, kind",
	} {
		if err := r.countInto(ctx, query, out); err != nil {
			return nil, fmt.Errorf("registry: count: %w", err)
		}
	}
	return out, nil
}

func (r *Registry) countInto(ctx context.Context, query string, out map[string]int) error {
	rows, err := r.db.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	for rows.Next() {
		var name string
		var n int
		if err := rows.Scan(&name, &n); err != nil {
			return err
		}
		out[name] = n
	}
	return rows.Err()
}
