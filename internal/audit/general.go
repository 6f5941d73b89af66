package audit

import (
	"bytes"
	"strconv"
	"time"
)

// general reads the general query log of MySQL and MariaDB:
//
//	261127  7:46:38<tab>     6 Connect<tab>app@localhost on help using Socket
//	<tab><tab>     6 Query<tab>select *
//	  from customers
//	2026-11-27T07:46:38.123456Z<tab>   6 Query<tab>select 1
//
// MariaDB leaves out a time that is the last line's. Statements stand as they came,
// over several lines, so whoever writes a statement can write lines: everything in
// such a log is Low. Who a connection belongs to stands in its first line alone.
// Passwords stand in the clear, and are taken out here.
type general struct {
	clock    *clock
	carry    *carry
	commands map[string]Kind
	words    words
}

func newGeneral(c *clock, k *carry) *general {
	return &general{clock: c, carry: k, commands: commands()}
}

// commands of the log that mean something here; all others are Other.
func commands() map[string]Kind {
	return map[string]Kind{
		"Connect": Connect, "Quit": Disconnect, "Query": Query, "Execute": Query, "Prepare": Prepare,
		"Init DB": Other, "Close stmt": Other, "Change user": Other, "Field List": Other, "Statistics": Other,
		"Reset stmt": Other, "Long Data": Other, "Ping": Other, "Refresh": Other, "Shutdown": Other,
		"Processlist": Other, "Kill": Other, "Debug": Other, "Delayed insert": Other, "Binlog Dump": Other,
		"Binlog Dump GTID": Other, "Table Dump": Other, "Connect Out": Other, "Register Slave": Other,
		"Register Replica": Other, "Set option": Other, "Fetch": Other, "Daemon": Other, "Error": Other, "Create DB": Other,
		"Drop DB": Other, "Time": Other, "Sleep": Other, "Reset Connection": Other, "Reset connection": Other,
		"Bulk_execute": Query, "Unknown": Other, "Clone": Other,
	}
}

// generalLine is the beginning of a record.
type generalLine struct {
	stamp   []byte // empty when it is the last one's
	id      uint64
	command string
	kind    Kind
	arg     int // where the rest begins
}

// split ends a record where the next begins.
func (g *general) split(data []byte, end bool) (n, from, to int) {
	return splitBefore(data, end, g.begins)
}

func (g *general) begins(line []byte) bool {
	_, ok := g.line(line)
	return ok
}

// splitBefore ends a record of several lines before the line that begins another.
func splitBefore(data []byte, end bool, begins func(line []byte) bool) (n, from, to int) {
	next := bytes.IndexByte(data, '\n')
	for pos := 0; next >= 0; next = bytes.IndexByte(data[pos:], '\n') {
		first := pos == 0
		pos += next + 1
		if first && isBanner(data[:pos-1]) || pos == len(data) && end {
			return pos, 0, len(bytes.TrimSuffix(data[:pos-1], []byte("\r")))
		}
		line := data[pos:]
		if stop := bytes.IndexByte(line, '\n'); stop >= 0 {
			line = line[:stop]
		} else if !end {
			break
		}
		if begins(line) || isBanner(line) {
			return pos, 0, len(bytes.TrimSuffix(data[:pos-1], []byte("\r")))
		}
	}
	return 0, 0, 0
}

// isBanner tells the three lines that a server writes when it opens the log.
func isBanner(line []byte) bool {
	return bytes.Contains(line, []byte(", Version: ")) && bytes.Contains(line, []byte("started with:")) ||
		bytes.HasPrefix(line, []byte("Tcp port: ")) ||
		bytes.HasPrefix(line, []byte("Time ")) && bytes.Contains(line, []byte("Id Command")) ||
		bytes.HasPrefix(line, []byte("Time\t")) && bytes.Contains(line, []byte("Id Command"))
}

// line reads the beginning of a record.
func (g *general) line(line []byte) (l generalLine, ok bool) {
	first := bytes.IndexByte(line, '\t')
	if first < 0 || first > 40 {
		return l, false
	}
	l.stamp = line[:first]
	pos := first + 1
	if first == 0 {
		if len(line) < 2 || line[1] != '\t' {
			return l, false
		}
		pos = 2
	} else if !looksLikeTime(l.stamp) {
		return l, false
	}
	for pos < len(line) && line[pos] == ' ' {
		pos++
	}
	space := bytes.IndexByte(line[pos:], ' ')
	if space <= 0 {
		return l, false
	}
	id, err := strconv.ParseUint(string(line[pos:pos+space]), 10, 64)
	if err != nil {
		return l, false
	}
	pos += space + 1
	tab := bytes.IndexByte(line[pos:], '\t')
	if tab < 0 {
		tab = len(line) - pos
	}
	l.id, l.command, l.arg = id, string(line[pos:pos+tab]), min(pos+tab+1, len(line))
	l.kind, ok = g.commands[l.command]
	return l, ok
}

