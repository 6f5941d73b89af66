// Package smtpd is the ear for mail: a mail host that takes every message for
// the names that the acceptance rule lets pass, keeps the whole dialogue byte
// for byte as evidence, and delivers nothing.
//
// It refuses to relay, to authenticate, to verify names, to take BDAT, and it
// never sends mail and never bounces. Every accepted name gets the same bytes
// after the same work; the ear does not know which of them are canaries.
//
// Its one invariant: a positive answer to RCPT or to the end of DATA is sent
// only after Hear has made the contact durable. One MAIL transaction is one
// contact. Each accepted recipient writes an open record ahead of its 250; the
// closing record, with every target and the message, is written ahead of the
// 250 to DATA, or as a probe when the transaction ends without a message.
// Recipients that were refused are targets too.
//
// It fails towards the client with temporary answers: 452 when the spool is
// full, 451 for every other fault of ours, never with an error's own text.
//
// Two parts share a connection. The wire stands between the client and the
// library (emersion/go-smtp): it terminates TLS, cuts the stream into commands,
// holds the limits, reads the message itself, records both directions (format:
// package dialogue) and words every reply in the costume of a common server.
// The library behind it keeps the protocol's state; it sees one clean command at
// a time, without the client's words, and an empty message. So what is evidence
// and what is obeyed are decided on the same bytes, and nothing that the
// library does with a broken stream can turn message text into commands.
//
// The facts of a contact: "helo", "tls" (version and cipher), "proxy" (the
// trusted proxy that told the peer), "forwarded_by" (the trusted mail server that
// told the peer, by XFORWARD) and what else it told of its client:
// "forwarded_name", "forwarded_helo", "forwarded_proto", "forwarded_ident" (the
// mail's id there), "forwarded_source"; "end" (how the transaction ended: data,
// rset, helo, quit, starttls, or why the connection was lost: disconnect, idle,
// session, slow, commands, errors, protocol, tls, shutdown, fault), "bytes" (of the message, as sent), "truncated" (why the message is not whole:
// size, memory, or why the connection was lost), "queue_id" (the id that the client was told).
package smtpd

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emersion/go-smtp"

	"saltmine/internal/canary"
	"saltmine/internal/token"
)

// Config is what an ear for mail needs.
type Config struct {
	// Hostname is the name that the banner and EHLO show.
	Hostname string
	// Domains are the owned domains; at least one. Mail for postmaster without
	// a domain counts as mail for the first.
	Domains []string
	// Accept is the blind acceptance rule. Both arguments are in canonical form
	// (token.SplitEmail).
	Accept func(local, domain string) bool
	// Hear makes a contact durable. The ear answers yes only after it returned nil.
	Hear func(context.Context, canary.Contact) error
	// Costume names the server to be taken for: "postfix", the default, "exim" or
	// "exchange".
	Costume string
	// TLS turns STARTTLS on when it is not nil.
	TLS *tls.Config
	// ProxyFrom are the addresses of the proxies in front, which begin every
	// connection with a PROXY header that names the client. One that does not is
	// hung up on; a header from anybody else is a command like others.
	ProxyFrom []netip.Prefix
	// ForwardFrom are the mail servers in front that may tell by XFORWARD who their
	// clients are. Those who deliver by LMTP may anyway.
	ForwardFrom []netip.Prefix
	// Limits bound what a stranger can use up. Zero fields have defaults.
	Limits Limits
	// Now gives the time for stamps. Waiting is not measured with it.
	Now func() time.Time
	// Log receives state changes and faults; nil discards them.
	Log *slog.Logger
}

// Server is one ear. Make it with New.
type Server struct {
	cfg       Config
	domains   map[string]bool
	origin    string // the domain of a postmaster without one
	dress     costume
	strangers atomic.Int64 // connections whose proxy has not yet said whose they are
	paper     paper
	held      atomic.Int64 // bytes of messages in memory, over all connections
}

