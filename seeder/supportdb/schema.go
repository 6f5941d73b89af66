package supportdb

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
)

// Table is what information_schema says of a table.
type Table struct {
	Name   string
	Engine string
	Rows   int64 // the server's estimate
	View   bool
	// Versioned says that the server keeps every row that was ever there
	// (MariaDB, System-Versioned Tables).
	Versioned bool
	Columns   []Column
	Indexes   []Index
	Refs      []ForeignKey
	// Triggers are the names of the table's triggers.
	Triggers []string
}

// Column is what information_schema says of a column.
type Column struct {
	Name       string
	Type       string // DATA_TYPE, lower case: varchar, int, datetime …
	Nullable   bool
	HasDefault bool
	MaxLen     int    // characters, 0 for types without
	Charset    string // of a text, lower case; empty for other types
	Collation  string // of a text
	Precision  int    // digits after the second, for times
	Auto       bool
	Generated  bool
	OnUpdate   bool // the server sets it at every change of the row
}

// Index is an index with its columns in order.
type Index struct {
	Name    string
	Unique  bool
	Columns []string
}

// ForeignKey is one column of a foreign key.
type ForeignKey struct{ Column, Table, Target string }

// Column finds a column by its name, whatever its case.
func (t *Table) Column(name string) (*Column, bool) {
	i := slices.IndexFunc(t.Columns, func(c Column) bool { return strings.EqualFold(c.Name, name) })
	if i < 0 {
		return nil, false
	}
	return &t.Columns[i], true
}

// Indexed reports whether an index begins with the column.
func (t *Table) Indexed(column string) bool {
	return slices.ContainsFunc(t.Indexes, func(x Index) bool { return strings.EqualFold(x.Columns[0], column) })
}

// Unique reports whether the column alone is a unique key.
func (t *Table) Unique(column string) bool {
	return slices.ContainsFunc(t.Indexes, func(x Index) bool {
		return x.Unique && len(x.Columns) == 1 && strings.EqualFold(x.Columns[0], column)
	})
}

// PrimaryKey returns the columns of the primary key, none without one.
func (t *Table) PrimaryKey() []string {
	for _, x := range t.Indexes {
		if x.Name == "PRIMARY" {
			return x.Columns
		}
	}
	return nil
}

// identity is what rows are told apart by: the primary key, and of one that
// holds more only because the table is partitioned by it, the column that the
// server counts.
func (t *Table) identity() []string {
	key := t.PrimaryKey()
	if len(key) > 1 {
		if c, ok := t.Column(key[0]); ok && c.Auto {
			return key[:1]
		}
	}
	return key
}

func (t *Table) names() []string {
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = c.Name
	}
	return names
}

// IsText reports whether the column holds characters.
func (c *Column) IsText() bool {
	return strings.HasSuffix(c.Type, "char") || strings.HasSuffix(c.Type, "text")
}

// IsInteger reports whether the column holds whole numbers.
func (c *Column) IsInteger() bool { return strings.HasSuffix(c.Type, "int") }

// IsTime reports whether the column holds a date with a time of day.
func (c *Column) IsTime() bool { return c.Type == "datetime" || c.Type == "timestamp" }

// schema reads all tables of the schema, or those named.
func (d *DB) schema(ctx context.Context, names ...string) (map[string]*Table, error) {
	tables := map[string]*Table{}
	limit, args := "", []any{d.name}
	if len(names) > 0 {
		limit = " AND TABLE_NAME IN (" + marks(len(names)) + ")"
		for _, n := range names {
			args = append(args, n)
		}
	}
	for _, step := range []func(context.Context, string, []any, map[string]*Table) error{d.readTables, d.readColumns, d.readIndexes, d.readRefs, d.readTriggers} {
		if err := step(ctx, limit, args, tables); err != nil {
			return nil, fmt.Errorf("read the schema: %w", err)
		}
	}
	return tables, nil
}

func (d *DB) readTables(ctx context.Context, limit string, args []any, tables map[string]*Table) error {
	q := "SELECT TABLE_NAME, TABLE_TYPE, ENGINE, TABLE_ROWS FROM information_schema.TABLES WHERE TABLE_SCHEMA = ?" + limit
	return d.each(ctx, q, args, func(rows *sql.Rows) error {
		var name, kind string
		var engine sql.NullString
		var count sql.NullInt64
		if err := rows.Scan(&name, &kind, &engine, &count); err != nil {
			return err
		}
		tables[name] = &Table{Name: name, Engine: engine.String, Rows: count.Int64, View: strings.Contains(kind, "VIEW"), Versioned: strings.HasPrefix(kind, "SYSTEM VERSIONED")}
		return nil
	})
}

