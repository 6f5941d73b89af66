package registry

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"saltmine/internal/canary"
)

// When the master key has been replaced, what the old one sealed still opens with it,
// and is sealed anew piece by piece, each piece in a transaction: whoever breaks it off
// loses nothing, and the next run goes on with what is left. What a record key sealed
// (contacts, mails) stays as it is: its key is sealed anew. The acts are not sealed,
// and their links go on as they were.

// sealedField is a column that the vault seals.
type sealedField struct {
	table, column string
	keys          []string // the columns that name a row
	what          func(keys []string) string
}

func (f *sealedField) name() string { return f.table + "." + f.column }

// sealedFields are all of them.
func sealedFields() []sealedField {
	byID := func(table, column string, what func(id string) string) sealedField {
		return sealedField{table, column, []string{"id"}, func(k []string) string { return what(k[0]) }}
	}
	under := func(table, key string, what func(id string) string) sealedField {
		return sealedField{table, "sealed", []string{key}, func(k []string) string { return what(k[0]) }}
	}
	prefixed := func(prefix string) func(string) string {
		return func(id string) string { return prefix + "|" + id }
	}
	part := func(field func(canary.ID, string) string, name string) func(string) string {
		return func(id string) string { return field(canary.ID(id), name) }
	}
	text := func(name string) func(string) string {
		return func(id string) string { return tokenField(canary.TokenID(id), name) }
	}
	item := func(name string) func(string) string {
		return func(id string) string { return poolField(canary.ItemID(id), name) }
	}
	return []sealedField{
		under("act_head", "id", func(string) string { return "acts|head" }),
		byID("batches", "sealed", prefixed("batches")),
		byID("canaries", "sealed", part(canaryField, "card")), byID("canaries", "sealed_keys", part(canaryField, "keys")), byID("canaries", "sealed_life", part(canaryField, "life")),
		byID("tokens", "sealed", text("text")), byID("tokens", "sealed_window", text("window")),
		{"cohorts", "sealed", []string{"mark", "canary", "kind"}, func(k []string) string {
			mark, _ := strconv.ParseInt(k[0], 10, 32) // a number in the database
			return cohortField(int32(mark), canary.ID(k[1]), canary.Kind(k[2]))
		}},
		under("contact_keys", "contact", func(id string) string { return keyField(canary.ContactID(id)) }),
		under("lookers", "agent", prefixed("lookers")),
		byID("drill_runs", "sealed", func(id string) string { return runField(canary.DrillID(id)) }),
		byID("drill_tokens", "sealed", func(id string) string { return drillField(canary.TokenID(id)) }),
		byID("pool", "sealed", item("card")), byID("pool", "sealed_check", item("check")),
		under("audit_logs", "name", prefixed("audit_logs")),
		byID("canary_reads", "sealed", prefixed("canary_reads")),
		byID("own_reads", "sealed", ownReadField),
		byID("log_health", "sealed", healthField), byID("support_sessions", "sealed", sessionField), byID("table_copies", "sealed", copyField),
		under("panels", "place", func(id string) string { return panelField(canary.Place(id)) }),
		byID("approvals", "sealed", func(id string) string { return approvalField(canary.ApprovalID(id)) }),
		byID("responses", "sealed", func(id string) string { return responseField(canary.ResponseID(id)) }),
		byID("commitments", "sealed", commitField),
	}
}

// resealAtOnce bounds one transaction.
const resealAtOnce = 200

// ErrOldKey is returned when another process goes on sealing with a key that was
// replaced.
var ErrOldKey = errors.New("another process still seals with the old key: start 'saltmine serve' and the like anew, and run this once more")

// unsealed is the condition under which a field is of an old key. What begins with
// zeros was written over, when a contact was given up.
func (f *sealedField) unsealed() string {
	at := "SUBSTR(" + f.column + ", 1, 4)"
	return f.column + " IS NOT NULL AND LENGTH(" + f.column + ") > 4 AND " + at + " <> ? AND " + at + " <> ?"
}

