package smtpd

import (
	"bytes"
	"strings"
)

// command is one line of the client, taken apart as far as the wire needs it.
type command struct {
	verb string // in capitals
	arg  string
	path string // of MAIL and RCPT: the address as the client wrote it, without brackets
	bare bool   // the address has no domain
	rest string // of MAIL and RCPT: the parameters
}

// parseCommand reads a line without its CR LF. It refuses bytes that could make
// two readers disagree on where a command ends.
func parseCommand(line []byte) (command, bool) {
	if bytes.ContainsAny(line, "\r\n\x00") {
		return command{}, false
	}
	verb, arg, _ := strings.Cut(strings.TrimSpace(string(line)), " ")
	return command{verb: strings.ToUpper(verb), arg: strings.TrimSpace(arg)}, verb != ""
}

// readPath finds the address of MAIL or RCPT behind "FROM:" or "TO:". Missing
// brackets are tolerated, as common servers do.
func (c *command) readPath(prefix string) bool {
	if len(c.arg) < len(prefix) || !strings.EqualFold(c.arg[:len(prefix)], prefix) {
		return false
	}
	text := strings.TrimLeft(c.arg[len(prefix):], " \t")
	end := 0
	if inner, ok := strings.CutPrefix(text, "<"); ok {
		if end = unquoted(inner, ">"); end < 0 {
			return false
		}
		c.path, c.rest = inner[:end], inner[end+1:]
	} else {
		if end = unquoted(text, " \t"); end < 0 {
			end = len(text)
		}
		c.path, c.rest = text[:end], text[end:]
	}
	if c.rest != "" && c.rest[0] != ' ' && c.rest[0] != '\t' {
		return false
	}
	c.bare = c.path != "" && unquoted(c.path, "@") < 0
	return len(c.path) <= mostPath && (c.path != "" || prefix == "FROM:" && strings.Contains(text, "<>"))
}

// unquoted finds the first byte of any that stands outside quotes, or gives -1.
func unquoted(s, any string) int {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case !quoted && strings.IndexByte(any, s[i]) >= 0:
			return i
		}
	}
	return -1
}

// line gives the command as the library is to read it: an address without a
// domain gets one, because the library refuses it and RFC 5321 §4.5.1 does not.
func (c command) line(origin string) []byte {
	var b strings.Builder
	b.WriteString(c.verb)
	switch {
	case c.verb == "MAIL" || c.verb == "RCPT":
		b.WriteString(map[bool]string{true: " FROM:<", false: " TO:<"}[c.verb == "MAIL"])
		b.WriteString(c.path)
		if c.bare {
			b.WriteString("@" + origin)
		}
		b.WriteString(">" + c.rest)
	case c.arg != "":
		b.WriteString(" " + c.arg)
	}
	b.WriteString("\r\n")
	return []byte(b.String())
}
