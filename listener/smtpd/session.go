package smtpd

import (
	"cmp"
	"errors"
	"io"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-smtp"

	"saltmine/internal/canary"
	"saltmine/internal/dialogue"
	"saltmine/internal/token"
	"saltmine/listener"
)

// session is what the library calls when a command has passed its checks. It
// turns transactions into contacts.
type session struct {
	w      *wire
	tx     *transaction
	queued string // the id of the last mail that was taken
}

// transaction is one MAIL and what follows it: one contact.
type transaction struct {
	id       canary.ContactID
	part     int
	at       time.Time // of the first recipient
	source   string
	targets  []canary.Target
	accepted int
}

func newSession(c *smtp.Conn) (smtp.Session, error) {
	w, ok := c.Conn().(*wire)
	if !ok {
		return nil, errors.New("smtpd: connection of another kind")
	}
	w.session = &session{w: w}
	return w.session, nil
}

// Mail begins a transaction.
func (s *session) Mail(string, *smtp.MailOptions) error {
	source := s.w.cmd.path
	if source == "" {
		source = "<>"
	}
	s.tx = &transaction{id: canary.ContactID(canary.NewID("k")), source: source[:min(len(source), mostPath)]}
	return nil
}

// Rcpt judges a recipient. One that passes is on the record before the answer.
func (s *session) Rcpt(string, *smtp.RcptOptions) (err error) {
	defer s.w.s.recovered(&err)
	tx, addr := s.tx, s.w.cmd.path
	shown := s.w.s.shown(s.w.cmd)
	if tx.at.IsZero() {
		tx.at = s.w.s.cfg.Now()
	}
	verdict := s.w.s.judge(s.w.cmd, s.w.raw.LocalAddr())
	if verdict == "" && tx.accepted >= s.w.s.cfg.Limits.Recipients {
		verdict = sayTooManyRcpt
	}
	if len(tx.targets) >= mostTargets {
		return s.refuse(sayTooManyRcpt, "")
	}
	tx.targets = append(tx.targets, canary.Target{Kind: canary.Email, Text: addr[:min(len(addr), mostPath)], Refused: verdict != ""})
	if verdict != "" {
		return s.refuse(verdict, shown)
	}
	c := s.contact()
	c.Open = true
	if err := s.w.hear(c); err != nil {
		tx.targets[len(tx.targets)-1].Refused = true
		return s.later(err, sayRcptLater, shown)
	}
	tx.accepted++
	return nil
}

// judge says what is wrong with a recipient, or nothing.
func (s *Server) judge(c command, here net.Addr) saying {
	if c.bare {
		return s.judgeBare(c.path)
	}
	path := withoutRoute(c.path)
	local, domain, err := token.SplitEmail(path)
	if err != nil { // too long, or nothing before the domain
		at := lastAt(path)
		local, domain = withoutQuotes(path[:at]), strings.ToLower(strings.TrimSuffix(path[at+1:], "."))
	}
	switch {
	case strings.ContainsAny(local, s.hiding()):
		return sayHidden
	case s.domains[domain]:
		if err == nil && s.cfg.Accept(local, domain) {
			return ""
		}
		return sayNoUser
	case domain == s.cfg.Hostname && local == "postmaster":
		return ""
	case domain == s.cfg.Hostname, literal(domain, here):
		return sayNoLocal
	}
	return sayRelay
}

// judgeBare judges a recipient without a domain (RFC 5321 §4.5.1).
func (s *Server) judgeBare(path string) saying {
	switch {
	case strings.EqualFold(path, "postmaster"):
		return ""
	case strings.ContainsAny(path, s.hiding()):
		return sayHidden
	}
	return sayNoLocal
}

// hiding are the characters by which an address hides another one.
func (s *Server) hiding() string { return cmp.Or(s.dress.ways.hiding, "@%!") }

// literal reports whether a domain is the ear's own address in brackets.
func literal(domain string, here net.Addr) bool {
	host, _, err := net.SplitHostPort(here.String())
	return err == nil && strings.TrimPrefix(strings.Trim(domain, "[]"), "ipv6:") == host
}

// shown is a recipient as replies repeat it.
func (s *Server) shown(c command) string { return withoutQuotes(withoutRoute(c.path)) }

