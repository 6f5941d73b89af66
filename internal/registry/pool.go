package registry

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/inventory"
)

var errEntering = errors.New("another process has been entering items into the pool for a minute; try again")

const enterLimit = time.Minute

// poolCard is the sealed part of a pool item's row: all of it but name and
// kind. It has the fields of [inventory.Item] in their order, so that a field
// that is forgotten here does not compile.
type poolCard struct {
	ID       inventory.ID      `json:"-"`
	Kind     inventory.Kind    `json:"-"`
	Text     string            `json:"text"`
	Provider string            `json:"provider,omitempty"`
	Country  string            `json:"country,omitempty"`
	Locale   string            `json:"locale,omitempty"`
	Name     string            `json:"name,omitempty"`
	Owner    string            `json:"owner,omitempty"`
	Consent  string            `json:"consent,omitempty"`
	Line     string            `json:"line,omitempty"`
	Reading  inventory.Reading `json:"reading,omitzero"`
	Soak     time.Duration     `json:"soak,omitempty"`
	Capacity int               `json:"capacity,omitempty"`
	Expires  time.Time         `json:"expires,omitzero"`
	Listed   bool              `json:"listed,omitempty"`
	Added    time.Time         `json:"added"`
	Token    canary.TokenID    `json:"token,omitempty"`
	Placebo  bool              `json:"placebo,omitempty"`
	Carried  int               `json:"-"` // counted where it is read
	Freed    time.Time         `json:"freed,omitzero"`
	Retired  time.Time         `json:"retired,omitzero"`
	Reason   string            `json:"reason,omitempty"`
	Unlisted time.Time         `json:"unlisted,omitzero"`
	Check    inventory.Check   `json:"-"` // sealed by itself
}

// AddPoolItems enters items into the pool in one transaction: all of them or,
// when one is malformed or clashes, none. What is there already is described
// anew and keeps its name and the facts of its use.
func (r *Registry) AddPoolItems(ctx context.Context, items []inventory.Item) (inventory.Entry, error) {
	return r.enterPool(ctx, items, false)
}

// ImportPool is AddPoolItems for everything that the configuration lists: an
// item that it listed before and lists no more gets no new token from now on.
// The same list again changes nothing.
func (r *Registry) ImportPool(ctx context.Context, items []inventory.Item) (inventory.Entry, error) {
	return r.enterPool(ctx, items, true)
}

// enterPool holds a lock on MySQL: rows that are not there yet cannot be
// locked, and of two processes that enter them at once one would fail.
func (r *Registry) enterPool(ctx context.Context, items []inventory.Item, whole bool) (e inventory.Entry, err error) {
	if r.mysql {
		unlock, err := r.lock(ctx, "saltmine pool", enterLimit, errEntering)
		if err != nil {
			return e, err
		}
		defer unlock()
	}
	err = r.inTx(ctx, func(tx *sql.Tx) error {
		have, err := r.queryPool(ctx, tx, poolWhere{lock: r.mysql})
		if err != nil {
			return err
		}
		if e, err = inventory.Enter(have, items, whole, r.now()); err != nil {
			return err
		}
		return r.writeEntry(ctx, tx, &e)
	})
	if err != nil {
		return inventory.Entry{}, fmt.Errorf("registry: enter into the pool: %w", err)
	}
	return e, nil
}

func (r *Registry) writeEntry(ctx context.Context, tx *sql.Tx, e *inventory.Entry) error {
	args := make([]any, 0, 6*len(e.Added))
	for i := range e.Added {
		item := &e.Added[i]
		sealed, err := r.sealPoolItem(item)
		if err != nil {
			return err
		}
		args = append(args, r.blindPoolItem(item), item.ID, item.Kind, item.Token, r.blindLanding(item), sealed)
	}
	if err := insertRows(ctx, tx, "pool (blind, id, kind, token, landing, sealed)", 6, args); err != nil {
		return err
	}
	changes := make([]change, 0, len(e.Changed)+len(e.Unlisted))
	for _, list := range [][]inventory.Item{e.Changed, e.Unlisted} {
		for i := range list {
			sealed, err := r.sealPoolItem(&list[i])
			if err != nil {
				return err
			}
			changes = append(changes, change{list[i].ID, []string{"landing", "sealed"}, []any{r.blindLanding(&list[i]), sealed}})
		}
	}
	return updateRows(ctx, tx, "pool", changes)
}

// blindLanding is the blind index of the address to which an item forwards;
// empty where it does not.
func (r *Registry) blindLanding(i *inventory.Item) string {
	if i.Reading.ForwardTo == "" {
		return ""
	}
	return r.vault.Blind("landing", i.Reading.ForwardTo)
}