func looksLikeTime(b []byte) bool {
	if _, ok := shortTime(b); ok {
		return true
	}
	_, _, ok := zoned(string(b))
	return ok
}

// shortTime reads "261127  7:46:38".
func shortTime(b []byte) (time.Time, bool) {
	if len(b) != 15 || b[6] != ' ' || b[9] != ':' || b[12] != ':' {
		return time.Time{}, false
	}
	var full [17]byte
	copy(full[:], "20")
	copy(full[2:], b)
	if full[9] == ' ' {
		full[9] = '0'
	}
	return compact(full[:])
}

func (g *general) decode(rec []byte, e *Event) reason {
	if isBanner(rec) {
		return heading
	}
	l, ok := g.line(rec)
	if !ok {
		return noFields
	}
	e.Low = true
	if !g.date(l.stamp, e) {
		return noTime
	}
	e.Kind, e.Op, e.Connection = l.kind, l.command, l.id
	g.argument(rec[l.arg:], e)
	return whole
}

// date dates an event by its own time or the last one.
func (g *general) date(stamp []byte, e *Event) bool {
	if len(stamp) > 0 {
		g.carry.Moment = string(stamp)
	}
	e.Stamp = g.carry.Moment
	if e.Stamp == "" {
		return true // the log begins in the middle of a second: the time is not known
	}
	if at, precision, ok := zoned(e.Stamp); ok {
		e.At, e.Precision = at, precision
		return true
	}
	wall, ok := shortTime([]byte(e.Stamp))
	if ok {
		at, later := g.clock.read(wall, 0)
		e.At, e.Precision = at, time.Second+later
	}
	return ok
}

// argument reads what a command was given, and remembers who connected.
func (g *general) argument(arg []byte, e *Event) {
	s := g.carry.Sessions[e.Connection]
	switch {
	case e.Kind == Connect && bytes.HasPrefix(arg, []byte("Access denied for user ")):
		e.Kind, e.Text = Refused, arg
	case e.Kind == Connect, e.Op == "Change user":
		s = g.account(arg)
	case e.Op == "Init DB":
		s.Database = g.words.get(arg)
	case e.Kind == Query || e.Kind == Prepare:
		e.Text = redact(arg)
		if used, ok := useOf(arg); ok && e.Kind == Query {
			defer func() { g.carry.remember(e.Connection, session{s.User, s.Host, g.words.get(used)}) }()
		}
	}
	e.User, e.Host, e.Database, e.carried = s.User, s.Host, s.Database, e.Kind != Connect
	if e.Kind == Disconnect {
		delete(g.carry.Sessions, e.Connection)
		return
	}
	g.carry.remember(e.Connection, s)
}

// account reads "app@localhost on help using Socket".
func (g *general) account(arg []byte) session {
	if using := bytes.LastIndex(arg, []byte(" using ")); using >= 0 {
		arg = arg[:using]
	}
	account, database := arg, []byte(nil)
	if on := bytes.LastIndex(arg, []byte(" on")); on >= 0 {
		account, database = arg[:on], bytes.TrimSpace(arg[on+3:])
	}
	at := bytes.LastIndexByte(account, '@')
	if at < 0 {
		return session{User: g.words.get(account), Database: g.words.get(database)}
	}
	return session{User: g.words.get(account[:at]), Host: g.words.get(account[at+1:]), Database: g.words.get(database)}
}

// useOf is the database of "use NAME".
func useOf(text []byte) ([]byte, bool) {
	if len(text) < 5 || !bytes.EqualFold(text[:4], []byte("use ")) {
		return nil, false
	}
	return bytes.Trim(text[4:], "` ;\t\r\n"), true
}

func (g *general) decodeBeginning(rec []byte, e *Event) reason {
	if g.decode(rec, e) != whole {
		return tooLong
	}
	e.Truncated = true
	return whole
}
