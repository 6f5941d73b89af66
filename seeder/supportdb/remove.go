package supportdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"saltmine/seeder/recipe"
)

// removal lists the statements that delete a canary's rows, the last inserted
// first. Every one names the primary key and the values that tie the row to
// the canary's others; the customer's names the e-mail address where it stands there.
func (d *Desk) removal(i *Image, k Keys, email Value) []statement {
	var out []statement
	filled := d.filled(i, k)
	at, _ := d.Fact("email")
	for n := len(k.Rows) - 1; n >= 0; n-- {
		it := &filled.Items[n]
		p := d.Part(it.Part)
		s := statement{query: "DELETE FROM " + quote(p.Table.Name) + " WHERE " + equalities(p.Key), args: anys(k.Rows[n])}
		guard := func(column string, v Value) {
			if !v.IsNull() && !v.Tied() {
				s.query += " AND " + quote(column) + " = ?"
				s.args = append(s.args, v.arg())
			}
		}
		if it.Part == at.Part && n == filled.At(filled.Customer(), at.Part) {
			guard(at.Column, email)
		}
		if p.Name != recipe.TicketPart || len(d.hops) == 0 {
			for _, column := range sortedKeys(p.Link) {
				guard(column, filled.follow(it.Row.Get(column)))
			}
		}
		out = append(out, s)
	}
	return out
}

// filled gives the image with the keys that the server gave.
func (d *Desk) filled(i *Image, k Keys) Image {
	out := i.Clone()
	for n := range out.Items {
		if n >= len(k.Rows) {
			break
		}
		for c, column := range d.Part(out.Items[n].Part).Key {
			if c < len(k.Rows[n]) {
				out.Items[n].Row.Set(column, Text(k.Rows[n][c]))
			}
		}
	}
	return out
}

// Remove deletes a canary's rows in one transaction, if the address still
// stands as it was written. Rows that others tied to them since are kept: then
// nothing is deleted and the error is ErrConstraint.
func (d *Desk) Remove(ctx context.Context, i *Image, k Keys, email Value) error {
	err := d.inQuiet(ctx, func(tx *sql.Tx) error {
		if err := d.stillOurs(ctx, tx, i, k, email); err != nil {
			return err
		}
		filled := d.filled(i, k)
		for at, s := range d.removal(i, k, email) {
			n := len(k.Rows) - 1 - at
			if err := d.alone(ctx, tx, &filled, n); err != nil {
				return err
			}
			result, err := tx.ExecContext(ctx, s.query, s.args...)
			if err != nil {
				return classify(err)
			}
			if err := one(result, filled.Items[n].Part); err != nil && !errors.Is(err, ErrStale) {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	return nil
}

// stillOurs locks the row with the address and is ErrStale when it holds another.
func (d *Desk) stillOurs(ctx context.Context, tx *sql.Tx, i *Image, k Keys, email Value) error {
	at, _ := d.Fact("email")
	n := i.At(i.Customer(), at.Part)
	if n < 0 || n >= len(k.Rows) {
		return ErrStale
	}
	p := d.Part(at.Part)
	var found int
	q := "SELECT 1 FROM " + quote(p.Table.Name) + " WHERE " + equalities(p.Key) + " AND " + quote(at.Column) + " = ? FOR UPDATE"
	err := tx.QueryRowContext(ctx, q, append(anys(k.Rows[n]), email.arg())...).Scan(&found)
	if errors.Is(err, sql.ErrNoRows) {
		return ErrStale
	}
	return classify(err)
}

// alone makes sure that no row is left that would lose the one it belongs to;
// not every schema has the foreign key that would forbid it.
func (d *Desk) alone(ctx context.Context, tx *sql.Tx, i *Image, n int) error {
	for _, p := range d.parts {
		if p.Of != i.Items[n].Part || p.First || p.Name == recipe.TicketPart && len(d.hops) > 0 {
			continue
		}
		var columns []string
		var args []any
		for _, c := range sortedKeys(p.Link) {
			columns = append(columns, c)
			args = append(args, i.follow(i.Items[n].Row.Get(spelling(d.Part(p.Of).Table, p.Link[c]))).arg())
		}
		var left int
		q := "SELECT COUNT(*) FROM " + quote(p.Table.Name) + " WHERE " + equalities(columns) + also(p.Filter)
		if err := tx.QueryRowContext(ctx, q, args...).Scan(&left); err != nil {
			return classify(err)
		}
		if left > 0 {
			return fmt.Errorf("%d rows of %s that are not ours belong to the %s: %w", left, p.Table.Name, p.Of, ErrConstraint)
		}
	}
	return nil
}

// Drift is one way in which a canary's rows are not as they were written.
type Drift struct {
	Part   string
	Column string // empty when the row is gone or is not ours
	Gone   bool   // the row is not there any more
	Added  bool   // the row is somebody else's, and hangs on the canary's
}

// Compare tells what of a canary's rows others have changed, deleted or added.
// Columns that the server itself sets are left out.
func (d *Desk) Compare(i *Image, k Keys, stands *Record) []Drift {
	var out []Drift
	filled := d.filled(i, k)
	seen := map[int]bool{}
	for n := range filled.Items {
		at := d.match(&filled, n, k, stands)
		if at < 0 {
			out = append(out, Drift{Part: filled.Items[n].Part, Gone: true})
			continue
		}
		seen[at] = true
		out = append(out, d.differ(&filled, n, &stands.Items[at].Row)...)
	}
	for at, it := range stands.Items {
		if !seen[at] {
			out = append(out, Drift{Part: it.Part, Added: true})
		}
	}
	return out
}

// Stands finds the standing row of an item by its key; nil when it is gone.
func (d *Desk) Stands(i *Image, k Keys, n int, stands *Record) *Row {
	at := d.match(i, n, k, stands)
	if at < 0 {
		return nil
	}
	return &stands.Items[at].Row
}

// match finds the standing row with an item's key.
func (d *Desk) match(i *Image, n int, k Keys, stands *Record) int {
	p := d.Part(i.Items[n].Part)
	for at := range stands.Items {
		it := &stands.Items[at]
		same := it.Part == p.Name && n < len(k.Rows)
		for c, column := range p.Key {
			same = same && c < len(k.Rows[n]) && it.Row.Get(spelling(p.Table, column)).Text() == k.Rows[n][c]
		}
		if same {
			return at
		}
	}
	return -1
}

func (d *Desk) differ(i *Image, n int, row *Row) []Drift {
	p := d.Part(i.Items[n].Part)
	var out []Drift
	for at, column := range i.Items[n].Row.Columns {
		c, ok := p.Table.Column(column)
		if !ok || c.OnUpdate || c.Generated {
			continue
		}
		was, is := i.follow(i.Items[n].Row.Values[at]), row.Get(column)
		if !was.Tied() && !was.Equal(is) {
			out = append(out, Drift{Part: p.Name, Column: column})
		}
	}
	return out
}