// Data reads the message and has the whole contact on the record before the answer.
func (s *session) Data(io.Reader) (err error) {
	defer s.w.s.recovered(&err)
	size, cut, lost := s.w.readMessage()
	end := endData
	if lost != nil {
		end = s.w.because(endDisconnect)
		cut = end
	}
	c := s.contact()
	c.Probe = size == 0
	c.Facts["end"] = end
	c.Facts["bytes"] = strconv.FormatInt(size, 10)
	id := s.w.s.dress.queueID(s.w.s.cfg.Now(), s.w.s.cfg.Hostname)
	if cut != "" {
		c.Facts["truncated"] = cut
	} else {
		c.Facts["queue_id"] = id
	}
	heard := s.w.hear(c)
	s.w.delivered = accepted(s.tx.targets)
	s.forget(end)
	switch {
	case lost != nil && heard != nil:
		s.w.s.cfg.Log.Error("broken mail not stored", "contact", c.ID, "err", heard)
		return s.refuse(sayFault, "")
	case lost != nil:
		return s.refuse(sayFault, "")
	case heard != nil:
		return s.later(heard, sayDataLater, "")
	case cut == cutSize:
		return s.refuse(sayTooBig, "")
	case cut == cutMemory:
		return s.refuse(sayFull, "")
	}
	s.queued = id
	return nil
}

// accepted gives the recipients that were not refused.
func accepted(all []canary.Target) []string {
	var names []string
	for _, t := range all {
		if !t.Refused {
			names = append(names, t.Text)
		}
	}
	return names
}

// Reset ends the transaction without a message.
func (s *session) Reset() {
	if s.w.cmd.verb == "RSET" {
		s.finish("rset")
		return
	}
	if s.tx != nil {
		s.finish("helo")
		s.w.tape.say(dialogue.Command, s.w.line) // the greeting belongs to what follows, too
	}
}

// Logout ends the session.
func (s *session) Logout() error {
	s.finish(s.w.because(endDisconnect))
	return nil
}

// finish closes a transaction that came to no message: a probe, if anyone was
// asked for.
func (s *session) finish(end string) {
	if s.tx == nil {
		return
	}
	defer s.forget(end)
	if len(s.tx.targets) == 0 {
		return
	}
	c := s.contact()
	c.Probe = true
	c.Facts["end"] = end
	if err := s.w.hear(c); err != nil {
		s.w.s.cfg.Log.Error("probe not stored", "contact", c.ID, "err", err)
	}
}

// forget drops the transaction; later ones on the connection show where it was.
func (s *session) forget(end string) {
	id := s.tx.id
	s.tx = nil
	s.w.tape.end(false)
	s.w.told = nil
	s.w.tape.say(dialogue.Note, []byte("transaction "+string(id)+" ended: "+end+"\r\n"))
	s.w.s.held.Add(-int64(s.w.held))
	s.w.held = 0
}

// contact gives the record of the transaction as it stands, with its next part number.
func (s *session) contact() canary.Contact {
	facts := map[string]string{"helo": s.w.helo, "tls": s.w.tls, "proxy": s.w.proxy()}
	peer := cmp.Or(s.w.claims(facts), s.w.from)
	maps.DeleteFunc(facts, func(_, v string) bool { return v == "" })
	c := canary.Contact{
		ID: s.tx.id, Channel: canary.SMTP, At: s.tx.at, Ear: "smtpd", Part: s.tx.part,
		Peer: peer, Source: s.tx.source, Targets: slices.Clone(s.tx.targets),
		Facts: facts, Raw: s.w.tape.raw(),
	}
	s.tx.part++
	return c
}

// later answers a fault of ours with a temporary failure.
func (s *session) later(err error, what saying, arg string) error {
	s.w.s.cfg.Log.Warn("contact not stored, the client is asked to come again", "err", err)
	if errors.Is(err, listener.ErrFull) {
		return s.refuse(sayFull, "")
	}
	return s.refuse(what, arg)
}

// refuse words a negative answer. The library sends what is in a bare
// *smtp.SMTPError as it is.
func (s *session) refuse(what saying, arg string) error {
	text := strings.TrimSuffix(s.w.words(remark{what, arg}), "\r\n")
	code, message, _ := strings.Cut(text, " ")
	n, err := strconv.Atoi(code)
	if err != nil {
		return err
	}
	if s.w.cmd.verb == "RCPT" {
		s.w.note(message)
	}
	s.w.ours = true
	return &smtp.SMTPError{Code: n, EnhancedCode: smtp.NoEnhancedCode, Message: message}
}
