package replay

import (
	"cmp"
	"slices"
	"strings"

	"github.com/dolthub/vitess/go/vt/sqlparser"

	"saltmine/internal/audit/maybe"
)

// relation is a table, a join or a derived table: its columns, and what its
// rows may be for one canary.
type relation struct {
	columns []column
	// open are the names of sources whose columns are not known.
	open []string
	// shuffled says that the server may have the columns in another order.
	shuffled bool
	joined   int    // tables in it, but for the first
	base     *table // when it is one table with canaries' rows and nothing else
	rows     func(*frame) []row
}

type column struct {
	source, name string  // in lower case
	hidden       bool    // only found by its source: the second of USING
	of           *Column // the column of a table that it is; nil for an expression
	origins      []string
}

// row is one row as it may be.
type row struct {
	cells []maybe.Value
	there maybe.Truth // Unknown is never among it
	mine  bool        // it holds a row of the canary
}

// frame is where an expression is worked out: on a row, within the rows of the
// statements around.
type frame struct {
	run   *run
	cells []maybe.Value
	outer *frame
	// alone says that only rows of the canary are asked for.
	alone bool
}

// settled makes NULL what it is to WHERE and ON.
func settled(t maybe.Truth) maybe.Truth {
	if t&maybe.Unknown != 0 {
		return t&^maybe.Unknown | maybe.False
	}
	return t
}

// baseTable is a table with canaries' rows.
func baseTable(t *table, alias string, sure bool) *relation {
	r := &relation{base: t}
	for i, c := range t.Columns {
		name := strings.ToLower(c.Name)
		r.columns = append(r.columns, column{source: alias, name: name, of: &t.Columns[i], origins: []string{strings.ToLower(t.Name) + "." + name}})
	}
	r.rows = func(f *frame) []row {
		var held [8]present
		found := f.run.stood(t, !sure, held[:0])
		list := make([]row, 0, len(found)+1)
		for _, p := range found {
			list = append(list, row{cells: p.cells, there: p.there, mine: true})
		}
		if !f.alone {
			list = append(list, row{cells: t.opaque, there: maybe.Either})
		}
		return list
	}
	return r
}

// strange is a table of which nothing is known but that it has no canaries'
// rows.
func strange(alias string) *relation {
	return &relation{open: []string{alias}, rows: func(*frame) []row { return []row{{there: maybe.Either}} }}
}

// unseen is a table that may be a copy; or, when its name is not known, a view,
// which may show any canary that a table shows, unless the log tells that no
// table with canaries was read.
func unseen(alias, name string, known bool) *relation {
	return &relation{open: []string{alias}, rows: func(f *frame) []row {
		list := []row{{there: maybe.Either}}
		held, copied := f.run.copies[name]
		if held[f.run.canary] || !copied && !known && !f.run.noViews {
			list = append(list, row{there: maybe.Either, mine: true})
		}
		return list
	}}
}

// derived is a query that stands where a table stands.
func derived(q *query, alias string, names []string) *relation {
	r := &relation{shuffled: q.shuffled}
	if q.open || q.shuffled && len(names) > 0 {
		r.open = []string{alias} // and it has no cells to look into
		r.rows = func(f *frame) []row { return bare(q.rows(f.outer, false)) }
		return r
	}
	for i, c := range q.columns {
		c.source, c.hidden = alias, false
		if i < len(names) {
			c.name = strings.ToLower(names[i])
		}
		r.columns = append(r.columns, c)
	}
	r.rows = func(f *frame) []row { return q.rows(f.outer, true) }
	return r
}

// bare are rows without what they show.
func bare(list []row) []row {
	for i := range list {
		list[i].cells = nil
	}
	return list
}

// from joins the items of FROM.
func (c *compiler) from(items sqlparser.TableExprs, outer *scope) *relation {
	var all *relation
	for _, item := range items {
		r := c.item(item, outer)
		switch {
		case all == nil:
			all = r
		case c.tooMany(all, r):
			return strange("")
		default:
			all = inner(all, r, nil)
		}
	}
	if all == nil {
		return &relation{rows: func(*frame) []row { return []row{{there: maybe.True}} }}
	}
	return all
}

func (c *compiler) item(item sqlparser.TableExpr, outer *scope) *relation {
	switch t := item.(type) {
	case *sqlparser.AliasedTableExpr:
		return c.aliased(t, outer)
	case *sqlparser.ParenTableExpr:
		return c.from(t.Exprs, outer)
	case *sqlparser.JoinTableExpr:
		return c.join(t, outer)
	default:
		c.beyond("a source of rows that is not understood")
		return strange("")
	}
}

const otherTime = "rows of another time, or a lateral table"

func (c *compiler) aliased(t *sqlparser.AliasedTableExpr, outer *scope) *relation {
	if t.AsOf != nil || t.Lateral {
		c.beyond(otherTime)
	}
	alias := strings.ToLower(t.As.String())
	switch source := t.Expr.(type) {
	case sqlparser.TableName:
		return c.named(source, alias, len(t.Partitions) == 0)
	case *sqlparser.Subquery:
		names := make([]string, 0, len(source.Columns))
		for _, name := range source.Columns {
			names = append(names, name.String())
		}
		return derived(c.query(source.Select, outer), alias, names)
	default:
		c.beyond("a source of rows that is not understood")
		return strange(alias)
	}
}

