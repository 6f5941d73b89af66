package replay

import (
	"strings"

	"github.com/dolthub/vitess/go/vt/sqlparser"

	"saltmine/internal/audit/maybe"
)

type (
	condition func(*frame) maybe.Truth
	value     func(*frame) maybe.Value
)

func always(t maybe.Truth) condition { return func(*frame) maybe.Truth { return t } }

// cond compiles a condition.
func (c *compiler) cond(e sqlparser.Expr, sc *scope) condition { //nolint:cyclop // a flat table of conditions
	if c.level++; c.level > maxLevels {
		c.beyond(tooDeep)
		return always(maybe.Any)
	}
	defer func() { c.level-- }()
	switch e := e.(type) {
	case *sqlparser.AndExpr:
		return c.and(e, sc)
	case *sqlparser.OrExpr:
		l, r := c.cond(e.Left, sc), c.cond(e.Right, sc)
		if c.pipes {
			return always(maybe.Any) // || may join texts
		}
		return func(f *frame) maybe.Truth {
			if t := l(f); !t.Sure() {
				return t.Or(r(f))
			}
			return maybe.True
		}
	case *sqlparser.XorExpr:
		l, r := c.cond(e.Left, sc), c.cond(e.Right, sc)
		return func(f *frame) maybe.Truth { return l(f).Xor(r(f)) }
	case *sqlparser.NotExpr:
		x := c.cond(e.Expr, sc)
		return func(f *frame) maybe.Truth { return x(f).Not() }
	case *sqlparser.ParenExpr:
		return c.cond(e.Expr, sc)
	case *sqlparser.ComparisonExpr:
		return c.comparison(e, sc)
	case *sqlparser.RangeCond:
		return c.between(e, sc)
	case *sqlparser.IsExpr:
		return c.is(e, sc)
	case *sqlparser.ExistsExpr:
		return c.exists(e, sc)
	default:
		v := c.expr(e, sc)
		return func(f *frame) maybe.Truth { x := v(f); return x.Truth() }
	}
}

func (c *compiler) and(e *sqlparser.AndExpr, sc *scope) condition {
	l, r := c.cond(e.Left, sc), c.cond(e.Right, sc)
	return func(f *frame) maybe.Truth {
		if t := l(f); t != maybe.False {
			return t.And(r(f))
		}
		return maybe.False
	}
}

// orders are the operators by what they want.
func orders(operator string) (want maybe.Order, known bool) {
	switch operator {
	case sqlparser.EqualStr:
		return maybe.Equal, true
	case sqlparser.LessThanStr:
		return maybe.Less, true
	case sqlparser.GreaterThanStr:
		return maybe.More, true
	case sqlparser.LessEqualStr:
		return maybe.Less | maybe.Equal, true
	case sqlparser.GreaterEqualStr:
		return maybe.More | maybe.Equal, true
	case sqlparser.NotEqualStr:
		return maybe.Unlike, true
	}
	return 0, false
}

func (c *compiler) comparison(e *sqlparser.ComparisonExpr, sc *scope) condition {
	switch e.Operator {
	case sqlparser.InStr:
		return c.in(e, sc)
	case sqlparser.NotInStr:
		in := c.in(e, sc)
		return func(f *frame) maybe.Truth { return in(f).Not() }
	case sqlparser.LikeStr, sqlparser.NotLikeStr:
		return c.like(e, sc)
	}
	if tuple, ok := e.Left.(sqlparser.ValTuple); ok && e.Operator == sqlparser.EqualStr && len(tuple) > 1 {
		if other, ok := e.Right.(sqlparser.ValTuple); ok {
			return c.tuples(tuple, other, sc)
		}
	}
	return compared(e.Operator, c.expr(e.Left, sc), c.expr(e.Right, sc))
}

