package supportdb

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"saltmine/internal/canary"
	"saltmine/seeder/recipe"
)

// markShared finds the records with a column that may name a customer and
// names another one than their own.
func (d *Desk) markShared(ctx context.Context, records []Record) error {
	for _, p := range d.parts {
		for column, refs := range p.Refs {
			for _, ref := range refs {
				at := recipe.PlaceOf("", ref)
				if at.Part != recipe.CustomerPart {
					continue
				}
				at.Column = spelling(d.Part(at.Part).Table, at.Column)
				if err := d.markOthers(ctx, records, recipe.Place{Part: p.Name, Column: column}, at.Column); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (d *Desk) markOthers(ctx context.Context, records []Record, at recipe.Place, target string) error {
	named := map[string][]int{}
	var order []string
	for r := range records {
		rec := &records[r]
		own := rec.Items[0].Row.Get(target)
		for _, item := range rec.Items {
			v := item.Row.Get(at.Column)
			if item.Part != at.Part || v.IsNull() || v.Equal(own) || d.holds(rec, v) {
				continue
			}
			if named[v.Text()] == nil {
				order = append(order, v.Text())
			}
			named[v.Text()] = append(named[v.Text()], r)
		}
	}
	p := d.Part(recipe.CustomerPart)
	for group := range slices.Chunk(order, recordGroup) {
		rows, err := d.rowsBy(ctx, p, []string{target}, target, group, p.Filter)
		if err != nil {
			return err
		}
		for _, row := range rows {
			for _, r := range named[row.Get(target).Text()] {
				records[r].Shared = true
			}
		}
	}
	return nil
}

// holds reports whether a value is the key of a row of the record that is not
// the customer: ids of groups and people may come from one series.
func (d *Desk) holds(r *Record, v Value) bool {
	return slices.ContainsFunc(r.Items[1:], func(it Item) bool { return it.Row.Get(d.Part(it.Part).Key[0]).Equal(v) })
}

// ByEmail reads all customers with this e-mail address. It waits for
// transactions in which such a row is being inserted, so that after a lost
// answer it does not say "no" too early.
func (d *Desk) ByEmail(ctx context.Context, email string) ([]Record, error) {
	at, _ := d.Fact("email")
	p := d.Part(at.Part)
	columns := p.Table.names()
	q := "SELECT " + quoteAll(columns) + " FROM " + quote(p.Table.Name) + " WHERE " + quote(at.Column) + " = ?" + also(p.Filter) //nolint:gosec // names are quoted
	if p.Table.Indexed(at.Column) {
		q += " FOR UPDATE" // without an index it would lock the whole table
	}
	var found []Row
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
			found = append(found, row)
		}
		return classify(rows.Err())
	})
	if err != nil {
		return nil, fmt.Errorf("look for an e-mail address: %w", err)
	}
	keys, err := d.climb(ctx, p, found)
	if err != nil {
		return nil, fmt.Errorf("look for an e-mail address: %w", err)
	}
	return d.Read(ctx, keys)
}

// climb goes from rows of a part up to the keys of their customers.
func (d *Desk) climb(ctx context.Context, p *Part, rows []Row) ([]string, error) {
	for p.Name != recipe.CustomerPart {
		parent := d.Part(p.Of)
		column := sortedKeys(p.Link)[0]
		var values []string
		for i := range rows {
			if v := rows[i].Get(column); !v.IsNull() {
				values = append(values, v.Text())
			}
		}
		up, err := d.rowsBy(ctx, parent, parent.Table.names(), spelling(parent.Table, p.Link[column]), values, parent.Filter)
		if err != nil {
			return nil, err
		}
		p, rows = parent, up
	}
	var keys []string
	for i := range rows {
		keys = append(keys, rows[i].Get(p.Key[0]).Text())
	}
	return keys, nil
}

// Taken reports which of the values already stand in a column. Comparison is
// the server's, so case usually does not count; the answer holds the values as
// they stand.
func (d *Desk) Taken(ctx context.Context, at recipe.Place, values []string) ([]string, error) {
	t := d.Part(at.Part).Table
	var out []string
	for group := range slices.Chunk(values, 200) {
		q := "SELECT " + quote(at.Column) + " FROM " + quote(t.Name) + " WHERE " + quote(at.Column) + " IN (" + marks(len(group)) + ")"
		err := d.db.each(ctx, q, anys(group), func(rows *sql.Rows) error {
			var v sql.NullString
			err := rows.Scan(&v)
			out = append(out, v.String)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("look for values of %s.%s: %w", t.Name, at.Column, err)
		}
	}
	return out, nil
}

// Facts gives what the recipe names of a customer, as a row whose columns are
// the recipe's words: key, email, phone, …, and segment.WORD.
func (d *Desk) Facts(i *Image) Row {
	out := Row{}
	for _, f := range d.customer {
		out.Set(f.Word, i.Get(i.Customer(), f.Place))
	}
	return out
}

// SegmentOf gives a customer's segment from its facts.
func (d *Desk) SegmentOf(facts *Row) canary.Segment {
	pairs := map[string]string{}
	for _, word := range d.recipe.SegmentWords() {
		if v := facts.Get("segment." + word); v.Text() != "" {
			pairs[word] = v.Text()
		}
	}
	return canary.MakeSegment(pairs)
}

// SameText compares as the usual collations do, without case and trailing spaces.
func SameText(a, b string) bool {
	return strings.EqualFold(strings.TrimRight(a, " "), strings.TrimRight(b, " "))
}
