package smtpd

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"runtime/debug"
	"sync"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/dialogue"
)

// wire is the connection as the library sees it. The library reads one checked
// command at a time and writes one reply to it, so both directions of a
// connection run on the library's one goroutine; only the fields under mu are
// touched by others.
type wire struct {
	s        *Server
	raw      net.Conn // what was accepted
	conn     net.Conn // raw, or TLS over it
	in       *bufio.Reader
	hear     func(canary.Contact) error
	onClose  func()
	life     *time.Timer
	patience *patience
	from     string // the client's address
	session  *session
	tape     tape
	lmtp     bool
	friend   bool              // may speak for its clients
	told     map[string]string // by XFORWARD, for the next transaction
	stressed func() bool       // nearly all connections are taken

	out       []byte // for the library to read
	reply     []byte // the library's reply, as far as it is written
	line      []byte // the last command as it came
	cmd       command
	ours      bool   // the reply that comes is worded already
	before    string // what the command before was, where it matters
	trail     string // the same of this one
	greeted   bool   // HELO or EHLO was answered
	esmtp     bool   // it was EHLO
	offered   bool   // STARTTLS was offered in it
	utf8      bool   // the transaction was announced as SMTPUTF8
	said      string // what the recipients of the transaction were answered with
	mixed     bool   // not all with the same
	helo      string
	client    string   // see peer
	tls       string   // version and cipher
	delivered []string // of LMTP: the accepted recipients of the message that ended
	held      int      // bytes of the message that count against Limits.Held
	rude      bool     // hung up on a client that may still be talking
	calls     int      // commands so far
	errors    int      // negative answers since the last mail was taken
	unknown   int      // unknown commands
	syntax    int      // faults of syntax or order
	idle      int      // commands that are no mail
	free      map[string]bool
	over      bool // nothing more is read or written

	mu       sync.Mutex
	cause    string // why the connection was ended, the first reason
	draining bool
	waiting  bool // for a command, with no transaction open
	closed   bool
}

// Why a connection ended.
const (
	endDisconnect = "disconnect"
	endIdle       = "idle"
	endSession    = "session"
	endSlow       = "slow"
	endCommands   = "commands"
	endErrors     = "errors"
	endProtocol   = "protocol"
	endTLS        = "tls"
	endShutdown   = "shutdown"
	endFault      = "fault"
	endQuit       = "quit"
	endStartTLS   = "starttls"
	endData       = "data"
)

func (s *Server) newWire(hearing context.Context, c net.Conn, stressed func() bool) *wire {
	began := s.cfg.Now()
	_, lmtp := c.(lmtpConn)
	w := &wire{
		s: s, raw: c, conn: c, lmtp: lmtp, stressed: stressed, onClose: func() {}, free: map[string]bool{},
		tape: tape{since: func() time.Duration { return s.cfg.Now().Sub(began) }, paper: &s.paper}, from: c.RemoteAddr().String(),
		hear: func(k canary.Contact) (err error) {
			defer s.recovered(&err)
			defer s.paper.back(k.Raw) // made for it; what was heard does not stay in memory
			ctx, cancel := context.WithTimeout(hearing, s.cfg.Limits.Store)
			defer cancel()
			return s.cfg.Hear(ctx, k)
		},
	}
	w.friend = s.friendly(w)
	w.patience = newPatience(s.cfg.Limits, stressed, func() { w.interrupt(endIdle) })
	w.life = time.AfterFunc(s.cfg.Limits.Session, func() { w.interrupt(endSession) })
	return w
}

// readerFunc is a func that reads.
type readerFunc func([]byte) (int, error)

// Read calls the func.
func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// fill reads from the client, bounded in time.
func (w *wire) fill(p []byte) (int, error) {
	w.patience.begin()
	defer w.patience.end()
	return w.conn.Read(p)
}

// Read gives the library its next line. It ends with io.EOF whatever went
// wrong: the client was told by the wire, and the library has nothing to add.
func (w *wire) Read(p []byte) (n int, err error) {
	defer func() {
		if err != nil {
			w.over = true
			err = io.EOF
		}
	}()
	defer w.s.recovered(&err)
	for len(w.out) == 0 {
		if w.over {
			return 0, io.EOF
		}
		if err := w.next(); err != nil {
			return 0, w.lost(err)
		}
	}
	n = copy(p, w.out)
	w.out = w.out[n:]
	return n, nil
}

