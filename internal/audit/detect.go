package audit

import (
	"bytes"
	"time"
)

// Detect tells the format of a log by its beginning, or "". A log cut anywhere is
// told by the first line that only one format has.
func Detect(head []byte) Format {
	head = bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\ufeff")), "\x00 \r\n")
	d := newDetector()
	for line := range bytes.Lines(head) {
		if f := d.line(bytes.TrimRight(line, "\r\n")); f != "" {
			return f
		}
	}
	return ""
}

// detector tries a line as each format with a record a line.
type detector struct {
	shapes []tried
}

type tried struct {
	format Format
	shape  interface {
		shape
		beginner
	}
}

func newDetector() *detector {
	d := &detector{}
	cfg := Config{TextLimit: defaultTextLimit, Zone: time.UTC}
	for _, f := range []Format{ServerAudit, Aurora, General, ServerAuditSyslog} {
		if s, ok := newShape(f, cfg, &carry{}, &clock{zone: time.UTC, state: &clockState{}}).(interface {
			shape
			beginner
		}); ok {
			d.shapes = append(d.shapes, tried{f, s})
		}
	}
	return d
}

func (d *detector) line(line []byte) Format {
	if isSlowHead(line) {
		return Slow
	}
	for _, t := range d.shapes {
		if t.shape.decode(line, &Event{}) == whole || t.shape.decodeBeginning(line, &Event{}) == whole {
			return t.format
		}
	}
	return ""
}
