package registry

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"saltmine/internal/canary"
)

// Amend applies one change of a planting, all of it or nothing.
func (r *Registry) Amend(ctx context.Context, a canary.Amendment) error {
	return r.AmendAll(ctx, []canary.Amendment{a})
}

// AmendAll applies changes of different plantings, all of them or nothing. A
// canary or a token that is not there, or a token of another canary, fails the
// whole call with [ErrNotFound]; a canary that is named twice, with
// [canary.ErrInvalid]. The pool items of tokens that end are let go.
func (r *Registry) AmendAll(ctx context.Context, list []canary.Amendment) error {
	return r.inTx(ctx, func(tx *sql.Tx) error {
		w := amending{r: r, tx: tx, registration: registration{r: r}, states: map[canary.State][]canary.ID{}, seen: map[int64][]canary.ID{}}
		if err := w.read(ctx, list); err != nil {
			return fmt.Errorf("registry: amend: %w", err)
		}
		for i := range list {
			if err := w.take(&list[i]); err != nil {
				return fmt.Errorf("registry: amend %s: %w", list[i].Canary, err)
			}
		}
		if err := w.write(ctx); err != nil {
			return fmt.Errorf("registry: amend %d canaries: %w", len(list), err)
		}
		return nil
	})
}

// amending gathers the changes of many canaries, so that they are read and
// written with few statements.
type amending struct {
	r  *Registry
	tx *sql.Tx
	registration
	canaries map[canary.ID]amended
	owners   map[canary.TokenID]canary.ID
	states   map[canary.State][]canary.ID
	seen     map[int64][]canary.ID
	cards    []change
	keys     []change
	rows     []change
	lives    []change
	windows  []change
	ended    []canary.TokenID
}

// amended is a canary as it stands.
type amended struct {
	place  canary.Place
	sealed []byte
}

func (w *amending) read(ctx context.Context, list []canary.Amendment) error {
	var ids []canary.ID
	var tokens []canary.TokenID
	w.canaries, w.owners = map[canary.ID]amended{}, map[canary.TokenID]canary.ID{}
	for i := range list {
		ids = append(ids, list[i].Canary)
		for id := range list[i].Windows {
			tokens = append(tokens, id)
		}
	}
	err := selectIn(ctx, w.tx, "SELECT id, place, sealed FROM canaries WHERE id IN", ids, func(row *sql.Rows) error {
		var id canary.ID
		var c amended
		err := row.Scan(&id, &c.place, &c.sealed)
		w.canaries[id] = c
		return err
	})
	if err != nil {
		return err
	}
	return selectIn(ctx, w.tx, "SELECT id, canary FROM tokens WHERE id IN", tokens, func(row *sql.Rows) error {
		var id canary.TokenID
		var owner canary.ID
		err := row.Scan(&id, &owner)
		w.owners[id] = owner
		return err
	})
}

// take adds one amendment to what will be written.
func (w *amending) take(a *canary.Amendment) error {
	c, found := w.canaries[a.Canary]
	if !found {
		return ErrNotFound
	}
	if c.sealed == nil {
		return fmt.Errorf("%w: amended twice in one call", canary.ErrInvalid)
	}
	w.canaries[a.Canary] = amended{}
	w.takeColumns(a)
	if err := w.takeCard(a, c.sealed); err != nil {
		return err
	}
	if err := w.takeWindows(a); err != nil {
		return err
	}
	if err := w.add(owner{a.Canary, c.place}, a.Tokens, a.Placebos); err != nil {
		return err
	}
	return w.use(a.Tokens, a.Placebos, a.Uses)
}

func (w *amending) takeWindows(a *canary.Amendment) error {
	for id, window := range a.Windows {
		if w.owners[id] != a.Canary {
			return fmt.Errorf("window of %s: %w", id, ErrNotFound)
		}
		sealed, err := w.r.sealWindow(id, window)
		if err != nil {
			return err
		}
		w.windows = append(w.windows, change{id, sealed})
		if window.Until.Come() {
			w.ended = append(w.ended, id)
		}
	}
	return nil
}

// takeColumns adds what stands in columns of its own.
func (w *amending) takeColumns(a *canary.Amendment) {
	if a.State != "" {
		w.states[a.State] = append(w.states[a.State], a.Canary)
	}
	if !a.Seen.IsZero() {
		w.seen[micros(a.Seen)] = append(w.seen[micros(a.Seen)], a.Canary)
	}
	if a.Keys != nil {
		w.keys = append(w.keys, change{a.Canary, w.r.vault.Seal(canaryField(a.Canary, "keys"), a.Keys)})
	}
	if a.Row != "" {
		w.rows = append(w.rows, change{a.Canary, w.r.rowIndex(a.Row)})
	}
	if a.Life != nil {
		w.lives = append(w.lives, change{a.Canary, w.r.vault.Seal(canaryField(a.Canary, "life"), a.Life)})
	}
}

func (w *amending) takeCard(a *canary.Amendment, sealed []byte) error {
	if a.Rows == nil && a.Segment == "" {
		return nil
	}
	c, err := w.r.openCard(a.Canary, sealed)
	if err != nil {
		return err
	}
	if a.Rows != nil {
		c.Rows = a.Rows
	}
	if a.Segment != "" {
		c.Segment = a.Segment
	}
	body, err := w.r.sealCard(a.Canary, c)
	w.cards = append(w.cards, change{a.Canary, body})
	return err
}

func (w *amending) write(ctx context.Context) error {
	for state, ids := range w.states {
		if err := setOf(ctx, w.tx, "state", state, ids); err != nil {
			return err
		}
	}
	for at, ids := range w.seen {
		if err := setOf(ctx, w.tx, "seen", at, ids); err != nil {
			return err
		}
	}
	if err := updateRows(ctx, w.tx, "canaries", "sealed", w.cards); err != nil {
		return err
	}
	if err := updateRows(ctx, w.tx, "canaries", "sealed_keys", w.keys); err != nil {
		return err
	}
	if err := updateRows(ctx, w.tx, "canaries", "blind_row", w.rows); err != nil {
		return err
	}
	if err := updateRows(ctx, w.tx, "canaries", "sealed_life", w.lives); err != nil {
		return err
	}
	if err := updateRows(ctx, w.tx, "tokens", "sealed_window", w.windows); err != nil {
		return err
	}
	if err := w.r.letGo(ctx, w.tx, w.ended); err != nil {
		return err
	}
	return w.registration.write(ctx, w.tx)
}

// setOf gives one column of these canaries the same value.
func setOf(ctx context.Context, tx *sql.Tx, column string, value any, ids []canary.ID) error {
	for part := range slices.Chunk(ids, rowsAtOnce) {
		args := []any{value}
		for _, id := range part {
			args = append(args, id)
		}
		if _, err := tx.ExecContext(ctx, "UPDATE canaries SET "+column+" = ? WHERE id IN ("+marks(len(part))+")", args...); err != nil { //nolint:gosec // our own names, and marks
			return err
		}
	}
	return nil
}