// named finds a table by its name: a common table expression, a table, a view.
func (c *compiler) named(t sqlparser.TableName, alias string, whole bool) *relation {
	name, database := strings.ToLower(t.Name.String()), t.DbQualifier.String()
	if alias == "" {
		alias = name
	}
	if q := c.common(name); q != nil && database == "" {
		return derived(q.query, alias, q.names)
	}
	in := cmp.Or(database, c.database)
	full := strings.ToLower(in) + "." + name
	switch {
	case name == "dual":
		return strange(alias)
	case in != "" && !strings.EqualFold(in, c.schema.Database):
		return c.stranger(alias, full, builtInSchema(in))
	}
	return c.ours(name, alias, full, whole)
}

// ours finds a table of the database with canaries.
func (c *compiler) ours(name, alias, full string, whole bool) *relation {
	known := full[0] != '.' // whose it is
	if b := c.book.tables[name]; b != nil {
		c.reads = true
		return baseTable(b, alias, whole && known && !c.gone[name])
	}
	if view, ok := c.views[name]; ok {
		return c.view(view, alias, full)
	}
	return c.stranger(alias, full, known && c.others[name])
}

func (c *compiler) stranger(alias, full string, known bool) *relation {
	c.strangers = c.strangers || !known
	return unseen(alias, full, known)
}

// builtInSchema tells the servers' own schemas, which show no row of another.
func builtInSchema(name string) bool {
	switch strings.ToLower(name) {
	case "information_schema", "performance_schema", "mysql", "sys":
		return true
	}
	return false
}

func (c *compiler) view(text, alias, full string) *relation {
	statement, err := parse(lex(text).text)
	selects, ok := statement.(sqlparser.SelectStatement)
	if err != nil || !ok || c.depth >= maxDepth {
		return unseen(alias, full, false)
	}
	c.depth++
	defer func() { c.depth-- }()
	inside := c.expressions
	c.expressions = nil // a view sees none of the statement's
	defer func() { c.expressions = inside }()
	was := c.database
	c.database = c.schema.Database
	defer func() { c.database = was }()
	return derived(c.query(selects, nil), alias, nil)
}

// tooMany refuses a join of more tables than servers join.
func (c *compiler) tooMany(l, r *relation) bool {
	if l.joined+r.joined+2 <= maxJoined {
		return false
	}
	c.beyond("a join of too many tables")
	return true
}

// beside puts the columns of two relations beside each other.
func beside(l, r *relation) *relation {
	return &relation{
		columns: slices.Concat(l.columns, r.columns), open: slices.Concat(l.open, r.open),
		shuffled: l.shuffled || r.shuffled, joined: l.joined + r.joined + 1,
	}
}

func pair(l, r *row) []maybe.Value {
	cells := make([]maybe.Value, 0, len(l.cells)+len(r.cells))
	return append(append(cells, l.cells...), r.cells...)
}

// inner joins with a condition, or without one.
func inner(l, r *relation, on condition) *relation {
	j := beside(l, r)
	j.rows = func(f *frame) (list []row) {
		in := frame{run: f.run, outer: f.outer}
		right := r.rows(&in)
		for _, a := range l.rows(&in) {
			for _, b := range right {
				joined := row{cells: pair(&a, &b), there: a.there.And(b.there), mine: a.mine || b.mine}
				if on != nil {
					joined.there = joined.there.And(settled(on(&frame{run: f.run, cells: joined.cells, outer: f.outer})))
				}
				if joined.there.May() {
					list = f.run.count(list, joined)
				}
			}
		}
		return list
	}
	return j
}

// left keeps every row of l.
func left(l, r *relation, on condition) *relation {
	j := beside(l, r)
	j.rows = func(f *frame) (list []row) {
		in := frame{run: f.run, outer: f.outer}
		right := r.rows(&in)
		for _, a := range l.rows(&in) {
			for _, joined := range kept(f, &a, right, len(r.columns), on) {
				list = f.run.count(list, joined)
			}
		}
		return list
	}
	return j
}

// kept are the rows that a row of the left side becomes. Where it is not known
// which rows it meets, one of the rows is a stand-in for whichever there is:
// its right side may be anything.
func kept(f *frame, a *row, right []row, width int, on condition) (list []row) {
	known := true
	for _, b := range right {
		cells := pair(a, &b)
		meets := b.there
		if on != nil {
			meets = meets.And(settled(on(&frame{run: f.run, cells: cells, outer: f.outer})))
		}
		if !meets.May() {
			continue
		}
		known = known && meets.Sure()
		if b.mine || meets.Sure() {
			list = append(list, row{cells: cells, there: a.there.And(meets), mine: a.mine || b.mine})
		}
	}
	if known && len(list) > 0 {
		return list
	}
	empty := row{cells: make([]maybe.Value, width)}
	if known {
		for i := range empty.cells {
			empty.cells[i] = maybe.NullOf()
		}
	}
	return append(list, row{cells: pair(a, &empty), there: a.there, mine: a.mine})
}
