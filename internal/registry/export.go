package registry

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"saltmine/internal/backup"
	"saltmine/internal/canary"
)

// A registry is carried away table by table, all of it as it was at one moment,
// however much is written meanwhile: SQLite reads the journal of then, a MySQL
// server its old versions (REPEATABLE READ). What is carried are values and not a
// file, so that what comes from one kind of database goes into the other. What is
// sealed stays sealed.

// contactKeys is the table without which the content of contacts cannot be opened.
const contactKeys = "contact_keys"

// Snapshot says what a registry was when it was carried away.
type Snapshot struct {
	// Tables is the version of the tables.
	Tables int64  `json:"tables"`
	Engine string `json:"engine"` // "sqlite" or "mysql"
	End    Head   `json:"end"`    // of the evidence log
	// Rows are how many there are in each table.
	Rows map[string]int64 `json:"rows"`
	// Positions are how far each spool was taken in, and the like.
	Positions map[string]string `json:"positions"`
	// Waiting are the pages that were on their way.
	Waiting []Waiting `json:"waiting,omitempty"`
	// Apart says that the keys of contacts are not with the rest.
	Apart bool `json:"contact_keys_apart"`
}

// Waiting is a page on its way to a route.
type Waiting struct {
	Page     canary.PageID `json:"page"`
	Route    string        `json:"route"`
	About    string        `json:"about"`
	State    string        `json:"state"` // due or held
	Attempts int           `json:"attempts"`
}

// Total is how many rows there are.
func (s *Snapshot) Total() (n int64) {
	for _, rows := range s.Rows {
		n += rows
	}
	return n
}

// Sink takes a registry that is carried away.
type Sink struct {
	// Begin is called first, when the moment is fixed.
	Begin func(Snapshot) error
	Table func(backup.Table) error
	Row   func(values []any) error
	// Keys takes the table of the contacts' keys, in place of Table and Row; nil: they
	// go with the others.
	Keys *Sink
}

// Export carries the registry away.
func (r *Registry) Export(ctx context.Context, to Sink) (s Snapshot, err error) {
	err = r.inView(ctx, func(tx *sql.Tx) error {
		names, err := r.tableNames(ctx, tx)
		if err != nil {
			return err
		}
		if s, err = r.snapshot(ctx, tx, names); err != nil {
			return err
		}
		if s.Apart = to.Keys != nil; to.Begin != nil {
			if err := to.Begin(s); err != nil {
				return err
			}
		}
		for _, name := range names {
			into := to
			if name == contactKeys && to.Keys != nil {
				into = *to.Keys
			}
			if err := r.exportTable(ctx, tx, name, into); err != nil {
				return fmt.Errorf("table %s: %w", name, err)
			}
		}
		return nil
	})
	if err != nil {
		return s, fmt.Errorf("registry: carry away: %w", err)
	}
	return s, nil
}

// tableNames are our tables, in the order of their names.
func (r *Registry) tableNames(ctx context.Context, q querier) (list []string, err error) {
	query := "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
	if r.mysql {
		query = "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'"
	}
	err = eachOf(ctx, q, query, nil, func(row *sql.Rows) error {
		var name string
		err := row.Scan(&name)
		if !strings.HasPrefix(name, "goose_") {
			list = append(list, name)
		}
		return err
	})
	slices.Sort(list)
	return list, err
}

func (r *Registry) snapshot(ctx context.Context, tx *sql.Tx, names []string) (s Snapshot, err error) {
	s = Snapshot{Engine: "sqlite", Rows: map[string]int64{}, Positions: map[string]string{}}
	if r.mysql {
		s.Engine = "mysql"
	}
	if s.End, err = r.openHead(tx.QueryRowContext(ctx, "SELECT sealed FROM act_head WHERE id = 1")); err != nil {
		return s, err
	}
	if err := tx.QueryRowContext(ctx, "SELECT MAX(version_id) FROM goose_db_version WHERE is_applied = 1").Scan(&s.Tables); err != nil {
		return s, err
	}
	for _, name := range names {
		var n int64
		if err := tx.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+name).Scan(&n); err != nil {
			return s, err
		}
		s.Rows[name] = n
	}
	err = eachOf(ctx, tx, "SELECT name, position FROM cursors", nil, func(row *sql.Rows) error {
		var name, at string
		err := row.Scan(&name, &at)
		s.Positions[name] = at
		return err
	})
	if err == nil {
		s.Waiting, err = waitingPages(ctx, tx)
	}
	return s, err
}

