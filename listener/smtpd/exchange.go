package smtpd

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"net"
	"strings"
	"time"
)

// exchange is the receive connector of an Exchange Server 2019 for the internet,
// anonymous only. Nobody here has asked a real one: its words are those of
// Microsoft's documentation and of published transcripts, and where those are
// silent (which is said of few lines below) the choice is ours. DSN, BINARYMIME
// and CHUNKING, which are switches of a connector, are off: the first promises
// mail that the ear never sends, the others are BDAT's.
func exchange() costume {
	return costume{
		read: exchangeRead, hello: exchangeHello, path: exchangePath, more: exchangeMore, queueID: exchangeID,
		ways:  ways{errors: 5},
		words: exchangeWords(),
	}
}

func exchangeWords() map[saying]string {
	ehlo := "250-{host} Hello [{peer}]\n250-SIZE {size}\n250-PIPELINING\n250-ENHANCEDSTATUSCODES\n%s250-8BITMIME\n250 SMTPUTF8"
	return map[saying]string{
		sayBanner:       "220 {host} Microsoft ESMTP MAIL Service ready at {day}",
		sayHelo:         "250 {host} Hello [{peer}]",
		sayEhlo:         fmt.Sprintf(ehlo, ""),
		sayEhloTLS:      fmt.Sprintf(ehlo, "250-STARTTLS\n"),
		sayBye:          "221 2.0.0 Service closing transmission channel",
		sayNoop:         "250 2.0.0 OK",
		sayReset:        "250 2.0.0 Resetting",
		saySenderOk:     "250 2.1.0 Sender OK",
		sayRcptOk:       "250 2.1.5 Recipient OK",
		sayGoAhead:      "354 Start mail input; end with <CRLF>.<CRLF>",
		sayQueued:       "250 2.6.0 {arg} Queued mail for delivery",
		sayStartTLS:     "220 2.0.0 SMTP server ready",
		sayNoUser:       "550 5.1.1 User unknown",
		sayNoLocal:      "550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain",
		sayRelay:        "550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain",
		sayHidden:       "550 5.1.1 User unknown",
		sayTooManyRcpt:  "452 4.5.3 Too many recipients",
		sayTooBig:       "552 5.3.4 Message size exceeds fixed maximum message size",
		saySizeBig:      "552 5.3.4 Message size exceeds fixed maximum message size",
		saySizeSyntax:   "501 5.5.4 Invalid arguments",
		sayFull:         "452 4.3.1 Insufficient system resources",
		sayRcptLater:    "451 4.3.0 Mailbox server is temporarily unavailable",
		sayDataLater:    "451 4.3.0 Mailbox server is temporarily unavailable",
		sayNoHelo:       "503 5.5.2 Send hello first",
		sayNested:       "503 5.5.2 Sender already specified",
		sayNoMail:       "503 5.5.2 Need mail command",
		sayNoRcpt:       "503 5.5.2 Need rcpt command",
		sayNoneValid:    "503 5.5.2 Need rcpt command",
		sayHeloSyntax:   "501 5.5.4 Invalid domain name",
		sayMailSyntax:   "501 5.5.4 Invalid arguments",
		sayRcptSyntax:   "501 5.5.4 Invalid arguments",
		sayBadSender:    "501 5.1.7 Invalid address",
		sayBadRcpt:      "501 5.1.3 Invalid address",
		saySyntax:       "501 5.5.4 Invalid arguments",
		sayOption:       "501 5.5.4 Unrecognized parameter '{arg}'",
		sayNoDSN:        "501 5.5.4 Unrecognized parameter '{arg}'",
		sayUnknown:      "500 5.3.3 Unrecognized command '{verb}'",
		sayBadSyntax:    "500 5.3.3 Unrecognized command",
		sayHelp:         "214-This server supports the following commands:\n214 HELO EHLO STARTTLS RCPT DATA RSET MAIL QUIT HELP AUTH BDAT",
		sayVrfy:         "252 2.1.5 Cannot VRFY user",
		sayNoBDAT:       "500 5.3.3 Unrecognized command 'BDAT'",
		sayNoTLS:        "500 5.3.3 Unrecognized command 'STARTTLS'",
		sayNoAuth:       "504 5.7.4 Unrecognized authentication type",
		sayTLSActive:    "503 5.5.2 Only one STARTTLS command can be issued per session",
		sayBareLF:       "500 5.3.3 Unrecognized command",
		sayTimeout:      "451 4.7.0 Timeout waiting for client input",
		sayDataTimeout:  "451 4.7.0 Timeout waiting for client input",
		sayTooMany:      "421 4.7.0 Too many errors on this connection, closing transmission channel",
		sayCrowded:      "421 4.3.2 The maximum number of concurrent server connections has exceeded a limit, closing transmission channel",
		sayCrowdedThere: "421 4.3.2 The maximum number of concurrent connections has exceeded a limit, closing transmission channel",
		sayClosing:      "421 4.3.2 Service not available",
		sayFault:        "421 4.3.2 Service not available",
	}
}

func exchangeRead(line []byte) (command, remark) {
	c, r := postfixRead(line)
	if r.what != "" {
		c.verb = "?"
		return c, remark{sayBadSyntax, ""}
	}
	return c, r
}

func exchangeHello(c command) remark {
	name := strings.TrimPrefix(strings.Trim(c.arg, "[]"), "IPv6:")
	if net.ParseIP(name) != nil || hostname(strings.TrimSuffix(name, "."), "_") {
		return remark{}
	}
	return remark{sayHeloSyntax, ""}
}

func exchangePath(c *command, v view) remark {
	r := postfixPath(c, v)
	if r.what == "" && c.bare && c.path != "" && c.verb == "RCPT" && !strings.EqualFold(c.path, "postmaster") {
		return remark{sayBadRcpt, ""}
	}
	return r
}

func exchangeMore(c command, _ view) remark {
	switch c.verb {
	case "AUTH":
		return remark{sayNoAuth, ""}
	case "HELP":
		return remark{sayHelp, ""}
	case "VRFY":
		return remark{sayVrfy, ""}
	}
	return remark{sayUnknown, ""}
}

// exchangeID makes what Exchange says of a mail that has no Message-ID of its
// own: a GUID at the server's name, and the number of a row, both of chance.
func exchangeID(_ time.Time, host string) string {
	var b [22]byte
	rand.Read(b[:]) // crypto/rand.Read never fails since Go 1.24
	row := binary.BigEndian.Uint64(append([]byte{0, 0}, b[16:]...)) % 90_000_000_000_000
	return fmt.Sprintf("<%x@%s> [InternalId=%d, Hostname=%s]", b[:16], host, 10_000_000_000_000+row, host)
}
