package replay

import (
	"strings"

	"github.com/dolthub/vitess/go/vt/sqlparser"

	"saltmine/internal/audit/maybe"
)

// join compiles one join.
func (c *compiler) join(t *sqlparser.JoinTableExpr, outer *scope) *relation {
	if c.level++; c.level > maxLevels {
		c.beyond(tooDeep)
		return strange("")
	}
	defer func() { c.level-- }()
	l, r := c.item(t.LeftExpr, outer), c.item(t.RightExpr, outer)
	if c.tooMany(l, r) {
		return strange("")
	}
	switch t.Join {
	case sqlparser.LeftJoinStr, sqlparser.NaturalLeftJoinStr:
		return left(l, r, c.on(t, l, r, outer))
	case sqlparser.RightJoinStr, sqlparser.NaturalRightJoinStr:
		return turned(left(r, l, turnedCondition(c.on(t, l, r, outer), len(r.columns))), len(r.columns))
	case sqlparser.FullOuterJoinStr:
		c.beyond("a full outer join")
		return inner(l, r, nil)
	default:
		return inner(l, r, c.on(t, l, r, outer))
	}
}

// on compiles the condition of a join; nil is none.
func (c *compiler) on(t *sqlparser.JoinTableExpr, l, r *relation, outer *scope) condition {
	var names []string
	switch {
	case t.Condition.On != nil:
		return c.cond(t.Condition.On, &scope{rel: beside(l, r), outer: outer})
	case len(t.Condition.Using) > 0:
		for _, name := range t.Condition.Using {
			names = append(names, name.Lowered())
		}
	case strings.HasPrefix(t.Join, "natural"):
		if len(l.open)+len(r.open) > 0 {
			return func(*frame) maybe.Truth { return maybe.Either }
		}
		names = common(l, r)
	default:
		return nil
	}
	keepLeft := t.Join != sqlparser.RightJoinStr && t.Join != sqlparser.NaturalRightJoinStr
	return using(l, r, names, keepLeft)
}

func common(l, r *relation) (names []string) {
	for _, a := range l.columns {
		for _, b := range r.columns {
			if a.name == b.name && !a.hidden && !b.hidden {
				names = append(names, a.name)
			}
		}
	}
	return names
}

// using compares columns of the same name, of which one stays to be named
// without its table.
func using(l, r *relation, names []string, keepLeft bool) condition {
	var pairs [][2]int
	unsure := false
	for _, name := range names {
		a, b := find(l, name), find(r, name)
		if a < 0 || b < 0 {
			unsure = true
			continue
		}
		pairs = append(pairs, [2]int{a, b + len(l.columns)})
		if keepLeft {
			r.columns[b].hidden = true
		} else {
			l.columns[a].hidden = true
		}
	}
	return func(f *frame) maybe.Truth {
		holds := maybe.True
		if unsure {
			holds = maybe.Either
		}
		for _, p := range pairs {
			holds = holds.And(maybe.Compare(&f.cells[p[0]], &f.cells[p[1]]).Holds(maybe.Equal))
		}
		return holds
	}
}

func find(r *relation, name string) int {
	for i, c := range r.columns {
		if c.name == name && !c.hidden {
			return i
		}
	}
	return -1
}

// turnedCondition gives a condition on left and right the cells of right and
// left.
func turnedCondition(on condition, width int) condition {
	if on == nil {
		return nil
	}
	return func(f *frame) maybe.Truth {
		return on(&frame{run: f.run, cells: turnedCells(f.cells, width), outer: f.outer})
	}
}

func turnedCells(cells []maybe.Value, width int) []maybe.Value {
	return append(append(make([]maybe.Value, 0, len(cells)), cells[width:]...), cells[:width]...)
}

// turned puts the first columns behind the others.
func turned(r *relation, width int) *relation {
	t := &relation{open: r.open, shuffled: r.shuffled, joined: r.joined}
	t.columns = append(append(t.columns, r.columns[width:]...), r.columns[:width]...)
	t.rows = func(f *frame) []row {
		list := r.rows(f)
		for i := range list {
			list[i].cells = turnedCells(list[i].cells, width)
		}
		return list
	}
	return t
}
