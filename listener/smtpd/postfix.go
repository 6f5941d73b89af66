package smtpd

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// postfix is Postfix 3.7 as Debian 12 packages it, with these settings:
// smtpd_helo_required, smtpd_relay_restrictions = reject_unauth_destination and
// disable_vrfy_command, because they are usual; smtpd_forbid_bare_newline =
// reject for commands, because RFC 5321 §2.3.8 asks for it; and
// smtpd_discard_ehlo_keywords = chunking, etrn, dsn: the first because Postfix's
// own advice against smuggling names it, the others because they promise that
// the server will send mail, which the ear never does, so that the promise
// would tell it apart.
func postfix() costume {
	return costume{
		read: postfixRead, path: postfixPath, more: postfixMore, queueID: postfixID,
		hello: func(c command) remark {
			if c.arg == "" {
				return remark{sayHeloSyntax, ""}
			}
			return remark{}
		},
		words: postfixWords(),
	}
}

func postfixWords() map[saying]string {
	ehlo := "250-{host}\n250-PIPELINING\n250-SIZE {size}\n%s250-ENHANCEDSTATUSCODES\n250-8BITMIME\n250 SMTPUTF8"
	return map[saying]string{
		sayBanner:       "220 {host} ESMTP Postfix (Debian/GNU)",
		sayHelo:         "250 {host}",
		sayEhlo:         fmt.Sprintf(ehlo, ""),
		sayEhloTLS:      fmt.Sprintf(ehlo, "250-STARTTLS\n"),
		sayBye:          "221 2.0.0 Bye",
		sayNoop:         "250 2.0.0 Ok",
		sayReset:        "250 2.0.0 Ok",
		saySenderOk:     "250 2.1.0 Ok",
		sayRcptOk:       "250 2.1.5 Ok",
		sayGoAhead:      "354 End data with <CR><LF>.<CR><LF>",
		sayQueued:       "250 2.0.0 Ok: queued as {arg}",
		sayStartTLS:     "220 2.0.0 Ready to start TLS",
		sayNoUser:       "550 5.1.1 <{arg}>: Recipient address rejected: User unknown in virtual mailbox table",
		sayNoLocal:      "550 5.1.1 <{arg}>: Recipient address rejected: User unknown in local recipient table",
		sayRelay:        "554 5.7.1 <{arg}>: Relay access denied",
		sayHidden:       "554 5.7.1 <{arg}>: Relay access denied",
		sayTooManyRcpt:  "452 4.5.3 Error: too many recipients",
		sayTooBig:       "552 5.3.4 Error: message file too big",
		saySizeBig:      "552 5.3.4 Message size exceeds fixed limit",
		saySizeSyntax:   "501 5.5.4 Bad message size syntax",
		sayFull:         "452 4.3.1 Insufficient system storage",
		sayRcptLater:    "451 4.3.0 <{arg}>: Temporary lookup failure",
		sayDataLater:    "451 4.3.0 Error: queue file write error",
		sayNoHelo:       "503 5.5.1 Error: send HELO/EHLO first",
		sayNested:       "503 5.5.1 Error: nested MAIL command",
		sayNoMail:       "503 5.5.1 Error: need MAIL command",
		sayNoRcpt:       "503 5.5.1 Error: need RCPT command",
		sayNoneValid:    "554 5.5.1 Error: no valid recipients",
		sayHeloSyntax:   "501 Syntax: {verb} hostname",
		sayMailSyntax:   "501 5.5.4 Syntax: MAIL FROM:<address>",
		sayRcptSyntax:   "501 5.5.4 Syntax: RCPT TO:<address>",
		sayBadSender:    "501 5.1.7 Bad sender address syntax",
		sayBadRcpt:      "501 5.1.3 Bad recipient address syntax",
		saySyntax:       "501 5.5.4 Syntax: {verb}",
		sayOption:       "555 5.5.4 Unsupported option: {arg}",
		sayNoDSN:        "501 5.7.1 DSN support is disabled",
		sayUnknown:      "500 5.5.2 Error: command not recognized",
		sayBadSyntax:    "500 5.5.2 Error: bad syntax",
		sayBadUTF8:      "500 5.5.2 Error: bad UTF-8 syntax",
		sayVrfy:         "502 5.5.1 VRFY command is disabled",
		sayEtrn:         "459 <{arg}>: service unavailable",
		sayEtrnSyntax:   "500 Syntax: ETRN domain",
		sayNotAllowed:   "550 5.7.0 Error: insufficient authorization",
		sayNoBDAT:       "521 5.5.1 Error: command not implemented",
		sayNoTLS:        "502 5.5.1 Error: command not implemented",
		sayNoAuth:       "503 5.5.1 Error: authentication not enabled",
		sayTLSActive:    "554 5.5.1 Error: TLS already active",
		sayBareLF:       "550 5.5.2 {host} Error: bare <LF> received",
		sayRules:        "221 2.7.0 Error: I can break rules, too. Goodbye.",
		sayTimeout:      "421 4.4.2 {host} Error: timeout exceeded",
		sayDataTimeout:  "421 4.4.2 {host} Error: timeout exceeded",
		sayTooMany:      "421 4.7.0 {host} Error: too many errors",
		sayCrowded:      "421 4.7.0 {host} Error: too many connections from {peer}",
		sayCrowdedThere: "421 4.7.0 {host} Error: too many connections from {peer}",
		sayClosing:      "421 4.3.2 {host} Service shutting down",
		sayFault:        "421 4.3.0 {host} Error: server local problem",
	}
}

