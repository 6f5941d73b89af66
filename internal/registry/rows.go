package registry

import (
	"context"
	"database/sql"
	"slices"
	"strings"
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

// change is the new value of one row.
type change struct {
	id    any
	value any
}

// changesAtOnce bounds the CASE of an update: a row is compared with all of it.
const changesAtOnce = 50

// updateRows sets one column of the rows with these ids, all of which are there.
func updateRows(ctx context.Context, tx *sql.Tx, table, column string, list []change) error {
	for part := range slices.Chunk(list, changesAtOnce) {
		args := make([]any, 0, 3*len(part))
		for _, c := range part {
			args = append(args, c.id, c.value)
		}
		for _, c := range part {
			args = append(args, c.id)
		}
		query := "UPDATE " + table + " SET " + column + " = CASE id" + strings.Repeat(" WHEN ? THEN ?", len(part)) + " END WHERE id IN (" + marks(len(part)) + ")" //nolint:gosec // our own names, and marks
		if _, err := tx.ExecContext(ctx, query, args...); err != nil {
			return err
		}
	}
	return nil
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
