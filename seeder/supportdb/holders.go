package supportdb

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"saltmine/seeder/recipe"
)

// TicketHolders tells on which customer the tickets with these numbers hang:
// the customer's key by the number as it stands. Tickets that are gone, and
// those whose customer is, are left out.
func (d *Desk) TicketHolders(ctx context.Context, numbers []string) (map[string]string, error) {
	out := map[string]string{}
	for group := range slices.Chunk(numbers, recordGroup) {
		if err := d.ticketHolders(ctx, group, out); err != nil {
			return nil, fmt.Errorf("look for the customers of tickets: %w", err)
		}
	}
	return out, nil
}

func (d *Desk) ticketHolders(ctx context.Context, numbers []string, out map[string]string) error {
	p, customer := d.Part(recipe.TicketPart), d.Part(recipe.CustomerPart)
	on := d.link(p)
	at, _ := d.TicketFact("number")
	q := "SELECT " + on.alias + "." + quote(on.columns[0]) + ", t." + quote(at.Column) + " FROM " + on.from +
		" WHERE t." + quote(at.Column) + " IN (" + marks(len(numbers)) + ")" + also(on.filter)
	of := map[string][]string{} // numbers by what they hang on
	var anchors []string
	err := d.db.each(ctx, q, anys(numbers), func(rows *sql.Rows) error {
		var anchor, number sql.NullString
		if err := rows.Scan(&anchor, &number); err != nil || !anchor.Valid {
			return err
		}
		if of[anchor.String] == nil {
			anchors = append(anchors, anchor.String)
		}
		of[anchor.String] = append(of[anchor.String], number.String)
		return nil
	})
	if err != nil {
		return err
	}
	for group := range slices.Chunk(anchors, recordGroup) {
		found, err := d.rowsBy(ctx, customer, []string{customer.Key[0], on.of[0]}, on.of[0], group, customer.Filter)
		if err != nil {
			return err
		}
		for _, row := range found {
			for _, number := range of[row.Values[1].Text()] {
				out[number] = row.Values[0].Text()
			}
		}
	}
	return nil
}

// EmailHolders gives the keys of the customers with an e-mail address, without
// a lock; [Desk.ByEmail] waits for rows that are being inserted.
func (d *Desk) EmailHolders(ctx context.Context, email string) ([]string, error) {
	at, _ := d.Fact("email")
	p := d.Part(at.Part)
	found, err := d.rowsBy(ctx, p, p.Table.names(), at.Column, []string{email}, p.Filter)
	if err == nil {
		var keys []string
		if keys, err = d.climb(ctx, p, found); err == nil {
			return keys, nil
		}
	}
	return nil, fmt.Errorf("look for the customers with an address: %w", err)
}

// Shown tells which of the customers the recipe's filter takes. A row that
// stands and is not shown was marked as deleted by the help desk.
func (d *Desk) Shown(ctx context.Context, keys []string) (map[string]bool, error) {
	p := d.Part(recipe.CustomerPart)
	out := map[string]bool{}
	for group := range slices.Chunk(keys, recordGroup) {
		rows, err := d.rowsBy(ctx, p, p.Key[:1], p.Key[0], group, p.Filter)
		if err != nil {
			return nil, fmt.Errorf("look which customers are shown: %w", err)
		}
		for _, r := range rows {
			out[r.Values[0].Text()] = true
		}
	}
	return out, nil
}
