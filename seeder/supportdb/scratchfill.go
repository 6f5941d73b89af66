package supportdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/go-sql-driver/mysql"
)

// ScratchRow is a row of one of the support database's tables, in the order of the
// columns that [Scratch.Fill] is given.
type ScratchRow struct {
	Table  string
	Values []*string // nil is NULL
	// Unknown says which values are not known; nil is none.
	Unknown []bool
}

// scratchTable is a table as it was made.
type scratchTable struct {
	name      string
	columns   []string
	faithful  []bool   // by column: what is read there is what was written
	generated []string // columns that the server fills
	strange   []string // columns of which no row has a value
}

// scratchRow is how a row stands.
type scratchRow struct {
	there   bool
	unknown []string // columns, in lower case
}

// Fill makes tables, by name with their columns, and the rows, which are numbered as they
// come. What cannot be made is left out: see [Scratch.Holds].
func (s *Scratch) Fill(ctx context.Context, tables map[string][]string, rows []ScratchRow) error {
	for name, columns := range tables {
		if err := s.table(ctx, name, columns); err != nil {
			return fmt.Errorf("%w: %w", ErrScratch, err)
		}
	}
	s.held = make([]scratchRow, len(rows))
	if err := s.insert(ctx, rows); err != nil {
		return fmt.Errorf("%w: %w", ErrScratch, err)
	}
	return nil
}

func (s *Scratch) table(ctx context.Context, name string, columns []string) error {
	var called, text string
	if err := s.support.read.QueryRowContext(ctx, "SHOW CREATE TABLE "+quote(name)).Scan(&called, &text); err != nil {
		return classify(err)
	}
	made, t := scratchDefinition(quote(s.name)+"."+quote(name), text)
	if _, err := s.owner.ExecContext(ctx, made); err != nil {
		if _, told := errors.AsType[*mysql.MySQLError](err); told {
			return nil // it does without this table
		}
		return classify(err)
	}
	kinds := t.faithful
	t.faithful = nil
	for _, c := range columns {
		at := slices.Index(t.columns, c)
		t.faithful = append(t.faithful, at >= 0 && kinds[at])
	}
	for _, c := range t.columns {
		if !slices.Contains(columns, c) {
			t.strange = append(t.strange, strings.ToLower(c))
		}
	}
	t.name, t.columns = name, columns
	s.tables[name] = t
	return nil
}

// scratchDefinition makes a table's definition out of what SHOW CREATE TABLE says: the columns,
// what is behind them without keys and checks between rows, and a column of our own.
func scratchDefinition(name, text string) (made string, t *scratchTable) {
	t = &scratchTable{}
	column := regexp.MustCompile("^  `((?:[^`]|``)+)` ([a-z]+)")
	var list []string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, ",\n")
		m := column.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		own := strings.ReplaceAll(m[1], "``", "`")
		if strings.Contains(line, " GENERATED ALWAYS AS ") {
			t.generated = append(t.generated, strings.ToLower(own))
		}
		t.columns = append(t.columns, own)
		t.faithful = append(t.faithful, faithful(m[2]) && !strings.Contains(line, " GENERATED ALWAYS AS "))
		list = append(list, regexp.MustCompile(" AUTO_INCREMENT($| COMMENT ')").ReplaceAllString(line, "$1"))
	}
	charset := ""
	if m := regexp.MustCompile(`(?m)^\).*?( DEFAULT CHARSET=\w+(?: COLLATE[= ]\w+)?)`).FindStringSubmatch(text); m != nil {
		charset = m[1]
	}
	list = append(list, "  "+quote(ScratchKey)+" bigint NOT NULL")
	return "CREATE TABLE " + name + " (\n" + strings.Join(list, ",\n") + "\n) ENGINE=InnoDB" + charset, t
}

// faithful tells types whose values are, as a text, all that they are.
func faithful(kind string) bool {
	switch kind {
	case "char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set", "tinyint", "smallint", "mediumint", "int", "bigint",
		"decimal", "date", "datetime", "timestamp", "time", "year":
		return true
	}
	return false
}

func (s *Scratch) insert(ctx context.Context, rows []ScratchRow) error {
	// What is left out becomes what the server takes for nothing.
	if _, err := s.owner.ExecContext(ctx, "SET SESSION sql_mode = 'ALLOW_INVALID_DATES,NO_ENGINE_SUBSTITUTION', foreign_key_checks = 0"); err != nil {
		return classify(err)
	}
	tx, err := s.owner.BeginTx(ctx, nil)
	if err != nil {
		return classify(err)
	}
	defer tx.Rollback() //nolint:errcheck // after a COMMIT it does nothing
	for n := range rows {
		if t := s.tables[rows[n].Table]; t != nil {
			if err := s.row(ctx, tx, t, n, &rows[n]); err != nil {
				return err
			}
		}
	}
	return classify(tx.Commit())
}

// row writes a row and reads it back.
func (s *Scratch) row(ctx context.Context, tx *sql.Tx, t *scratchTable, n int, row *ScratchRow) error {
	held := &s.held[n]
	held.unknown = slices.Clone(t.strange)
	columns, args := []string{ScratchKey}, []any{n}
	for i, c := range t.columns {
		lower := strings.ToLower(c)
		switch {
		case slices.Contains(t.generated, lower):
		case row.Unknown != nil && row.Unknown[i], !t.faithful[i]:
			held.unknown = append(held.unknown, lower)
		case row.Values[i] == nil:
			columns, args = append(columns, c), append(args, nil)
		default:
			columns, args = append(columns, c), append(args, *row.Values[i])
		}
	}
	if len(held.unknown) > 0 {
		held.unknown = append(held.unknown, t.generated...)
	}
	table := quote(s.name) + "." + quote(t.name)
	write := fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", table, quoteAll(columns), marks(len(columns))) //nolint:gosec // names, in quotes
	if _, err := tx.ExecContext(ctx, write, args...); err != nil {
		return unlessTold(err)
	}
	rows, err := tx.QueryContext(ctx, fmt.Sprintf("SELECT %s FROM %s WHERE %s = %d", quoteAll(columns), table, quote(ScratchKey), n))
	if err != nil {
		return classify(err)
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	for rows.Next() {
		got, err := scanRow(rows, columns)
		if err != nil {
			return err
		}
		held.there = arrived(got.Values, args)
	}
	return classify(rows.Err())
}

// arrived reports whether a row holds what was written, but for its number.
func arrived(got []Value, written []any) bool {
	for i, v := range got[1:] {
		text, isText := written[i+1].(string)
		if v.IsNull() == isText || isText && v.Text() != text {
			return false
		}
	}
	return true
}

// unlessTold passes over what the server refuses, and not over that it is gone.
func unlessTold(err error) error {
	told, ok := errors.AsType[*mysql.MySQLError](err)
	if ok && !slices.Contains([]uint16{1053, 1077, 1079, 1152, 1159, 1160, 1161, 1927, 1836, 3169, 4031}, told.Number) {
		return nil
	}
	return classify(err)
}
