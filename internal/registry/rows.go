package registry

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"saltmine/internal/canary"
)

// rowsAtOnce is how many rows are written, or looked for, with one statement:
// few round trips, and fewer parameters than SQLite allows.
const rowsAtOnce = 400

// insertRows inserts rows of as many columns each; args are their values, row
// after row, and into is the table with its columns.
func insertRows(ctx context.Context, tx *sql.Tx, into string, columns int, args []any) error {
	for len(args) > 0 {
		n := min(len(args), rowsAtOnce*columns)
		values := strings.TrimSuffix(strings.Repeat("("+marks(columns)+"),", n/columns), ",")
		if _, err := tx.ExecContext(ctx, "INSERT INTO "+into+" VALUES "+values, args[:n]...); err != nil { //nolint:gosec // our own names, and marks
			return err
		}
		args = args[n:]
	}
	return nil
}

// change are new values of one row's columns.
type change struct {
	id      any
	columns []string
	values  []any
}

func (c *change) set(column string, value any) {
	c.columns, c.values = append(c.columns, column), append(c.values, value)
}

// changesAtOnce bounds the CASE of an update: a row is compared with all of it.
const changesAtOnce = 50

// updateRows changes rows of a table, all of which are there, each with one
// statement: all of a row is written again whichever column is changed.
func updateRows(ctx context.Context, tx *sql.Tx, table string, list []change) error {
	alike := map[string][]change{}
	for _, c := range list {
		columns := strings.Join(c.columns, " ")
		alike[columns] = append(alike[columns], c)
	}
	delete(alike, "")
	for _, columns := range slices.Sorted(maps.Keys(alike)) {
		for part := range slices.Chunk(alike[columns], changesAtOnce) {
			if err := updateAlike(ctx, tx, table, part); err != nil {
				return err
			}
		}
	}
	return nil
}

// updateAlike changes the same columns of some rows.
func updateAlike(ctx context.Context, tx *sql.Tx, table string, part []change) error {
	var set []string
	var args []any
	for n, column := range part[0].columns {
		set = append(set, column+" = CASE id"+strings.Repeat(" WHEN ? THEN ?", len(part))+" END")
		for _, c := range part {
			args = append(args, c.id, c.values[n])
		}
	}
	for _, c := range part {
		args = append(args, c.id)
	}
	_, err := tx.ExecContext(ctx, "UPDATE "+table+" SET "+strings.Join(set, ", ")+" WHERE id IN ("+marks(len(part))+")", args...) //nolint:gosec // our own names, and marks
	return err
}

// selectIn runs a query that ends in "IN" for all ids, some hundred at a time.
func selectIn[T any](ctx context.Context, q querier, query string, ids []T, fn func(*sql.Rows) error) error {
	for part := range slices.Chunk(ids, rowsAtOnce) {
		args := make([]any, len(part))
		for i, id := range part {
			args[i] = id
		}
		if err := eachOf(ctx, q, query+" ("+marks(len(part))+")", args, fn); err != nil {
			return err
		}
	}
	return nil
}

func eachOf(ctx context.Context, q querier, query string, args []any, fn func(*sql.Rows) error) error {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	for rows.Next() {
		if err := fn(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// opened gives what is sealed in the rows of a query for id and sealed, in its order. Each
// begins as start says.
func opened[T any](ctx context.Context, r *Registry, query string, args []any, field func(id string) string, start func(id string) T) (list []T, err error) {
	err = r.each(ctx, query, args, func(row *sql.Rows) error {
		var id string
		var sealed []byte
		if err := row.Scan(&id, &sealed); err != nil {
			return err
		}
		plain, err := r.vault.Open(field(id), sealed)
		if err != nil {
			return errors.Join(err, canary.ErrUnreadable)
		}
		one := start(id)
		err = json.Unmarshal(plain, &one)
		list = append(list, one)
		return err
	})
	return list, err
}
