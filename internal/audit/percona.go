package audit

import (
	"bytes"
	"strconv"
	"strings"
	"time"
)

// percona makes an event of a record of Percona's audit_log, of MySQL Enterprise's
// in XML, and of either filter's in XML: named fields, the same in all shapes.
type percona struct {
	clock *clock
	words words
}

// event reads the fields, whose names are in lower case.
func (p *percona) event(f fields, e *Event) reason {
	name := string(f["name"])
	if name == "" {
		return noFields
	}
	if !p.date(f, e) {
		return noTime
	}
	e.Op = p.words.get(f["name"])
	code, err := strconv.Atoi(string(first(f, "status", "status_code")))
	if err == nil {
		e.Code = code
	}
	e.Kind = perconaKind(name)
	if e.Kind == Connect && e.Code > 0 {
		e.Kind = Refused
	}
	e.User, e.Host = userHost(f["user"], &p.words)
	if host := first(f, "ip", "host"); len(host) > 0 {
		e.Host = p.words.get(host)
	}
	e.Database, e.Object = p.words.get(f["db"]), p.words.get(f["table"])
	if id, err := strconv.ParseUint(string(f["connection_id"]), 10, 64); err == nil {
		e.Connection = id
	}
	if text := f["sqltext"]; len(text) > 0 {
		e.Text = redact(text)
	}
	return whole
}

// first is the first of the named fields that holds something.
func first(f fields, names ...string) []byte {
	for _, name := range names {
		if v := f[name]; len(v) > 0 {
			return v
		}
	}
	return nil
}

// date reads the time: with a zone, with UTC behind it, or in the server's zone.
func (p *percona) date(f fields, e *Event) bool {
	stamp := string(f["timestamp"])
	// The record's number tells those of a second apart.
	e.Stamp = stamp + "#" + string(first(f, "record", "record_id"))
	if plain, ok := strings.CutSuffix(stamp, " UTC"); ok {
		stamp = plain + "Z"
	}
	if at, precision, ok := zoned(stamp); ok {
		e.At, e.Precision = at, precision
		return true
	}
	wall, ok := plainTime(stamp)
	if ok {
		at, later := p.clock.read(wall, 0)
		e.At, e.Precision = at, time.Second+later
	}
	return ok
}

func perconaKind(name string) Kind {
	switch name {
	case "Query", "Execute", "Bulk_execute", "Status", "Query Status End", "Query Nested Status End":
		return Query
	case "Prepare":
		return Prepare
	case "Connect":
		return Connect
	case "Quit", "Disconnect":
		return Disconnect
	case "TableRead":
		return Read
	case "TableInsert", "TableUpdate", "TableDelete":
		return Write
	default:
		return Other
	}
}

// perconaJSON has one object a line, with one object in it.
type perconaJSON struct {
	objects
	percona
	record, inner fields
}

func (p *perconaJSON) decode(rec []byte, e *Event) reason {
	if p.record == nil {
		p.record, p.inner = fields{}, fields{}
	}
	if !readObject(rec, p.record, &p.words) {
		return badJSON
	}
	clear(p.inner)
	for name, v := range p.record {
		p.inner[strings.TrimPrefix(name, "audit_record.")] = v
	}
	return p.event(p.inner, e)
}

// perconaXML has a record an element: its fields are attributes (OLD) or elements
// (NEW).
type perconaXML struct {
	percona
	record fields
}

const (
	recordTag = "<AUDIT_RECORD"
	recordEnd = "</AUDIT_RECORD>"
)

func (p *perconaXML) split(data []byte, end bool) (n, from, to int) {
	filling := len(data) - len(bytes.TrimLeft(data, " \t\r\n\x00\xef\xbb\xbf"))
	rest := data[filling:]
	switch {
	case len(rest) == 0:
		return filling, 0, 0
	case len(rest) <= len(recordTag) && !end:
		return 0, 0, 0
	case !bytes.HasPrefix(rest, []byte(recordTag)):
		return p.between(data, filling, end)
	}
	stop := recordStop(rest)
	// What is in a record is escaped: another one's beginning ends one that was cut.
	if next := bytes.Index(rest[1:], []byte(recordTag)); next >= 0 && (stop == 0 || next+1 < stop) {
		stop = next + 1
	}
	if stop == 0 {
		return 0, 0, 0
	}
	return filling + stop, filling, filling + stop
}

