package smtpd

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"net"
	"strconv"
	"strings"
	"time"
)

// exim is Exim 4.96 as Debian 12 packages it, with the package's own rules for
// recipients and these settings: smtp_enforce_sync = false, because mail that
// was pipelined wrongly is evidence, too; no CHUNKING, because Exim's own advice
// against smuggling says so; no PIPECONNECT and no PRDR, which would have to be kept.
func exim() costume {
	return costume{
		read: eximRead, hello: eximHello, path: eximPath, more: eximMore, queueID: eximID,
		ways: ways{
			offeredTLS: true, allRefused: true, nestedFirst: true, bareIsWrong: true, noArg: true, dataLast: true,
			hiding: "@%!/|`#&?", errors: -1, unknown: 3, syntax: 3, nonmail: 10,
		},
		words: eximWords(),
	}
}

func eximWords() map[saying]string {
	words := eximFaults()
	maps.Copy(words, eximTalk())
	return words
}

// eximTalk is what Exim says when all goes well.
func eximTalk() map[saying]string {
	ehlo := "250-{host} Hello {helo} [{peer}]\n250-SIZE {size}\n250-8BITMIME\n250-PIPELINING\n%s250 HELP"
	help := "214-Commands supported:\n214 AUTH%s HELO EHLO MAIL RCPT DATA BDAT NOOP QUIT RSET HELP"
	return map[saying]string{
		sayBanner:   "220 {host} ESMTP Exim 4.96 {date}",
		sayHelo:     "250 {host} Hello {helo} [{peer}]",
		sayEhlo:     fmt.Sprintf(ehlo, ""),
		sayEhloTLS:  fmt.Sprintf(ehlo, "250-STARTTLS\n"),
		sayBye:      "221 {host} closing connection",
		sayNoop:     "250 OK",
		sayReset:    "250 Reset OK",
		saySenderOk: "250 OK",
		sayRcptOk:   "250 Accepted",
		sayGoAhead:  "354 Enter message, ending with \".\" on a line by itself",
		sayQueued:   "250 OK id={arg}",
		sayStartTLS: "220 TLS go ahead",
		sayHelp:     fmt.Sprintf(help, ""),
		sayHelpTLS:  fmt.Sprintf(help, " STARTTLS"),
	}
}

// eximFaults is what Exim says otherwise.
func eximFaults() map[saying]string {
	refused := "503-All RCPT commands were rejected with this error:\n503-{arg}\n"
	return map[saying]string{
		sayNoUser:          "550 Unrouteable address",
		sayNoLocal:         "550 Unrouteable address",
		sayRelay:           "550 relay not permitted",
		sayHidden:          "550 restricted characters in address",
		sayTooManyRcpt:     "452 too many recipients",
		sayTooBig:          "552 Message size exceeds maximum permitted",
		saySizeBig:         "552 Message size exceeds maximum permitted",
		sayFull:            "452 Space shortage, please try later",
		sayRcptLater:       "451 Temporary local problem - please try later",
		sayDataLater:       "451 Temporary local problem - please try later",
		sayNoHelo:          "503 HELO or EHLO required",
		sayNested:          "503 sender already given",
		sayNoMail:          "503 sender not yet given",
		sayNoRcpt:          "503 valid RCPT command must precede DATA",
		sayNoRcptPiped:     "503 Valid RCPT command must precede DATA",
		sayAllRefused:      refused + "503 valid RCPT command must precede DATA",
		sayAllRefusedPiped: refused + "503 Valid RCPT command must precede DATA",
		sayHeloSyntax:      "501 Syntactically invalid {verb} argument(s)",
		sayMailSyntax:      "501 {verb} must have an address operand",
		sayBadSender:       "501 {arg}",
		sayBadRcpt:         "501 {arg}",
		saySyntax:          "501 unexpected argument data",
		sayOption:          "501 invalid data for {arg}",
		sayNoUTF8:          "501 SMTPUTF8 used when not advertised",
		sayUnknown:         "500 unrecognized command",
		sayBadSyntax:       "500 unrecognized command",
		sayNUL:             "501 NUL characters are not allowed in SMTP commands",
		sayVrfy:            "252 Administrative prohibition",
		sayVrfyNone:        "501 empty address",
		sayVrfyBare:        "501 {arg}: recipient address must contain a domain",
		sayExpn:            "550 Administrative prohibition",
		sayEtrn:            "458 Administrative prohibition",
		sayNoBDAT:          "503 BDAT command used when CHUNKING not advertised",
		sayNoTLS:           "503 STARTTLS command used when not advertised",
		sayNoAuth:          "503 AUTH command used when not advertised",
		sayTLSActive:       "554 Already in TLS",
		sayBareLF:          "500 unrecognized command",
		sayTimeout:         "421 {host}: SMTP command timeout - closing connection",
		sayDataTimeout:     "421 {host} SMTP incoming data timeout - closing connection.",
		sayTooMany:         "554 Too many nonmail commands",
		sayManyUnknown:     "500 Too many unrecognized commands",
		sayManySyntax:      "{arg} Too many syntax or protocol errors",
		sayManyNonmail:     "554 Too many nonmail commands",
		sayCrowded:         "421 Too many concurrent SMTP connections; please try again later.",
		sayCrowdedThere:    "421 Too many concurrent SMTP connections from this IP address; please try again later.",
		sayClosing:         "421 {host}: Service not available - closing connection",
		sayFault:           "421 {host}: Service not available - closing connection",
	}
}

