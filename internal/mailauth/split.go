package mailauth

import (
	"bytes"
	"strings"
)

// Bounds of a mail's header.
const (
	maxHeader = 1 << 20
	maxFields = 20_000
)

// mail is a message cut into its fields and its body, lines ending in CR LF.
type mail struct {
	fields []field
	body   []byte
	large  bool // the header is beyond the bounds, and was not cut
}

// field is one field of the header.
type field struct {
	name  string   // lower case
	lines []string // without their ends
}

// text is the whole field as it was signed, each line with CR LF.
func (f *field) text() string { return strings.Join(f.lines, "\r\n") + "\r\n" }

func (f *field) value() string {
	_, v, _ := strings.Cut(f.text(), ":")
	return v
}

// split cuts a message. A bare line feed ends a line as CR LF does, for some
// servers send it on so, and the sender signed CR LF.
func split(raw []byte) mail {
	var m mail
	head := 0
	for line := range bytes.Lines(raw) {
		head += len(line)
		text := bytes.TrimRight(line, "\r\n")
		if len(text) == 0 {
			break
		}
		if m.large = head > maxHeader || len(m.fields) >= maxFields; m.large {
			return mail{large: true}
		}
		m.add(string(text))
	}
	m.body = raw[head:]
	return m
}

func (m *mail) add(line string) {
	if n := len(m.fields); n > 0 && (line[0] == ' ' || line[0] == '\t') {
		m.fields[n-1].lines = append(m.fields[n-1].lines, line)
		return
	}
	name, _, _ := strings.Cut(line, ":")
	m.fields = append(m.fields, field{name: strings.ToLower(strings.TrimSpace(name)), lines: []string{line}})
}
