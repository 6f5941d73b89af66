package audit

import (
	"bytes"
	"strconv"
)

// cloudWatch reads the lines of RDS's and Aurora's audit plugin as CloudWatch gives them
// away: as the message of events, in the array of what get-log-events, filter-log-events
// and subscriptions answer, or one object a line; or exported to S3, a line each behind
// CloudWatch's own time.
//
//	{"events": [{"timestamp": 1795765598123, "message": "20261122 15:01:40,vm,root,…", "ingestionTime": …}, …], "nextForwardToken": "f/…"}
//	{"messageType": "DATA_MESSAGE", "logGroup": "…", "logEvents": [{"id": "…", "timestamp": …, "message": "1795765598123456,vm,root,…"}]}
//	2026-11-22T15:01:40.000Z 20261122 15:01:40,vm,root,…
//
// An event is what its message is in the plugin's own file, so that the same line read
// from there is the same event.
type cloudWatch struct {
	plain  *serverAudit
	aurora *aurora
	record fields
	words  words
}

func (c *cloudWatch) split(data []byte, end bool) (n, from, to int) {
	for i := 0; i < len(data); {
		done, record := 0, false
		switch {
		case bytes.IndexByte([]byte(" \t\r\n\x00[]},:\xef\xbb\xbf"), data[i]) >= 0:
			done = 1
		case data[i] == '"': // of what stands around the array
			if done, record = stringEnd(data[i:]); record { // it was cut, or is none
				done, _, _ = lines{}.split(data[i:], end)
			}
		case data[i] == '{':
			if done = envelope(data[i:]); done == 0 {
				done, record = objectEnd(data[i:]), true
			}
		default:
			if done = bareEnd(data[i:]); done == 0 {
				done, _, _ = lines{}.split(data[i:], end)
				record = true
			}
		}
		switch {
		case done <= 0:
			return i, 0, 0 // more is needed
		case record:
			return i + done, i, i + len(bytes.TrimRight(data[i:i+done], "\r\n"))
		}
		i += done
	}
	return len(data), 0, 0
}

// envelope is where the array of events begins within the object at the beginning of b; 0
// when it has none, -1 when that cannot be told yet.
func envelope(b []byte) int {
	var at nesting
	for i := 0; i < len(b); i++ {
		if b[i] != '"' {
			if at.char(b[i]); at.inArray(b[i]) {
				return i + 1
			}
			if at.none() {
				return 0
			}
			continue
		}
		n, cut := stringEnd(b[i:])
		switch {
		case n == 0:
			return -1
		case cut:
			return 0
		case at.depth == 1:
			at.name = string(b[i+1 : i+n-1])
		}
		i += n - 1
	}
	return -1
}

// nesting is how deep something stands, and the last string of the outermost object.
type nesting struct {
	depth int
	name  string
}

func (n *nesting) char(c byte) {
	switch c {
	case '{', '[':
		n.depth++
	case '}', ']':
		n.depth--
	}
}

func (n *nesting) inArray(c byte) bool {
	return c == '[' && n.depth == 2 && (n.name == "events" || n.name == "logEvents")
}

// none reports whether no array of events can come: it has ended, or is an event itself.
func (n *nesting) none() bool {
	return n.depth <= 0 || n.depth > maxDepth || n.name == "message"
}

// bareEnd is the length of a number, true, false or null before what can only stand behind
// such within JSON, or 0.
func bareEnd(b []byte) int {
	n := len(b) - len(bytes.TrimLeft(b, "0123456789aeflnrstu"))
	switch word := string(b[:n]); word {
	case "true", "false", "null":
	default:
		if _, err := strconv.ParseUint(word, 10, 64); err != nil {
			return 0
		}
	}
	rest := bytes.TrimLeft(b[n:], " \t\r\n")
	if len(rest) < 2 {
		return 0
	}
	next := rest[1] // behind a comma comes a name: numbers stand before commas in a line of the plugin, too
	if rest[0] == '}' || rest[0] == ']' || rest[0] == ',' && (next == '"' || isSpace(next)) {
		return n
	}
	return 0
}

const noMessage reason = "it has no message"

// checking is what CloudWatch sends to see whether somebody is there.
const checking = "CWL CONTROL MESSAGE"

func (c *cloudWatch) decode(rec []byte, e *Event) reason {
	if rec[0] != '{' {
		if first, rest, ok := bytes.Cut(rec, []byte(" ")); ok {
			if _, _, ok := zoned(string(first)); ok {
				rec = rest
			}
		}
		return c.message(rec, e)
	}
	message, why := c.unwrap(rec)
	if why != whole {
		return why
	}
	return c.message(message, e)
}

// unwrap takes the message out of an event's object. Objects without one tell of streams.
func (c *cloudWatch) unwrap(rec []byte) ([]byte, reason) {
	if c.record == nil {
		c.record = fields{}
	}
	if !readObject(rec, c.record, &c.words) {
		return nil, badJSON
	}
	message := bytes.TrimRight(first(c.record, "message", "@message"), "\r\n")
	switch {
	case bytes.HasPrefix(message, []byte(checking)):
		return nil, heading
	case len(message) > 0:
		return message, whole
	case c.record.have([]string{"searchedCompletely"}):
		return nil, heading
	}
	return nil, noMessage
}

// message reads a line of the plugin.
func (c *cloudWatch) message(line []byte, e *Event) reason {
	if why := c.aurora.decode(line, e); why != noTime {
		return why
	}
	return c.plain.decode(line, e)
}

// lookedAt is how many events of CloudWatch are tried to tell what they hold.
const lookedAt = 64

// wrapped is what Detect calls CloudWatch's events of other logs.
const wrapped Format = "cloudwatch of another log"

// detectCloudWatch tells CloudWatch's events by the first that has a line of the audit
// plugin; wrapped are those that have none, though they plainly are CloudWatch's.
func detectCloudWatch(head []byte) Format {
	c := unbound(CloudWatch).(*cloudWatch)
	other := bytes.Contains(head, []byte(`"logEvents"`)) && bytes.Contains(head, []byte(`"logGroup"`))
	for range lookedAt {
		n, from, to := c.split(head, false)
		if n == 0 {
			break
		}
		if rec := head[from:to]; len(rec) > 0 {
			event := rec[0] == '{'
			if (event || beginsWithTime(rec)) && c.decode(rec, &Event{}) == whole {
				return CloudWatch
			}
			other = other || event && c.record.have([]string{"message", "timestamp", "ingestionTime"})
		}
		head = head[n:]
	}
	if other {
		return wrapped
	}
	return ""
}

func beginsWithTime(rec []byte) bool {
	stamp, _, found := bytes.Cut(rec, []byte(" "))
	_, _, ok := zoned(string(stamp))
	return found && ok
}
