package registry

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"

	"saltmine/internal/canary"
	"saltmine/internal/inventory"
)

// used is a token that goes into a pool item, with the index of its text.
type used struct {
	item  inventory.ID
	token canary.Token
	index int64
}

// use notes that tokens that were added go into pool items.
func (g *registration) use(tokens []canary.DatedToken, placebos []canary.Token, uses []canary.Use) error {
	if len(uses) == 0 {
		return nil
	}
	all := make(map[canary.TokenID]canary.Token, len(tokens)+len(placebos))
	for _, t := range tokens {
		all[t.ID] = t.Token
	}
	for _, t := range placebos {
		all[t.ID] = t
	}
	for _, u := range uses {
		t, found := all[u.Token]
		if !found {
			return fmt.Errorf("item %s: %w: its token %s is not registered with it", u.Item, canary.ErrInvalid, u.Token)
		}
		g.used = append(g.used, used{u.Item, t, g.r.vault.Index(string(t.Kind), t.Text)})
	}
	return nil
}

// useItems puts the tokens into their items. The error is
// [inventory.ErrNotReady] when one is not ready now, which is also how the
// slower of two processes learns that the other one has it.
func (g *registration) useItems(ctx context.Context, tx *sql.Tx) error {
	if len(g.used) == 0 {
		return nil
	}
	// In one order everywhere, so that two processes do not wait for each other.
	slices.SortFunc(g.used, func(a, b used) int { return cmp.Compare(a.item, b.item) })
	ids := make([]inventory.ID, len(g.used))
	for i, u := range g.used {
		ids[i] = u.item
	}
	items, err := lockItems(ctx, g.r, tx, "id", ids)
	if err != nil {
		return err
	}
	for _, u := range g.used {
		at, found := slices.BinarySearchFunc(items, u.item, func(i inventory.Item, id inventory.ID) int { return cmp.Compare(i.ID, id) })
		if !found {
			return fmt.Errorf("pool item %s: %w", u.item, ErrNotFound)
		}
		if items[at], err = g.put(items[at], &u); err != nil {
			return err
		}
	}
	if err := g.againAndAgain(ctx, tx); err != nil {
		return err
	}
	return g.r.writeItems(ctx, tx, items)
}

func (g *registration) put(i inventory.Item, u *used) (inventory.Item, error) {
	if i.Kind.Token() != u.token.Kind || i.Text != u.token.Text {
		return i, fmt.Errorf("%s: %w: %s is not its text", i, canary.ErrInvalid, u.token)
	}
	if u.token.Role == canary.RolePlacebo {
		return g.r.rules.Hold(i, u.token.ID, g.r.now())
	}
	return g.r.rules.Use(i, u.token.ID, g.r.now())
}

// againAndAgain finds which texts were tokens before, and refuses those of
// which a token has not ended.
func (g *registration) againAndAgain(ctx context.Context, tx *sql.Tx) error {
	var indexes []int64
	for _, u := range g.used {
		if u.token.Role == canary.RolePlanted {
			indexes = append(indexes, u.index)
		}
	}
	g.known = map[int64]bool{}
	return selectIn(ctx, tx, "SELECT id, blind, sealed_window FROM tokens WHERE blind IN", indexes, func(row *sql.Rows) error {
		var id canary.TokenID
		var index int64
		var sealed []byte
		if err := row.Scan(&id, &index, &sealed); err != nil {
			return err
		}
		w, err := g.r.openWindow(id, sealed)
		if err != nil {
			return err
		}
		if !w.Until.Come() {
			return fmt.Errorf("token %s has not ended: %w", id, inventory.ErrNotReady)
		}
		g.known[index] = true
		return nil
	})
}

func (r *Registry) openWindow(id canary.TokenID, sealed []byte) (canary.Window, error) {
	w, err := r.openSealedWindow(id, sealed)
	return w.Window, err
}

func (r *Registry) openSealedWindow(id canary.TokenID, sealed []byte) (w sealedWindow, err error) {
	body, err := r.vault.Open(tokenField(id, "window"), sealed)
	if err != nil {
		return w, fmt.Errorf("%s: %w", id, err)
	}
	if err := json.Unmarshal(body, &w); err != nil {
		return w, fmt.Errorf("%s: window: %w", id, err)
	}
	return w, nil
}

// letGo releases the items whose tokens have ended: they rest from now on.
func (r *Registry) letGo(ctx context.Context, tx *sql.Tx, ended []canary.TokenID) error {
	items, err := lockItems(ctx, r, tx, "token", ended)
	if err != nil {
		return err
	}
	for n := range items {
		if items[n], err = r.rules.Release(items[n], r.now()); err != nil {
			return err
		}
	}
	return r.writeItems(ctx, tx, items)
}

// lockItems reads the items that have one of the values in a column, in the
// order of their names, and locks them until the transaction ends.
func lockItems[T ~string](ctx context.Context, r *Registry, tx *sql.Tx, column string, values []T) ([]inventory.Item, error) {
	var items []inventory.Item
	for part := range slices.Chunk(values, rowsAtOnce) {
		where := only(column, part...)
		where.lock = r.mysql
		some, err := r.queryPool(ctx, tx, where)
		if err != nil {
			return nil, fmt.Errorf("pool: %w", err)
		}
		items = append(items, some...)
	}
	slices.SortFunc(items, func(a, b inventory.Item) int { return cmp.Compare(a.ID, b.ID) })
	return items, nil
}

// writeItems writes items back that were read and locked.
func (r *Registry) writeItems(ctx context.Context, tx *sql.Tx, items []inventory.Item) error {
	changes := make([]change, len(items))
	for n := range items {
		sealed, err := r.sealPoolItem(&items[n])
		if err != nil {
			return err
		}
		changes[n] = change{items[n].ID, []string{"token", "sealed"}, []any{string(items[n].Token), sealed}}
	}
	if err := updateRows(ctx, tx, "pool", changes); err != nil {
		return fmt.Errorf("pool: %w", err)
	}
	return nil
}
