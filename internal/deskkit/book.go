package deskkit

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// row is one row by its columns. A column that is not in it takes the default
// of the table; nil is NULL.
type row map[string]any

// book is a database that is being written: its rows stay open to change and to
// deletion until they go to the server.
type book struct {
	sheets map[string]*sheet
}

// sheet is the rows of one table in the order in which they were inserted.
type sheet struct {
	last int64 // of the counter
	rows []row
	gone map[int]bool // rows that were deleted again

	indexes map[string]*index // by column
}

func (b *book) sheet(table string) *sheet {
	if b.sheets == nil {
		b.sheets = map[string]*sheet{}
	}
	if b.sheets[table] == nil {
		b.sheets[table] = &sheet{gone: map[int]bool{}, indexes: map[string]*index{}}
	}
	return b.sheets[table]
}

// add puts a row into a table that has no counter, and returns it.
func (b *book) add(table string, r row) row {
	s := b.sheet(table)
	s.rows = append(s.rows, r)
	return r
}

// auto puts a row into a table whose key the server counts, and returns it with
// its key. A key that is given already moves the counter.
func (b *book) auto(table, key string, r row) row {
	s := b.sheet(table)
	if given, ok := r[key].(int); ok {
		s.last = int64(given)
	} else {
		s.last++
	}
	r[key] = s.last
	s.rows = append(s.rows, r)
	return r
}

// rows are those of a table in which a column has a value and that were not
// deleted. The column must be one that is never changed.
func (b *book) rows(table, column string, value any) []row {
	s := b.sheet(table)
	var found []row
	for _, i := range s.where(column, value) {
		if !s.gone[i] {
			found = append(found, s.rows[i])
		}
	}
	return found
}

// drop deletes the rows in which a column has a value. The column must be one
// that is never changed.
func (b *book) drop(table, column string, value any) {
	s := b.sheet(table)
	for _, i := range s.where(column, value) {
		s.gone[i] = true
	}
}

// where finds the places of rows by an index, which it first brings up to date.
func (s *sheet) where(column string, value any) []int {
	x := s.indexes[column]
	if x == nil {
		x = &index{at: map[any][]int{}}
		s.indexes[column] = x
	}
	for ; x.rows < len(s.rows); x.rows++ {
		v := s.rows[x.rows][column]
		x.at[v] = append(x.at[v], x.rows)
	}
	return x.at[value]
}

// index is the places of a sheet's rows by the values of one column.
type index struct {
	at   map[any][]int
	rows int // that are in it
}

// write makes the tables of a schema and fills them on one connection, in which
// a key may be 0 and a date 0000-00-00, as the applications' own may.
func (b *book) write(ctx context.Context, db *sql.DB, schema string) (err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // it goes back to the pool
	const before = "SET foreign_key_checks = 0, unique_checks = 0, time_zone = '+00:00', sql_mode = 'STRICT_TRANS_TABLES,NO_AUTO_VALUE_ON_ZERO'"
	const after = "SET foreign_key_checks = 1, unique_checks = 1, time_zone = DEFAULT, sql_mode = DEFAULT"
	if _, err := conn.ExecContext(ctx, before); err != nil {
		return err
	}
	defer func() {
		_, e := conn.ExecContext(context.WithoutCancel(ctx), after)
		err = errors.Join(err, e)
	}()
	for _, statement := range statements(schema) {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%.60q: %w", statement, err)
		}
	}
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it has nothing to do
	for _, table := range slices.Sorted(maps.Keys(b.sheets)) {
		if err := b.sheets[table].write(ctx, tx, table); err != nil {
			return fmt.Errorf("%s: %w", table, err)
		}
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	return b.count(ctx, conn)
}

// count leaves the tables' counters behind the last id that was given, also
// where its row was deleted, as in a database that has lived.
func (b *book) count(ctx context.Context, conn *sql.Conn) error {
	for _, table := range slices.Sorted(maps.Keys(b.sheets)) {
		if last := b.sheets[table].last; last > 0 {
			if _, err := conn.ExecContext(ctx, fmt.Sprintf("ALTER TABLE `%s` AUTO_INCREMENT = %d", table, last+1)); err != nil {
				return fmt.Errorf("%s: %w", table, err)
			}
		}
	}
	return nil
}

// statements cuts a schema file. A comment stands on lines of its own.
func statements(schema string) []string {
	var out []string
	for part := range strings.SplitSeq(schema, ";\n") {
		var kept []string
		for line := range strings.SplitSeq(part, "\n") {
			if !strings.HasPrefix(line, "--") && strings.TrimSpace(line) != "" {
				kept = append(kept, line)
			}
		}
		if len(kept) > 0 {
			out = append(out, strings.Join(kept, "\n"))
		}
	}
	return out
}

// places bounds the placeholders of one statement; a prepared one takes 65,535.
const places = 20_000

// write inserts the rows by the hundred.
func (s *sheet) write(ctx context.Context, tx *sql.Tx, table string) error {
	columns := s.columns()
	each := max(1, min(1000, places/max(1, len(columns))))
	var live []row
	for i, r := range s.rows {
		if !s.gone[i] {
			live = append(live, r)
		}
	}
	for batch := range slices.Chunk(live, each) {
		text, args := insert(table, columns, batch)
		if _, err := tx.ExecContext(ctx, text, args...); err != nil {
			return err
		}
	}
	return nil
}

// columns are all that some row has.
func (s *sheet) columns() []string {
	seen := map[string]bool{}
	for _, r := range s.rows {
		for c := range r {
			seen[c] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

func insert(table string, columns []string, rows []row) (text string, args []any) {
	var b strings.Builder
	b.WriteString("INSERT INTO `" + table + "` (`" + strings.Join(columns, "`,`") + "`) VALUES ")
	for i, r := range rows {
		if i > 0 {
			b.WriteString(",")
		}
		b.WriteString("(")
		for j, c := range columns {
			if j > 0 {
				b.WriteString(",")
			}
			v, ok := r[c]
			if !ok {
				b.WriteString("DEFAULT")
				continue
			}
			b.WriteString("?")
			args = append(args, plain(v))
		}
		b.WriteString(")")
	}
	return b.String(), args
}

// plain sends times as text: what the driver makes of them depends on how the
// caller opened it.
func plain(v any) any {
	if t, ok := v.(time.Time); ok {
		return t.UTC().Format(time.DateTime)
	}
	return v
}
