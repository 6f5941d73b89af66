package replay

import (
	"slices"
	"strings"

	"github.com/dolthub/vitess/go/vt/sqlparser"

	"saltmine/internal/audit/maybe"
)

const (
	maxDepth = 20   // of views in views
	maxRows  = 4096 // of a join, for one canary
	// maxLevels is of conditions in each other, as in a chain of OR; maxJoined is
	// what servers join.
	maxLevels = 10_000
	maxJoined = 61
	tooDeep   = "a statement of too many levels"
)

// compiler turns a statement into functions that are run for each canary.
type compiler struct {
	schema   *Schema
	book     *book
	views    map[string]string
	others   map[string]bool
	gone     map[string]bool
	database string // the session's

	expressions []expression // WITH, the innermost last
	depth       int          // of queries
	level       int          // of conditions
	reads       bool         // a table with canaries' rows is named
	why         string       // why the statement goes beyond what is understood
	aggregated  bool
	lifted      bool     // a subquery holds an aggregate that is of a query around it
	windowed    bool     // a window function shows what is in other rows
	side        []*query // subqueries in a select list, which show rows of their own
	inList      bool
	strangers   bool            // a view that is not known is named
	pipes       bool            // || stands in it, which is OR or joins texts
	origins     map[string]bool // columns that the select list names
}

func (r *Replayer) compiler(s *scan, database string) *compiler {
	return &compiler{
		schema: &r.schema, book: r.book, views: r.views, others: r.others, gone: r.gone,
		database: database, pipes: s.pipes, origins: map[string]bool{},
	}
}

// expression is a common table expression.
type expression struct {
	name  string
	query *query
	names []string
}

// beyond notes that whatever canary is readable may have been returned.
func (c *compiler) beyond(why string) {
	if c.why == "" {
		c.why = why
	}
}

func (c *compiler) common(name string) *expression {
	for i := len(c.expressions) - 1; i >= 0; i-- {
		if c.expressions[i].name == name {
			return &c.expressions[i]
		}
	}
	return nil
}

// query is a compiled SELECT: its columns, and its rows for one canary. With
// cells, the rows have what they show.
type query struct {
	columns []column
	open    bool
	// shuffled says that the server may have the columns in another order.
	shuffled bool
	rows     func(f *frame, cells bool) []row
	base     *table         // as relation.base
	points   []point        // conditions that every row of a canary satisfies
	others   []string       // tables that make the points nothing when they hold copies
	unsure   string         // why its rows are an upper bound
	limit    sqlparser.Expr // the rows that it gives at most, where that is what is unsure
	most     int64          // the same, behind whatever OFFSET; 0 when there is no LIMIT
}

// scope is where names are looked up.
type scope struct {
	rel   *relation
	outer *scope
}

func (c *compiler) query(s sqlparser.SelectStatement, outer *scope) *query {
	if c.depth++; c.depth > 2*maxDepth {
		c.beyond(tooDeep)
		return &query{open: true, rows: func(*frame, bool) []row { return nil }}
	}
	defer func() { c.depth-- }()
	switch s := s.(type) {
	case *sqlparser.Select:
		return c.selects(s, outer)
	case *sqlparser.ParenSelect:
		return c.query(s.Select, outer)
	case *sqlparser.SetOp:
		return c.setOp(s, outer)
	default:
		c.beyond("a query of a kind that is not understood")
		return &query{open: true, rows: func(*frame, bool) []row { return nil }}
	}
}

// with compiles common table expressions. What they name of queries around
// them is not known.
func (c *compiler) with(w *sqlparser.With) (undo func()) {
	before := len(c.expressions)
	undo = func() { c.expressions = c.expressions[:before] }
	if w == nil {
		return undo
	}
	if w.Recursive {
		c.beyond("a recursive query")
	}
	for _, e := range w.Ctes {
		inside, ok := e.Expr.(*sqlparser.Subquery)
		if !ok {
			c.beyond("a common table expression that is not understood")
			continue
		}
		names := make([]string, 0, len(e.Columns))
		for _, name := range e.Columns {
			names = append(names, name.String())
		}
		q := c.query(inside.Select, nil)
		c.expressions = append(c.expressions, expression{strings.ToLower(e.As.String()), q, names})
	}
	return undo
}

// item is one column of a select list.
type item struct {
	column column
	from   int // the column of the relation that it is, below 0 for an expression
	value  value
}

func (c *compiler) selects(s *sqlparser.Select, outer *scope) *query {
	defer c.with(s.With)()
	aggregated, windowed, side, inList := c.aggregated, c.windowed, c.side, c.inList
	c.aggregated, c.windowed, c.side, c.inList = false, false, nil, false
	defer func() {
		c.lifted = c.lifted && outer != nil
		c.aggregated, c.windowed, c.side, c.inList = aggregated || c.lifted, windowed, side, inList
	}()

	rel := c.from(s.From, outer)
	sc := &scope{rel: rel, outer: outer}
	where := c.filter(s.Where, sc)
	q := &query{base: rel.base}
	items := c.list(s.SelectExprs, sc, q)
	c.bounds(s, sc, q, items)
	g := gathering{rel: rel, where: where, items: items, shown: c.side, alone: rel.base != nil && len(c.side) == 0}
	g.summed = c.aggregated && len(s.GroupBy) == 0
	q.rows = func(f *frame, cells bool) []row { return g.rows(q, f, cells && !q.open) }
	if rel.base != nil && len(c.side) == 0 { // a subquery in the list shows others
		q.points = points(s.Where, rel.base)
	} else if len(c.side) == 0 && s.Where != nil {
		q.points, q.others = c.narrow(s)
	}
	return q
}

