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

// readPath finds the address of MAIL or RCPT behind "FROM:" or "TO:". Only the
// sender may be empty.
func (c *command) readPath(prefix string) bool {
	if len(c.arg) < len(prefix) || !strings.EqualFold(c.arg[:len(prefix)], prefix) {
		return false
	}
	text := strings.TrimLeft(c.arg[len(prefix):], " \t")
	if !c.split(text) || len(c.path) > mostPath {
		return false
	}
	if c.path == "" {
		return prefix == "FROM:" && strings.HasPrefix(text, "<>")
	}
	c.bare = unquoted(c.path, "@") < 0
	return true
}

// split takes an address and its parameters apart. Missing brackets are
// tolerated, as common servers do.
func (c *command) split(text string) bool {
	inner, bracketed := strings.CutPrefix(text, "<")
	if bracketed {
		end := unquoted(inner, ">")
		if end < 0 {
			return false
		}
		c.path, c.rest = inner[:end], inner[end+1:]
		return c.rest == "" || c.rest[0] == ' ' || c.rest[0] == '\t'
	}
	end := unquoted(text, " \t")
	if end < 0 {
		end = len(text)
	}
	c.path, c.rest = text[:end], text[end:]
	return true
}

// unquoted finds the first byte of these that stands outside quotes, or gives -1.
func unquoted(s, these string) int {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case !quoted && strings.IndexByte(these, s[i]) >= 0:
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
		b.WriteString(" " + map[string]string{"MAIL": "FROM", "RCPT": "TO"}[c.verb] + ":<" + c.path)
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
