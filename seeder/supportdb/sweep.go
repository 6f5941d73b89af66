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
	told := noted
	var each []string
	for at, column := range it.Row.Columns {
		c, ok := p.Table.Column(column)
		_, link := p.Link[column]
		v := it.Row.Values[at]
		if v.Tied() && link {
			v = i.follow(v)
			told = told || !v.Tied() && !v.IsNull()
		}
		switch {
		case !ok || v.Tied() || !c.comparable():
			continue
		case v.IsNull():
			each = append(each, quote(column)+" IS NULL")
			continue
		}
		told = told || d.tells(p, column) || slices.Contains(p.Key, column)
		each = append(each, quote(column)+" = ?")
		s.args = append(s.args, v.arg())
	}
	s.query += strings.Join(each, " AND ")
	return s, told && len(s.args) > 0
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
