package replay

import (
	"strconv"
	"strings"

	"github.com/dolthub/vitess/go/vt/sqlparser"

	"saltmine/internal/audit/maybe"
)

func unknown(*frame) maybe.Value { return maybe.Value{} }

func constant(v maybe.Value) value { return func(*frame) maybe.Value { return v } }

// expr compiles an expression. What it does not know is compiled all the same
// for the columns, the functions and the queries in it.
func (c *compiler) expr(e sqlparser.Expr, sc *scope) value { //nolint:cyclop // a flat table of expressions
	if c.level++; c.level > maxLevels {
		c.beyond(tooDeep)
		return unknown
	}
	defer func() { c.level-- }()
	switch e := e.(type) {
	case *sqlparser.SQLVal:
		return c.literal(e)
	case *sqlparser.NullVal:
		return constant(maybe.NullOf())
	case sqlparser.BoolVal:
		return constant(maybe.Bool(map[bool]maybe.Truth{true: maybe.True, false: maybe.False}[bool(e)]))
	case *sqlparser.ColName:
		return c.columnValue(e, sc)
	case *sqlparser.ParenExpr:
		return c.expr(e.Expr, sc)
	case *sqlparser.AndExpr, *sqlparser.OrExpr, *sqlparser.XorExpr, *sqlparser.NotExpr,
		*sqlparser.ComparisonExpr, *sqlparser.RangeCond, *sqlparser.IsExpr, *sqlparser.ExistsExpr:
		t := c.cond(e, sc)
		return func(f *frame) maybe.Value { return maybe.Bool(t(f)) }
	case *sqlparser.Subquery:
		return c.scalar(e, sc)
	case *sqlparser.BinaryExpr:
		return c.arithmetic(e, sc)
	case *sqlparser.UnaryExpr:
		return c.unary(e, sc)
	case *sqlparser.CollateExpr:
		return c.collate(e, sc)
	case *sqlparser.CaseExpr:
		return c.choice(e, sc)
	case *sqlparser.FuncExpr:
		return c.function(e, sc)
	case *sqlparser.TrimExpr:
		return c.trim(e, sc)
	default:
		c.within(e, sc)
		return unknown
	}
}

// within compiles what stands in an expression that is not understood.
func (c *compiler) within(e sqlparser.SQLNode, sc *scope) {
	if _, ok := e.(*sqlparser.GroupConcatExpr); ok {
		c.aggregates(e, sc)
	}
	first := true
	visit := func(node sqlparser.SQLNode) (bool, error) {
		if first {
			first = false
			return true, nil
		}
		if inside, ok := node.(sqlparser.Expr); ok {
			c.expr(inside, sc)
			return false, nil
		}
		return true, nil
	}
	if err := sqlparser.Walk(visit, e); err != nil {
		c.beyond("an expression that is not understood")
	}
}

// literal reads a value of the statement. A text whose bytes are no plain text
// stays: only its beginning is compared.
func (c *compiler) literal(v *sqlparser.SQLVal) value {
	switch v.Type {
	case sqlparser.StrVal:
		return constant(maybe.Value{Kind: maybe.TextValue, Literal: true, Text: string(v.Val)})
	case sqlparser.IntVal, sqlparser.FloatVal:
		if n, err := strconv.ParseFloat(string(v.Val), 64); err == nil && (v.Type == sqlparser.IntVal || maybe.Exact(string(v.Val))) {
			text := string(v.Val)
			if v.Type != sqlparser.IntVal || len(text) > 1 && text[0] == '0' {
				text = "" // LIKE sees it as the server writes it
			}
			return constant(maybe.Value{Kind: maybe.Number, Num: n, Text: text})
		}
	default: // bits, bytes and parameters
	}
	return constant(maybe.Value{NotNull: v.Type != sqlparser.ValArg})
}