// between passes over the other tags of the file; whatever is no tag is a record
// to complain about.
func (p *perconaXML) between(data []byte, filling int, end bool) (n, from, to int) {
	rest := data[filling:]
	for _, tag := range []string{"<?xml", "<AUDIT>", "</AUDIT>"} {
		if stop := bytes.IndexByte(rest, '>'); bytes.HasPrefix(rest, []byte(tag)) && stop >= 0 {
			return filling + stop + 1, 0, 0
		}
	}
	if n, _, to = (lines{}).split(rest, end); n == 0 {
		return 0, 0, 0
	}
	return filling + n, filling, filling + to
}

// recordStop is the length of a record, or 0.
func recordStop(b []byte) int {
	if len(b) == len(recordTag) { // a log that ends in the middle
		return 0
	}
	if b[len(recordTag)] == '>' {
		if i := bytes.Index(b, []byte(recordEnd)); i >= 0 {
			return i + len(recordEnd)
		}
		return 0
	}
	quoted := false
	for i := len(recordTag); i < len(b); i++ {
		switch {
		case b[i] == '"':
			quoted = !quoted
		case b[i] == '>' && !quoted && b[i-1] == '/':
			return i + 1
		}
	}
	return 0
}

func (p *perconaXML) decode(rec []byte, e *Event) reason {
	body, ok := bytes.CutPrefix(rec, []byte(recordTag))
	if !ok {
		return noFields
	}
	if p.record == nil {
		p.record = fields{}
	}
	clear(p.record)
	if inner, ok := bytes.CutPrefix(body, []byte(">")); ok {
		if inner, ok = bytes.CutSuffix(inner, []byte(recordEnd)); !ok {
			return noEnd
		}
		p.elements(inner)
	} else {
		if body, ok = bytes.CutSuffix(body, []byte("/>")); !ok {
			return noEnd
		}
		p.attributes(body)
	}
	return p.event(p.record, e)
}

func (p *perconaXML) put(name, value []byte) {
	key := p.words.get(bytes.ToLower(name))
	if _, twice := p.record[key]; !twice { // those of nested elements come later
		p.record[key] = unescapeXML(value)
	}
}

func (p *perconaXML) elements(b []byte) {
	for {
		_, rest, ok := bytes.Cut(b, []byte("<"))
		if !ok {
			return
		}
		name, rest, ok := bytes.Cut(rest, []byte(">"))
		if !ok {
			return
		}
		value, rest2, ok := bytes.Cut(rest, []byte("</"+string(name)+">"))
		if b = rest; ok {
			b = rest2
			p.put(name, value)
		}
	}
}

func (p *perconaXML) attributes(b []byte) {
	for {
		name, rest, ok := bytes.Cut(b, []byte(`="`))
		if !ok {
			return
		}
		value, rest, ok := bytes.Cut(rest, []byte(`"`))
		if !ok {
			return
		}
		p.put(bytes.Trim(name, "\" \t\r\n"), value)
		b = rest
	}
}

// unescapeXML undoes the five names and the numbers.
func unescapeXML(b []byte) []byte {
	if bytes.IndexByte(b, '&') < 0 {
		return b
	}
	out := make([]byte, 0, len(b))
	for {
		before, rest, ok := bytes.Cut(b, []byte("&"))
		out = append(out, before...)
		if !ok {
			return out
		}
		name, after, ok := bytes.Cut(rest, []byte(";"))
		r := entity(string(name))
		if !ok || r < 0 {
			out, b = append(out, '&'), rest
			continue
		}
		out, b = append(out, string(r)...), after
	}
}

func entity(name string) rune {
	switch name {
	case "lt":
		return '<'
	case "gt":
		return '>'
	case "amp":
		return '&'
	case "quot":
		return '"'
	case "apos":
		return '\''
	}
	if digits, ok := strings.CutPrefix(name, "#x"); ok {
		return number32(digits, 16)
	}
	if digits, ok := strings.CutPrefix(name, "#"); ok {
		return number32(digits, 10)
	}
	return -1
}

func number32(s string, base int) rune {
	n, err := strconv.ParseUint(s, base, 31)
	if err != nil || n > 0x10ffff {
		return -1
	}
	return rune(n)
}
