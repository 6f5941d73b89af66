package smtpd

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/tls"
	"errors"
	"strings"

	"saltmine/internal/dialogue"
)

// next reads one command and either answers it itself or puts it out for the
// library to read.
func (w *wire) next() error {
	if err := w.spent(); err != nil {
		return err
	}
	if !w.park() {
		w.because(endShutdown)
		return errHungUp
	}
	line, err := w.readLine()
	w.unpark()
	text, whole := bytes.CutSuffix(line, []byte("\r\n"))
	c, fault := w.s.dress.read(text)
	c = w.greeting(c)
	if c.verb == "MAIL" && !w.busy() {
		w.tape.begin()
	}
	w.before, w.trail, w.cmd, w.line = w.trail, "", c, line
	if len(line) > 0 {
		w.tape.say(dialogue.Command, line)
	}
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return w.hangUp(endProtocol, sayBadSyntax)
	case err != nil:
		return err
	case !whole:
		return w.hangUp(endProtocol, sayBareLF)
	case w.idles():
		return w.hangUp(endCommands, sayManyNonmail)
	case fault.what != "":
		return w.refuse(fault)
	}
	return w.vet()
}

// spent ends a connection that has had its share.
func (w *wire) spent() error {
	if w.lmtp {
		return nil
	}
	most := cmp.Or(w.s.dress.ways.errors, w.s.cfg.Limits.Errors)
	if w.stressed() {
		most = 1
	}
	if most >= 0 && w.errors >= min(most, w.s.cfg.Limits.Errors) {
		return w.hangUp(endErrors, sayTooMany)
	}
	if w.calls++; w.calls > w.s.cfg.Limits.Commands {
		return w.hangUp(endCommands, sayTooMany)
	}
	return nil
}

// idles counts commands that are no mail, where the costume does. The first
// greeting and the first RSET of each mail are free.
func (w *wire) idles() bool {
	most := w.s.dress.ways.nonmail
	switch verb := w.cmd.verb; {
	case most == 0, w.friend, verb == "MAIL", verb == "RCPT", verb == "DATA", verb == "QUIT", verb == "?":
		return false
	case (verb == "RSET" || verb == "HELO" || verb == "EHLO" || verb == "STARTTLS") && !w.free[verb]:
		w.free[verb] = true
		return false
	}
	w.idle++
	return w.idle > most
}

// readLine reads up to a line feed; bufio.ErrBufferFull means that there was
// none within the bound. The line is good until the next one is read.
func (w *wire) readLine() ([]byte, error) {
	line := w.line[:0]
	for {
		if _, err := w.in.Peek(1); err != nil {
			return line, err
		}
		b, _ := w.in.Peek(w.in.Buffered())
		end := bytes.IndexByte(b, '\n')
		if end >= 0 {
			b = b[:end+1]
		}
		line = append(line, b...)
		_, _ = w.in.Discard(len(b)) // they are buffered
		if len(line) > w.s.cfg.Limits.Line {
			return line, bufio.ErrBufferFull
		}
		if end >= 0 {
			return line, nil
		}
	}
}

// refuse answers a command that the library does not get to see. It hangs up
// on a client whose kind of fault the costume's server bears no longer.
func (w *wire) refuse(r remark) error {
	if r.what == sayRules {
		return w.hangUp(endProtocol, sayRules)
	}
	text := w.words(r)
	if err := w.bear(r.what, text); err != nil {
		return err
	}
	if w.cmd.verb == "RCPT" {
		w.note(strings.TrimSuffix(text, "\r\n"))
	}
	switch {
	case !w.busy() && (w.cmd.verb == "MAIL" || w.cmd.verb == "RCPT" && w.before == trailMail):
		w.trail = trailMail
	case w.cmd.verb == "RCPT" && w.busy():
		w.trail = trailRcpt
	}
	w.send([]byte(text))
	w.settle()
	return nil
}

// bear counts unknown commands and faults of syntax, where the costume does.
func (w *wire) bear(what saying, text string) error {
	way := w.s.dress.ways
	if w.lmtp {
		return nil
	}
	if what == sayUnknown && way.unknown > 0 {
		if w.unknown++; w.unknown > way.unknown {
			return w.hangUp(endErrors, sayManyUnknown)
		}
		return nil
	}
	code := text[:3]
	if way.syntax == 0 || code != "501" && code != "503" || w.follows(what) {
		return nil
	}
	if w.syntax++; w.syntax <= way.syntax {
		return nil
	}
	w.send([]byte(strings.Replace(text, " ", "-", 1)))
	w.because(endErrors)
	w.rude = true
	w.last(remark{sayManySyntax, code})
	return errHungUp
}

// What the last command was, where it changes what the next is told.
const (
	trailMail = "refused mail" // or the recipients behind it
	trailRcpt = "recipient"
)

// follows reports whether a fault of order comes from another fault before it,
// of which a client that pipelines cannot know.
func (w *wire) follows(what saying) bool {
	return what == sayAllRefusedPiped || what == sayNoRcptPiped || what == sayNoMail && w.before == trailMail && w.esmtp
}