func (d *DB) readColumns(ctx context.Context, limit string, args []any, tables map[string]*Table) error {
	q := "SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE, IS_NULLABLE, COLUMN_DEFAULT, CHARACTER_MAXIMUM_LENGTH, CHARACTER_SET_NAME, COLLATION_NAME, DATETIME_PRECISION, EXTRA" +
		" FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ?" + limit + " ORDER BY TABLE_NAME, ORDINAL_POSITION"
	return d.each(ctx, q, args, func(rows *sql.Rows) error {
		var table, name, kind, nullable string
		var def, extra, set, collation sql.NullString
		var length, precision sql.NullInt64
		if err := rows.Scan(&table, &name, &kind, &nullable, &def, &length, &set, &collation, &precision, &extra); err != nil {
			return err
		}
		more := strings.ToUpper(extra.String)
		c := Column{
			Name: name, Type: strings.ToLower(kind), Nullable: strings.EqualFold(nullable, "YES"), HasDefault: def.Valid,
			MaxLen: int(min(length.Int64, 1<<24)), Charset: strings.ToLower(set.String), Collation: collation.String, Precision: int(precision.Int64),
			Auto:      strings.Contains(more, "AUTO_INCREMENT"),
			Generated: strings.Contains(more, "VIRTUAL") || strings.Contains(more, "STORED") || strings.Contains(more, "PERSISTENT"),
			OnUpdate:  strings.Contains(more, "ON UPDATE"),
		}
		if t := tables[table]; t != nil {
			t.Columns = append(t.Columns, c)
		}
		return nil
	})
}

func (d *DB) readIndexes(ctx context.Context, limit string, args []any, tables map[string]*Table) error {
	q := "SELECT TABLE_NAME, INDEX_NAME, NON_UNIQUE, COLUMN_NAME FROM information_schema.STATISTICS" +
		" WHERE TABLE_SCHEMA = ?" + limit + " ORDER BY TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX"
	return d.each(ctx, q, args, func(rows *sql.Rows) error {
		var table, name string
		var shared int
		var column sql.NullString // NULL for an index on an expression
		if err := rows.Scan(&table, &name, &shared, &column); err != nil {
			return err
		}
		t := tables[table]
		if t == nil {
			return nil
		}
		if n := len(t.Indexes); n > 0 && t.Indexes[n-1].Name == name {
			t.Indexes[n-1].Columns = append(t.Indexes[n-1].Columns, column.String)
			return nil
		}
		t.Indexes = append(t.Indexes, Index{Name: name, Unique: shared == 0, Columns: []string{column.String}})
		return nil
	})
}

func (d *DB) readRefs(ctx context.Context, limit string, args []any, tables map[string]*Table) error {
	q := "SELECT TABLE_NAME, COLUMN_NAME, REFERENCED_TABLE_NAME, REFERENCED_COLUMN_NAME FROM information_schema.KEY_COLUMN_USAGE" +
		" WHERE TABLE_SCHEMA = ? AND REFERENCED_TABLE_NAME IS NOT NULL" + limit
	return d.each(ctx, q, args, func(rows *sql.Rows) error {
		var table string
		var r ForeignKey
		if err := rows.Scan(&table, &r.Column, &r.Table, &r.Target); err != nil {
			return err
		}
		if t := tables[table]; t != nil {
			t.Refs = append(t.Refs, r)
		}
		return nil
	})
}

func (d *DB) readTriggers(ctx context.Context, limit string, args []any, tables map[string]*Table) error {
	q := "SELECT EVENT_OBJECT_TABLE, TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = ?" +
		strings.ReplaceAll(limit, "TABLE_NAME", "EVENT_OBJECT_TABLE")
	return d.each(ctx, q, args, func(rows *sql.Rows) error {
		var table, name string
		if err := rows.Scan(&table, &name); err != nil {
			return err
		}
		if t := tables[table]; t != nil {
			t.Triggers = append(t.Triggers, name)
		}
		return nil
	})
}

// each runs a query that only reads and hands every row to do, within the
// bounds of the [Load].
func (d *DB) each(ctx context.Context, query string, args []any, do func(*sql.Rows) error) error {
	if err := d.pace.wait(ctx); err != nil {
		return err
	}
	rows, err := d.read.QueryContext(ctx, query, args...)
	if err != nil {
		return classify(err)
	}
	defer func() { _ = rows.Close() }() // rows.Err below has the fault
	count := 0
	defer func() { d.pace.read(count) }()
	for rows.Next() {
		count++
		if err := do(rows); err != nil {
			return fmt.Errorf("scan: %w", err)
		}
	}
	return classify(rows.Err())
}
