package audit

import (
	"strconv"
	"strings"
	"time"
)

// filterJSON reads the audit log of MySQL Enterprise and of Percona's Audit Log
// Filter in JSON: an array of events, each of a class. Their times are in UTC, to
// the second; id tells the events of a second apart.
type filterJSON struct {
	objects
	record fields
	words  words
}

func (f *filterJSON) decode(rec []byte, e *Event) reason {
	if f.record == nil {
		f.record = fields{}
	}
	if !readObject(rec, f.record, &f.words) {
		return badJSON
	}
	class, event := f.text("class"), f.text("event")
	if class == "" {
		return noFields
	}
	if why := f.date(e); why != whole {
		return why
	}
	e.Op = f.words.get([]byte(class + "/" + event))
	e.Kind = f.kind(class, event)
	f.who(e)
	f.what(class, e)
	return whole
}

const badJSON reason = "it is no whole JSON object"

func (f *filterJSON) text(name string) string { return f.words.get(f.record[name]) }

func (f *filterJSON) date(e *Event) reason {
	stamp := f.text("timestamp")
	at, ok := plainTime(stamp)
	if !ok {
		return noTime
	}
	e.Stamp, e.At, e.Precision = stamp+"#"+f.text("id"), at, time.Second
	return whole
}

// plainTime reads "2026-04-03 10:43:52", with a T or fractions too.
func plainTime(s string) (time.Time, bool) {
	t, err := time.Parse("2006-01-02 15:04:05.999999999", strings.Replace(s, "T", " ", 1))
	return t, err == nil
}

func (f *filterJSON) kind(class, event string) Kind {
	switch class + "/" + event {
	case "connection/connect":
		if n := f.number("connection_data.status"); n > 0 {
			return Refused
		}
		return Connect
	case "connection/disconnect":
		return Disconnect
	case "table_access/read":
		return Read
	case "table_access/insert", "table_access/update", "table_access/delete":
		return Write
	case "general/status":
		return statementKind(f.text("general_data.command"))
	case "query/query_status_end", "query/query_nested_status_end":
		return Query
	default:
		return Other
	}
}

// statementKind is what a command is, in the words of the general log.
func statementKind(command string) Kind {
	switch command {
	case "Query", "Execute", "Bulk_execute":
		return Query
	case "Prepare":
		return Prepare
	default:
		return Other
	}
}

func (f *filterJSON) number(name string) int64 {
	n, err := strconv.ParseInt(string(f.record[name]), 10, 64)
	if err != nil {
		return Unknown
	}
	return n
}

func (f *filterJSON) who(e *Event) {
	login := f.record["login.user"]
	if len(login) == 0 {
		login = f.record["account.user"]
	}
	e.User, e.Host = userHost(login, &f.words)
	if host := f.text("account.host"); e.Host == "" {
		e.Host = host
	}
	if ip := f.text("login.ip"); ip != "" {
		e.Host = ip
	}
	e.Program = f.text("connection_data.connection_attributes.program_name")
	if e.Program == "" {
		e.Program = f.text("connection_data.connection_attributes._client_name")
	}
	e.Connection = uint64(max(0, f.number("connection_id")))
}

func (f *filterJSON) what(class string, e *Event) {
	in := class + "_data."
	if text := f.record[in+"query"]; len(text) > 0 {
		e.Text = redact(text)
	}
	if status := f.number(in + "status"); status >= 0 {
		e.Code = int(status)
	}
	e.Database, e.Object = f.text(in+"db"), f.text(in+"table")
	e.RowsSent, e.RowsExamined = f.number("query_statistics.rows_sent"), f.number("query_statistics.rows_examined")
}
