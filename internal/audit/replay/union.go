package replay

import (
	"strings"

	"github.com/dolthub/vitess/go/vt/sqlparser"

	"saltmine/internal/audit/maybe"
)

// setOp puts two queries together. Those that take rows away again are upper
// bounds.
func (c *compiler) setOp(s *sqlparser.SetOp, outer *scope) *query {
	defer c.with(s.With)()
	l, r := c.query(s.Left, outer), c.query(s.Right, outer)
	whole := strings.HasPrefix(s.Type, sqlparser.UnionStr) && s.Limit == nil
	q := above(l, r)
	if q.unsure = l.unsure; q.unsure == "" {
		q.unsure = r.unsure
	}
	if !whole && q.unsure == "" {
		q.unsure = "LIMIT, INTERSECT or EXCEPT over a union"
	}
	q.rows = func(f *frame, cells bool) (list []row) {
		for _, side := range []*query{l, r} {
			for _, one := range side.rows(f, cells && !q.open) {
				if !whole {
					one.there = one.there.Doubted()
				}
				retyped(q.columns, one.cells)
				list = f.run.count(list, one)
			}
		}
		return list
	}
	return q
}

// above puts the columns of two queries one above the other.
func above(l, r *query) *query {
	q := &query{open: l.open || r.open || l.shuffled || r.shuffled || len(l.columns) != len(r.columns)}
	for i := range l.columns {
		q.columns = append(q.columns, l.columns[i])
		if q.open || !united(&l.columns[i], &r.columns[i]) {
			q.columns[i].of = nil
		}
	}
	return q
}

// united reports whether a column of a union is of the type of both sides.
func united(l, r *column) bool {
	return l.of != nil && r.of != nil && l.of.Type == r.of.Type && l.of.Collation == r.of.Collation
}

// retyped makes of values what they are in a union, whose columns have one type.
func retyped(columns []column, cells []maybe.Value) {
	for i := range cells {
		switch {
		case columns[i].of == nil:
			cells[i] = blurred(cells[i])
		case cells[i].Kind == maybe.Number:
			cells[i].Text = "" // of another scale
		}
	}
}