// New checks the configuration, reporting every fault at once, and returns an
// ear that is not yet listening.
func New(cfg Config) (*Server, error) {
	s := &Server{cfg: cfg, domains: map[string]bool{}}
	var faults []error
	bad := func(format string, args ...any) { faults = append(faults, fmt.Errorf("smtpd: "+format, args...)) }
	host, err := token.Domain(cfg.Hostname)
	if err != nil {
		bad("hostname: %w", err)
	}
	s.cfg.Hostname = host
	for i, d := range cfg.Domains {
		name, err := token.Domain(d)
		if err != nil {
			bad("domain %d: %w", i+1, err)
		}
		s.domains[name] = true
		if i == 0 {
			s.origin = name
		}
	}
	if len(cfg.Domains) == 0 {
		bad("no domain")
	}
	if cfg.Accept == nil || cfg.Hear == nil || cfg.Now == nil {
		bad("Accept, Hear and Now are required")
	}
	if s.dress, err = newCostume(cfg.Costume); err != nil {
		bad("%w", err)
	}
	if s.cfg.Limits, err = cfg.Limits.filled(); err != nil {
		bad("limits: %w", err)
	}
	if cfg.Log == nil {
		s.cfg.Log = slog.New(slog.DiscardHandler)
	}
	return s, errors.Join(faults...)
}

// Run serves the listeners, each for SMTP or, when it comes from LMTP, for that,
// until ctx ends. It then closes them, lets open
// transactions finish for at most Limits.Drain, closes every connection that is
// left, and returns nil once all that was heard has been given to Hear. It
// returns an error when a listener breaks, or when Hear does not come back.
func (s *Server) Run(ctx context.Context, ln ...net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// What was heard is still written while the ear shuts down.
	hearing, deaf := context.WithCancel(context.WithoutCancel(ctx))
	defer deaf()

	people := newCrowd(s.cfg.Limits)
	inner := newDoor()
	var serving sync.WaitGroup
	serving.Go(func() { _ = s.library().Serve(inner) }) // ends with inner, whose closing is its only error

	unlisten := context.AfterFunc(ctx, func() {
		for _, l := range ln {
			_ = l.Close()
		}
	})
	defer unlisten()
	broken := make(chan error, len(ln))
	var doors sync.WaitGroup
	for _, l := range ln {
		doors.Go(func() {
			if err := s.greet(ctx, l, func(c net.Conn) {
				if !s.trusts(c) {
					s.admit(hearing, c, people, inner)
					return
				}
				doors.Go(func() { s.introduce(ctx, c, func(c net.Conn) { s.admit(hearing, c, people, inner) }) }) // ends with the header, or its time
			}); err != nil {
				broken <- fmt.Errorf("smtpd: accept: %w", err)
				cancel()
			}
		})
	}
	<-ctx.Done()
	doors.Wait()
	close(broken)
	faults := []error{people.dismiss(s.cfg.Limits.Drain, deaf)}
	_ = inner.Close()
	serving.Wait()
	for err := range broken {
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}

// library returns the protocol's state machine. It listens on nothing itself.
func (s *Server) library() *smtp.Server {
	lib := smtp.NewServer(smtp.BackendFunc(newSession))
	lib.Domain = s.cfg.Hostname
	lib.MaxMessageBytes = s.cfg.Limits.Message
	lib.MaxLineLength = 0 // the wire bounds lines
	lib.EnableSMTPUTF8 = true
	lib.ErrorLog = quiet{s.cfg.Log}
	return lib
}

// quiet passes on that the library complained, without what it said: its texts
// hold addresses.
type quiet struct{ log *slog.Logger }

// Printf is asked for by the library.
func (q quiet) Printf(format string, _ ...any) { q.log.Warn("smtp library complains", "about", format) }

// Println is asked for by the library.
func (q quiet) Println(...any) { q.log.Warn("smtp library complains") }