// columnValue finds a column, from the inside out.
func (c *compiler) columnValue(e *sqlparser.ColName, sc *scope) value {
	name, source := e.Name.Lowered(), strings.ToLower(e.Qualifier.Name.String())
	if strings.HasPrefix(name, "@") || e.StoredProcVal != nil {
		return unknown
	}
	for level := 0; sc != nil; level, sc = level+1, sc.outer {
		at, found, open := lookUp(sc.rel, source, name)
		switch {
		case found > 1:
			return unknown
		case found == 1:
			if c.inList && level == 0 {
				c.show(sc.rel.columns[at].origins)
			}
			return cellAt(level, at)
		case open:
			return unknown
		}
	}
	return unknown
}

func lookUp(rel *relation, source, name string) (at, found int, open bool) {
	for i := range rel.columns {
		col := &rel.columns[i]
		if col.name == name && (source != "" && col.source == source || source == "" && !col.hidden) {
			at = i
			found++
		}
	}
	for _, o := range rel.open {
		open = open || source == "" || o == source
	}
	return at, found, open
}

func cellAt(level, at int) value {
	return func(f *frame) maybe.Value {
		for range level {
			f = f.outer
		}
		if f == nil || at >= len(f.cells) {
			return maybe.Value{}
		}
		return f.cells[at]
	}
}

// scalar is a subquery that stands for a value. It is not known; in a select
// list it shows rows.
func (c *compiler) scalar(e *sqlparser.Subquery, sc *scope) value {
	inList := c.inList
	q := c.query(e.Select, sc)
	if inList {
		c.side = append(c.side, q)
		for i := range q.columns {
			c.show(q.columns[i].origins)
		}
	}
	return unknown
}

func (c *compiler) unary(e *sqlparser.UnaryExpr, sc *scope) value {
	v := c.expr(e.Expr, sc)
	switch e.Operator {
	case sqlparser.UMinusStr:
		return func(f *frame) maybe.Value {
			x := v(f)
			if x.Kind == maybe.Number {
				return maybe.Value{Kind: maybe.Number, Num: -x.Num}
			}
			return nullOr(&x)
		}
	case sqlparser.UPlusStr:
		return v
	case sqlparser.BinaryStr:
		return func(f *frame) maybe.Value {
			x := v(f)
			if x.Kind != maybe.TextValue || !maybe.Plain(x.Text) || strings.HasSuffix(x.Text, " ") {
				return nullOr(&x)
			}
			x.Literal, x.Collation = false, maybe.Collation{Class: maybe.Bytes, Padding: maybe.Unpadded}
			return x
		}
	default:
		return unknown // a character set, !, ~
	}
}

// nullOr is NULL where x is, and otherwise not known.
func nullOr(x *maybe.Value) maybe.Value {
	if x.IsNull() {
		return *x
	}
	return maybe.Value{}
}

func (c *compiler) collate(e *sqlparser.CollateExpr, sc *scope) value {
	v := c.expr(e.Expr, sc)
	by := maybe.CollationOf(strings.Trim(e.Collation, "'\"`"))
	return func(f *frame) maybe.Value {
		x := v(f)
		if x.Kind != maybe.TextValue || !maybe.Plain(x.Text) {
			return nullOr(&x)
		}
		x.Literal, x.Collation = false, by
		return x
	}
}

func (c *compiler) choice(e *sqlparser.CaseExpr, sc *scope) value {
	if e.Expr != nil {
		c.within(e, sc)
		return unknown
	}
	conditions, values := make([]condition, len(e.Whens)), make([]value, len(e.Whens))
	for i, w := range e.Whens {
		conditions[i], values[i] = c.cond(w.Cond, sc), c.expr(w.Val, sc)
	}
	otherwise := constant(maybe.NullOf())
	if e.Else != nil {
		otherwise = c.expr(e.Else, sc)
	}
	results := []sqlparser.Expr{e.Else}
	for _, w := range e.Whens {
		results = append(results, w.Val)
	}
	become := c.together(results, sc)
	return func(f *frame) maybe.Value {
		for i, holds := range conditions {
			switch t := holds(f); {
			case t.Sure():
				return become(values[i](f))
			case t.May():
				return maybe.Value{}
			}
		}
		return become(otherwise(f))
	}
}
