package smtpd

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"strings"
	"time"
)

// saying names something that a server says, whatever its words are.
type saying string

// What a server says. {host} is its name, {arg} the address or other text that
// the saying is about.
const (
	sayBanner      saying = "banner"
	sayHelo        saying = "helo"
	sayEhlo        saying = "ehlo"
	sayEhloTLS     saying = "ehlo with starttls"
	sayBye         saying = "bye"
	sayOk          saying = "ok"
	saySenderOk    saying = "sender ok"
	sayRcptOk      saying = "recipient ok"
	sayGoAhead     saying = "go ahead"
	sayQueued      saying = "queued"
	sayStartTLS    saying = "ready for tls"
	sayNoUser      saying = "no such user"
	sayNoLocal     saying = "no such local user"
	sayRelay       saying = "relay denied"
	sayTooManyRcpt saying = "too many recipients"
	sayTooBig      saying = "message too big"
	saySizeBig     saying = "announced size too big"
	sayFull        saying = "no room"
	sayRcptLater   saying = "recipient cannot be checked now"
	sayDataLater   saying = "message cannot be stored now"
	sayNoHelo      saying = "helo first"
	sayNested      saying = "nested mail"
	sayNoMail      saying = "mail first"
	sayNoRcpt      saying = "recipient first"
	sayNoneValid   saying = "no valid recipient"
	sayHeloSyntax  saying = "helo syntax"
	sayMailSyntax  saying = "mail syntax"
	sayRcptSyntax  saying = "rcpt syntax"
	saySyntax      saying = "syntax of a command without argument"
	sayOption      saying = "unsupported option"
	sayUnknown     saying = "unknown command"
	sayBadSyntax   saying = "bad syntax"
	sayDisabled    saying = "vrfy disabled"
	sayNotThere    saying = "not implemented"
	sayNoAuth      saying = "authentication not enabled"
	sayTLSActive   saying = "tls already active"
	sayBareLF      saying = "bare lf"
	sayRules       saying = "not a mail client"
	sayTimeout     saying = "timeout"
	sayTooMany     saying = "too many errors"
	sayCrowded     saying = "too many connections"
	sayClosing     saying = "shutting down"
	sayFault       saying = "local fault"
)

// costume is the words of one server.
type costume map[saying]string

func newCostume(name string) (costume, error) {
	if name != "" && name != "postfix" {
		return nil, fmt.Errorf("costume %q is not known: want postfix", name)
	}
	return postfix(), nil
}

// words fills in a saying and ends it with CR LF.
func (c costume) words(s saying, host, arg string) string {
	return strings.NewReplacer("{host}", host, "{arg}", printable(arg), "\n", "\r\n").Replace(c[s] + "\n")
}

// printable makes text of the client fit for a reply: nothing in it can end the line.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
}