// OldFields counts the fields that are sealed with master keys that were replaced.
func (r *Registry) OldFields(ctx context.Context) (n int64, err error) {
	for _, f := range sealedFields() {
		var some int64
		query := "SELECT COUNT(*) FROM " + f.table + " WHERE " + f.unsealed()
		if err := r.db.QueryRowContext(ctx, query, r.vault.KeyID(), make([]byte, 4)).Scan(&some); err != nil {
			return n, fmt.Errorf("registry: count what old keys sealed: %s: %w", f.name(), err)
		}
		n += some
	}
	return n, nil
}

// Reseal seals anew what old master keys sealed. step hears how many are done.
func (r *Registry) Reseal(ctx context.Context, step func(done int64)) (done int64, err error) {
	const passes = 3 // others may have sealed with the old key meanwhile
	for range passes {
		for _, f := range sealedFields() {
			if err := r.resealField(ctx, &f, func(n int64) { done += n; step(done) }); err != nil {
				return done, fmt.Errorf("registry: seal anew: %s: %w", f.name(), err)
			}
		}
		left, err := r.OldFields(ctx)
		if err != nil || left == 0 {
			return done, err
		}
	}
	return done, fmt.Errorf("registry: seal anew: %w", ErrOldKey)
}

func (r *Registry) resealField(ctx context.Context, f *sealedField, step func(int64)) error {
	var last []any
	for {
		var rows []resealed
		var n int64
		err := r.inTx(ctx, func(tx *sql.Tx) (err error) {
			if rows, err = r.resealNext(ctx, tx, f, last); err != nil {
				return err
			}
			n = 0
			for _, row := range rows {
				err := one(tx.ExecContext(ctx, "UPDATE "+f.table+" SET "+f.column+" = ? WHERE "+f.is()+" AND "+f.column+" = ?", slices.Concat([]any{row.fresh}, row.keys, []any{row.old})...))
				if err != nil && !errors.Is(err, ErrNotFound) {
					return err // one that was changed meanwhile has the new key
				}
				n++
			}
			return nil
		})
		if err != nil || len(rows) == 0 {
			return err
		}
		step(n)
		last = rows[len(rows)-1].keys
	}
}

func (f *sealedField) is() string { return strings.Join(f.keys, " = ? AND ") + " = ?" }

// resealed is a field, and what it is to be.
type resealed struct {
	keys       []any
	old, fresh []byte
}

// resealNext are the next rows of an old key, in their order.
func (r *Registry) resealNext(ctx context.Context, tx *sql.Tx, f *sealedField, last []any) (list []resealed, err error) {
	names := strings.Join(f.keys, ", ")
	query := "SELECT " + names + ", " + f.column + " FROM " + f.table + " WHERE " + f.unsealed()
	args := []any{r.vault.KeyID(), make([]byte, 4)}
	if last != nil {
		query += " AND (" + names + ") > (" + marks(len(f.keys)) + ")"
		args = append(args, last...)
	}
	query += " ORDER BY " + names + " LIMIT " + strconv.Itoa(resealAtOnce)
	err = eachOf(ctx, tx, query, args, func(row *sql.Rows) error {
		keys := make([]string, len(f.keys))
		var x resealed
		into := make([]any, len(keys))
		for i := range keys {
			into[i] = &keys[i]
		}
		if err := row.Scan(append(into, &x.old)...); err != nil {
			return err
		}
		for _, k := range keys {
			x.keys = append(x.keys, keyValue(k, f))
		}
		plain, err := r.vault.Open(f.what(keys), x.old)
		if err != nil {
			return fmt.Errorf("row %s: %w", strings.Join(keys, " "), err)
		}
		x.fresh = r.vault.Seal(f.what(keys), plain)
		clear(plain)
		if bytes.Equal(x.fresh[:4], x.old[:4]) {
			return nil
		}
		list = append(list, x)
		return nil
	})
	return list, err
}

// keyValue is a key column's value: a number where the column is one.
func keyValue(text string, f *sealedField) any {
	if f.table != "cohorts" && f.table != "act_head" {
		return text
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n
	}
	return text
}
