package registry

import (
	"context"
	"database/sql"
	"encoding/json"
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
// transaction, in which these go into their pool items. A token that is already
// registered fails the whole call, unless it is that of an item which has
// rested since; an item that is not ready does with [inventory.ErrNotReady].
func (r *Registry) Intend(ctx context.Context, plantings []canary.Planting) error {
	// Sealed before the transaction: others wait for its end.
	var canaries []any
	g := registration{r: r}
	for i := range plantings {
		p := &plantings[i]
		row, err := r.canaryRow(p)
		if err == nil {
			canaries = append(canaries, row...)
			err = g.add(owner{p.ID, p.Place}, p.Tokens, p.Placebos)
		}
		if err == nil {
			err = g.use(p.Tokens, p.Placebos, p.Uses)
		}
		if err != nil {
			return fmt.Errorf("registry: register %s: %w", p.ID, err)
		}
	}
	return r.inTx(ctx, func(tx *sql.Tx) error {
		err := insertRows(ctx, tx, "canaries ("+plantingColumns+")", 7, canaries)
		if err == nil {
			err = g.write(ctx, tx)
		}
		if err != nil {
			return fmt.Errorf("registry: register %d canaries: %w", len(plantings), err)
		}
		return nil
	})
}

func (r *Registry) canaryRow(p *canary.Planting) ([]any, error) {
	sealed, err := r.sealCard(p.ID, card{p.Segment, p.Name, p.Rows})
	if err != nil {
		return nil, err
	}
	var keys, life []byte
	if p.Keys != nil {
		keys = r.vault.Seal(canaryField(p.ID, "keys"), p.Keys)
	}
	if p.Life != nil {
		life = r.vault.Seal(canaryField(p.ID, "life"), p.Life)
	}
	return []any{p.ID, p.State, p.Batch, p.Place, sealed, keys, life}, nil
}

func (r *Registry) sealCard(id canary.ID, c card) ([]byte, error) {
	body, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	return r.vault.Seal(canaryField(id, "card"), body), nil
}

func (r *Registry) openCard(id canary.ID, sealed []byte) (c card, err error) {
	body, err := r.vault.Open(canaryField(id, "card"), sealed)
	if err != nil {
		return c, err
	}
	return c, json.Unmarshal(body, &c)
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

const plantingColumns = "id, state, batch, place, sealed, sealed_keys, sealed_life"

const standingColumns = plantingColumns + ", seen"

type scanner interface{ Scan(dest ...any) error }

func (r *Registry) scanPlanting(row scanner) (*canary.Planting, error) {
	var p canary.Planting
	var sealed, keys, life []byte
	var seen int64
	if err := row.Scan(&p.ID, &p.State, &p.Batch, &p.Place, &sealed, &keys, &life, &seen); err != nil {
		return nil, err
	}
	p.Seen = fromMicros(seen)
	c, err := r.openCard(p.ID, sealed)
	if err != nil {
		return nil, fmt.Errorf("canary %s: %w", p.ID, err)
	}
	p.Segment, p.Name, p.Rows = c.Segment, c.Name, c.Rows
	if keys != nil {
		if p.Keys, err = r.vault.Open(canaryField(p.ID, "keys"), keys); err != nil {
			return nil, fmt.Errorf("canary %s: %w", p.ID, err)
		}
	}
	if life != nil {
		if p.Life, err = r.vault.Open(canaryField(p.ID, "life"), life); err != nil {
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
	list, err := r.queryPlantings(ctx, "SELECT "+standingColumns+" FROM canaries"+where, args)
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
		"SELECT CONCAT('planted ', kind), COUNT(*) FROM tokens GROUP BY kind",
		"SELECT CONCAT('placebo ', kind), SUM(placebos) FROM cohorts GROUP BY kind",
	} {
		if err := r.countInto(ctx, query, out); err != nil {
			return nil, fmt.Errorf("registry: count: %w", err)
		}
	}
	return out, nil
}

func (r *Registry) countInto(ctx context.Context, query string, out map[string]int) error {
	return r.each(ctx, query, nil, func(rows *sql.Rows) error {
		var name string
		var n int
		if err := rows.Scan(&name, &n); err != nil {
			return err
		}
		out[name] = n
		return nil
	})
}
