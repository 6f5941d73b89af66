package audit

import (
	"bytes"
	"math"
	"strconv"
	"strings"
	"time"
)

// slow reads the slow query log of MySQL and MariaDB, which with long_query_time=0
// has every statement, with how many rows it sent:
//
//	# Time: 261127  7:46:38
//	# User@Host: app[app] @ localhost []
//	# Thread_id: 6  Schema: help  QC_hit: No
//	# Query_time: 0.000505  Lock_time: 0.000192  Rows_sent: 1  Rows_examined: 2
//	SET timestamp=1795765598;
//	select * from customers;
//
// SET timestamp is when the statement began. A statement can hold lines that look
// like another record: everything in such a log is Low.
type slow struct {
	clock *clock
	carry *carry
	words words
}

func (s *slow) split(data []byte, end bool) (n, from, to int) {
	statement := false // a record begins where a heading follows a statement
	return splitBefore(data, end, func(line []byte) bool {
		if !isSlowHead(line) {
			statement = statement || !bytes.HasPrefix(line, []byte("# ")) || bytes.HasPrefix(line, []byte("# administrator command: "))
			return false
		}
		return statement
	})
}

func isSlowHead(line []byte) bool {
	return bytes.HasPrefix(line, []byte("# Time: ")) || bytes.HasPrefix(line, []byte("# User@Host: "))
}

func (s *slow) decode(rec []byte, e *Event) reason {
	if isBanner(rec) {
		return heading
	}
	if !isSlowHead(rec) {
		return noFields
	}
	e.Kind, e.Op, e.Low = Query, "Query", true
	stamped := false
	for len(rec) > 0 {
		line, rest, _ := bytes.Cut(rec, []byte("\n"))
		line = bytes.TrimSuffix(line, []byte("\r"))
		switch {
		case bytes.HasPrefix(line, []byte("# administrator command: ")):
			e.Kind, e.Op = Other, string(bytes.TrimSuffix(line[len("# administrator command: "):], []byte(";")))
			if e.Op == "Quit" {
				e.Kind = Disconnect
			}
			return s.done(e)
		case bytes.HasPrefix(line, []byte("# ")):
			s.fields(line[2:], e)
		case !stamped && bytes.HasPrefix(line, []byte("use ")):
			s.carry.Database = string(bytes.Trim(line[4:], "`;"))
		case !stamped && bytes.HasPrefix(line, []byte("SET timestamp=")):
			stamped = s.began(line[len("SET timestamp="):], e)
		default:
			e.Text = redact(bytes.TrimSuffix(bytes.TrimRight(rec, "\r\n"), []byte(";")))
			return s.done(e)
		}
		rec = rest
	}
	return noEnd
}

func (s *slow) decodeBeginning(rec []byte, e *Event) reason {
	if s.decode(rec, e) != whole {
		return tooLong
	}
	e.Truncated = true
	return whole
}

// began reads the time of "SET timestamp=1795765598.123456;".
func (s *slow) began(b []byte, e *Event) bool {
	text := string(bytes.TrimSuffix(b, []byte(";")))
	seconds, _, _ := strings.Cut(text, ".")
	n, err := strconv.ParseFloat(text, 64)
	whole, err2 := strconv.ParseInt(seconds, 10, 64)
	if err != nil || err2 != nil || n <= 0 || n > math.MaxUint32 {
		return false
	}
	e.Stamp, e.Precision = text, precisionOf(text)
	e.At = time.Unix(whole, int64(math.Round((n-float64(whole))*1e6))*1000).UTC()
	return true
}

// done fills in what the record left to those before it.
func (s *slow) done(e *Event) reason {
	if e.Database == "" {
		e.Database, e.carried = s.carry.Database, true
	}
	if e.Stamp == "" {
		e.Stamp = s.carry.Moment
		if at, precision, ok := zoned(e.Stamp); ok {
			e.At, e.Precision = at, precision
		} else if wall, ok := shortTime([]byte(e.Stamp)); ok {
			at, later := s.clock.read(wall, 0)
			e.At, e.Precision = at, time.Second+later
		}
	}
	return whole
}

// fields reads the "Name: value" pairs of a heading line.
func (s *slow) fields(line []byte, e *Event) {
	if rest, ok := bytes.CutPrefix(line, []byte("Time: ")); ok {
		s.carry.Moment = string(bytes.TrimSpace(rest))
		return
	}
	if rest, ok := bytes.CutPrefix(line, []byte("User@Host: ")); ok {
		if last := bytes.LastIndexByte(rest, ']'); last >= 0 { // MySQL: … []  Id:    12
			s.pairs(rest[last+1:], e)
			rest = rest[:last+1]
		}
		e.User, e.Host = userHost(rest, &s.words)
		return
	}
	s.pairs(line, e)
}

func (s *slow) pairs(line []byte, e *Event) {
	words := bytes.Fields(line)
	for i := 0; i < len(words); i++ {
		name, ok := bytes.CutSuffix(words[i], []byte(":"))
		if !ok || i+1 == len(words) || bytes.HasSuffix(words[i+1], []byte(":")) {
			continue // an empty value, as Schema's
		}
		i++
		s.pair(string(name), words[i], e)
	}
}

func (s *slow) pair(name string, value []byte, e *Event) {
	if name == "Schema" {
		e.Database = s.words.get(value)
		return
	}
	n, err := strconv.ParseInt(string(value), 10, 64)
	if err != nil || n < 0 {
		return
	}
	switch name {
	case "Thread_id", "Id":
		e.Connection = uint64(n)
	case "Rows_sent":
		e.RowsSent = n
	case "Rows_examined":
		e.RowsExamined = n
	case "Errno", "Last_errno":
		e.Code = int(n)
	}
}

// userHost reads "app[given] @ localhost [192.0.2.7]": the account whose rights
// were used and the name that was given, which is the one that counts; and the
// address, or the host's name where there is none.
func userHost(b []byte, w *words) (user, host string) {
	account, at, found := bytes.Cut(b, []byte("] @ "))
	if !found {
		return w.get(bytes.TrimSpace(b)), ""
	}
	if open := bytes.LastIndexByte(account, '['); open >= 0 {
		if given := account[open+1:]; len(given) > 0 {
			account = given
		} else {
			account = account[:open]
		}
	}
	name, address, _ := bytes.Cut(at, []byte("["))
	address, _, _ = bytes.Cut(address, []byte("]"))
	if name = bytes.TrimSpace(name); len(address) > 0 {
		name = address
	}
	return w.get(account), w.get(name)
}
