package replay

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/dolthub/vitess/go/vt/sqlparser"

	"saltmine/internal/audit/maybe"
)

// point is a condition that a column equals one of some values.
type point struct {
	at     int // of the table
	column int
	values []string // as keyOf has them
}

// points are the conditions of a WHERE on one table that canaries can be found
// by. They only narrow down whom to look at: each of them is worked out.
func points(w *sqlparser.Where, t *table) (list []point) {
	if w == nil {
		return nil
	}
	for _, e := range all(w.Expr, nil) {
		if p, ok := pointOf(e, t); ok {
			list = append(list, p)
		}
	}
	return list
}

// all are the comparisons of which each has to hold.
func all(e sqlparser.Expr, list []*sqlparser.ComparisonExpr) []*sqlparser.ComparisonExpr {
	switch e := e.(type) {
	case *sqlparser.AndExpr:
		return all(e.Right, all(e.Left, list))
	case *sqlparser.ParenExpr:
		return all(e.Expr, list)
	case *sqlparser.ComparisonExpr:
		return append(list, e)
	default:
		return list
	}
}

func pointOf(e *sqlparser.ComparisonExpr, t *table) (point, bool) {
	name, ok := e.Left.(*sqlparser.ColName)
	if !ok {
		return point{}, false
	}
	at, ok := t.columns[name.Name.Lowered()]
	if !ok {
		return point{}, false
	}
	var values []sqlparser.Expr
	switch e.Operator {
	case sqlparser.EqualStr:
		values = []sqlparser.Expr{e.Right}
	case sqlparser.InStr:
		tuple, ok := e.Right.(sqlparser.ValTuple)
		if !ok || mixed(tuple) {
			return point{}, false
		}
		values = tuple
	}
	p := point{at: t.at, column: at}
	for _, v := range values {
		literal, ok := v.(*sqlparser.SQLVal)
		if !ok {
			return point{}, false
		}
		key, ok := keyOf(&t.Columns[at], literal)
		if !ok {
			return point{}, false
		}
		p.values = append(p.values, key)
	}
	return p, len(p.values) > 0
}

// keyOf brings a literal to the form in which a column's values are indexed.
func keyOf(c *Column, v *sqlparser.SQLVal) (string, bool) {
	s := string(v.Val)
	switch cellKind(c) {
	case maybe.Number:
		n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 53)
		return strconv.FormatInt(n, 10), err == nil && (v.Type == sqlparser.IntVal || v.Type == sqlparser.StrVal)
	case maybe.TextValue:
		return textKey(s), v.Type == sqlparser.StrVal && maybe.Plain(s)
	default:
		return "", false
	}
}

func textKey(s string) string { return strings.ToLower(strings.TrimRight(s, " ")) }

func cellKind(c *Column) maybe.Kind {
	empty := "0"
	v := cell(c, &empty)
	if v.Listed {
		return maybe.Anything
	}
	return v.Kind
}

// index finds canaries by what a column of their rows holds. It is made when it
// is first asked.
type index struct {
	mu      sync.Mutex
	columns map[int]*byValue
	rows    [][]version // by canary
}

type byValue struct {
	at  map[string][]int
	odd []int // canaries that have to be looked at whatever is asked
}

func (x *index) add(n int, versions []version) {
	for len(x.rows) <= n {
		x.rows = append(x.rows, nil)
	}
	x.rows[n] = versions
}

// find gives the canaries that may satisfy a point, in order.
func (x *index) find(p point) []int {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.columns == nil {
		x.columns = map[int]*byValue{}
	}
	by := x.columns[p.column]
	if by == nil {
		by = x.build(p.column)
		x.columns[p.column] = by
	}
	found := slices.Clone(by.odd)
	for _, key := range p.values {
		found = append(found, by.at[key]...)
	}
	slices.Sort(found)
	return slices.Compact(found)
}

func (x *index) build(column int) *byValue {
	by := &byValue{at: map[string][]int{}}
	for n, versions := range x.rows {
		for i := range versions {
			switch v := &versions[i].cells[column]; {
			case v.IsNull():
			case v.Kind == maybe.TextValue && maybe.Plain(v.Text) && v.Collation.Class != maybe.Odd:
				by.at[textKey(v.Text)] = append(by.at[textKey(v.Text)], n)
			case v.Kind == maybe.Number && v.Num == math.Trunc(v.Num):
				key := strconv.FormatFloat(v.Num, 'f', 0, 64)
				by.at[key] = append(by.at[key], n)
			default:
				by.odd = append(by.odd, n)
			}
		}
	}
	return by
}
