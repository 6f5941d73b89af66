package audit

import (
	"bytes"
	"time"
)

// proxySQL reads ProxySQL's events log (mysql-eventslog_format=2) and its audit log
// in JSON. It knows the client's own address, microseconds, and the rows sent.
type proxySQL struct{ filterJSON }

func (p *proxySQL) decode(rec []byte, e *Event) reason {
	if p.record == nil {
		p.record = fields{}
	}
	if !readObject(rec, p.record, &p.words) {
		return badJSON
	}
	e.Op = p.text("event")
	if e.Op == "" {
		return noFields
	}
	us, scale := p.number("starttime_timestamp_us"), time.Microsecond
	if us < 0 {
		us, scale = p.number("timestamp"), time.Millisecond // the audit log's
	}
	if us <= 0 {
		return noTime
	}
	e.At, e.Precision = time.Unix(0, 0).Add(time.Duration(us)*scale).UTC(), scale
	e.Stamp = e.At.Format(time.RFC3339Nano)
	e.Kind = proxyKind(e.Op)
	e.User, e.Database = p.text("username"), p.text("schemaname")
	host, port := splitPort(p.record["client"], p.record["client_addr"])
	e.Host, e.Port = p.words.get(host), port
	e.Server = p.text("server")
	e.Connection = uint64(max(0, p.number("thread_id")))
	e.RowsSent = p.number("rows_sent")
	if code := p.number("errno"); code >= 0 {
		e.Code = int(code)
	}
	if text := p.record["query"]; len(text) > 0 {
		e.Text = redact(text)
		// Values of a prepared statement stand apart, if at all.
		e.Truncated = e.Op == "COM_STMT_EXECUTE" && bytes.IndexByte(text, '?') >= 0
	}
	return whole
}

func proxyKind(event string) Kind {
	switch event {
	case "COM_QUERY", "COM_STMT_EXECUTE":
		return Query
	case "COM_STMT_PREPARE":
		return Prepare
	case "MySQL_Client_Connect_OK":
		return Connect
	case "MySQL_Client_Connect_ERR":
		return Refused
	case "MySQL_Client_Quit", "MySQL_Client_Close":
		return Disconnect
	default:
		return Other
	}
}

// splitPort reads the first of some addresses that is there, "192.0.2.7:51234".
func splitPort(addresses ...[]byte) (host []byte, port int) {
	for _, a := range addresses {
		if len(a) == 0 {
			continue
		}
		colon := bytes.LastIndexByte(a, ':')
		if n, ok := digits(a[colon+1:]); colon >= 0 && ok {
			return bytes.Trim(a[:colon], "[]"), n
		}
		return a, 0
	}
	return nil, 0
}
