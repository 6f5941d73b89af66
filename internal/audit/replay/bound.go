package replay

import (
	"slices"
	"strconv"
	"strings"

	"github.com/dolthub/vitess/go/vt/sqlparser"
)

// bounds notes what makes the rows an upper bound.
func (c *compiler) bounds(s *sqlparser.Select, sc *scope, q *query, items []item) {
	if s.Having != nil {
		c.cond(s.Having.Expr, sc) // for what it names
	}
	for _, o := range s.OrderBy {
		c.expr(o.Expr, sc) // for what it sums up
	}
	switch {
	case c.summed(s, sc, items):
		q.unsure = "rows are summed up"
	case s.Having != nil:
		q.unsure = "HAVING"
	case strings.Contains(strings.ToLower(s.Lock), "skip"):
		q.unsure = "locked rows are left out"
	case s.Limit != nil && !c.oneRow(s, sc):
		q.limited(s.Limit)
	case s.Limit == nil && c.keyed(s, sc):
		q.most = 1
	}
}

// limited notes a LIMIT.
func (q *query) limited(l *sqlparser.Limit) {
	q.unsure = "LIMIT"
	q.most = max(number(l.Rowcount), 0)
	if l.Offset == nil {
		q.limit = l.Rowcount
	}
}

// summed reports whether one row that comes out may stand for several that go in.
func (c *compiler) summed(s *sqlparser.Select, sc *scope, items []item) bool {
	if s.Having == nil && s.Limit == nil && c.depth == 1 && shown(items) && c.ownGroups(s, sc) {
		return false // each canary has its own
	}
	return c.aggregated || len(s.GroupBy) > 0 || c.windowed && !shown(items)
}

// keyed reports whether a key that is not in the text, of a prepared statement, chooses
// one row at most.
func (c *compiler) keyed(s *sqlparser.Select, sc *scope) bool {
	if sc.rel.base == nil || s.Where == nil {
		return false
	}
	return slices.ContainsFunc(all(s.Where.Expr, nil), func(e *sqlparser.ComparisonExpr) bool {
		name, ok := e.Left.(*sqlparser.ColName)
		v, open := e.Right.(*sqlparser.SQLVal)
		if !ok || !open || v.Type != sqlparser.ValArg || e.Operator != sqlparser.EqualStr {
			return false
		}
		at, known := sc.rel.base.columns[name.Name.Lowered()]
		return known && sc.rel.base.Columns[at].Unique
	})
}

// ownGroups reports whether rows are grouped by what no two canaries or customers share,
// so that each that goes in comes out.
func (c *compiler) ownGroups(s *sqlparser.Select, sc *scope) bool {
	return !c.windowed && !c.lifted && slices.ContainsFunc(s.GroupBy, func(e sqlparser.Expr) bool {
		name, ok := e.(*sqlparser.ColName)
		if !ok {
			return false
		}
		at, found, _ := lookUp(sc.rel, strings.ToLower(name.Qualifier.Name.String()), name.Name.Lowered())
		of := (*Column)(nil)
		if found == 1 {
			of = sc.rel.columns[at].of
		}
		return of != nil && (of.Unique || of.Domain != 0)
	})
}

// oneRow reports whether LIMIT takes nothing away, because a key chooses one
// row.
func (c *compiler) oneRow(s *sqlparser.Select, sc *scope) bool {
	if s.Limit.Offset != nil || sc.rel.base == nil || number(s.Limit.Rowcount) < 1 {
		return false
	}
	for _, p := range points(s.Where, sc.rel.base) {
		if sc.rel.base.Columns[p.column].Unique && len(p.values) == 1 {
			return true
		}
	}
	return false
}

// number reads a whole number of a statement; -1 is none.
func number(e sqlparser.Expr) int64 {
	v, ok := e.(*sqlparser.SQLVal)
	if !ok || v.Type != sqlparser.IntVal {
		return -1
	}
	n, err := strconv.ParseInt(string(v.Val), 10, 64)
	if err != nil {
		return -1
	}
	return n
}
