package supportdb

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

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

// Findable reports whether customers are found by one of these facts without
// reading the whole table: it stands in the customer table, first in an index.
func (d *Desk) Findable(words ...string) bool {
	_, ok := d.findable(words)
	return ok
}

func (d *Desk) findable(words []string) (recipe.Place, bool) {
	for _, word := range words {
		if at, ok := d.Fact(word); ok && at.Part == recipe.CustomerPart && d.Part(at.Part).Table.Indexed(at.Column) {
			return at, true
		}
	}
	return recipe.Place{}, false
}

// mostNamesakes bounds the customers of one name that are read.
const mostNamesakes = 200

// Namesakes reads customers with the name of an image, 200 at most, without
// what belongs to them; none where no index leads to names.
func (d *Desk) Namesakes(ctx context.Context, i *Image) ([]Record, error) {
	if !d.Findable("name", "first_name", "last_name") {
		return nil, nil
	}
	p := d.Part(recipe.CustomerPart)
	var where []string
	var args []any
	for _, word := range []string{"last_name", "first_name", "name"} {
		at, ok := d.Fact(word)
		if v := i.Get(i.Customer(), at); ok && at.Part == p.Name && v.Text() != "" {
			where, args = append(where, quote(at.Column)+" = ?"), append(args, v.Text())
		}
	}
	if len(where) == 0 {
		return nil, nil
	}
	columns := p.Table.names()
	q := fmt.Sprintf("SELECT %s FROM %s WHERE %s%s LIMIT %d", quoteAll(columns), quote(p.Table.Name), strings.Join(where, " AND "), also(p.Filter), mostNamesakes)
	var rows []Row
	err := d.db.each(ctx, q, args, func(r *sql.Rows) error {
		row, err := scanRow(r, columns)
		rows = append(rows, row)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look for namesakes: %w", err)
	}
	return tree{d, func(*Part) []string { return nil }}.grow(ctx, rows)
}