func compared(operator string, l, r value) condition {
	want, known := orders(operator)
	switch {
	case known:
		return func(f *frame) maybe.Truth {
			a, b := l(f), r(f)
			return maybe.Compare(&a, &b).Holds(want)
		}
	case operator == sqlparser.NullSafeEqualStr:
		return func(f *frame) maybe.Truth {
			a, b := l(f), r(f)
			both := a.MayBeNull() && b.MayBeNull()
			one := a.MayBeNull() && !b.IsNull() || b.MayBeNull() && !a.IsNull()
			return maybe.Compare(&a, &b).Same(both, one)
		}
	default:
		return func(f *frame) maybe.Truth {
			a, b := l(f), r(f)
			if a.IsNull() || b.IsNull() {
				return maybe.Unknown
			}
			return maybe.Any
		}
	}
}

// tuples compares (a, b) = (c, d).
func (c *compiler) tuples(l, r sqlparser.ValTuple, sc *scope) condition {
	if len(l) != len(r) {
		return always(maybe.Any)
	}
	all := always(maybe.True)
	for i := range l {
		before := all
		equal := c.comparison(&sqlparser.ComparisonExpr{Operator: sqlparser.EqualStr, Left: l[i], Right: r[i]}, sc)
		all = func(f *frame) maybe.Truth { return before(f).And(equal(f)) }
	}
	return func(f *frame) maybe.Truth { return nullOrFalse(all(f)) }
}

// nullOrFalse is for conditions that servers make false where they should be
// NULL: of rows, and of a subquery's values.
func nullOrFalse(t maybe.Truth) maybe.Truth {
	if t&maybe.Unknown != 0 {
		return t | maybe.False
	}
	return t
}

func (c *compiler) in(e *sqlparser.ComparisonExpr, sc *scope) condition {
	switch right := e.Right.(type) {
	case *sqlparser.Subquery:
		return c.inQuery(e.Left, right, sc)
	case sqlparser.ValTuple:
		if tuple, ok := e.Left.(sqlparser.ValTuple); ok && len(tuple) > 1 {
			return c.inTuples(tuple, right, sc)
		}
		return c.oneOf(e.Left, right, sc)
	default:
		return always(maybe.Any)
	}
}

func (c *compiler) inTuples(left, right sqlparser.ValTuple, sc *scope) condition {
	found := always(maybe.False)
	for _, one := range right {
		tuple, ok := one.(sqlparser.ValTuple)
		if !ok {
			return always(maybe.Any)
		}
		before, equal := found, c.tuples(left, tuple, sc)
		found = func(f *frame) maybe.Truth { return before(f).Or(equal(f)) }
	}
	return found
}

// oneOf compares with a list. Servers differ in how they compare with values
// of several types.
func (c *compiler) oneOf(left sqlparser.Expr, right sqlparser.ValTuple, sc *scope) condition {
	l := c.expr(left, sc)
	list := make([]value, len(right))
	for i, e := range right {
		list[i] = c.expr(e, sc)
	}
	odd, plainly := mixed(right), literals(right) || len(right) == 1
	return func(f *frame) maybe.Truth {
		a, found := l(f), maybe.False
		if !plainly && !footing(&a, given(list, f)) {
			return maybe.Any
		}
		for _, v := range list {
			b := v(f)
			found = found.Or(maybe.Compare(&a, &b).Holds(maybe.Equal))
			if odd && strings.EqualFold(strings.TrimSpace(a.Text), strings.TrimSpace(b.Text)) {
				found |= maybe.Any
			}
			if found.Sure() {
				break
			}
		}
		if odd && found.May() {
			return maybe.Any
		}
		return found
	}
}

// mixed reports whether literals are of several types.
func mixed(list []sqlparser.Expr) bool {
	texts, numbers := false, false
	for _, e := range list {
		v, ok := e.(*sqlparser.SQLVal)
		if !ok {
			continue
		}
		texts = texts || v.Type == sqlparser.StrVal
		numbers = numbers || v.Type != sqlparser.StrVal
	}
	return texts && numbers
}

