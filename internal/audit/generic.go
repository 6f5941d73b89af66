package audit

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Columns says which columns of a table, or which names of JSON objects, hold what.
// A name within an object within an object is written with a point. Empty ones are
// looked for under their usual names; only At must be there.
type Columns struct {
	At, User, Account, Host, Program     string
	Database, Object, Text, Rows         string
	Connection, Kind, Operation, Outcome string
	// Layout is how At is written, in the manner of Go's time package, or "unix",
	// "unixms", "unixus"; empty takes RFC 3339, "2026-04-03 10:43:52", and Unix
	// times of any of the three scales.
	Layout string
	// More are columns whose values go to Event.More, in this order.
	More []string
}

// Set names one column by its key, which is a field of Columns in lower case.
func (c *Columns) Set(key, name string) error {
	field, ok := map[string]*string{
		"at": &c.At, "user": &c.User, "account": &c.Account, "host": &c.Host, "program": &c.Program, "database": &c.Database, "object": &c.Object,
		"text": &c.Text, "rows": &c.Rows, "connection": &c.Connection, "kind": &c.Kind, "operation": &c.Operation, "outcome": &c.Outcome, "layout": &c.Layout,
	}[key]
	if !ok {
		return fmt.Errorf("column %q is not known: want at, user, account, host, program, database, object, text, rows, connection, kind, operation, outcome or layout", key)
	}
	*field = name
	return nil
}

// usual are the names under which a column is looked for.
func usual() map[string][]string {
	return map[string][]string{
		"at":         {"at", "time", "timestamp", "datetime", "date", "created", "created_at", "started", "started_at", "start", "when", "ts", "taken_at", "run_at", "exported_at"},
		"user":       {"user", "username", "user_name", "login", "db_user", "actor", "who", "by", "owner", "requested_by", "employee"},
		"account":    {"account", "app_user", "email", "agent", "employee_id", "user_id"},
		"host":       {"host", "ip", "address", "client", "client_ip", "remote_addr", "ip_address", "source"},
		"program":    {"program", "application", "app", "client_program", "user_agent", "tool"},
		"database":   {"database", "db", "schema", "schemaname"},
		"object":     {"object", "table", "report", "report_name", "export", "name", "title", "file", "filename", "view"},
		"text":       {"text", "query", "sql", "statement", "sqltext", "filter", "criteria", "parameters"},
		"rows":       {"rows", "row_count", "rowcount", "rows_sent", "records", "count", "exported_rows", "total"},
		"connection": {"connection", "connection_id", "thread_id", "session", "session_id"},
		"kind":       {"kind"},
		"operation":  {"operation", "event", "action", "type", "command"},
		"outcome":    {"outcome", "status", "code", "error", "errno", "result"},
	}
}

// given lists what is asked for, by the same keys.
func (c Columns) given() map[string]string {
	return map[string]string{
		"at": c.At, "user": c.User, "account": c.Account, "host": c.Host, "program": c.Program, "database": c.Database, "object": c.Object,
		"text": c.Text, "rows": c.Rows, "connection": c.Connection, "kind": c.Kind, "operation": c.Operation, "outcome": c.Outcome,
	}
}

// generic makes events of records with any names.
type generic struct {
	clock   *clock
	columns Columns
	words   words
	names   map[string][]string
}

func newGeneric(c *clock, columns Columns) generic {
	names := usual()
	for key, name := range columns.given() {
		if name != "" {
			names[key] = []string{strings.ToLower(name)}
		}
	}
	return generic{clock: c, columns: columns, names: names}
}

// has reports whether the names of a record hold a time.
func (g *generic) has(f fields) bool { return g.find(f, "at") != nil }

func (g *generic) find(f fields, key string) []byte { return first(f, g.names[key]...) }

func (g *generic) event(f fields, e *Event) reason {
	stamp := string(bytes.TrimSpace(g.find(f, "at")))
	if !g.date(stamp, e) {
		return noTime
	}
	get := func(key string) string { return g.words.get(bytes.TrimSpace(g.find(f, key))) }
	e.Stamp, e.Op = stamp, get("operation")
	e.Kind = genericKind(get("kind"), e.Op)
	e.User, e.Account, e.Program = get("user"), get("account"), get("program")
	host, port := splitPort(g.find(f, "host"))
	e.Host, e.Port = g.words.get(host), port
	e.Database, e.Object = get("database"), get("object")
	if text := g.find(f, "text"); len(text) > 0 {
		e.Text = redact(text)
	}
	if n, err := strconv.ParseInt(get("rows"), 10, 64); err == nil && n >= 0 {
		e.RowsSent = n
	}
	for _, name := range g.columns.More {
		e.More = append(e.More, g.words.get(bytes.TrimSpace(f[strings.ToLower(name)])))
	}
	if n, err := strconv.ParseUint(get("connection"), 10, 64); err == nil {
		e.Connection = n
	}
	if n, err := strconv.Atoi(get("outcome")); err == nil {
		e.Code = n
	} else if e.Kind == Export {
		e.Code = worded(get("outcome"))
	}
	return whole
}