// eximLongest is the most that Exim takes for an address.
const eximLongest = 256

// eximRead knows a command by its letters and the white space behind them;
// MAIL and RCPT by the colon, too.
func eximRead(line []byte) (command, remark) {
	if bytes.IndexByte(line, 0) >= 0 {
		return command{verb: "?"}, remark{sayNUL, ""}
	}
	text := strings.TrimRight(string(line), " \t\r")
	verb, arg := text, ""
	if i := strings.IndexAny(text, " \t\r"); i >= 0 {
		verb, arg = text[:i], text[i+1:]
	}
	c := command{verb: strings.ToUpper(verb), arg: arg}
	if _, ok := c.operand(); c.verb == "" || !ok && (c.verb == "MAIL" || c.verb == "RCPT") {
		return command{verb: "?"}, remark{sayUnknown, ""}
	}
	if c.verb != "MAIL" && c.verb != "RCPT" {
		c.arg = strings.TrimSpace(c.arg)
	}
	return c, remark{}
}

// eximHello takes a name of letters, digits, dots and hyphens, or a literal.
func eximHello(c command) remark {
	inner, open := strings.CutPrefix(c.arg, "[")
	if inner, closed := strings.CutSuffix(inner, "]"); open && closed {
		if net.ParseIP(strings.TrimPrefix(inner, "IPv6:")) != nil {
			return remark{}
		}
		return remark{sayHeloSyntax, ""}
	}
	if c.arg == "" || strings.ContainsFunc(c.arg, func(r rune) bool { return !letter(r) && r != '.' && r != '-' }) {
		return remark{sayHeloSyntax, ""}
	}
	return remark{}
}

func eximPath(c *command, v view) remark {
	text, _ := c.operand()
	if text == "" {
		return remark{sayMailSyntax, ""}
	}
	bad, whose := sayBadRcpt, "recipient"
	var late remark // what is wrong with the parameters, told after the address
	if c.verb == "MAIL" {
		bad, whose = sayBadSender, "sender"
		var r remark
		if text, late, r = eximOptions(text, v); r.what != "" {
			return r
		}
	}
	c.text = text
	path, fault := eximAddress(text, c.verb == "RCPT")
	c.path, c.bare = path, lastAt(withoutRoute(path)) < 0
	switch {
	case fault != "":
		return remark{bad, text + ": " + fault}
	case path == "" && c.verb == "MAIL":
		return late
	case path == "":
		return remark{bad, text + ": missing or malformed local part"}
	case c.bare && (c.verb == "MAIL" || !strings.EqualFold(path, "postmaster")):
		return remark{bad, text + ": " + whose + " address must contain a domain"}
	}
	return late
}

// eximOptions takes the parameters that Exim knows off the end of MAIL's text.
func eximOptions(text string, v view) (rest string, late, now remark) {
	for {
		cut := strings.LastIndexAny(text, " \t")
		if cut < 0 {
			return text, late, remark{}
		}
		name, value, _ := strings.Cut(strings.ToUpper(text[cut+1:]), "=")
		switch name {
		case "SIZE":
			if eximSize(value) > v.limit {
				late = remark{saySizeBig, ""}
			}
		case "BODY":
			if value != "7BIT" && value != "8BITMIME" {
				return text, late, remark{sayOption, "BODY"}
			}
		case "SMTPUTF8":
			return text, late, remark{sayNoUTF8, ""}
		case "AUTH", "RET", "ENVID":
		default:
			return text, late, remark{}
		}
		text = strings.TrimRight(text[:cut], " \t")
	}
}