// blindPoolItem is the blind index by which tokens of the same text are found
// too; a mailbox and a seed address share it.
func (r *Registry) blindPoolItem(i *inventory.Item) string {
	if i.Kind == inventory.Domain {
		return r.BlindDomain(i.Text)
	}
	return r.vault.Blind(string(i.Kind.Token()), i.Text)
}

func (r *Registry) sealPoolItem(i *inventory.Item) ([]byte, error) {
	body, err := json.Marshal(poolCard(*i))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", i, err)
	}
	return r.vault.Seal(poolField(i.ID, "card"), body), nil
}

func poolField(id inventory.ID, field string) string { return "pool|" + string(id) + "|" + field }

// poolWhere chooses rows of the pool.
type poolWhere struct {
	column string // of which the values are; empty: all rows
	values []any
	kinds  []inventory.Kind
	lock   bool // until the transaction ends; MySQL alone needs to be told
}

// only chooses by the values of one column.
func only[T ~string](column string, values ...T) poolWhere {
	w := poolWhere{column: column}
	for _, v := range values {
		w.values = append(w.values, v)
	}
	return w
}

func (r *Registry) queryPool(ctx context.Context, q querier, w poolWhere) ([]inventory.Item, error) {
	query, args := "SELECT id, kind, sealed, sealed_check FROM pool WHERE 1=1", slices.Clone(w.values)
	if w.column != "" {
		query += " AND " + w.column + " IN (" + marks(len(w.values)) + ")"
	}
	if len(w.kinds) > 0 {
		query += " AND kind IN (" + marks(len(w.kinds)) + ")"
		for _, k := range w.kinds {
			args = append(args, k)
		}
	}
	query += " ORDER BY id"
	if w.lock {
		query += " FOR UPDATE"
	}
	var list []inventory.Item
	err := eachOf(ctx, q, query, args, func(row *sql.Rows) error {
		i, err := r.scanPoolItem(row)
		list = append(list, i)
		return err
	})
	return list, err
}

func (r *Registry) scanPoolItem(row scanner) (i inventory.Item, err error) {
	var sealed, check []byte
	if err := row.Scan(&i.ID, &i.Kind, &sealed, &check); err != nil {
		return i, err
	}
	body, err := r.vault.Open(poolField(i.ID, "card"), sealed)
	if err != nil {
		return i, fmt.Errorf("%s: %w", i, err)
	}
	c := poolCard{ID: i.ID, Kind: i.Kind}
	if err := json.Unmarshal(body, &c); err != nil {
		return i, fmt.Errorf("%s: %w", i, err)
	}
	i = inventory.Item(c)
	if check == nil {
		return i, nil
	}
	if body, err = r.vault.Open(poolField(i.ID, "check"), check); err != nil {
		return i, fmt.Errorf("%s: %w", i, err)
	}
	if err := json.Unmarshal(body, &i.Check); err != nil {
		return i, fmt.Errorf("%s: check: %w", i, err)
	}
	return i, nil
}

// PoolItems returns the items that the filter chooses, in the order of their
// names. Of a domain it counts the addresses that stand in rows now. A mailbox
// or number that never was used and nevertheless is registered, as a token or
// a placebo, comes back as held by the token "t_registered".
func (r *Registry) PoolItems(ctx context.Context, f inventory.Filter) ([]inventory.Item, error) {
	list, err := r.queryPool(ctx, r.db, poolWhere{kinds: f.Kinds})
	if err == nil {
		err = r.countCarried(ctx, list)
	}
	if err == nil {
		err = r.markRegistered(ctx, list)
	}
	if err != nil {
		return nil, fmt.Errorf("registry: pool: %w", err)
	}
	var out []inventory.Item
	for i := range list {
		if f.Match(&list[i]) {
			out = append(out, list[i])
		}
	}
	return out, nil
}

// registered stands for a token of whose use the pool was not told.
const registered canary.TokenID = "t_registered"

// markRegistered keeps what is a token already from being offered again, should
// somebody have minted it past the pool.
func (r *Registry) markRegistered(ctx context.Context, list []inventory.Item) error {
	at := map[canary.Kind]map[string]int{canary.Email: {}, canary.Phone: {}}
	for n := range list {
		if i := &list[n]; i.Kind != inventory.Domain && i.Token == "" && i.Freed.IsZero() {
			at[i.Kind.Token()][i.Text] = n
		}
	}
	for kind, index := range at {
		texts := make([]string, 0, len(index))
		for text := range index {
			texts = append(texts, text)
		}
		known, err := r.KnownAmong(ctx, kind, texts)
		if err != nil {
			return err
		}
		for _, text := range known {
			list[index[text]].Token = registered
		}
	}
	return nil
}