func postfix() costume {
	ehlo := "250-{host}\n250-PIPELINING\n250-SIZE {arg}\n%s250-ENHANCEDSTATUSCODES\n250-8BITMIME\n250 SMTPUTF8"
	return costume{
		sayBanner:      "220 {host} ESMTP Postfix",
		sayHelo:        "250 {host}",
		sayEhlo:        fmt.Sprintf(ehlo, ""),
		sayEhloTLS:     fmt.Sprintf(ehlo, "250-STARTTLS\n"),
		sayBye:         "221 2.0.0 Bye",
		sayOk:          "250 2.0.0 Ok",
		saySenderOk:    "250 2.1.0 Ok",
		sayRcptOk:      "250 2.1.5 Ok",
		sayGoAhead:     "354 End data with <CR><LF>.<CR><LF>",
		sayQueued:      "250 2.0.0 Ok: queued as {arg}",
		sayStartTLS:    "220 2.0.0 Ready to start TLS",
		sayNoUser:      "550 5.1.1 <{arg}>: Recipient address rejected: User unknown in virtual mailbox table",
		sayNoLocal:     "550 5.1.1 <{arg}>: Recipient address rejected: User unknown in local recipient table",
		sayRelay:       "550 5.7.1 <{arg}>: Relay access denied",
		sayTooManyRcpt: "452 4.5.3 Error: too many recipients",
		sayTooBig:      "552 5.3.4 Error: message file too big",
		saySizeBig:     "552 5.3.4 Message size exceeds fixed limit",
		sayFull:        "452 4.3.1 Insufficient system storage",
		sayRcptLater:   "451 4.3.0 <{arg}>: Temporary lookup failure",
		sayDataLater:   "451 4.3.0 Error: queue file write error",
		sayNoHelo:      "503 5.5.1 Error: send HELO/EHLO first",
		sayNested:      "503 5.5.1 Error: nested MAIL command",
		sayNoMail:      "503 5.5.1 Error: need MAIL command",
		sayNoRcpt:      "503 5.5.1 Error: need RCPT command",
		sayNoneValid:   "554 5.5.1 Error: no valid recipients",
		sayHeloSyntax:  "501 Syntax: {arg} hostname",
		sayMailSyntax:  "501 5.5.4 Syntax: MAIL FROM:<address>",
		sayRcptSyntax:  "501 5.5.4 Syntax: RCPT TO:<address>",
		saySyntax:      "501 5.5.4 Syntax: {arg}",
		sayOption:      "555 5.5.4 Unsupported option: {arg}",
		sayUnknown:     "502 5.5.2 Error: command not recognized",
		sayBadSyntax:   "500 5.5.2 Error: bad syntax",
		sayDisabled:    "502 5.5.1 VRFY command is disabled",
		sayNotThere:    "502 5.5.1 Error: command not implemented",
		sayNoAuth:      "503 5.5.1 Error: authentication not enabled",
		sayTLSActive:   "554 5.5.1 Error: TLS already active",
		sayBareLF:      "521 5.5.2 {host} Error: bare <LF> received",
		sayRules:       "221 2.7.0 Error: I can break rules, too. Goodbye.",
		sayTimeout:     "421 4.4.2 {host} Error: timeout exceeded",
		sayTooMany:     "421 4.7.0 {host} Error: too many errors",
		sayCrowded:     "421 4.7.0 {host} Error: too many connections from {arg}",
		sayClosing:     "421 4.3.2 {host} Service shutting down",
		sayFault:       "421 4.3.0 {host} Error: server local problem",
	}
}

// queueID makes an id as Postfix does: the microsecond of the clock in five hex
// digits and the number of a file, here a random one.
func queueID(now time.Time) string {
	var b [4]byte
	rand.Read(b[:]) // crypto/rand.Read never fails since Go 1.24
	inode := 0x20000 + binary.BigEndian.Uint32(b[:])%0xC0000
	return fmt.Sprintf("%05X%X", now.Nanosecond()/1000, inode)
}

// answers says which saying stands for the library's own reply to a command:
// by verb and code, for the library's words are never sent.
func answers() map[string]saying {
	return map[string]saying{
		" 220":     sayBanner,
		"HELO 250": sayHelo, "HELO 501": sayHeloSyntax,
		"EHLO 250": sayEhlo, "EHLO 501": sayHeloSyntax,
		"MAIL 250": saySenderOk, "MAIL 500": sayOption, "MAIL 501": sayMailSyntax, "MAIL 502": sayNoHelo,
		"MAIL 504": sayOption, "MAIL 552": saySizeBig,
		"RCPT 250": sayRcptOk, "RCPT 500": sayOption, "RCPT 501": sayRcptSyntax, "RCPT 502": sayNoMail, "RCPT 504": sayOption,
		"DATA 250": sayQueued, "DATA 354": sayGoAhead, "DATA 502": sayNoRcpt,
		"RSET 250": sayOk, "NOOP 250": sayOk, "QUIT 221": sayBye,
	}
}