// postfixRead takes a line for what Postfix takes it for, whose strings end at
// a NUL and whose words are parted by any white space.
func postfixRead(line []byte) (command, remark) {
	if !utf8.Valid(line) {
		return command{}, remark{sayBadUTF8, ""}
	}
	line, _, _ = bytes.Cut(line, []byte{0})
	verb, arg := string(bytes.TrimSpace(line)), ""
	if i := strings.IndexAny(verb, " \t\r\v\f"); i >= 0 {
		verb, arg = verb[:i], strings.TrimSpace(verb[i:])
	}
	switch c := (command{verb: strings.ToUpper(verb), arg: arg}); {
	case verb == "":
		return c, remark{sayBadSyntax, ""}
	case strings.IndexByte(verb, ':') > 0, !letter(rune(verb[0])) || verb[0] <= '9': // the header of a mail, or of a web page, or an answer
		return c, remark{sayRules, ""}
	default:
		return c, remark{}
	}
}

// postfixPath reads an address as Postfix does, which takes nearly everything
// for one as long as it can tell which.
func postfixPath(c *command, v view) remark {
	syntax, bad := sayRcptSyntax, sayBadRcpt
	if c.verb == "MAIL" {
		syntax, bad = sayMailSyntax, sayBadSender
	}
	text, ok := c.operand()
	if !ok || text == "" {
		return remark{syntax, ""}
	}
	c.text, c.rest = cutToken(text)
	path, ok := unwrap(c.text)
	c.path, c.bare = path, lastAt(path) < 0
	switch {
	case !ok, path == "" && c.verb == "RCPT", !postfixKnows(withoutRoute(path), v.utf8 || announced(c.rest)):
		return remark{bad, ""}
	}
	return postfixOptions(c, v)
}

// cutToken takes the first word, in which spaces may stand inside quotes,
// brackets and remarks.
func cutToken(s string) (token, rest string) {
	quoted, depth := false, 0
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case quoted:
		case s[i] == '<' || s[i] == '(':
			depth++
		case s[i] == '>' || s[i] == ')':
			depth--
		case depth <= 0 && strings.IndexByte(" \t\r", s[i]) >= 0:
			return s[:i], s[i:]
		}
	}
	return s, ""
}

// unwrap takes remarks and brackets off an address.
func unwrap(s string) (string, bool) {
	s = withoutRemarks(s)
	inner := strings.TrimLeft(s, "<")
	end := unquoted(inner, ">")
	switch {
	case end < 0:
		return strings.TrimSpace(inner), inner == s
	case strings.Trim(inner[end:], "> ") != "":
		return "", false
	}
	return strings.TrimSpace(inner[:end]), true
}

// postfixKnows reports whether a path without its route is one address with a
// domain that could be one.
func postfixKnows(path string, utf8 bool) bool {
	if !balanced(path) || unquoted(path, ", \t\r;") >= 0 {
		return false
	}
	at := lastAt(path)
	if at < 0 {
		return true
	}
	domain := strings.TrimSuffix(path[at+1:], ".")
	if strings.HasPrefix(domain, "[") && strings.HasSuffix(domain, "]") {
		return net.ParseIP(strings.TrimPrefix(strings.Trim(domain, "[]"), "IPv6:")) != nil
	}
	if utf8 {
		domain = strings.Map(func(r rune) rune {
			if r > '~' {
				return 'x'
			}
			return r
		}, domain)
	}
	return hostname(domain, "_")
}

func announced(rest string) bool {
	for f := range strings.FieldsSeq(rest) {
		if strings.EqualFold(f, "SMTPUTF8") {
			return true
		}
	}
	return false
}

func postfixOptions(c *command, v view) remark {
	option := postfixMailOption
	if c.verb == "RCPT" {
		option = postfixRcptOption
	}
	for f := range strings.FieldsSeq(c.rest) {
		if what := option(strings.ToUpper(f), v.limit); what != "" {
			return remark{what, f}
		}
	}
	c.utf8 = announced(c.rest)
	return remark{}
}

func postfixRcptOption(f string, _ int64) saying {
	if strings.HasPrefix(f, "NOTIFY=") || strings.HasPrefix(f, "ORCPT=") {
		return sayNoDSN
	}
	return sayOption
}

func postfixMailOption(f string, limit int64) saying {
	switch name, value, given := strings.Cut(f, "="); {
	case f == "BODY=7BIT", f == "BODY=8BITMIME", f == "SMTPUTF8", name == "AUTH" && value != "":
		return ""
	case name == "SIZE" && given:
		return postfixSize(value, limit)
	case given && (name == "RET" || name == "ENVID"):
		return sayNoDSN
	}
	return sayOption
}

func postfixSize(value string, limit int64) saying {
	switch size, err := strconv.ParseUint(value, 10, 63); {
	case err != nil:
		return saySizeSyntax
	case int64(size) > limit:
		return saySizeBig
	}
	return ""
}

func postfixMore(c command, _ view) remark {
	switch c.verb {
	case "AUTH":
		return remark{sayNoAuth, ""}
	case "VRFY":
		return remark{sayVrfy, ""}
	case "XCLIENT", "XFORWARD":
		return remark{sayNotAllowed, ""}
	case "ETRN":
		if len(strings.Fields(c.arg)) != 1 {
			return remark{sayEtrnSyntax, ""}
		}
		return remark{sayEtrn, strings.TrimLeft(c.arg, "@#")}
	case "GET", "POST", "CONNECT":
		return remark{sayRules, ""}
	}
	return remark{sayUnknown, ""}
}

// postfixID makes an id as Postfix does: the microsecond of the clock in five
// hex digits and the number of a file, here a random one.
func postfixID(now time.Time, _ string) string {
	var b [4]byte
	rand.Read(b[:]) // crypto/rand.Read never fails since Go 1.24
	inode := 0x20000 + binary.BigEndian.Uint32(b[:])%0xC0000
	return fmt.Sprintf("%05X%X", now.Nanosecond()/1000, inode)
}
