package audit

import (
	"bytes"
	"net/netip"
	"strconv"
	"time"
)

// serverAudit reads the lines of MariaDB's server_audit plugin, which RDS and
// Aurora write too:
//
//	20261122 15:01:40,vm,root,localhost,8,22,QUERY,help,'select \'a\'',0
//	20261122 15:01:40,vm,root,localhost,8,22,READ,help,customers,
//
// time, server, user, host (from 12.0 on host:port), connection, statement,
// operation, database, object, error. Nothing but the statement is quoted or
// escaped, so names with commas can make a line ambiguous, and a name with a line
// feed can look like lines. A statement is cut at server_audit_query_log_limit
// without a mark.
type serverAudit struct {
	lines
	clock *clock
	limit int
	ops   map[string]op
	words words

	text      []byte // of a statement with escapes
	stamp     []byte // the last one
	stampText string
	wall      time.Time
}

// What a line can be wrong by.
const (
	noTime     reason = "it has no time that can be read"
	noFields   reason = "it has not the fields that it should have"
	noEnd      reason = "it ends in the middle"
	badQuoting reason = "its quotes do not match"
	badNumber  reason = "a number cannot be read"
	tooLong    reason = "it is longer than can be read"
)

func newServerAudit(c *clock, limit int) *serverAudit {
	return &serverAudit{clock: c, limit: limit, ops: operations()}
}

func (s *serverAudit) decode(rec []byte, e *Event) reason {
	rest, why := s.time(rec, e)
	if why != whole {
		return why
	}
	return s.fields(rest, e)
}

// time reads the time in front. The instant waits for the statement's number.
func (s *serverAudit) time(rec []byte, e *Event) (rest []byte, why reason) {
	const length = len("20261122 15:01:33")
	if len(rec) <= length || rec[length] != ',' {
		return nil, noTime
	}
	if !bytes.Equal(rec[:length], s.stamp) {
		wall, ok := compact(rec[:length])
		if !ok {
			return nil, noTime
		}
		s.stamp = append(s.stamp[:0], rec[:length]...)
		s.stampText, s.wall = string(s.stamp), wall
	}
	e.Stamp = s.stampText
	return rec[length+1:], whole
}

// at dates an event that has no time yet.
func (s *serverAudit) at(e *Event) {
	if !e.At.IsZero() || s.wall.IsZero() {
		return
	}
	at, later := s.clock.read(s.wall, e.Sequence)
	e.At, e.Precision = at, time.Second+later
}

// fields reads all but the time.
func (s *serverAudit) fields(b []byte, e *Event) reason {
	server := bytes.IndexByte(b, ',')
	if server < 0 {
		return noFields
	}
	e.Server = s.words.get(b[:server])
	b = b[server+1:]
	h, ok := s.nextHead(b, 0)
	why := noFields
	for ; ok; h, ok = s.nextHead(b, h.user+1) {
		if why = s.tail(b[h.end:], h, e); why == whole {
			break
		}
	}
	if why != whole {
		return why
	}
	e.User = s.words.get(b[:h.user])
	s.host(b[h.user+1:h.host], e)
	e.Connection, e.Sequence = h.connection, h.sequence
	s.ambiguous(b, h, e)
	s.at(e)
	return whole
}

// head is where the fields of one reading of a line end: user, host, then both
// numbers and the operation.
type head struct {
	user, host, end      int
	connection, sequence uint64
	op                   op
}

// nextHead finds the first reading whose user name is at least from long.
func (s *serverAudit) nextHead(b []byte, from int) (h head, ok bool) {
	for from < len(b) {
		user := bytes.IndexByte(b[from:], ',')
		if user < 0 {
			return h, false
		}
		h.user = from + user
		if s.readAfterUser(&h, b) {
			return h, true
		}
		from = h.user + 1
	}
	return h, false
}

func (s *serverAudit) readAfterUser(h *head, b []byte) bool {
	pos := h.user + 1
	end := bytes.IndexByte(b[pos:], ',')
	if end < 0 {
		return false
	}
	h.host = pos + end
	pos = h.host + 1
	var n int
	if h.connection, n = number(b[pos:]); n == 0 {
		return false
	}
	pos += n
	if h.sequence, n = number(b[pos:]); n == 0 {
		return false
	}
	pos += n
	if end = bytes.IndexByte(b[pos:], ','); end < 0 {
		return false
	}
	var known bool
	h.op, known = s.ops[string(b[pos:pos+end])]
	h.end = pos + end + 1
	return known
}

// number reads digits and the comma behind them; n is the bytes of both, or 0.
func number(b []byte) (v uint64, n int) {
	for i, c := range b {
		switch {
		case c == ',' && i > 0:
			return v, i + 1
		case c < '0' || c > '9' || i > 19:
			return 0, 0
		}
		v = 10*v + uint64(c-'0')
	}
	return 0, 0
}

// op is an operation of the log.
type op struct {
	name string
	kind Kind
	form form
}

// form is what stands behind an operation.
type form int

const (
	statement form = iota // database,'text',error
	table                 // database,table,
	bare                  // database,,error or database,`user`@`host`,error
)

func operations() map[string]op {
	return map[string]op{
		"QUERY":          {"QUERY", Query, statement},
		"READ":           {"READ", Read, table},
		"WRITE":          {"WRITE", Write, table},
		"CREATE":         {"CREATE", DDL, table},
		"ALTER":          {"ALTER", DDL, table},
		"RENAME":         {"RENAME", DDL, table},
		"DROP":           {"DROP", DDL, table},
		"CONNECT":        {"CONNECT", Connect, bare},
		"DISCONNECT":     {"DISCONNECT", Disconnect, bare},
		"FAILED_CONNECT": {"FAILED_CONNECT", Refused, bare},
		"CHANGEUSER":     {"CHANGEUSER", Other, bare},
		"PROXY_CONNECT":  {"PROXY_CONNECT", Other, bare},
	}
}