// eximSize reads a size as C does: what is no number is 0, and what is negative
// is very large.
func eximSize(value string) int64 {
	size, err := strconv.ParseInt(value, 10, 64)
	switch {
	case err != nil:
		return 0
	case size < 0:
		return math.MaxInt64
	}
	return size
}

// eximAddress reads an address as Exim does, left to right, and gives Exim's
// words for the first thing that is wrong. Recipients may have white space in them.
func eximAddress(text string, spaces bool) (path, fault string) {
	inner, bracketed := strings.CutPrefix(withoutRemarks(text), "<")
	inner = strings.TrimLeft(inner, " \t")
	if bracketed && strings.HasPrefix(inner, ">") {
		return "", eximEnd(text, inner, true)
	}
	begin := withoutRoute(inner)
	if strings.HasPrefix(begin, "@") {
		return begin, "no local part"
	}
	local := eximLocal(begin, spaces)
	switch {
	case local < 0:
		return begin, "unmatched doublequote in local part"
	case local == 0:
		return begin, "missing or malformed local part"
	}
	after := strings.TrimLeft(begin[local:], " \t")
	switch {
	case strings.HasPrefix(after, "@"):
		end, fault := eximDomain(begin, after[1:])
		if fault != "" {
			return begin, fault
		}
		return inner[:len(inner)-len(end)], eximEnd(text, end, bracketed)
	case after != "" && after[0] != '>':
		return begin, `"@" or "." expected after "` + begin[:local] + `"`
	}
	return strings.TrimSpace(begin[:local]), eximEnd(text, after, bracketed)
}

// eximDomain reads the domain of an address and gives what stands behind it.
func eximDomain(address, text string) (after, fault string) {
	if len(address) > eximLongest {
		return "", "address is ridiculously long: " + address[:64] + "..."
	}
	text = strings.TrimLeft(text, " \t")
	if strings.HasPrefix(text, "[") {
		return "", "domain literals not allowed"
	}
	end := strings.IndexFunc(text, func(r rune) bool { return !letter(r) && r != '-' && r != '.' })
	if end < 0 {
		end = len(text)
	}
	if !hostname(text[:end], "") {
		return "", "domain missing or malformed"
	}
	return text[end:], ""
}

// eximLocal gives the length of a local part, -1 for one whose quotes stay open.
func eximLocal(s string, spaces bool) int {
	if !balanced(s) {
		return -1
	}
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case quoted, spaces && strings.IndexByte(" \t\r", s[i]) >= 0:
		case s[i] <= ' ', strings.IndexByte("()<>,;:@\\[]", s[i]) >= 0:
			return i
		}
	}
	return len(s)
}

// eximEnd judges what stands behind an address.
func eximEnd(text, after string, bracketed bool) string {
	rest := strings.TrimLeft(after, " \t")
	if bracketed && rest == "" {
		return "'>' missing at end of address"
	}
	if inner, closed := strings.CutPrefix(rest, ">"); bracketed && closed {
		rest = strings.TrimLeft(inner, " \t")
	}
	if rest == "" {
		return ""
	}
	return "malformed address: " + rest[:min(32, len(rest))] + " may not follow " + text[:len(text)-len(rest)]
}

func eximMore(c command, v view) remark {
	switch c.verb {
	case "AUTH":
		return remark{sayNoAuth, ""}
	case "HELP":
		if v.hasTLS && !v.secured {
			return remark{sayHelpTLS, ""}
		}
		return remark{sayHelp, ""}
	case "VRFY":
		switch {
		case c.arg == "":
			return remark{sayVrfyNone, ""}
		case !strings.Contains(c.arg, "@"):
			return remark{sayVrfyBare, c.arg}
		}
		return remark{sayVrfy, ""}
	case "EXPN":
		return remark{sayExpn, ""}
	case "ETRN":
		return remark{sayEtrn, ""}
	}
	return remark{sayUnknown, ""}
}

// eximID makes an id as Exim 4.96 does, in digits of base 62: the second, the
// number of a process, here a random one, and the half millisecond.
func eximID(now time.Time, _ string) string {
	var b [4]byte
	rand.Read(b[:]) // crypto/rand.Read never fails since Go 1.24
	pid := 1000 + binary.BigEndian.Uint32(b[:])%60000
	return base62(now.Unix(), 6) + "-" + base62(int64(pid), 6) + "-" + base62(int64(now.Nanosecond()/500_000), 2)
}

func base62(n int64, digits int) string {
	const all = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	out := make([]byte, digits)
	for i := digits - 1; i >= 0; i-- {
		out[i] = all[n%62]
		n /= 62
	}
	return string(out)
}