// gathering is how a SELECT comes by its rows.
type gathering struct {
	rel    *relation
	where  condition
	items  []item
	shown  []*query // subqueries in the select list
	summed bool     // one row comes out whether one goes in or not
	alone  bool     // the canary's rows can be looked at without others
}

func (g *gathering) rows(q *query, f *frame, cells bool) (list []row) {
	in := frame{run: f.run, outer: f, alone: f.alone && g.alone}
	for _, r := range g.rel.rows(&in) {
		on := frame{run: f.run, cells: r.cells, outer: f}
		out := row{there: settled(r.there.And(g.where(&on))), mine: r.mine}
		if !out.there.May() {
			continue
		}
		if q.unsure != "" && f.run.whole != q {
			out.there = out.there.Doubted()
		}
		if g.shows(&on) {
			list = append(list, row{there: maybe.Either, mine: true, cells: make([]maybe.Value, len(g.items))})
		}
		if cells {
			out.cells = project(g.items, &on)
		}
		list = f.run.count(list, out)
	}
	if g.summed {
		list = append(list, row{there: maybe.Either, cells: make([]maybe.Value, len(g.items))})
	}
	return list
}

// shows reports whether a subquery in the select list may show rows of the
// canary.
func (g *gathering) shows(on *frame) bool {
	for _, sub := range g.shown {
		if slices.ContainsFunc(sub.rows(on, false), func(r row) bool { return r.mine }) {
			return true
		}
	}
	return false
}

func project(items []item, on *frame) []maybe.Value {
	cells := make([]maybe.Value, len(items))
	for i := range items {
		if items[i].from >= 0 {
			cells[i] = on.cells[items[i].from]
		} else {
			cells[i] = items[i].value(on)
		}
	}
	return cells
}

func (c *compiler) filter(w *sqlparser.Where, sc *scope) condition {
	if w == nil {
		return func(*frame) maybe.Truth { return maybe.True }
	}
	return c.cond(w.Expr, sc)
}

// list compiles a select list.
func (c *compiler) list(exprs sqlparser.SelectExprs, sc *scope, q *query) (items []item) {
	was := c.inList
	c.inList = true
	defer func() { c.inList = was }()
	for _, e := range exprs {
		switch e := e.(type) {
		case *sqlparser.StarExpr:
			items = append(items, c.star(e, sc, q)...)
		case *sqlparser.AliasedExpr:
			items = append(items, c.single(e, sc))
		default:
			c.beyond("a select list that is not understood")
		}
	}
	for i := range items {
		q.columns = append(q.columns, items[i].column)
	}
	return items
}

func (c *compiler) star(e *sqlparser.StarExpr, sc *scope, q *query) (items []item) {
	of := strings.ToLower(e.TableName.Name.String())
	for i, col := range sc.rel.columns {
		if of != "" && col.source != of || of == "" && col.hidden {
			continue
		}
		items = append(items, item{column: col, from: i})
		c.show(col.origins)
	}
	joined := slices.ContainsFunc(sc.rel.columns, func(col column) bool { return col.hidden })
	q.shuffled = q.shuffled || sc.rel.shuffled || joined && of == ""
	for _, name := range sc.rel.open {
		q.open = q.open || of == "" || name == of
	}
	return items
}

func (c *compiler) single(e *sqlparser.AliasedExpr, sc *scope) item {
	outside := c.origins
	c.origins = map[string]bool{}
	it := item{from: -1, value: c.expr(e.Expr, sc)}
	for origin := range c.origins {
		it.column.origins = append(it.column.origins, origin)
	}
	c.origins = outside
	c.show(it.column.origins)
	it.column.name = e.As.Lowered()
	name, ok := e.Expr.(*sqlparser.ColName)
	if ok && it.column.name == "" {
		it.column.name = name.Name.Lowered()
	}
	if ok {
		at, found, _ := lookUp(sc.rel, strings.ToLower(name.Qualifier.Name.String()), name.Name.Lowered())
		if found == 1 {
			it.column.of = sc.rel.columns[at].of
		}
	}
	return it
}

func (c *compiler) show(origins []string) {
	for _, o := range origins {
		c.origins[o] = true
	}
}

// shown reports whether a select list has a row's own columns.
func shown(items []item) bool {
	return slices.ContainsFunc(items, func(it item) bool { return it.from >= 0 || it.column.of != nil })
}

// aggregates notes an aggregate. It is of the query whose columns it has, which
// may be one around.
func (c *compiler) aggregates(e sqlparser.SQLNode, sc *scope) {
	c.aggregated = true
	if sc.outer == nil {
		return
	}
	named, inside := false, false
	visit := func(node sqlparser.SQLNode) (bool, error) {
		name, ok := node.(*sqlparser.ColName)
		if !ok {
			return true, nil
		}
		source := strings.ToLower(name.Qualifier.Name.String())
		_, found, open := lookUp(sc.rel, source, name.Name.Lowered())
		named = true
		inside = inside || found > 0 || open && !outside(sc.outer, source, name.Name.Lowered())
		return false, nil
	}
	if err := sqlparser.Walk(visit, e); err != nil || named && !inside {
		c.lifted = true
	}
}

// outside reports whether a query around has a column.
func outside(sc *scope, source, name string) bool {
	for ; sc != nil; sc = sc.outer {
		if _, found, _ := lookUp(sc.rel, source, name); found > 0 {
			return true
		}
	}
	return false
}
