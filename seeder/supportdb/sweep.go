package supportdb

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Sweep deletes what tables without transactions hold of a canary whose run
// died on the way, the last inserted first. A row is found by its key, as far
// as the keys were noted; the one that was not by its address, its number or by
// the row that it belongs to; in every case it must hold what was written. Rows
// that others have changed since are left.
func (d *Desk) Sweep(ctx context.Context, i *Image, k Keys) error {
	filled := d.filled(i, k)
	for n := range slices.Backward(filled.Items) {
		p := d.Part(filled.Items[n].Part)
		if p.Table.transactional() {
			continue
		}
		s, ok := d.sweeping(&filled, n, n < len(k.Rows))
		if !ok {
			continue
		}
		if _, err := d.db.sql.ExecContext(ctx, s.query, s.args...); err != nil {
			return fmt.Errorf("take half a canary back: %s: %w", p.Name, classify(err))
		}
	}
	return nil
}

// sweeping is the statement that deletes one row of a canary. It is not ok when
// nothing would tell the row from others.
func (d *Desk) sweeping(i *Image, n int, noted bool) (statement, bool) {
	it := &i.Items[n]
	p := d.Part(it.Part)
	s := statement{query: "DELETE FROM " + quote(p.Table.Name) + " WHERE "}
	var each []string
	for at, column := range it.Row.Columns {
		v, tells := d.wrote(i, n, at)
		switch {
		case v.Tied():
			continue
		case v.IsNull():
			each = append(each, quote(column)+" IS NULL")
			continue
		}
		noted = noted || tells
		each = append(each, quote(column)+" = ?")
		s.args = append(s.args, v.arg())
	}
	s.query += strings.Join(each, " AND ")
	return s, noted && len(s.args) > 0
}

// wrote is a value by which a row that was written can be found again, tied
// where there is none. It tells when no row of anybody else has it: a key, a
// token, or the key of a row of ours.
func (d *Desk) wrote(i *Image, n, at int) (v Value, tells bool) {
	p := d.Part(i.Items[n].Part)
	row := &i.Items[n].Row
	column := row.Columns[at]
	_, link := p.Link[column]
	v = row.Values[at]
	tells = d.tells(p, column) || slices.Contains(p.Key, column) || v.Tied()
	if v.Tied() && link {
		v = i.follow(v)
	}
	if c, ok := p.Table.Column(column); !ok || !c.comparable() {
		return Value{R: &Ref{}}, false
	}
	return v, tells && !v.IsNull()
}

// tells reports whether a column holds a token.
func (d *Desk) tells(p *Part, column string) bool {
	email, _ := d.Fact("email")
	number, _ := d.TicketFact("number")
	return email.Part == p.Name && email.Column == column || number.Part == p.Name && number.Column == column
}

// comparable reports whether the server finds a value of the column again by
// the text in which it gave it, and does not set it by itself.
func (c *Column) comparable() bool {
	return !c.OnUpdate && !c.Generated && (c.IsText() || c.IsInteger() || c.IsTime() || slices.Contains([]string{"date", "decimal", "enum", "set", "year", "uuid"}, c.Type))
}
