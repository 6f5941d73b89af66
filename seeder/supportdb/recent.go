package supportdb

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// Newest gives the latest sign-up or ticket among the rows that were inserted
// last; zero when the tables do not show an order of insertion.
func (d *Desk) Newest(ctx context.Context) (time.Time, error) {
	var newest time.Time
	for _, t := range []struct {
		table        *Table
		key, created string
	}{
		{d.customer, d.recipe.Customer.Key, d.recipe.Customer.Created},
		{d.ticket, d.recipe.Ticket.Key, d.recipe.Ticket.Created},
	} {
		rows, err := d.last(ctx, t.table, t.key, []string{t.created}, 20)
		if err != nil {
			return time.Time{}, fmt.Errorf("read the newest rows of %s: %w", t.table.Name, err)
		}
		for _, r := range rows {
			if at, ok := ParseTime(r.Values[0]); ok && at.After(newest) {
				newest = at
			}
		}
	}
	return newest, nil
}

// RecentNumbers reads the ticket numbers and dates that were inserted last,
// newest first, the columns that the recipe names. Where keys show no order,
// it goes by the numbers themselves.
func (d *Desk) RecentNumbers(ctx context.Context, want int) ([]Row, error) {
	order := d.recipe.Ticket.Key
	if col, _ := d.ticket.Column(order); !col.Auto {
		order = d.recipe.Ticket.Number
	}
	rows, err := d.lastBy(ctx, d.ticket, order, named(d.ticket, d.recipe.ticketColumns()), want)
	if err != nil {
		return nil, fmt.Errorf("read recent ticket numbers: %w", err)
	}
	return rows, nil
}

// last reads the rows with the highest keys, nothing for keys without order.
func (d *Desk) last(ctx context.Context, t *Table, key string, columns []string, want int) ([]Row, error) {
	if col, _ := t.Column(key); !col.Auto {
		return nil, nil
	}
	return d.lastBy(ctx, t, key, columns, want)
}

func (d *Desk) lastBy(ctx context.Context, t *Table, order string, columns []string, want int) ([]Row, error) {
	q := "SELECT " + quoteAll(columns) + " FROM " + quote(t.Name) + " ORDER BY " + quote(order) + " DESC LIMIT " + strconv.Itoa(want)
	var out []Row
	err := d.db.each(ctx, q, nil, func(rows *sql.Rows) error {
		r, err := scanRow(rows, columns)
		out = append(out, r)
		return err
	})
	return out, err
}

// RecentValues reads a column and the date of creation of the rows that were
// inserted last, for a column that the recipe does not name.
func (d *Desk) RecentValues(ctx context.Context, t *Table, column string, want int) ([]Row, error) {
	key, created := d.recipe.Customer.Key, d.recipe.Customer.Created
	if t == d.ticket {
		key, created = d.recipe.Ticket.Key, d.recipe.Ticket.Created
	}
	rows, err := d.lastBy(ctx, t, key, []string{column, created}, want)
	if err != nil {
		return nil, fmt.Errorf("read recent values of %s.%s: %w", t.Name, column, err)
	}
	return rows, nil
}

// Taken reports which of the values already stand in a column of the customer
// or ticket table. Comparison is the server's, so case usually does not count;
// the answer holds the values as they stand.
func (d *Desk) Taken(ctx context.Context, t *Table, column string, values []string) ([]string, error) {
	var out []string
	for group := range slices.Chunk(values, 200) {
		q := "SELECT " + quote(column) + " FROM " + quote(t.Name) + " WHERE " + quote(column) + " IN (" + marks(len(group)) + ")"
		err := d.db.each(ctx, q, anys(group), func(rows *sql.Rows) error {
			var v sql.NullString
			err := rows.Scan(&v)
			out = append(out, v.String)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("look for values of %s.%s: %w", t.Name, column, err)
		}
	}
	return out, nil
}
