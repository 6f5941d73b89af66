package supportdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// CheckTriggers refuses triggers on the tables that are written to, other than
// those that the recipe allows: who knows whom they mail or where they copy
// rows to. It is [ErrTrigger], each trigger named with its table. A server
// shows triggers only to users with the right TRIGGER; those that stay unseen
// are found when they run, see inQuiet. Events are not looked at: they run with
// canaries as without.
func (d *Desk) CheckTriggers(ctx context.Context) error {
	names := make([]string, 0, len(d.parts))
	for _, t := range d.tables() {
		names = append(names, t.Name)
	}
	if d.counter != nil {
		names = append(names, d.counter.Name)
	}
	tables, err := d.db.schema(ctx, names...)
	if err != nil {
		return err
	}
	var faults []error
	for _, name := range names {
		t := tables[name]
		if t == nil {
			return &SchemaError{Table: name, Problem: "it is gone from database " + d.db.name}
		}
		for _, trigger := range t.Triggers {
			if !slices.Contains(d.recipe.AllowTriggers, trigger) {
				faults = append(faults, fmt.Errorf("%w: %s on table %s", ErrTrigger, trigger, name))
			}
		}
	}
	return errors.Join(faults...)
}

// inQuiet is inTx, and ErrTrigger when a trigger has run in it: one that was made
// a moment ago, or that the server does not show to this user. Servers that do
// not count (MySQL) say nothing.
func (d *Desk) inQuiet(ctx context.Context, do func(tx *sql.Tx) error) error {
	return d.db.inTx(ctx, func(tx *sql.Tx) error {
		before, err := triggersRun(ctx, tx)
		if err != nil {
			return err
		}
		if err := do(tx); err != nil {
			return err
		}
		after, err := triggersRun(ctx, tx)
		if err == nil && after > before && len(d.recipe.AllowTriggers) == 0 {
			return fmt.Errorf("%w: one ran, and what it and we had done was rolled back", ErrTrigger)
		}
		return err
	})
}

// triggersRun counts the triggers that have run in the transaction's session.
func triggersRun(ctx context.Context, tx *sql.Tx) (n int64, err error) {
	var name string
	err = tx.QueryRowContext(ctx, "SHOW SESSION STATUS LIKE 'Executed_triggers'").Scan(&name, &n)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return n, classify(err)
}

// proven reads the rows of an image back, before they are committed, and is
// ErrAltered when one does not hold what was written. It takes up the keys as
// the server spells them.
func (w *writing) proven(ctx context.Context) error {
	for n := w.begun; n < len(w.image.Items); n++ {
		if err := w.provenRow(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

func (w *writing) provenRow(ctx context.Context, n int) error {
	p := w.d.Part(w.image.Items[n].Part)
	meant := &w.image.Items[n].Row
	columns := slices.Concat(p.Key, meant.Columns)
	q := "SELECT " + quoteAll(columns) + " FROM " + quote(p.Table.Name) + " WHERE " + equalities(p.Key) //nolint:gosec // names are quoted
	rows, err := w.tx.QueryContext(ctx, q, anys(w.keys.Rows[n])...)
	if err != nil {
		return classify(err)
	}
	defer func() { _ = rows.Close() }() // rows.Err below has the fault
	if !rows.Next() {
		return fmt.Errorf("%w: table %s has no row with the key that was given", errors.Join(ErrAltered, classify(rows.Err())), p.Table.Name)
	}
	stands, err := scanRow(rows, columns)
	if err != nil {
		return err
	}
	for i := range p.Key {
		w.keys.Rows[n][i] = stands.Values[i].Text()
	}
	for i, column := range meant.Columns {
		c, _ := p.Table.Column(column)
		if !c.holds(w.image.follow(meant.Values[i]), stands.Values[len(p.Key)+i]) {
			return fmt.Errorf("%w: column %s.%s", ErrAltered, p.Table.Name, column)
		}
	}
	return classify(rows.Err())
}

// holds reports whether a value that was read is the one that was written: the
// same bytes, of numbers the same number. Servers write JSON in their own way.
func (c *Column) holds(written, read Value) bool {
	switch {
	case written.Equal(read), c.Generated, c.Type == "json":
		return true
	case c.IsInteger():
		return !read.IsNull() && strings.TrimLeft(written.Text(), "0") == strings.TrimLeft(read.Text(), "0")
	}
	return false
}
