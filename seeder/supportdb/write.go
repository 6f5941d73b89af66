package supportdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
)

// statement is one statement with its arguments; what is executed and what a
// dry run shows are made from the same one.
type statement struct {
	query string
	args  []any
}

func insertOf(table string, r Row) statement {
	s := statement{query: "INSERT INTO " + quote(table) + " (" + quoteAll(r.Columns) + ") VALUES (" + marks(len(r.Columns)) + ")"}
	for _, v := range r.Values {
		s.args = append(s.args, v.arg())
	}
	return s
}

// Insert inserts the images, customers with their tickets, in one transaction.
// Before COMMIT it calls before with the keys that the server gave; an error
// of before rolls everything back. ErrUnknownOutcome means that only reading
// can tell; after every other error nothing was written.
func (d *Desk) Insert(ctx context.Context, images []Image, before func(context.Context, []Keys) error) error {
	err := d.db.inTx(ctx, func(tx *sql.Tx) error {
		keys := make([]Keys, len(images))
		for i := range images {
			k, err := d.insertOne(ctx, tx, &images[i])
			if err != nil {
				return err
			}
			keys[i] = k
		}
		return before(ctx, keys)
	})
	if err != nil {
		return fmt.Errorf("insert: %w", err)
	}
	return nil
}

func (d *Desk) insertOne(ctx context.Context, tx *sql.Tx, image *Image) (Keys, error) {
	key, err := insertRow(ctx, tx, d.customer, d.recipe.Customer.Key, image.Customer)
	if err != nil {
		return Keys{}, fmt.Errorf("customer: %w", err)
	}
	keys := Keys{Customer: key}
	for _, ticket := range image.Tickets {
		row := d.tied(ticket, Text(key))
		k, err := insertRow(ctx, tx, d.ticket, d.recipe.Ticket.Key, row)
		if err != nil {
			return Keys{}, fmt.Errorf("ticket: %w", err)
		}
		keys.Tickets = append(keys.Tickets, k)
	}
	return keys, nil
}

// tied returns the ticket with its customer's key at the column's own place.
func (d *Desk) tied(ticket Row, customer Value) Row {
	row := Row{}
	for _, name := range d.ticket.names() {
		switch {
		case name == d.recipe.Ticket.Customer:
			row.Set(name, customer)
		case ticket.Has(name):
			row.Set(name, ticket.Get(name))
		}
	}
	return row
}

func insertRow(ctx context.Context, tx *sql.Tx, t *Table, key string, r Row) (string, error) {
	s := insertOf(t.Name, r)
	result, err := tx.ExecContext(ctx, s.query, s.args...)
	if err != nil {
		return "", classify(err)
	}
	if r.Has(key) {
		return r.Get(key).Text(), nil
	}
	id, err := result.LastInsertId()
	if err != nil || id <= 0 {
		return "", fmt.Errorf("table %s: the server gave no key: %w", t.Name, errors.Join(err, ErrSchema))
	}
	return strconv.FormatInt(id, 10), nil
}

// Change is an UPDATE of one customer row in place.
type Change struct {
	Key   string
	Guard string // the column that must still hold Old
	Old   Value
	Set   Row
}

func (d *Desk) update(c Change) statement {
	s := statement{query: "UPDATE " + quote(d.customer.Name) + " SET "}
	for i, column := range c.Set.Columns {
		if i > 0 {
			s.query += ", "
		}
		s.query += quote(column) + " = ?"
		s.args = append(s.args, c.Set.Values[i].arg())
	}
	s.query += " WHERE " + quote(d.recipe.Customer.Key) + " = ? AND " + quote(c.Guard) + " = ?"
	s.args = append(s.args, c.Key, c.Old.arg())
	return s
}

// Update changes the row if the guarded column still holds the old value, and
// is ErrStale if it does not. After ErrUnknownOutcome only reading can tell.
func (d *Desk) Update(ctx context.Context, c Change) error {
	s := d.update(c)
	result, err := d.db.sql.ExecContext(ctx, s.query, s.args...)
	if err != nil {
		return fmt.Errorf("update: %w", committed(err)) // it commits by itself
	}
	return one(result, "update")
}

func one(result sql.Result, what string) error {
	n, err := result.RowsAffected()
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", what, err)
	case n == 0:
		return fmt.Errorf("%s: %w", what, ErrStale)
	case n > 1:
		return fmt.Errorf("%s: %d rows have one primary key: %w", what, n, ErrSchema)
	}
	return nil
}

// removal lists the statements that delete a canary.
func (d *Desk) removal(keys Keys, email Value) []statement {
	var out []statement
	if n := len(keys.Tickets); n > 0 {
		out = append(out, statement{
			query: "DELETE FROM " + quote(d.ticket.Name) + " WHERE " + quote(d.recipe.Ticket.Key) + " IN (" + marks(n) + ") AND " + quote(d.recipe.Ticket.Customer) + " = ?",
			args:  append(anys(keys.Tickets), keys.Customer),
		})
	}
	return append(out, statement{
		query: "DELETE FROM " + quote(d.customer.Name) + " WHERE " + quote(d.recipe.Customer.Key) + " = ? AND " + quote(d.recipe.Customer.Email) + " = ?",
		args:  []any{keys.Customer, email.arg()},
	})
}

// Remove deletes a canary's tickets and then its customer row, in one
// transaction, if the row still has the e-mail address. Rows that others tied
// to it since are kept: then nothing is deleted and the error is ErrConstraint.
func (d *Desk) Remove(ctx context.Context, keys Keys, email Value) error {
	err := d.db.inTx(ctx, func(tx *sql.Tx) error {
		steps := d.removal(keys, email)
		last := len(steps) - 1
		for _, s := range steps[:last] {
			if _, err := tx.ExecContext(ctx, s.query, s.args...); err != nil {
				return classify(err)
			}
		}
		if err := d.alone(ctx, tx, keys.Customer); err != nil {
			return err
		}
		result, err := tx.ExecContext(ctx, steps[last].query, steps[last].args...)
		if err != nil {
			return classify(err)
		}
		return one(result, "customer")
	})
	if err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	return nil
}

// alone makes sure that no ticket is left that would lose its customer; not
// every schema has the foreign key that would forbid it.
func (d *Desk) alone(ctx context.Context, tx *sql.Tx, customer string) error {
	var left int
	q := "SELECT COUNT(*) FROM " + quote(d.ticket.Name) + " WHERE " + quote(d.recipe.Ticket.Customer) + " = ?"
	if err := tx.QueryRowContext(ctx, q, customer).Scan(&left); err != nil {
		return classify(err)
	}
	if left > 0 {
		return fmt.Errorf("%d tickets that are not ours belong to the row: %w", left, ErrConstraint)
	}
	return nil
}
