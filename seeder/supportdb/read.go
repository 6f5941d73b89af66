package supportdb

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
)

// Standing is a customer as it stands in the support database, with the
// tickets in the order of their keys.
type Standing struct {
	Key      string
	Customer Row
	Tickets  []Row
}

// ByEmail reads all customers with this e-mail address. It waits for
// transactions in which such a row is being inserted, so that after a lost
// answer it does not say "no" too early.
func (d *Desk) ByEmail(ctx context.Context, email string) ([]Standing, error) {
	r := &d.recipe.Customer
	columns := d.customer.names()
	q := "SELECT " + quoteAll(columns) + " FROM " + quote(d.customer.Name) + " WHERE " + quote(r.Email) + " = ?" //nolint:gosec // names are quoted
	if d.customer.Indexed(r.Email) {
		q += " FOR UPDATE" // without an index it would lock the whole table
	}
	var out []Standing
	err := d.db.inTx(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, q, email)
		if err != nil {
			return classify(err)
		}
		defer func() { _ = rows.Close() }() // rows.Err below has the fault
		for rows.Next() {
			row, err := scanRow(rows, columns)
			if err != nil {
				return err
			}
			out = append(out, Standing{Key: row.Get(r.Key).Text(), Customer: row})
		}
		return classify(rows.Err())
	})
	if err != nil {
		return nil, fmt.Errorf("look for an e-mail address: %w", err)
	}
	return d.withTickets(ctx, out)
}

// Read reads customers by their keys, those that exist.
func (d *Desk) Read(ctx context.Context, keys []string) ([]Standing, error) {
	var out []Standing
	for group := range slices.Chunk(keys, 200) {
		rows, err := d.byKey(ctx, d.customer, d.recipe.Customer.Key, group)
		if err != nil {
			return nil, fmt.Errorf("read customers: %w", err)
		}
		standing := make([]Standing, len(rows))
		for i, row := range rows {
			standing[i] = Standing{Key: row.Get(d.recipe.Customer.Key).Text(), Customer: row}
		}
		if standing, err = d.withTickets(ctx, standing); err != nil {
			return nil, err
		}
		out = append(out, standing...)
	}
	return out, nil
}

func (d *Desk) withTickets(ctx context.Context, all []Standing) ([]Standing, error) {
	if len(all) == 0 {
		return nil, nil
	}
	keys := make([]string, len(all))
	for i, s := range all {
		keys[i] = s.Key
	}
	tickets, err := d.ticketsOf(ctx, keys)
	if err != nil {
		return nil, fmt.Errorf("read tickets: %w", err)
	}
	for i := range all {
		all[i].Tickets = tickets[all[i].Key]
	}
	return all, nil
}
