package mailauth

import (
	"bytes"
	"strings"
)

// The two forms of RFC 6376 §3.4.
const (
	simple  = "simple"
	relaxed = "relaxed"
)

func canonField(text, form string) string {
	if form == simple {
		return text
	}
	name, value, _ := strings.Cut(text, ":")
	words := strings.FieldsFunc(value, func(c rune) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' })
	return strings.ToLower(strings.TrimSpace(name)) + ":" + strings.Join(words, " ") + "\r\n"
}

// body gives the canonical body, worked out once for each form.
func (v *verifier) body(form string) []byte {
	if b, done := v.bodies[form]; done {
		return b
	}
	if v.bodies == nil {
		v.bodies = map[string][]byte{}
	}
	v.bodies[form] = canonBody(v.mail.body, form == relaxed)
	return v.bodies[form]
}

// canonBody ends every line with CR LF and drops empty lines at the end; the
// relaxed form also makes runs of space one and drops those that end a line. Of
// an empty body simple leaves one line and relaxed nothing (§3.4.3, §3.4.4).
func canonBody(body []byte, loose bool) []byte {
	out := make([]byte, 0, len(body)+2)
	end := 0 // of the last line that is not empty
	for line := range bytes.Lines(body) {
		line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
		start := len(out)
		if loose {
			out = appendLoose(out, line)
		} else {
			out = append(out, line...)
		}
		filled := len(out) > start
		out = append(out, '\r', '\n')
		if filled {
			end = len(out)
		}
	}
	if out = out[:end]; end == 0 && !loose {
		out = append(out, '\r', '\n')
	}
	return out
}

func appendLoose(out, line []byte) []byte {
	space := false
	for _, c := range line {
		if c == ' ' || c == '\t' {
			space = true
			continue
		}
		if space {
			out = append(out, ' ')
			space = false
		}
		out = append(out, c)
	}
	return out
}
