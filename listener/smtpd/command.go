package smtpd

import "strings"

// command is one line of the client, taken apart as far as the wire needs it.
type command struct {
	verb string // in capitals
	arg  string
	text string // of MAIL and RCPT: the address with all that belongs to it
	path string // of MAIL and RCPT: the address as the client wrote it, without brackets
	bare bool   // the address has no domain
	rest string // of MAIL and RCPT: the parameters
	utf8 bool   // MAIL with SMTPUTF8
}

// operand gives what stands behind "FROM:" or "TO:" of MAIL and RCPT.
func (c *command) operand() (string, bool) {
	prefix := "TO:"
	if c.verb == "MAIL" {
		prefix = "FROM:"
	}
	if len(c.arg) < len(prefix) || !strings.EqualFold(c.arg[:len(prefix)], prefix) {
		return "", false
	}
	return strings.TrimSpace(c.arg[len(prefix):]), true
}

// line gives the command as the library is to read it. The library keeps the
// state of the session and nothing else, so it is shown no word of the client.
func (c command) line() []byte {
	switch c.verb {
	case "HELO", "EHLO":
		return []byte(c.verb + " client\r\n")
	case "MAIL":
		return []byte("MAIL FROM:<a@client.invalid>\r\n")
	case "RCPT":
		return []byte("RCPT TO:<a@host.invalid>\r\n")
	}
	return []byte(c.verb + "\r\n")
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

// balanced reports whether every quote is closed.
func balanced(s string) bool { return unquoted(s+"\n", "\n") == len(s) }

// lastAt finds the @ before the domain, outside quotes, or gives -1.
func lastAt(s string) int {
	at := -1
	for from := 0; ; {
		next := unquoted(s[from:], "@")
		if next < 0 {
			return at
		}
		at = from + next
		from = at + 1
	}
}

// withoutRoute drops a source route (RFC 5321 §4.1.2: @a,@b:user@c).
func withoutRoute(path string) string {
	if strings.HasPrefix(path, "@") {
		if _, rest, ok := strings.Cut(path, ":"); ok {
			return rest
		}
	}
	return path
}

// withoutRemarks drops remarks in parentheses before an address (RFC 5322 §3.2.2).
func withoutRemarks(s string) string {
	for strings.HasPrefix(s, "(") {
		_, after, ok := strings.Cut(s, ")")
		if !ok {
			return s
		}
		s = strings.TrimSpace(after)
	}
	return s
}

// withoutQuotes shows an address as servers do that keep it without them.
func withoutQuotes(path string) string {
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		switch {
		case path[i] == '\\' && i+1 < len(path):
			i++
			b.WriteByte(path[i])
		case path[i] != '"':
			b.WriteByte(path[i])
		}
	}
	return b.String()
}

// hostname reports whether a name could be a host's; more are characters that
// are borne besides letters, digits and hyphens.
func hostname(name, more string) bool {
	if name == "" || len(name) > 255 {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		if strings.ContainsFunc(label, func(r rune) bool { return !letter(r) && !strings.ContainsRune("-"+more, r) }) {
			return false
		}
	}
	return true
}

func letter(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}
