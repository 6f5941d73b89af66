package replay

import (
	"cmp"
	"strings"

	"github.com/dolthub/vitess/go/vt/sqlparser"
)

// leaf is a table with canaries' rows in a join.
type leaf struct {
	alias string
	table *table
	group int // leaves of one group are a canary's together, or none of them is
}

// leaves are a join's tables.
type leaves struct {
	list   []leaf
	others []string // tables without canaries' rows
}

// narrow finds conditions by which the canaries of a join can be found. Where
// all of its tables are joined by keys that canaries' rows alone hold, a row of
// one canary's has no row of others' in it, so what is asked of one of the
// tables is asked of that canary's row.
func (c *compiler) narrow(s *sqlparser.Select) (list []point, others []string) {
	l := &leaves{}
	for _, item := range s.From {
		if !c.collect(item, l) {
			return nil, nil
		}
	}
	asked := all(s.Where.Expr, nil)
	for _, e := range asked {
		l.join(e, func(_, _ int) bool { return true })
	}
	if !l.together() {
		return nil, nil
	}
	for _, e := range asked {
		name, ok := e.Left.(*sqlparser.ColName)
		if !ok {
			continue
		}
		at := l.find(name)
		if at < 0 {
			continue
		}
		if p, ok := pointOf(e, l.list[at].table); ok {
			list = append(list, p)
		}
	}
	return list, l.others
}

// collect takes in the tables of a join; false when one of them is something
// else.
func (c *compiler) collect(e sqlparser.TableExpr, l *leaves) bool {
	switch e := e.(type) {
	case *sqlparser.ParenTableExpr:
		for _, item := range e.Exprs {
			if !c.collect(item, l) {
				return false
			}
		}
		return true
	case *sqlparser.JoinTableExpr:
		from := len(l.list)
		if !c.collect(e.LeftExpr, l) {
			return false
		}
		middle := len(l.list)
		if !c.collect(e.RightExpr, l) {
			return false
		}
		if e.Condition.On != nil {
			l.meet(e, from, middle)
		}
		return true
	case *sqlparser.AliasedTableExpr:
		return c.leaf(e, l)
	default:
		return false
	}
}

func (c *compiler) leaf(e *sqlparser.AliasedTableExpr, l *leaves) bool {
	source, ok := e.Expr.(sqlparser.TableName)
	if !ok {
		return false
	}
	name, in := strings.ToLower(source.Name.String()), cmp.Or(source.DbQualifier.String(), c.database)
	_, view := c.views[name]
	if c.common(name) != nil || !strings.EqualFold(in, c.schema.Database) {
		return false
	}
	if t := c.book.tables[name]; t != nil {
		l.list = append(l.list, leaf{cmp.Or(strings.ToLower(e.As.String()), name), t, len(l.list)})
		return true
	}
	l.others = append(l.others, strings.ToLower(in)+"."+name)
	return c.others[name] && !view
}

// meet joins the leaves behind from, those before middle with those behind it.
// The side that an outer join may leave empty hangs on one group of the other:
// through an empty row nothing is joined.
func (l *leaves) meet(e *sqlparser.JoinTableExpr, from, middle int) {
	on := all(e.Condition.On, nil)
	switch e.Join {
	case sqlparser.JoinStr, sqlparser.StraightJoinStr:
		for _, one := range on {
			l.join(one, func(_, _ int) bool { return true })
		}
	case sqlparser.LeftJoinStr:
		l.hang(on, func(i int) bool { return i >= middle })
	case sqlparser.RightJoinStr:
		l.hang(on, func(i int) bool { return i >= from && i < middle })
	}
}

// hang joins the leaves that may be empty to the others.
func (l *leaves) hang(on []*sqlparser.ComparisonExpr, empty func(int) bool) {
	for _, one := range on {
		l.join(one, func(a, b int) bool { return empty(a) && empty(b) })
	}
	for _, one := range on {
		l.join(one, func(a, b int) bool {
			if empty(a) {
				a, b = b, a
			}
			return !empty(a) && empty(b) && !l.hangs(l.list[b].group, empty)
		})
	}
}

// hangs reports whether a group has a leaf beyond the side that may be empty.
func (l *leaves) hangs(group int, empty func(int) bool) bool {
	for i := range l.list {
		if l.list[i].group == group && !empty(i) {
			return true
		}
	}
	return false
}

// together reports whether all leaves are joined by canaries' keys.
func (l *leaves) together() bool {
	for i := range l.list {
		if l.list[i].group != l.list[0].group {
			return false
		}
	}
	return len(l.list) > 0
}

// join puts the leaves of a comparison of keys in one group, where it may.
func (l *leaves) join(e *sqlparser.ComparisonExpr, may func(a, b int) bool) {
	left, ok := e.Left.(*sqlparser.ColName)
	right, also := e.Right.(*sqlparser.ColName)
	if !ok || !also || e.Operator != sqlparser.EqualStr {
		return
	}
	a, b := l.find(left), l.find(right)
	if a < 0 || b < 0 || !may(a, b) {
		return
	}
	domain := l.list[a].domain(left)
	if domain == 0 || domain != l.list[b].domain(right) {
		return
	}
	from, to := l.list[b].group, l.list[a].group
	for i := range l.list {
		if l.list[i].group == from {
			l.list[i].group = to
		}
	}
}

func (f *leaf) domain(name *sqlparser.ColName) uint16 {
	return f.table.Columns[f.table.columns[name.Name.Lowered()]].Domain
}

// find is the leaf that a column is of; below 0 when that is not sure.
func (l *leaves) find(name *sqlparser.ColName) int {
	source, found := strings.ToLower(name.Qualifier.Name.String()), -1
	for i := range l.list {
		if _, has := l.list[i].table.columns[name.Name.Lowered()]; !has || source != "" && source != l.list[i].alias {
			continue
		}
		if found >= 0 {
			return -1
		}
		found = i
	}
	if source == "" && len(l.others) > 0 {
		return -1
	}
	return found
}
