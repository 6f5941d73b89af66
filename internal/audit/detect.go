package audit

import (
	"bytes"
	"time"
)

// Detect tells the format of a log by its beginning, or "". A log cut anywhere is
// told by the first record that only one format has.
func Detect(head []byte) Format {
	if f := detect(head); f != wrapped {
		return f
	}
	return ""
}

func detect(head []byte) Format {
	head = bytes.TrimLeft(head, "\xef\xbb\xbf\x00 \r\n")
	if len(head) == 0 {
		return ""
	}
	if f := detectCloudWatch(head); f != "" {
		return f
	}
	if f := detectJSON(head); f != "" {
		return f
	}
	if bytes.Contains(head, []byte(recordTag)) && head[0] == '<' {
		return PerconaXML
	}
	if f := detectLines(head); f != "" {
		return f
	}
	if f := detectJSON(head[max(0, bytes.IndexByte(head, '{')):]); f != "" {
		return f // the first object was cut at its beginning
	}
	return detectTable(head)
}

// detectLines tries each line as the formats with a record a line.
func detectLines(head []byte) Format {
	formats := []Format{ServerAudit, Aurora, General, ServerAuditSyslog}
	var shapes []shape
	for _, f := range formats {
		shapes = append(shapes, unbound(f))
	}
	for line := range bytes.Lines(head) {
		line = bytes.TrimRight(line, "\r\n")
		if isSlowHead(line) {
			return Slow
		}
		if isPerconaRow(line) {
			return PerconaCSV
		}
		for i, s := range shapes {
			if s.decode(line, &Event{}) == whole || decodeBeginning(s, bytes.Clone(line), &Event{}) == whole {
				return formats[i]
			}
		}
	}
	return ""
}

// unbound is a shape that is tried on a few lines.
func unbound(f Format) shape {
	cfg := Config{TextLimit: defaultTextLimit}
	return newShape(f, cfg, &carry{}, &clock{zone: time.UTC, state: &clockState{}})
}

// detectJSON tells the first whole object by its names.
func detectJSON(head []byte) Format {
	head = bytes.TrimLeft(head, "[ \t\r\n,")
	if len(head) == 0 || head[0] != '{' {
		return ""
	}
	n := objectEnd(head)
	f, w := fields{}, words{}
	if n == 0 || !readObject(head[:n], f, &w) {
		return ""
	}
	for _, known := range []struct {
		format Format
		names  []string
	}{
		{PerconaJSON, []string{"audit_record.name"}},
		{FilterJSON, []string{"class", "timestamp"}},
		{ProxySQL, []string{"event", "thread_id", "hostgroup_id"}},
		{ProxySQL, []string{"event", "thread_id", "client_addr"}},
	} {
		if f.have(known.names) {
			return known.format
		}
	}
	if s := unbound(JSONL); s.decode(head[:n], &Event{}) == whole {
		return JSONL
	}
	return ""
}

func (f fields) have(names []string) bool {
	for _, name := range names {
		if _, ok := f[name]; !ok {
			return false
		}
	}
	return true
}

// detectTable takes a heading and a row that fits it.
func detectTable(head []byte) Format {
	s := unbound(CSV)
	n, from, to := s.split(head, true)
	if s.decode(head[from:to], &Event{}) != heading || n == len(head) {
		return ""
	}
	m, from, to := s.split(head[n:], true)
	if m == 0 || s.decode(head[n+from:n+to], &Event{}) != whole {
		return ""
	}
	return CSV
}
