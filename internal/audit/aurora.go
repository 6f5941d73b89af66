package audit

import (
	"bytes"
	"strconv"
	"time"
)

// aurora reads Aurora's audit logs: server_audit's fields behind a Unix time in
// microseconds. Aurora writes several files at once, so lines are out of order.
type aurora struct{ *serverAudit }

func (a *aurora) decode(rec []byte, e *Event) reason {
	rest, why := a.time(rec, e)
	if why != whole {
		return why
	}
	return a.fields(rest, e)
}

func (a *aurora) decodeBeginning(rec []byte, e *Event) reason {
	return beginning(a, rec, e)
}

func (a *aurora) time(rec []byte, e *Event) (rest []byte, why reason) {
	const length = len("1795765598123456")
	if len(rec) <= length || rec[length] != ',' {
		return nil, noTime
	}
	us, err := strconv.ParseInt(string(rec[:length]), 10, 64)
	if err != nil || us <= 0 {
		return nil, noTime
	}
	e.Stamp, e.At, e.Precision = string(rec[:length]), time.UnixMicro(us).UTC(), time.Microsecond
	return rec[length+1:], whole
}

// viaSyslog reads server_audit's lines as a syslog daemon writes them: its own time
// and names, then the plugin's info text, and the fields from the server's host
// name on. Lines of other programs are passed over. Daemons cut long lines.
//
//	Nov 22 15:01:33 vm mysql-server_auditing: vm,root,localhost,8,0,CONNECT,,,0
type viaSyslog struct {
	*serverAudit
	now time.Time
}

func (v *viaSyslog) decode(rec []byte, e *Event) reason {
	rest, why := v.head(rec, e)
	if why != whole {
		return why
	}
	line := afterInfo(rest, e.Server)
	if v.fields(line, e) == whole {
		return whole
	}
	closed := append(bytes.TrimRight(bytes.Clone(line), `\`), `',0`...)
	if v.fields(closed, e) == whole {
		e.Truncated, e.Code = true, Unknown
		return whole
	}
	if !bytes.Contains(rec, []byte("server_audit")) {
		return foreign
	}
	return noFields
}

// afterInfo passes over the plugin's info text: to where the name of the host that
// wrote the line stands once more, or else to the last word before a comma.
func afterInfo(b []byte, host string) []byte {
	name := []byte(host + ",")
	if bytes.HasPrefix(b, name) {
		return b
	}
	if i := bytes.Index(b, append([]byte(" "), name...)); i >= 0 && len(host) > 0 {
		return b[i+1:]
	}
	first, _, _ := bytes.Cut(b, []byte(","))
	return b[bytes.LastIndexByte(first, ' ')+1:]
}

func (v *viaSyslog) decodeBeginning(rec []byte, e *Event) reason { return v.decode(rec, e) }

// head reads what the daemon wrote, up to the colon behind the program's name.
func (v *viaSyslog) head(rec []byte, e *Event) (rest []byte, why reason) {
	if i := bytes.IndexByte(rec, '>'); len(rec) > 0 && rec[0] == '<' && i > 0 && i < 5 {
		rec = bytes.TrimPrefix(rec[i+1:], []byte("1 ")) // RFC 5424
	}
	rest, ok := v.stampOf(rec, e)
	if !ok {
		return nil, noTime
	}
	host, _, _ := bytes.Cut(rest, []byte(" "))
	e.Server = string(host)
	if _, message, ok := bytes.Cut(rest, []byte(": ")); ok {
		return bytes.TrimLeft(message, " "), whole
	}
	return rest, whole // RFC 5424 has no colon; the fields are found by their commas
}

// stampOf reads the daemon's time, with a year and a zone or without either.
func (v *viaSyslog) stampOf(rec []byte, e *Event) (rest []byte, ok bool) {
	v.wall = time.Time{}
	if first, rest, ok := bytes.Cut(rec, []byte(" ")); ok {
		if at, precision, ok := zoned(string(first)); ok {
			e.Stamp, e.At, e.Precision = string(first), at, precision
			return rest, true
		}
	}
	const length = len("Nov 22 15:01:33")
	if len(rec) <= length || rec[length] != ' ' {
		return nil, false
	}
	e.Stamp = string(rec[:length])
	t, err := time.Parse(time.Stamp, e.Stamp)
	if err != nil {
		return nil, false
	}
	if !v.now.IsZero() {
		v.wall = lastBefore(t, v.now.In(v.clock.zone))
	}
	return rec[length+1:], true
}

// lastBefore puts a time without a year into the last one in which it is over, or
// at least today.
func lastBefore(t, now time.Time) time.Time {
	for year := now.Year(); year > now.Year()-9; year-- {
		in := time.Date(year, t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
		if in.Month() == t.Month() && in.Before(now.UTC().Add(24*time.Hour)) {
			return in
		}
	}
	return time.Time{}
}

// zoned reads a time with a zone, in the forms of RFC 3339 and of journalctl; the
// precision is that of the digits written.
func zoned(s string) (at time.Time, precision time.Duration, ok bool) {
	for _, form := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999-0700"} {
		t, err := time.Parse(form, s)
		if err == nil {
			return t.UTC(), precisionOf(s), true
		}
	}
	return time.Time{}, 0, false
}

// precisionOf is that of the digits behind a time's point.
func precisionOf(s string) time.Duration {
	p := time.Second
	i := bytes.IndexByte([]byte(s), '.')
	for i++; i > 0 && i < len(s) && s[i] >= '0' && s[i] <= '9' && p > 1; i++ {
		p /= 10
	}
	return p
}
