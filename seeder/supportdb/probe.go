package supportdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// CheckWrite finds out whether the user may plant, before a row is written. It
// refuses triggers, see [Desk.CheckTriggers]; then it runs each kind of statement with a condition that no row meets, in a
// transaction that is rolled back: the server checks privileges, roles and
// read_only for it exactly as for the real one. A missing privilege is a
// [PrivilegeError]; a replica is [ErrReadOnly].
func (d *Desk) CheckWrite(ctx context.Context) error {
	if err := d.CheckTriggers(ctx); err != nil {
		return fmt.Errorf("check the triggers: %w", err)
	}
	errRollback := errors.New("only a probe")
	err := d.db.inTx(ctx, func(tx *sql.Tx) error {
		for _, t := range d.tables() {
			if err := d.probe(ctx, tx, t); err != nil {
				return err
			}
		}
		if err := d.probeCounter(ctx, tx); err != nil {
			return err
		}
		return errRollback
	})
	if errors.Is(err, errRollback) {
		return nil
	}
	return fmt.Errorf("check the privileges: %w", err)
}

// tables lists the tables that are written to, each once.
func (d *Desk) tables() []*Table {
	var out []*Table
	for _, p := range d.parts {
		if !slices.Contains(out, p.Table) {
			out = append(out, p.Table)
		}
	}
	return out
}

// written lists the columns of a table that an INSERT names: all but those
// that the server fills in itself.
func written(t *Table) []string {
	var names []string
	for _, c := range t.Columns {
		if !c.Auto && !c.Generated {
			names = append(names, c.Name)
		}
	}
	return names
}

func (d *Desk) probe(ctx context.Context, tx *sql.Tx, t *Table) error {
	cols := written(t)
	list, table := quoteAll(cols), quote(t.Name)
	for _, p := range [][2]string{
		{"SELECT", "SELECT " + list + " FROM " + table + " WHERE 1 = 0"},
		{"INSERT", "INSERT INTO " + table + " (" + list + ") SELECT " + list + " FROM " + table + " WHERE 1 = 0"},
		{"UPDATE", "UPDATE " + table + " SET " + quote(cols[0]) + " = " + quote(cols[0]) + " WHERE 1 = 0"},
		{"DELETE", "DELETE FROM " + table + " WHERE 1 = 0"},
	} {
		_, err := tx.ExecContext(ctx, p[1])
		if err = classify(err); errors.Is(err, ErrPrivilege) {
			return d.lacks(ctx, p[0], t)
		}
		if err != nil {
			return fmt.Errorf("%s on %s: %w", p[0], t.Name, err)
		}
	}
	return nil
}

func (d *Desk) lacks(ctx context.Context, privilege string, t *Table) error {
	user := "your user"
	var current string
	if err := d.db.sql.QueryRowContext(ctx, "SELECT CURRENT_USER()").Scan(&current); err == nil {
		name, host, _ := strings.Cut(current, "@")
		user = "'" + name + "'@'" + host + "'"
	}
	return &PrivilegeError{
		Privilege: privilege, Table: t.Name,
		Grant: fmt.Sprintf("GRANT SELECT, INSERT, UPDATE, DELETE ON %s.%s TO %s;", quote(d.db.name), quote(t.Name), user),
	}
}
