package registry

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/inventory"
	"saltmine/internal/token"
)

// RetirePoolItem ends the use of an item from now on. The token that is in it
// stays, and is listened to.
func (r *Registry) RetirePoolItem(ctx context.Context, id inventory.ID, reason string) error {
	return r.changePoolItem(ctx, "retire", id, func(i inventory.Item) (inventory.Item, error) {
		return inventory.Rules{}.Retire(i, r.now(), reason), nil
	})
}

// HeardPoolItem tells the pool that a stranger contacted an address or number
// at a time. An item that soaked then, and is not in use yet, is retired, and
// named; so it is when it is told of the same contact again.
func (r *Registry) HeardPoolItem(ctx context.Context, target canary.Target, at time.Time) (disqualified inventory.ID, err error) {
	if target.Kind != canary.Email && target.Kind != canary.Phone {
		return "", nil
	}
	text, err := token.Canon(target.Kind, target.Text)
	if err != nil {
		return "", nil //nolint:nilerr // what strangers write need not be an address
	}
	var id inventory.ID
	err = r.each(ctx, "SELECT id FROM pool WHERE blind = ? OR landing = ?", []any{r.vault.Blind(string(target.Kind), text), r.vault.Blind("landing", text)}, func(row *sql.Rows) error {
		return row.Scan(&id)
	})
	if err != nil {
		return "", fmt.Errorf("registry: look up pool item: %w", err)
	}
	if id == "" {
		return "", nil
	}
	gone := false
	err = r.changePoolItem(ctx, "judge", id, func(i inventory.Item) (inventory.Item, error) {
		i, gone = r.rules.Heard(i, at)
		return i, nil
	})
	if err != nil || !gone {
		return "", err
	}
	return id, nil
}

// changePoolItem reads an item, lets fn change it and writes it back, in one
// transaction and with the row locked.
func (r *Registry) changePoolItem(ctx context.Context, what string, id inventory.ID, fn func(inventory.Item) (inventory.Item, error)) error {
	err := r.inTx(ctx, func(tx *sql.Tx) error {
		where := only("id", id)
		where.lock = r.mysql
		list, err := r.queryPool(ctx, tx, where)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return ErrNotFound
		}
		item, err := fn(list[0])
		if err != nil {
			return err
		}
		return r.writeItems(ctx, tx, []inventory.Item{item})
	})
	if err != nil {
		return fmt.Errorf("registry: %s pool item %s: %w", what, id, err)
	}
	return nil
}

// NotePoolCheck keeps the result of looking at an item, in place of the last.
func (r *Registry) NotePoolCheck(ctx context.Context, id inventory.ID, c inventory.Check) error {
	body, err := json.Marshal(c)
	if err == nil {
		err = one(r.db.ExecContext(ctx, "UPDATE pool SET sealed_check = ? WHERE id = ?", r.vault.Seal(poolField(id, "check"), body), id))
	}
	if err != nil {
		return fmt.Errorf("registry: check of pool item %s: %w", id, err)
	}
	return nil
}

// countCarried counts the addresses on each domain that stand in rows now.
func (r *Registry) countCarried(ctx context.Context, list []inventory.Item) error {
	at := map[string]*inventory.Item{}
	for n := range list {
		if list[n].Kind == inventory.Domain {
			at[r.BlindDomain(list[n].Text)] = &list[n]
		}
	}
	if len(at) == 0 {
		return nil
	}
	return r.eachAddress(ctx, func(_ canary.ID, domain string) {
		if i := at[domain]; i != nil {
			i.Carried++
		}
	})
}

// AddressShare says of how many canaries that stand in rows, or are about to,
// the address is on a domain of the pool, and of how many it is elsewhere.
func (r *Registry) AddressShare(ctx context.Context) (own, others int, err error) {
	domains, err := r.queryPool(ctx, r.db, poolWhere{kinds: []inventory.Kind{inventory.Domain}})
	if err != nil {
		return 0, 0, fmt.Errorf("registry: pool: %w", err)
	}
	ours := map[string]bool{}
	for i := range domains {
		ours[r.BlindDomain(domains[i].Text)] = true
	}
	owned := map[canary.ID]bool{}
	err = r.eachAddress(ctx, func(id canary.ID, domain string) { owned[id] = owned[id] || ours[domain] })
	if err != nil {
		return 0, 0, fmt.Errorf("registry: addresses: %w", err)
	}
	for _, is := range owned {
		if is {
			own++
		}
	}
	return own, len(owned) - own, nil
}

// eachAddress gives every address that stands in a row, or is about to, as its
// canary and the blind index of its domain.
func (r *Registry) eachAddress(ctx context.Context, fn func(canary.ID, string)) error {
	const query = "SELECT t.id, t.canary, t.domain, t.sealed_window FROM tokens t JOIN canaries c ON c.id = t.canary WHERE t.kind = ? AND c.state <> ?"
	return r.each(ctx, query, []any{canary.Email, canary.Retired}, func(row *sql.Rows) error {
		var id canary.TokenID
		var of canary.ID
		var domain string
		var sealed []byte
		if err := row.Scan(&id, &of, &domain, &sealed); err != nil {
			return err
		}
		w, err := r.openWindow(id, sealed)
		if err != nil {
			return err
		}
		if !w.Until.Come() {
			fn(of, domain)
		}
		return nil
	})
}
