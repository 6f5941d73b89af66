package audit

import "bytes"

// Detect tells the format of a log by its beginning, or "". A log cut anywhere is
// told by its first lines that are whole.
func Detect(head []byte) Format {
	head = bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\ufeff")), "\x00 \t\r\n")
	for line := range bytes.Lines(head) {
		if f := detectLine(bytes.TrimRight(line, "\r\n")); f != "" {
			return f
		}
	}
	return ""
}

func detectLine(line []byte) Format {
	s := newServerAudit(utcClock(), defaultTextLimit)
	if s.decode(line, &Event{}) == whole || s.decodeBeginning(line, &Event{}) == whole {
		return ServerAudit
	}
	return ""
}