// note keeps what a recipient was answered with, for costumes that repeat it.
func (w *wire) note(said string) {
	w.mixed = w.mixed || w.said != "" && w.said != said
	w.said = said
}

// view gives what the costume may know.
func (w *wire) view() view {
	return view{limit: w.s.cfg.Limits.Message, utf8: w.utf8, secured: w.tls != "", hasTLS: w.s.cfg.TLS != nil}
}

// vet decides who answers the command.
func (w *wire) vet() error {
	switch w.cmd.verb {
	case "HELO", "EHLO":
		return w.vetWith(w.s.dress.hello(w.cmd))
	case "NOOP":
		return w.vetWith(remark{})
	case "MAIL":
		return w.vetMail()
	case "RCPT":
		return w.vetRcpt()
	case "DATA":
		return w.vetData()
	case "RSET", "QUIT":
		return w.vetPlain()
	case "STARTTLS":
		return w.startTLS()
	case "XFORWARD":
		if w.friend {
			w.forward()
			return nil
		}
	case "BDAT":
		// The chunk follows the command, refused or not, and must not be obeyed.
		return w.hangUp(endProtocol, sayNoBDAT)
	}
	return w.refuse(w.s.dress.more(w.cmd, w.view()))
}

// vetWith refuses the command, or puts it out for the library.
func (w *wire) vetWith(r remark) error {
	if r.what != "" {
		return w.refuse(r)
	}
	w.out = w.cmd.line()
	return nil
}

func (w *wire) vetMail() error {
	switch nested := w.s.dress.ways.nestedFirst; {
	case nested && w.busy():
		return w.refuse(remark{sayNested, ""})
	case !w.greeted: // also after STARTTLS, of which the library knows nothing
		return w.refuse(remark{sayNoHelo, ""})
	case w.busy():
		return w.refuse(remark{sayNested, ""}) // the library would change the sender and keep the recipients
	}
	r := w.s.dress.path(&w.cmd, w.view())
	if r.what == "" {
		w.utf8 = w.cmd.utf8
	}
	return w.vetWith(r)
}

func (w *wire) vetRcpt() error {
	if !w.busy() {
		return w.refuse(remark{sayNoMail, ""})
	}
	return w.vetWith(w.s.dress.path(&w.cmd, w.view()))
}

func (w *wire) vetData() error {
	someone := w.busy() && w.session.tx.accepted > 0
	switch {
	case !someone && w.busy() && !w.s.dress.ways.allRefused:
		return w.refuse(remark{sayNoneValid, ""})
	case !someone:
		return w.refuse(w.nobody())
	case w.cmd.arg != "":
		return w.refuse(remark{saySyntax, ""})
	}
	w.out = w.cmd.line()
	return nil
}

// nobody says why there is no recipient.
func (w *wire) nobody() remark {
	if !w.s.dress.ways.allRefused {
		return remark{sayNoRcpt, ""}
	}
	piped := w.before != "" && w.esmtp
	switch told := w.said != "" && !w.mixed; {
	case told && piped:
		return remark{sayAllRefusedPiped, w.said}
	case told:
		return remark{sayAllRefused, w.said}
	case piped:
		return remark{sayNoRcptPiped, ""}
	}
	return remark{sayNoRcpt, ""}
}

func (w *wire) vetPlain() error {
	switch {
	case w.cmd.arg != "" && (w.cmd.verb == "RSET" || w.s.dress.ways.noArg):
		return w.refuse(remark{saySyntax, ""})
	case w.cmd.verb == "QUIT" && w.session != nil:
		w.session.finish(endQuit) // so that nothing is left to write after the answer
	}
	w.out = w.cmd.line()
	return nil
}

// startTLS is done here and not by the library, so that the tape sees plain
// text before and after, and nothing that was sent ahead of the handshake is
// obeyed inside it.
func (w *wire) startTLS() error {
	switch {
	case w.cmd.arg != "":
		return w.refuse(remark{saySyntax, ""})
	case w.s.cfg.TLS == nil, w.s.dress.ways.offeredTLS && !w.offered:
		return w.refuse(remark{sayNoTLS, ""})
	case w.tls != "":
		return w.refuse(remark{sayTLSActive, ""})
	}
	if w.session != nil {
		w.session.finish(endStartTLS)
	}
	w.speak(sayStartTLS, "")
	if early, _ := w.in.Peek(w.in.Buffered()); len(early) > 0 {
		w.tape.say(dialogue.Command, early)
		w.tape.say(dialogue.Note, []byte("the bytes before this were sent ahead of TLS and were not obeyed\r\n"))
	}
	secure := tls.Server(w.raw, w.s.cfg.TLS)
	w.patience.begin()
	defer w.patience.end()
	if err := secure.Handshake(); err != nil { //nolint:noctx // bounded by the timer and the life of the connection
		w.because(endTLS)
		return err
	}
	state := secure.ConnectionState()
	w.forgetClaims()
	w.conn, w.greeted, w.esmtp, w.offered = secure, false, false, false
	w.in.Reset(readerFunc(w.fill))
	w.tls = tls.VersionName(state.Version) + " " + tls.CipherSuiteName(state.CipherSuite)
	w.tape.say(dialogue.Note, []byte(w.tls+"\r\n"))
	return nil
}
