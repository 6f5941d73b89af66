package replay

import (
	"slices"
	"strings"

	"github.com/dolthub/vitess/go/vt/sqlparser"
)

// plan is what a statement does, for any canary and any moment.
type plan struct {
	shape   string
	nothing bool   // it shows no row
	query   *query // nil: whatever canary is readable may be in it
	why     string
	carries []string // nil when not known
	copyTo  string
	into    bool // the rows do not go to the client
	mute    bool // nothing of it is shown unless the log has a table as read
	view    [2]string
	renames [][2]string
}

// compile reads a statement. It is nothing, a query, or beyond what is
// understood.
func (r *Replayer) compile(text, database string) *plan {
	s := lex(text)
	p := &plan{shape: s.shape}
	first := ""
	if len(s.words) > 0 {
		first = s.words[0]
	}
	switch {
	case s.several:
		p.why = "several statements in one"
	case s.hidden:
		p.why = "a comment that the server runs"
	case slices.ContainsFunc(s.quoted, func(name string) bool { return r.names[name] }):
		p.why = "a name in double quotes, which may be a text"
	case first == "set" && slices.Contains(s.words, "statement"):
		p.why = "SET STATEMENT"
	default:
		r.understand(p, s, first, database)
	}
	if p.why != "" {
		p.query, p.nothing = nil, false
		p.mute = changes(first) && !slices.ContainsFunc(s.words, shows)
	}
	return p
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
	selects := slices.ContainsFunc(s.words, func(w string) bool { return w == "select" || w == "table" && first == "set" })
	switch {
	case first == "analyze", //nolint:misspell // SQL's word
		first == "explain" || first == "describe" || first == "desc":
		p.nothing = true // a plan, not the rows
	case harmless(first) && !selects:
		p.nothing = true
	}
	return p.nothing
}

func (r *Replayer) understand(p *plan, s *scan, first, database string) {
	statement, err := sqlparser.Parse(s.text)
	if err != nil {
		if !p.shown(s, first) {
			p.why = "a statement that does not parse"
		}
		return
	}
	c := &compiler{
		schema: &r.schema, book: r.book, views: r.views, others: r.others,
		database: database, pipes: s.pipes, origins: map[string]bool{},
	}
	if selects := p.kind(statement, s, first); selects != nil {
		p.query = c.query(selects, nil)
		p.nothing = counts(selects) && len(c.side) == 0
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
		f, ok := item.Expr.(*sqlparser.FuncExpr)
		if !ok || f.Name.Lowered() != "count" || f.Over != nil {
			return false
		}
	}
	return true
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
	case *sqlparser.Update, *sqlparser.Delete:
		p.nothing = !slices.ContainsFunc(s.words, shows)
		if !p.nothing {
			p.why = "a change that may copy or show rows"
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
		p.why = "a change that may copy rows"
		p.copyTo = tableName(t.Table)
	}
	return nil
}

func (p *plan) define(t *sqlparser.DDL, s *scan) sqlparser.SelectStatement {
	for i := range min(len(t.FromTables), len(t.ToTables)) {
		p.renames = append(p.renames, [2]string{tableName(t.FromTables[i]), tableName(t.ToTables[i])})
	}
	switch {
	case t.OptSelect != nil && t.OptSelect.Select != nil:
		p.into, p.copyTo = true, tableName(t.Table)
		return t.OptSelect.Select
	case t.ViewSpec != nil:
		p.nothing = true
		if t.ViewSpec.ViewExpr != nil && len(t.ViewSpec.Columns) == 0 {
			p.view = [2]string{strings.ToLower(t.ViewSpec.ViewName.Name.String()), sqlparser.String(t.ViewSpec.ViewExpr)}
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
