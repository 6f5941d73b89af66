package replay

import (
	"slices"
	"strings"

	"github.com/dolthub/vitess/go/vt/sqlparser"
)

// plan is what a statement does, for any canary and any moment.
type plan struct {
	shape   string
	first   string
	nothing bool   // it shows no row
	query   *query // nil: whatever canary is readable may be in it
	why     string
	carries []string // nil when not known
	copyTo  string
	into    bool // the rows do not go to the client
	mute    bool // nothing of it is shown unless the log has a table as read
	view    [2]string
	past    bool // it may show rows of another time
	shows   bool // it may show rows of the tables that it writes
	effects
}

// compile reads a statement. It is nothing, a query, or beyond what is
// understood.
func (r *Replayer) compile(text, database string, odd bool) *plan {
	s := lex(text)
	p := &plan{shape: s.shape, effects: s.effects(), shows: slices.Contains(s.words, "returning")}
	if len(s.words) > 0 {
		p.first = s.words[0]
	}
	if p.why = r.beyond(s, p.first, odd); p.why == "" {
		r.understand(p, s, p.first, database)
	}
	p.past = p.why == otherTime || slices.ContainsFunc(s.words, func(word string) bool { return strings.Contains(word, "system_time") })
	if p.why != "" {
		p.query, p.nothing = nil, false
		p.mute = s.mute(p.first) && p.why != copying && !odd
	}
	if p.copyTo == "" && !p.nothing && len(p.fills) > 0 {
		p.into, p.copyTo = true, p.fills[0]
	}
	return p
}

// beyond tells why a statement is not even parsed.
func (r *Replayer) beyond(s *scan, first string, odd bool) string {
	switch {
	case s.deepest > maxLevels/10:
		return tooDeep
	case s.several:
		return "several statements in one"
	case s.hidden:
		return "a comment that the server runs"
	case r.quotes(s):
		return "a name in double quotes, which may be a text"
	case first == "set" && slices.Contains(s.words, "statement"):
		return "SET STATEMENT"
	case odd && s.ambiguous():
		return "a mode in which the text may mean something else"
	default:
		return ""
	}
}

// mute reports whether a statement shows and copies nothing, as far as its words
// tell.
func (s *scan) mute(first string) bool {
	if first == "load" {
		return !slices.Contains(s.words, "select")
	}
	return changes(first) && !slices.ContainsFunc(s.words, shows)
}

// ambiguous reports whether a mode of the session may make a statement mean
// something else: what quotes and backslashes are, what || joins, how far NOT
// reaches, what is NULL and how long a text is.
func (s *scan) ambiguous() bool {
	return s.texts || s.pipes || slices.ContainsFunc(s.words, func(word string) bool {
		return word == "not" || word == "null" || word == "like" || strings.Contains(word, "length")
	}) || slices.Contains(s.tokens, "!")
}

// open reports whether a statement of which this is the beginning may show
// rows.
func (p *plan) open() bool {
	switch p.first {
	case "insert", "replace", "update", "load":
		return false // but for RETURNING of rows that were there, behind 1,024 bytes
	}
	return !harmless(p.first) || !p.nothing
}

// changes tells statements that only change something.
func changes(first string) bool {
	switch first {
	case "insert", "replace", "update", "delete", "load":
		return true
	}
	return false
}

// shows tells words without which a change shows and copies nothing.
func shows(word string) bool {
	switch word {
	case "select", "returning", "table", "with", "join", "using":
		return true
	}
	return false
}

// harmless tells statements that do not parse here and show no row.
func harmless(first string) bool {
	switch first {
	case "begin", "start", "commit", "rollback", "savepoint", "release", "lock", "unlock", "use", "show", "set",
		"flush", "kill", "grant", "revoke", "create", "drop", "alter", "rename", "truncate", "optimize", "repair", //nolint:misspell // SQL's word
		"check", "checksum", "change", "reset", "install", "uninstall", "explain", "describe", "desc", "xa",
		"deallocate", "prepare", "purge", "binlog", "cache", "shutdown", "stop", "":
		return true
	}
	return false
}

// nothing marks statements that show no row of a table.
func (p *plan) shown(s *scan, first string) bool {
	selects := first != "grant" && first != "revoke" && // there it is a right
		slices.ContainsFunc(s.words, func(w string) bool { return w == "select" || w == "table" && first == "set" })
	if at := slices.Index(s.words, "table"); first == "create" && at > 0 {
		selects = selects || slices.Contains(s.words[at+1:], "table") // CREATE TABLE copy TABLE of
	}
	switch {
	case explains(first):
		p.nothing = true // a plan, not the rows
	case harmless(first) && !selects:
		p.nothing = true
	}
	return p.nothing
}

func (r *Replayer) understand(p *plan, s *scan, first, database string) {
	if explains(first) && slices.Contains(s.words, "select") {
		r.explain(p, s, database)
		return
	}
	statement, err := parse(s.text)
	if err != nil {
		if !p.shown(s, first) {
			p.why = "a statement that does not parse"
		}
		return
	}
	c := r.compiler(s, database)
	if change, ok := statement.(*sqlparser.Update); ok && !slices.Contains(s.words, "returning") {
		c.update(p, change)
		return
	}
	if selects := p.kind(statement, s, first); selects != nil {
		p.query = c.query(selects, nil)
		p.nothing = (counts(selects) || tallies(selects, p.query)) && len(c.side) == 0
		p.why = c.why
		p.carries = sorted(c.origins)
		if p.query.open {
			p.carries = nil
		}
		if c.aggregated {
			p.carries = nil
		}
	}
}