func (c *compiler) inQuery(left sqlparser.Expr, right *sqlparser.Subquery, sc *scope) condition {
	if tuple, ok := left.(sqlparser.ValTuple); ok && len(tuple) > 1 {
		for _, e := range tuple {
			c.expr(e, sc)
		}
		c.query(right.Select, sc)
		return always(maybe.Any)
	}
	l, q := c.expr(left, sc), c.query(right.Select, sc)
	if q.open || len(q.columns) != 1 {
		return always(maybe.Any)
	}
	return func(f *frame) maybe.Truth {
		a, found := l(f), maybe.False
		for _, r := range q.rows(f, true) {
			equal := maybe.Compare(&a, &r.cells[0]).Holds(maybe.Equal)
			equal = nullOrFalse(equal)
			if !r.there.Sure() {
				equal |= maybe.False
			}
			found = found.Or(equal)
		}
		return found
	}
}

func (c *compiler) exists(e *sqlparser.ExistsExpr, sc *scope) condition {
	q := c.query(e.Subquery.Select, sc)
	return func(f *frame) maybe.Truth {
		found := maybe.False
		for _, r := range q.rows(f, false) {
			if found = found.Or(r.there); found.Sure() {
				break
			}
		}
		return found
	}
}

func (c *compiler) between(e *sqlparser.RangeCond, sc *scope) condition {
	x, from, to := c.expr(e.Left, sc), c.expr(e.From, sc), c.expr(e.To, sc)
	not := strings.HasPrefix(e.Operator, "not")
	if mixed([]sqlparser.Expr{e.From, e.To}) {
		return always(maybe.Any)
	}
	return func(f *frame) maybe.Truth {
		v, a, b := x(f), from(f), to(f)
		switch {
		case v.IsNull():
			return maybe.Unknown
		case a.IsNull() || b.IsNull():
			if not {
				return maybe.True | maybe.Unknown
			}
			return maybe.False | maybe.Unknown
		case !footing(&v, []maybe.Value{a, b}):
			return maybe.Any
		}
		t := maybe.Compare(&v, &a).Holds(maybe.More | maybe.Equal).And(maybe.Compare(&v, &b).Holds(maybe.Less | maybe.Equal))
		if not {
			return t.Not()
		}
		return t
	}
}

func (c *compiler) is(e *sqlparser.IsExpr, sc *scope) condition {
	switch e.Operator {
	case sqlparser.IsNullStr, sqlparser.IsNotNullStr:
		v, not := c.expr(e.Expr, sc), e.Operator == sqlparser.IsNotNullStr
		return func(f *frame) maybe.Truth {
			t := maybe.Either
			switch x := v(f); {
			case x.IsNull():
				t = maybe.True
			case !x.MayBeNull() && !x.Zero:
				t = maybe.False
			}
			if not {
				return t.Not()
			}
			return t
		}
	}
	want := map[string]maybe.Truth{
		sqlparser.IsTrueStr: maybe.True, sqlparser.IsNotTrueStr: maybe.False | maybe.Unknown,
		sqlparser.IsFalseStr: maybe.False, sqlparser.IsNotFalseStr: maybe.True | maybe.Unknown,
	}[e.Operator]
	x := c.cond(e.Expr, sc)
	if want == 0 {
		return always(maybe.Any)
	}
	return func(f *frame) maybe.Truth { return x(f).Is(want) }
}

func (c *compiler) like(e *sqlparser.ComparisonExpr, sc *scope) condition {
	l, r := c.expr(e.Left, sc), c.expr(e.Right, sc)
	escape, known := byte('\\'), true
	if e.Escape != nil {
		v, ok := e.Escape.(*sqlparser.SQLVal)
		known = ok && v.Type == sqlparser.StrVal && len(v.Val) == 1 && v.Val[0] != '%' && v.Val[0] != '_'
		if known {
			escape = v.Val[0]
		}
	}
	return func(f *frame) maybe.Truth {
		a, b := l(f), r(f)
		t := maybe.Any
		if known {
			t = maybe.Like(&a, &b, escape)
		}
		if e.Operator == sqlparser.NotLikeStr {
			return t.Not()
		}
		return t
	}
}
