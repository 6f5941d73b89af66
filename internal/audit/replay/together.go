package replay

import (
	"strings"

	"github.com/dolthub/vitess/go/vt/sqlparser"

	"saltmine/internal/audit/maybe"
)

// together is what a value becomes that is one of several: CASE, IF and
// COALESCE give all the type and the collation that they have in common. What
// is of several types is not known.
func (c *compiler) together(list []sqlparser.Expr, sc *scope) func(maybe.Value) maybe.Value {
	var of sort
	for _, e := range list {
		of = of.with(c.sortOf(e, sc))
	}
	return func(v maybe.Value) maybe.Value {
		same := v.Kind == of.kind && !v.Listed && !v.Zero
		switch {
		case v.IsNull():
			return v
		case same && (v.Kind == maybe.Number || v.Kind == maybe.Instant):
			v.Text, v.Domain = "", 0 // LIKE sees another's digits
			return v
		case same && v.Kind == maybe.TextValue && maybe.Plain(v.Text):
			return maybe.Value{Kind: v.Kind, Text: v.Text, Literal: of.literal, Collation: of.collation}
		default:
			return blurred(v)
		}
	}
}

// blurred is a value of which no more is known than whether it is NULL and
// whose key it is.
func blurred(v maybe.Value) maybe.Value {
	if v.IsNull() {
		return v
	}
	return maybe.Value{
		NotNull: !v.MayBeNull(), Domain: v.Domain, Foreign: v.Foreign, Zero: v.Zero,
	}
}

// sort is the type of an expression as far as it can be told without its value;
// the zero sort is that of NULL, which goes with any other.
type sort struct {
	kind      maybe.Kind
	literal   bool
	collation maybe.Collation
	mixed     bool // or not known
}

func (s sort) with(t sort) sort {
	switch {
	case s.mixed || t == sort{}:
		return s
	case s == sort{}, t.mixed:
		return t
	case s.kind != t.kind, !s.literal && !t.literal && s.collation != t.collation:
		return sort{mixed: true}
	case s.literal:
		return t
	default:
		return s
	}
}

func (c *compiler) sortOf(e sqlparser.Expr, sc *scope) sort {
	number := sort{kind: maybe.Number}
	switch e := e.(type) {
	case nil, *sqlparser.NullVal:
		return sort{}
	case *sqlparser.SQLVal:
		if e.Type == sqlparser.StrVal {
			return sort{kind: maybe.TextValue, literal: true}
		}
		if e.Type == sqlparser.IntVal || e.Type == sqlparser.FloatVal {
			return number
		}
	case sqlparser.BoolVal, *sqlparser.AndExpr, *sqlparser.OrExpr, *sqlparser.XorExpr, *sqlparser.NotExpr,
		*sqlparser.ComparisonExpr, *sqlparser.RangeCond, *sqlparser.IsExpr, *sqlparser.ExistsExpr:
		return number
	case *sqlparser.ParenExpr:
		return c.sortOf(e.Expr, sc)
	case *sqlparser.ColName:
		at, found, _ := lookUp(sc.rel, strings.ToLower(e.Qualifier.Name.String()), e.Name.Lowered())
		if found == 1 && sc.rel.columns[at].of != nil {
			return sortOfColumn(sc.rel.columns[at].of)
		}
	}
	return sort{mixed: true}
}

func sortOfColumn(c *Column) sort {
	switch kind := strings.ToLower(c.Type); kind {
	case "char", "varchar", "tinytext", "text", "mediumtext", "longtext":
		return sort{kind: maybe.TextValue, collation: maybe.CollationOf(c.Collation)}
	case "tinyint", "smallint", "mediumint", "int", "bigint", "decimal":
		return sort{kind: maybe.Number}
	case "date", "datetime":
		return sort{kind: maybe.Instant}
	}
	return sort{mixed: true}
}

// literals reports whether a list has nothing but values that are written out.
func literals(list []sqlparser.Expr) bool {
	for _, e := range list {
		switch e.(type) {
		case *sqlparser.SQLVal, *sqlparser.NullVal:
		default:
			return false
		}
	}
	return true
}

func given(list []value, f *frame) []maybe.Value {
	out := make([]maybe.Value, len(list))
	for i, v := range list {
		out[i] = v(f)
	}
	return out
}

// footing reports whether a value is compared with others as with each of them
// alone: a server takes the types and collations of all together.
func footing(a *maybe.Value, others []maybe.Value) bool {
	texts := a
	for i := range others {
		b := &others[i]
		dated := a.Kind == maybe.Instant && (b.Kind == maybe.Instant || b.Kind == maybe.TextValue && b.Literal)
		switch {
		case b.Kind != others[0].Kind && !dated, b.Kind == maybe.Anything, b.IsNull():
			return false
		case b.Kind != maybe.TextValue || b.Literal || texts.Kind != maybe.TextValue:
		case texts.Literal:
			texts = b
		case texts.Collation != b.Collation:
			return false
		}
	}
	return a.Kind != maybe.Anything
}
