package replay

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dolthub/vitess/go/vt/sqlparser"
)

// ErrReduce says why a statement is not run again.
var ErrReduce = errors.New("the statement cannot be run again")

// Key is a column of a table that tells whose its rows are.
type Key struct{ Table, Column string }

// Label is what [Reduce] calls the key that it adds.
const Label = "saltmine_key"

// Reduced is what a statement shows of rows, as a SELECT that changes nothing.
type Reduced struct {
	Text string
	// Key is the key that was added behind the select list as [Label], where that
	// changes no row; zero when none was.
	Key Key
	// Limited says that a LIMIT chose among the rows, and may choose others now.
	Limited bool
}

// Reduce takes the SELECT out of a statement that carried rows away: SELECT … INTO
// OUTFILE, CREATE TABLE … AS, INSERT … SELECT, what mysqldump sends. It adds the first
// of the keys whose table is read in FROM. Everything else is [ErrReduce]: what could
// change something, lock, wait, or read a file of the server.
//
//	CREATE TABLE c AS SELECT email FROM customers WHERE country = 'US'
//	select email, customers.id as saltmine_key from customers where country = 'US'
func Reduce(text string, keys []Key) (out Reduced, err error) {
	s := lex(text)
	if s.several || s.hidden {
		return out, fmt.Errorf("%w: it is several in one, or holds a comment that the server runs", ErrReduce)
	}
	if slices.ContainsFunc(s.words, harmful) || strings.Contains(text, ":=") {
		return out, fmt.Errorf("%w: it locks, waits, sets something, or reads a file of the server", ErrReduce)
	}
	statement, err := parse(s.text)
	if err != nil {
		return out, fmt.Errorf("%w: it is not understood", ErrReduce)
	}
	selects := carried(statement)
	if selects == nil {
		return out, fmt.Errorf("%w: it is no SELECT, and none is in it", ErrReduce)
	}
	if locks(selects) {
		return out, fmt.Errorf("%w: it locks rows", ErrReduce)
	}
	if one, ok := selects.(*sqlparser.Select); ok {
		one.Into, one.Comments = nil, nil
		one.QueryOpts.SQLCache, one.QueryOpts.SQLNoCache, one.QueryOpts.SQLCalcFoundRows = false, false, false
		out.Limited = one.Limit != nil
		out.Key = addKey(one, keys)
	}
	if set, ok := selects.(*sqlparser.SetOp); ok {
		set.Into = nil
		out.Limited = set.Limit != nil
	}
	out.Text = sqlparser.String(selects)
	return out, nil
}

// harmful tells names of what a SELECT may do besides showing rows.
func harmful(word string) bool {
	switch word {
	case "sleep", "benchmark", "get_lock", "release_lock", "release_all_locks", "load_file", "master_pos_wait", "master_gtid_wait",
		"wait_for_executed_gtid_set", "nextval", "setval", "lastval", "call", "handler", "procedure", "analyze", "last_insert_id": //nolint:misspell // SQL's word
		return true
	}
	return false
}

// locks reports whether a query, or one in it, locks rows.
func locks(s sqlparser.SelectStatement) (found bool) {
	visit := func(node sqlparser.SQLNode) (bool, error) {
		switch q := node.(type) {
		case *sqlparser.Select:
			found = found || q.Lock != ""
		case *sqlparser.SetOp:
			found = found || q.Lock != ""
		}
		return true, nil
	}
	return sqlparser.Walk(visit, s) != nil || found
}

// carried is the SELECT of a statement; nil when there is none.
func carried(statement sqlparser.Statement) sqlparser.SelectStatement {
	switch t := statement.(type) {
	case *sqlparser.Select:
		return t
	case *sqlparser.SetOp:
		return t
	case *sqlparser.ParenSelect:
		return carried(t.Select)
	case *sqlparser.Insert:
		if selects, ok := t.Rows.(sqlparser.SelectStatement); ok {
			return carried(selects)
		}
	case *sqlparser.DDL:
		if t.OptSelect != nil && t.OptSelect.Select != nil {
			return carried(t.OptSelect.Select)
		}
	}
	return nil
}

// addKey adds a key to a select list, if each row that comes out is one that goes in.
func addKey(s *sqlparser.Select, keys []Key) Key {
	if s.QueryOpts.Distinct || len(s.GroupBy) > 0 || s.Having != nil || sums(s.SelectExprs) {
		return Key{}
	}
	tables := map[string]string{} // what they are called here
	for _, item := range s.From {
		named(item, tables)
	}
	for _, k := range keys {
		alias, there := tables[strings.ToLower(k.Table)]
		if !there {
			continue
		}
		column := &sqlparser.ColName{Name: sqlparser.NewColIdent(k.Column), Qualifier: sqlparser.TableName{Name: sqlparser.NewTableIdent(alias)}}
		s.SelectExprs = append(s.SelectExprs, &sqlparser.AliasedExpr{Expr: column, As: sqlparser.NewColIdent(Label)})
		return k
	}
	return Key{}
}

func named(item sqlparser.TableExpr, into map[string]string) {
	switch t := item.(type) {
	case *sqlparser.AliasedTableExpr:
		name, ok := t.Expr.(sqlparser.TableName)
		if !ok {
			return
		}
		alias := t.As.String()
		if alias == "" {
			alias = name.Name.String()
		}
		if key := strings.ToLower(name.Name.String()); into[key] == "" {
			into[key] = alias
		}
	case *sqlparser.ParenTableExpr:
		for _, inner := range t.Exprs {
			named(inner, into)
		}
	case *sqlparser.JoinTableExpr:
		named(t.LeftExpr, into)
		named(t.RightExpr, into)
	}
}

// sums reports whether a select list makes one row of several.
func sums(list sqlparser.SelectExprs) (found bool) {
	visit := func(node sqlparser.SQLNode) (bool, error) {
		switch f := node.(type) {
		case *sqlparser.FuncExpr:
			found = found || f.IsAggregate() && f.Over == nil
		case *sqlparser.GroupConcatExpr:
			found = true
		case *sqlparser.Subquery:
			return false, nil
		}
		return true, nil
	}
	if err := sqlparser.Walk(visit, list); err != nil {
		return true
	}
	return found
}
