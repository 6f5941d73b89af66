package replay

import (
	"strings"

	"github.com/dolthub/vitess/go/vt/sqlparser"
)

const explained = "a plan, whose notes may show a row"

// explains tells statements that show a plan and not the rows. But the plan of a
// row that a unique key gives is made of the row: SHOW WARNINGS has the statement
// with the row's values in it.
func explains(first string) bool {
	switch first {
	case "explain", "describe", "desc", "analyze": //nolint:misspell // SQL's word
		return true
	}
	return false
}

// explain finds the rows that a plan may show: those that a unique column's
// values in the statement give.
func (r *Replayer) explain(p *plan, s *scan, database string) {
	at := strings.Index(strings.ToLower(s.text), "select")
	statement, err := parse(s.text[max(at, 0):])
	if err != nil {
		p.why = "a statement that does not parse"
		return
	}
	var keys []*sqlparser.ComparisonExpr
	visit := func(node sqlparser.SQLNode) (bool, error) {
		if e, ok := node.(*sqlparser.ComparisonExpr); ok && r.byKey(e) {
			keys = append(keys, e)
		}
		return true, nil
	}
	if err := sqlparser.Walk(visit, statement); err != nil {
		p.why = explained
		return
	}
	selects, ok := statement.(*sqlparser.Select)
	switch {
	case len(keys) == 0:
		p.nothing = true
	case ok && len(keys) == 1 && len(selects.From) == 1 && r.alone(selects.From[0]):
		c := r.compiler(s, database)
		one := &sqlparser.Select{SelectExprs: selects.SelectExprs, From: selects.From, Where: sqlparser.NewWhere(sqlparser.WhereStr, keys[0])}
		p.query, p.why = c.query(one, nil), c.why
		p.query.unsure = explained
	default:
		p.why = explained
	}
}

// byKey reports whether a condition gives a unique column's value.
func (r *Replayer) byKey(e *sqlparser.ComparisonExpr) bool {
	if e.Operator != sqlparser.EqualStr && e.Operator != sqlparser.InStr && e.Operator != sqlparser.NullSafeEqualStr {
		return false
	}
	for _, side := range []sqlparser.Expr{e.Left, e.Right} {
		name, ok := side.(*sqlparser.ColName)
		if !ok {
			continue
		}
		for _, t := range r.book.byIndex {
			if at, known := t.columns[name.Name.Lowered()]; known && t.Columns[at].Unique {
				return true
			}
		}
	}
	return false
}

// alone reports whether a source of rows is one table with canaries' rows.
func (r *Replayer) alone(e sqlparser.TableExpr) bool {
	t, ok := e.(*sqlparser.AliasedTableExpr)
	if !ok {
		return false
	}
	name, ok := t.Expr.(sqlparser.TableName)
	return ok && r.book.tables[strings.ToLower(name.Name.String())] != nil
}