func waitingPages(ctx context.Context, q querier) (list []Waiting, err error) {
	err = eachOf(ctx, q, "SELECT page, route, about, state, attempts FROM deliveries WHERE state IN (?,?) ORDER BY written, page, route", []any{due, held}, func(row *sql.Rows) error {
		var w Waiting
		err := row.Scan(&w.Page, &w.Route, &w.About, &w.State, &w.Attempts)
		list = append(list, w)
		return err
	})
	return list, err
}

// describe gives a table's columns with their kinds, in the table's order.
func (r *Registry) describe(ctx context.Context, q querier, name string) (backup.Table, error) {
	t := backup.Table{Name: name}
	query := "SELECT name, type FROM pragma_table_info(?) ORDER BY cid"
	if r.mysql {
		query = "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = ? ORDER BY ordinal_position"
	}
	err := eachOf(ctx, q, query, []any{name}, func(row *sql.Rows) error {
		var column, sort string
		err := row.Scan(&column, &sort)
		t.Columns = append(t.Columns, backup.Column{Name: column, Kind: kindOf(sort)})
		return err
	})
	return t, err
}

// columns are the names of a table's columns.
func columns(t backup.Table) []string {
	list := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		list[i] = c.Name
	}
	return list
}

func (r *Registry) exportTable(ctx context.Context, tx *sql.Tx, name string, to Sink) error {
	t, err := r.describe(ctx, tx, name)
	if err != nil {
		return err
	}
	if err := to.Table(t); err != nil {
		return err
	}
	rows, err := tx.QueryContext(ctx, "SELECT "+strings.Join(columns(t), ", ")+" FROM "+name) //nolint:gosec // names from the database itself
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	values := make([]any, len(t.Columns))
	into := make([]any, len(t.Columns))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		for i := range values {
			if values[i], err = portable(t.Columns[i].Kind, values[i]); err != nil {
				return fmt.Errorf("column %s: %w", t.Columns[i].Name, err)
			}
		}
		if err := to.Row(values); err != nil {
			return err
		}
	}
	return rows.Err()
}

// kindOf is the sort of a column by the name that a database gives its type. To a
// MySQL server our ids are VARBINARY: text that is compared byte for byte.
func kindOf(name string) backup.Kind {
	name = strings.ToUpper(name)
	for _, k := range []struct {
		word string
		kind backup.Kind
	}{{"INT", backup.Whole}, {"BOOL", backup.Whole}, {"DOUBLE", backup.Number}, {"FLOAT", backup.Number}, {"REAL", backup.Number}, {"BLOB", backup.Bytes}} {
		if strings.Contains(name, k.word) {
			return k.kind
		}
	}
	return backup.Text
}

// portable makes a value what it is in every database.
func portable(kind backup.Kind, v any) (any, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil //nolint:nilnil // NULL is a value
	case bool:
		if v {
			return int64(1), nil
		}
		return int64(0), nil
	case float32:
		return float64(v), nil
	case string:
		return portable(kind, []byte(v))
	case []byte:
		switch kind {
		case backup.Whole:
			return strconv.ParseInt(string(v), 10, 64)
		case backup.Number:
			return strconv.ParseFloat(string(v), 64)
		case backup.Bytes:
			return v, nil
		case backup.Text:
		}
		return string(v), nil
	case int64, float64:
		return v, nil
	}
	return nil, fmt.Errorf("a value of the type %T cannot be carried", v)
}

// sortedNames are the names in a map of rows, for messages.
func sortedNames(rows map[string]int64) []string { return slices.Sorted(maps.Keys(rows)) }