// update takes in a change. It shows nothing; it copies what stands in the
// values that are set.
func (c *compiler) update(p *plan, t *sqlparser.Update) {
	defer c.with(t.With)()
	sc := &scope{rel: c.from(t.TableExprs, nil)}
	if t.Where != nil {
		c.cond(t.Where.Expr, sc) // for the functions in it
	}
	clear(c.origins)
	c.inList = true
	for _, e := range t.Exprs {
		c.expr(e.Expr, sc)
	}
	if p.nothing = c.why == "" && len(c.origins) == 0 && !c.strangers; !p.nothing {
		p.why = copying
	}
}

const copying = "a change that may copy rows"

func sorted(set map[string]bool) []string {
	list := make([]string, 0, len(set))
	for s := range set {
		list = append(list, s)
	}
	slices.Sort(list)
	return list
}

// counts reports whether a query shows nothing but how many rows there are.
func counts(s sqlparser.SelectStatement) bool {
	one, ok := s.(*sqlparser.Select)
	if !ok || len(one.GroupBy) > 0 || len(one.SelectExprs) == 0 {
		return false
	}
	for _, e := range one.SelectExprs {
		item, ok := e.(*sqlparser.AliasedExpr)
		if !ok {
			return false
		}
		if !isCount(item.Expr) {
			return false
		}
	}
	return true
}

func isCount(e sqlparser.Expr) bool {
	f, ok := e.(*sqlparser.FuncExpr)
	return ok && f.Name.Lowered() == "count" && f.Over == nil
}

// tallies reports whether a query shows nothing but how many rows there are of each of a
// few values.
func tallies(s sqlparser.SelectStatement, q *query) bool {
	one, ok := s.(*sqlparser.Select)
	if !ok || len(one.GroupBy) == 0 || len(one.SelectExprs) != len(q.columns) {
		return false
	}
	by := map[string]bool{}
	for i, e := range one.SelectExprs {
		item, ok := e.(*sqlparser.AliasedExpr)
		if !ok {
			return false
		}
		name, ok := item.Expr.(*sqlparser.ColName)
		switch {
		case ok && q.columns[i].of != nil && q.columns[i].of.Few:
			by[name.Name.Lowered()] = true
		case !isCount(item.Expr):
			return false
		}
	}
	return !slices.ContainsFunc(one.GroupBy, func(e sqlparser.Expr) bool {
		name, ok := e.(*sqlparser.ColName)
		return !ok || !by[name.Name.Lowered()]
	})
}

// kind finds the query in a statement; nil when there is none.
func (p *plan) kind(statement sqlparser.Statement, s *scan, first string) sqlparser.SelectStatement {
	switch t := statement.(type) {
	case *sqlparser.Select:
		p.intoOf(t.Into)
		return t
	case *sqlparser.SetOp:
		p.intoOf(t.Into)
		return t
	case *sqlparser.ParenSelect:
		return t
	case *sqlparser.Insert:
		return p.insert(t, s)
	case *sqlparser.DDL:
		return p.define(t, s)
	case *sqlparser.Call, *sqlparser.Execute:
		p.why = "a procedure or a prepared statement by its name"
	case *sqlparser.Update:
		p.why = "RETURNING"
	case *sqlparser.Delete:
		if p.nothing = !slices.Contains(s.words, "returning"); !p.nothing {
			p.why = "RETURNING"
		}
	default:
		if !p.shown(s, first) {
			p.why = "a statement of a kind that is not understood"
		}
	}
	return nil
}

func (p *plan) intoOf(into *sqlparser.Into) {
	if into == nil {
		return
	}
	p.into = true
	for _, file := range []string{into.Outfile, into.Dumpfile} {
		if file != "" {
			p.copyTo = toFile
		}
	}
}

func (p *plan) insert(t *sqlparser.Insert, s *scan) sqlparser.SelectStatement {
	if slices.Contains(s.words, "returning") {
		p.why = "RETURNING"
		return nil
	}
	if selects, ok := t.Rows.(sqlparser.SelectStatement); ok {
		p.into, p.copyTo = true, tableName(t.Table)
		return selects
	}
	if p.nothing = !slices.Contains(s.words, "select"); !p.nothing {
		p.why = copying
		p.copyTo = tableName(t.Table)
	}
	return nil
}

func (p *plan) define(t *sqlparser.DDL, s *scan) sqlparser.SelectStatement {
	switch {
	case t.OptSelect != nil && t.OptSelect.Select != nil:
		p.into, p.copyTo = true, tableName(t.Table)
		return t.OptSelect.Select
	case t.ViewSpec != nil:
		p.nothing = true
		if t.ViewSpec.ViewExpr != nil && len(t.ViewSpec.Columns) == 0 {
			p.view = [2]string{tableName(t.ViewSpec.ViewName), sqlparser.String(t.ViewSpec.ViewExpr)}
		}
	case slices.Contains(s.words, "select") && !slices.ContainsFunc(s.words, stored):
		p.why = "a definition that may copy rows"
	default:
		p.nothing = true
	}
	return nil
}

// stored tells definitions that only keep the statements in them.
func stored(word string) bool {
	switch word {
	case "procedure", "function", "trigger", "event", "view":
		return true
	}
	return false
}

func tableName(t sqlparser.TableName) string {
	name := strings.ToLower(t.Name.String())
	if !t.DbQualifier.IsEmpty() {
		return strings.ToLower(t.DbQualifier.String()) + "." + name
	}
	return name
}