// Write takes the library's reply and sends what the costume says in its place.
func (w *wire) Write(p []byte) (n int, err error) {
	defer func() {
		if err != nil { // the library does not look at it
			w.because(endFault)
			w.over = true
		}
	}()
	defer w.s.recovered(&err)
	if w.over {
		return len(p), nil
	}
	w.reply = append(w.reply, p...)
	for {
		end := bytes.IndexByte(w.reply, '\n')
		if end < 0 {
			return len(p), nil
		}
		line := w.reply[:end+1]
		w.reply = w.reply[end+1:]
		if len(line) > 3 && line[3] == '-' {
			continue // the costume has its own lines
		}
		w.answer(line)
	}
}

// answer sends the reply to the last command. The library's own words go no
// further than here.
func (w *wire) answer(line []byte) {
	code := string(line[:min(3, len(line))])
	did := w.cmd.verb + " " + code
	if w.cmd.verb == "RCPT" {
		w.trail = trailRcpt
	}
	switch did {
	case "HELO 250", "EHLO 250":
		w.greeted, w.helo = true, w.cmd.arg[:min(len(w.cmd.arg), mostHelo)]
		w.esmtp, w.said, w.mixed = w.cmd.verb == "EHLO", "", false
		w.offered = w.esmtp && w.s.cfg.TLS != nil && w.tls == ""
		w.forgetClaims()
	case "MAIL 250", "RSET 250":
		w.said, w.mixed = "", false
		if w.cmd.verb == "RSET" {
			w.forgetClaims()
		}
	case "DATA 250":
		w.errors, w.said, w.mixed = 0, "", false
		w.free["RSET"], w.free["HELO"], w.free["EHLO"] = false, false, false
	}
	if w.ours {
		w.ours = false
		w.forEach(line)
	} else {
		what, arg := w.wording(did)
		text := w.words(remark{what, arg})
		if what == sayEhlo || what == sayEhloTLS {
			text = w.offering(text)
		}
		w.forEach([]byte(text))
		if what == sayFault {
			w.because(endFault)
			w.over = true
		}
	}
	w.settle()
}

// settle gives the words of a MAIL that began no transaction to the prelude.
func (w *wire) settle() {
	if w.cmd.verb == "MAIL" && !w.busy() {
		w.tape.end(true)
	}
}

// busy reports whether a transaction is open.
func (w *wire) busy() bool { return w.session != nil && w.session.tx != nil }

// wording chooses the saying for a reply of the library's own, by verb and code.
func (w *wire) wording(did string) (saying, string) {
	switch did {
	case " 220":
		return sayBanner, ""
	case "HELO 250":
		return sayHelo, ""
	case "EHLO 250":
		if w.offered {
			return sayEhloTLS, ""
		}
		return sayEhlo, ""
	case "MAIL 250":
		return saySenderOk, ""
	case "RCPT 250":
		return sayRcptOk, ""
	case "DATA 354":
		return sayGoAhead, ""
	case "DATA 250":
		return sayQueued, w.session.queued
	case "RSET 250":
		return sayReset, ""
	case "NOOP 250":
		return sayNoop, ""
	case "QUIT 221":
		return sayBye, ""
	}
	return sayFault, "" // the library refused what the wire took for right
}

// speak sends a saying of the costume.
func (w *wire) speak(what saying, arg string) { w.send([]byte(w.words(remark{what, arg}))) }

// words gives a remark as the costume words it.
func (w *wire) words(r remark) string {
	return w.s.dress.say(r.what, blanks{
		host: w.s.cfg.Hostname, arg: r.arg, peer: w.peer(), helo: w.helo, verb: w.cmd.verb,
		size: w.s.cfg.Limits.Message, now: w.s.cfg.Now,
	})
}

// proxy names the trusted proxy, if there is one.
func (w *wire) proxy() string {
	if p, ok := w.raw.(*proxied); ok {
		return p.Conn.RemoteAddr().String()
	}
	return ""
}

// peer gives the client's address as replies show it.
func (w *wire) peer() string {
	if w.client == "" {
		host, _, err := net.SplitHostPort(w.from)
		if err != nil {
			host = "unknown"
		}
		w.client = host
	}
	return w.client
}

func (w *wire) send(b []byte) {
	if w.over {
		return
	}
	if b[0] == '4' || b[0] == '5' {
		w.errors++
	}
	w.tape.say(dialogue.Reply, b)
	w.patience.begin()
	defer w.patience.end()
	if _, err := w.conn.Write(b); err != nil {
		w.because(endDisconnect)
		w.over = true // nobody is there to be told
	}
}

// recovered turns a panic into an error. It is deferred.
func (s *Server) recovered(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("panic of type %T", p)
		s.cfg.Log.Error("panic in a mail session", "type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
	}
}
