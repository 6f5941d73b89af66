package smtpd

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"time"

	"saltmine/internal/dialogue"
)

// next reads one command and either answers it itself or puts it out for the
// library to read.
func (w *wire) next() error {
	if w.errors > w.s.cfg.Limits.Errors {
		return w.hangUp(endErrors, sayTooMany)
	}
	if w.calls++; w.calls > w.s.cfg.Limits.Commands {
		return w.hangUp(endCommands, sayTooMany)
	}
	if !w.park() {
		w.because(endShutdown)
		return errHungUp
	}
	line, err := w.readLine()
	w.unpark()
	text, whole := bytes.CutSuffix(line, []byte("\r\n"))
	c, ok := parseCommand(text)
	if c.verb == "MAIL" && !w.busy() {
		w.tape.begin()
	}
	w.cmd, w.line = c, line
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
	case !ok:
		w.refuse(sayBadSyntax, "")
		return nil
	}
	return w.vet()
}

// readLine reads up to a line feed; bufio.ErrBufferFull means that there was
// none within the bound.
func (w *wire) readLine() ([]byte, error) {
	var line []byte
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

// refuse answers a command that the library does not get to see.
func (w *wire) refuse(what saying, arg string) {
	w.speak(what, arg)
	w.settle()
}

// vet decides who answers the command.
func (w *wire) vet() error {
	switch w.cmd.verb {
	case "HELO", "EHLO", "NOOP":
		w.out = w.cmd.line("")
	case "MAIL":
		w.vetPath("FROM:", sayMailSyntax)
	case "RCPT":
		w.vetPath("TO:", sayRcptSyntax)
	case "DATA", "RSET", "QUIT":
		w.vetPlain()
	case "STARTTLS":
		return w.startTLS()
	case "BDAT":
		// The chunk follows the command, refused or not, and must not be obeyed.
		return w.hangUp(endProtocol, sayNotThere)
	case "GET", "POST", "CONNECT":
		return w.hangUp(endProtocol, sayRules)
	case "AUTH":
		w.refuse(sayNoAuth, "")
	case "VRFY":
		w.refuse(sayDisabled, "")
	case "ETRN":
		w.refuse(sayNotThere, "")
	default:
		w.refuse(sayUnknown, "")
	}
	return nil
}

func (w *wire) vetPath(prefix string, syntax saying) {
	switch {
	case !w.greeted: // also after STARTTLS, of which the library knows nothing
		w.refuse(sayNoHelo, "")
	case !w.cmd.readPath(prefix):
		w.refuse(syntax, "")
	case w.cmd.verb == "MAIL" && w.busy():
		w.refuse(sayNested, "") // the library would change the sender and keep the recipients
	default:
		w.out = w.cmd.line(w.s.origin)
	}
}

func (w *wire) vetPlain() {
	switch {
	case w.cmd.arg != "":
		w.refuse(saySyntax, w.cmd.verb)
		return
	case w.cmd.verb == "DATA" && !w.greeted:
		w.refuse(sayNoHelo, "")
		return
	case w.cmd.verb == "QUIT" && w.session != nil:
		w.session.finish(endQuit) // so that nothing is left to write after the answer
	}
	w.out = w.cmd.line("")
}

// startTLS is done here and not by the library, so that the tape sees plain
// text before and after, and nothing that was sent ahead of the handshake is
// obeyed inside it.
func (w *wire) startTLS() error {
	switch {
	case w.cmd.arg != "":
		w.refuse(saySyntax, "STARTTLS")
		return nil
	case w.tls != "":
		w.refuse(sayTLSActive, "")
		return nil
	case w.s.cfg.TLS == nil:
		w.refuse(sayNotThere, "")
		return nil
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
	t := time.AfterFunc(w.s.cfg.Limits.Idle, func() { w.interrupt(endIdle) })
	defer t.Stop()
	if err := secure.Handshake(); err != nil { //nolint:noctx // bounded by the timer and the life of the connection
		w.because(endTLS)
		return err
	}
	state := secure.ConnectionState()
	w.conn, w.greeted = secure, false
	w.in.Reset(readerFunc(w.fill))
	w.tls = tls.VersionName(state.Version) + " " + tls.CipherSuiteName(state.CipherSuite)
	w.tape.say(dialogue.Note, []byte(w.tls+"\r\n"))
	return nil
}
