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
	places  map[canary.ID]canary.Place
	cards   map[canary.ID][]byte // of those whose card changes, sealed
	owners  map[canary.TokenID]canary.ID
	taken   map[canary.ID]bool
	states  map[canary.State][]canary.ID
	seen    map[int64][]canary.ID
	changes []change
	windows []change
	list    windowList
	ended   []canary.TokenID
}

func (w *amending) read(ctx context.Context, list []canary.Amendment) error {
	var ids, cards []canary.ID
	var tokens []canary.TokenID
	w.places, w.cards, w.owners, w.taken = map[canary.ID]canary.Place{}, map[canary.ID][]byte{}, map[canary.TokenID]canary.ID{}, map[canary.ID]bool{}
	for i := range list {
		ids = append(ids, list[i].Canary)
		if changesCard(&list[i]) {
			cards = append(cards, list[i].Canary)
		}
		for id := range list[i].Windows {
			tokens = append(tokens, id)
		}
	}
	err := selectIn(ctx, w.tx, "SELECT id, place FROM canaries WHERE id IN", ids, func(row *sql.Rows) error {
		var id canary.ID
		var place canary.Place
		err := row.Scan(&id, &place)
		w.places[id] = place
		return err
	})
	if err != nil {
		return err
	}
	err = selectIn(ctx, w.tx, "SELECT id, sealed FROM canaries WHERE id IN", cards, func(row *sql.Rows) error {
		var id canary.ID
		var sealed []byte
		err := row.Scan(&id, &sealed)
		w.cards[id] = sealed
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
	place, found := w.places[a.Canary]
	if !found {
		return ErrNotFound
	}
	if w.taken[a.Canary] {
		return fmt.Errorf("%w: amended twice in one call", canary.ErrInvalid)
	}
	w.taken[a.Canary] = true
	if err := w.takeColumns(a); err != nil {
		return err
	}
	if err := w.takeWindows(a); err != nil {
		return err
	}
	if err := w.add(owner{a.Canary, place}, a.Tokens, a.Placebos); err != nil {
		return err
	}
	return w.use(a.Tokens, a.Placebos, a.Uses)
}

func (w *amending) takeWindows(a *canary.Amendment) error {
	for id, window := range a.Windows {
		if w.owners[id] != a.Canary {
			return fmt.Errorf("window of %s: %w", id, ErrNotFound)
		}
		sealed, err := w.list.seal(w.r, id, a.Canary, window)
		if err != nil {
			return err
		}
		w.windows = append(w.windows, change{id, []string{"sealed_window"}, []any{sealed}})
		if window.Until.Come() {
			w.ended = append(w.ended, id)
		}
	}
	return nil
}

// takeColumns adds what stands in columns of the canary.
func (w *amending) takeColumns(a *canary.Amendment) error {
	if a.State != "" {
		w.states[a.State] = append(w.states[a.State], a.Canary)
	}
	if !a.Seen.IsZero() {
		w.seen[micros(a.Seen)] = append(w.seen[micros(a.Seen)], a.Canary)
	}
	c := change{id: a.Canary}
	if a.Keys != nil {
		c.set("sealed_keys", w.r.vault.Seal(canaryField(a.Canary, "keys"), a.Keys))
	}
	if a.Row != "" {
		c.set("blind_row", w.r.rowIndex(a.Row))
	}
	if a.Life != nil {
		c.set("sealed_life", w.r.vault.Seal(canaryField(a.Canary, "life"), a.Life))
	}
	if changesCard(a) {
		card, err := w.card(a)
		if err != nil {
			return err
		}
		c.set("sealed", card)
	}
	w.changes = append(w.changes, c)
	return nil
}

func changesCard(a *canary.Amendment) bool { return a.Rows != nil || a.Segment != "" }

// card is the canary's card with what changes on it, sealed.
func (w *amending) card(a *canary.Amendment) ([]byte, error) {
	c, err := w.r.openCard(a.Canary, w.cards[a.Canary])
	if err != nil {
		return nil, err
	}
	if a.Rows != nil {
		c.Rows = a.Rows
	}
	if a.Segment != "" {
		c.Segment = a.Segment
	}
	return w.r.sealCard(a.Canary, c)
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
	if err := updateRows(ctx, w.tx, "canaries", w.changes); err != nil {
		return err
	}
	if err := updateRows(ctx, w.tx, "tokens", w.windows); err != nil {
		return err
	}
	if err := w.r.letGo(ctx, w.tx, w.ended); err != nil {
		return err
	}
	if err := w.registration.write(ctx, w.tx); err != nil {
		return err
	}
	return w.list.write(ctx, w.r, w.tx)
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