// worded is the outcome of an export that is told in a word: 0 is success, 1 none.
func worded(outcome string) int {
	switch strings.ToLower(strings.TrimSpace(outcome)) {
	case "", "-", "n/a", "unknown":
		return Unknown
	case "ok", "success", "successful", "succeeded", "done", "complete", "completed", "finished", "true", "yes", "allowed", "granted":
		return 0
	}
	return 1
}

// genericKind takes our own words; without one, a statement is told by its
// operation, and all else is an export.
func genericKind(kind, operation string) Kind {
	switch k := Kind(strings.ToLower(kind)); k {
	case Connect, Disconnect, Refused, Query, Prepare, Read, Write, DDL, Export, Other:
		return k
	}
	switch strings.ToLower(operation) {
	case "query", "select", "execute", "statement":
		return Query
	default:
		return Export
	}
}

func (g *generic) date(stamp string, e *Event) bool {
	if scale, ok := map[string]time.Duration{"unix": time.Second, "unixms": time.Millisecond, "unixus": time.Microsecond}[g.columns.Layout]; ok {
		return unixTime(stamp, scale, e)
	}
	if g.columns.Layout != "" {
		t, err := time.Parse(g.columns.Layout, stamp)
		if err != nil {
			return false
		}
		if zone := t.Location(); zone != time.UTC || strings.Contains(g.columns.Layout, "Z07") {
			e.At, e.Precision = t.UTC(), precisionOf(stamp)
			return true
		}
		g.local(t, stamp, e)
		return true
	}
	if at, precision, ok := zoned(strings.Replace(stamp, " ", "T", 1)); ok {
		e.At, e.Precision = at, precision
		return true
	}
	for _, layout := range []string{"2006-01-02 15:04:05.999999999", "2006-01-02 15:04", time.DateOnly} {
		if wall, err := time.Parse(layout, strings.Replace(stamp, "T", " ", 1)); err == nil {
			g.local(wall, stamp, e)
			return true
		}
	}
	return unixTime(stamp, 0, e)
}

func (g *generic) local(wall time.Time, stamp string, e *Event) {
	at, later := g.clock.read(wall, 0)
	e.At, e.Precision = at, precisionOf(stamp)+later
	if !strings.Contains(stamp, ":") {
		e.Precision = 24*time.Hour + later // a date alone
	} else if strings.Count(stamp, ":") == 1 {
		e.Precision = time.Minute + later
	}
}

// unixTime reads a Unix time; without a scale it is told by the number's size,
// between the years 2001 and 2286.
func unixTime(stamp string, scale time.Duration, e *Event) bool {
	n, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || n <= 0 {
		return false
	}
	if scale == 0 {
		switch len(stamp) {
		case 10:
			scale = time.Second
		case 13:
			scale = time.Millisecond
		case 16:
			scale = time.Microsecond
		default:
			return false
		}
	}
	per := int64(time.Second / scale)
	e.At = time.Unix(n/per, n%per*int64(scale)).UTC()
	e.Precision = scale
	return true
}

// genericCSV is a table with a heading; a comma, a semicolon or a tab between.
type genericCSV struct {
	rows
	generic
	carry  *carry
	comma  byte
	record fields
}

func (g *genericCSV) decode(rec []byte, e *Event) reason {
	if len(g.carry.Heading) == 0 {
		return g.heading(rec)
	}
	if g.comma == 0 {
		g.comma = g.carry.Comma
	}
	row, ok := cells(rec, g.comma)
	if !ok {
		return badQuoting
	}
	if len(row) != len(g.carry.Heading) {
		return noColumns
	}
	if g.record == nil {
		g.record = fields{}
	}
	clear(g.record)
	for i, cell := range row {
		g.record[g.carry.Heading[i]] = cell
	}
	return g.event(g.record, e)
}

const (
	noColumns reason = "it has not as many columns as the heading"
	noHeading reason = "the heading has no column with a time"
)

func (g *genericCSV) heading(rec []byte) reason {
	rec = bytes.TrimPrefix(rec, []byte("\ufeff"))
	for _, c := range []byte(",;\t") {
		if g.comma == 0 || bytes.Count(rec, []byte{c}) > bytes.Count(rec, []byte{g.comma}) {
			g.comma = c
		}
	}
	row, ok := cells(rec, g.comma)
	if !ok {
		return badQuoting
	}
	names := fields{}
	var list []string
	for _, cell := range row {
		name := strings.ToLower(string(bytes.TrimSpace(cell)))
		names[name] = []byte("x")
		list = append(list, name)
	}
	if !g.has(names) {
		return noHeading
	}
	g.carry.Heading, g.carry.Comma = list, g.comma
	return heading
}

// genericJSON is any JSON objects.
type genericJSON struct {
	objects
	generic
	record, lower fields
}

func (g *genericJSON) decode(rec []byte, e *Event) reason {
	if g.record == nil {
		g.record, g.lower = fields{}, fields{}
	}
	if !readObject(rec, g.record, &g.words) {
		return badJSON
	}
	clear(g.lower)
	for name, v := range g.record {
		g.lower[strings.ToLower(name)] = v
	}
	return g.event(g.lower, e)
}