// tail reads what stands behind the operation.
func (s *serverAudit) tail(b []byte, h head, e *Event) reason {
	e.Op, e.Kind = h.op.name, h.op.kind
	if h.op.form == statement {
		return s.query(b, e)
	}
	if h.op.form == table {
		return s.table(b, e)
	}
	return s.bare(b, e)
}

// table reads database,table, and the empty fields that RDS adds.
func (s *serverAudit) table(b []byte, e *Event) reason {
	names := bytes.TrimRight(b, ",")
	database := bytes.IndexByte(names, ',')
	if len(names) == len(b) || database < 0 {
		return noEnd
	}
	e.Database, e.Object = s.words.get(names[:database]), s.words.get(names[database+1:])
	return whole
}

// bare reads database,,error or database,`user`@`host`,error.
func (s *serverAudit) bare(b []byte, e *Event) reason {
	database, errorAt := bytes.Index(b, []byte(",,")), 2
	if proxy := bytes.Index(b, []byte(",`")); proxy >= 0 && (database < 0 || proxy < database) {
		database, errorAt = proxy, bytes.LastIndex(b, []byte("`,"))+2-proxy
	}
	if database < 0 || errorAt < 2 {
		return noEnd
	}
	if why := code(b[database+errorAt:], e); why != whole {
		return why
	}
	e.Database, e.Object = s.words.get(b[:database]), s.words.get(b[database+1:database+errorAt-1])
	return whole
}

// code reads the error number. RDS puts fields of its own behind it.
func code(b []byte, e *Event) reason {
	digits, _, _ := bytes.Cut(b, []byte(","))
	n, err := strconv.Atoi(string(digits))
	if err != nil {
		return badNumber
	}
	e.Code = n
	return whole
}

// query reads database,'text',error.
func (s *serverAudit) query(b []byte, e *Event) reason {
	open := bytes.Index(b, []byte(",'"))
	if open < 0 {
		return badQuoting
	}
	quote := bytes.LastIndex(b, []byte("',"))
	if quote < open+2 {
		return noEnd
	}
	if why := code(b[quote+2:], e); why != whole {
		return why
	}
	raw := b[open+2 : quote]
	if bytes.IndexByte(raw, '\'') < 0 && bytes.IndexByte(raw, '\\') < 0 {
		e.Text = raw
	} else {
		var ok bool
		if s.text, ok = unescape(s.text[:0], raw); !ok {
			return badQuoting
		}
		e.Text = s.text
	}
	e.Database = s.words.get(b[:open])
	// The limit is of escaped bytes, and an escape is not divided.
	e.Truncated = len(raw) >= s.limit-1
	return whole
}

// unescape undoes the plugin's escapes. A quote that is not escaped is none of its
// writing.
func unescape(out, b []byte) ([]byte, bool) {
	for {
		n := bytes.IndexByte(b, '\\')
		if n < 0 {
			return append(out, b...), bytes.IndexByte(b, '\'') < 0
		}
		if bytes.IndexByte(b[:n], '\'') >= 0 || n+1 == len(b) {
			return out, false
		}
		out = append(append(out, b[:n]...), unescaped(b[n+1]))
		b = b[n+2:]
	}
}

func unescaped(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case '0':
		return 0
	default:
		return c
	}
}

// host reads the client's address, with the port that MariaDB 12 adds.
func (s *serverAudit) host(b []byte, e *Event) {
	colon := bytes.LastIndexByte(b, ':')
	port, ok := digits(b[colon+1:])
	single := bytes.IndexByte(b, ':') == colon
	switch {
	case colon <= 0 || !ok || port > 65535:
	case b[colon-1] == ']' && b[0] == '[': // [2001:db8::1]:3306
		b, e.Port = b[1:colon-1], port
	case single:
		b, e.Port = b[:colon], port
	case bytes.Count(b, []byte(":")) > 7 || !isIP(b): // all eight groups, and a port
		b, e.Port = b[:colon], port
	}
	e.Host = s.words.get(b)
}

// isIP reports whether an address is one as it stands. A shortened IPv6 address
// with a port behind it is one too: there, the port is taken for a group.
func isIP(b []byte) bool {
	_, err := netip.ParseAddr(string(b))
	return err == nil
}

// ambiguous marks an event that could be read with a longer user name as well.
func (s *serverAudit) ambiguous(b []byte, h head, e *Event) {
	if h.op.form == statement || bytes.Count(b[h.end:], []byte(",")) <= 2 {
		return
	}
	for other, ok := s.nextHead(b, h.user+1); ok; other, ok = s.nextHead(b, other.user+1) {
		var e2 Event
		if s.tail(b[other.end:], other, &e2) == whole {
			e.Low = true
			return
		}
	}
}

func (s *serverAudit) decodeBeginning(rec []byte, e *Event) reason {
	return beginning(s, rec, e)
}

// beginning makes a cut statement of a line that is longer than can be read.
func beginning(s shape, rec []byte, e *Event) reason {
	closed := append(bytes.TrimRight(rec, `\`), `',0`...)
	if why := s.decode(closed, e); why != whole {
		return tooLong
	}
	e.Truncated, e.Code = true, Unknown
	return whole
}
