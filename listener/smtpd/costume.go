package smtpd

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// saying names something that a server says, whatever its words are.
type saying string

// What a server says. See blanks for what is filled in.
const (
	sayBanner          saying = "banner"
	sayHelo            saying = "helo"
	sayEhlo            saying = "ehlo"
	sayEhloTLS         saying = "ehlo with starttls"
	sayBye             saying = "bye"
	sayNoop            saying = "noop"
	sayReset           saying = "reset"
	saySenderOk        saying = "sender ok"
	sayRcptOk          saying = "recipient ok"
	sayGoAhead         saying = "go ahead"
	sayQueued          saying = "queued"
	sayStartTLS        saying = "ready for tls"
	sayNoUser          saying = "no such user"
	sayNoLocal         saying = "no such local user"
	sayRelay           saying = "relay denied"
	sayHidden          saying = "an address inside an address"
	sayTooManyRcpt     saying = "too many recipients"
	sayTooBig          saying = "message too big"
	saySizeBig         saying = "announced size too big"
	saySizeSyntax      saying = "size syntax"
	sayFull            saying = "no room"
	sayRcptLater       saying = "recipient cannot be checked now"
	sayDataLater       saying = "message cannot be stored now"
	sayNoHelo          saying = "helo first"
	sayNested          saying = "nested mail"
	sayNoMail          saying = "mail first"
	sayNoRcpt          saying = "recipient first"
	sayNoRcptPiped     saying = "recipient first, right behind one"
	sayAllRefused      saying = "all recipients were refused"
	sayAllRefusedPiped saying = "all recipients were refused, right behind one"
	sayHelpTLS         saying = "help with starttls"
	sayNoneValid       saying = "no valid recipient"
	sayHeloSyntax      saying = "helo syntax"
	sayMailSyntax      saying = "mail syntax"
	sayRcptSyntax      saying = "rcpt syntax"
	sayBadSender       saying = "bad sender address"
	sayBadRcpt         saying = "bad recipient address"
	saySyntax          saying = "syntax of a command without argument"
	sayOption          saying = "unsupported option"
	sayNoDSN           saying = "dsn disabled"
	sayNoUTF8          saying = "smtputf8 not offered"
	sayUnknown         saying = "unknown command"
	sayBadSyntax       saying = "bad syntax"
	sayBadUTF8         saying = "bad utf-8"
	sayNUL             saying = "nul in a command"
	sayHelp            saying = "help"
	sayVrfy            saying = "vrfy"
	sayVrfyNone        saying = "vrfy of nothing"
	sayVrfyBare        saying = "vrfy without a domain"
	sayExpn            saying = "expn"
	sayEtrn            saying = "etrn"
	sayEtrnSyntax      saying = "etrn syntax"
	sayNotAllowed      saying = "command for friends only"
	sayNoBDAT          saying = "no bdat"
	sayNoTLS           saying = "no starttls"
	sayNoAuth          saying = "authentication not enabled"
	sayTLSActive       saying = "tls already active"
	sayBareLF          saying = "bare lf"
	sayRules           saying = "not a mail client"
	sayTimeout         saying = "timeout"
	sayDataTimeout     saying = "timeout in a message"
	sayTooMany         saying = "too many errors"
	sayManyUnknown     saying = "too many unknown commands"
	sayManySyntax      saying = "too many syntax errors"
	sayManyNonmail     saying = "too many commands without mail"
	sayCrowded         saying = "too many connections"
	sayCrowdedThere    saying = "too many connections of one address"
	sayClosing         saying = "shutting down"
	sayFault           saying = "local fault"
)

// blanks is what is filled into a saying: {host}, the ear's name; {arg}, the
// address or other text that the saying is about; {peer}, the client's address;
// {helo}, the name it gave; {verb}, its command; {size}, the largest message;
// {date}, the time, and {day}, the same with the day
// of the month as people write it.
type blanks struct {
	host, arg, peer, helo, verb string
	size                        int64
	now                         func() time.Time
}

// remark is a saying and the text that it is about. The zero remark is silence.
type remark struct {
	what saying
	arg  string
}

// costume is one server's words and ways.
type costume struct {
	words map[saying]string
	// read takes a command line apart, without its CR LF.
	read func(line []byte) (command, remark)
	// hello judges the argument of HELO or EHLO.
	hello func(c command) remark
	// path reads the address and the parameters of MAIL or RCPT into c.
	path func(c *command, v view) remark
	// queueID makes the id that a taken message is given, from nothing but the
	// time, chance and the ear's name.
	queueID func(now time.Time, host string) string
	// more judges the commands that the wire does not know by itself.
	more func(c command, v view) remark
	// ways are small differences that are not worth a func.
	ways ways
}

// ways are what a costume's server does differently from Postfix, in which all
// of them are zero.
type ways struct {
	offeredTLS  bool   // STARTTLS must have been offered in answer to EHLO
	allRefused  bool   // DATA tells why all recipients were refused
	nestedFirst bool   // a second MAIL is told of before a missing HELO
	bareIsWrong bool   // an address without a domain has no other meaning than postmaster's
	noArg       bool   // QUIT takes no argument
	dataLast    bool   // the argument of DATA is looked at only where there are recipients
	hiding      string // characters that no local part may have
	errors      int    // so many negative answers are borne; 0: Limits.Errors, less: any number
	unknown     int    // so many unknown commands are borne
	syntax      int    // so many faults of syntax or order are borne
	nonmail     int    // so many commands besides mail are borne
}

// view is what a costume may know of the connection.
type view struct {
	limit   int64 // the largest message
	utf8    bool  // the transaction was announced as SMTPUTF8
	secured bool
	hasTLS  bool
}

// costumes are all that there are.
func costumes() map[string]func() costume {
	return map[string]func() costume{"postfix": postfix, "exim": exim, "exchange": exchange}
}

func newCostume(name string) (costume, error) {
	if name == "" {
		name = "postfix"
	}
	all := costumes()
	dress, ok := all[name]
	if !ok {
		return costume{}, fmt.Errorf("costume %q is not known: want exchange, exim or postfix", name)
	}
	return dress(), nil
}

// say fills in a saying and ends it with CR LF.
func (c costume) say(s saying, b blanks) string {
	var out strings.Builder
	text := c.words[s]
	out.Grow(len(text) + 64)
	for {
		before, rest, found := strings.Cut(text, "{")
		out.WriteString(strings.ReplaceAll(before, "\n", "\r\n"))
		if !found {
			out.WriteString("\r\n")
			return out.String()
		}
		name, after, _ := strings.Cut(rest, "}")
		out.WriteString(b.fill(name))
		text = after
	}
}

func (b blanks) fill(name string) string {
	switch name {
	case "host":
		return b.host
	case "arg":
		return printable(b.arg)
	case "peer":
		return b.peer
	case "helo":
		return printable(b.helo)
	case "verb":
		return printable(b.verb)
	case "size":
		return strconv.FormatInt(b.size, 10)
	case "date":
		return b.now().UTC().Format("Mon, 02 Jan 2006 15:04:05 -0700")
	case "day":
		return b.now().UTC().Format("Mon, 2 Jan 2006 15:04:05 -0700")
	}
	return ""
}

// printable makes text of the client fit for a reply: nothing in it can end the line.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}
