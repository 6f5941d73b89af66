package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"time"

	"saltmine/internal/conf"
	"saltmine/internal/seal"
	"saltmine/internal/spool"
	"saltmine/internal/token"
	"saltmine/internal/webhook"
	"saltmine/listener"
	"saltmine/listener/acmed"
	"saltmine/listener/desk"
	"saltmine/listener/mailbox"
	"saltmine/listener/smtpd"
)

// job is one long-lived part of serve.
type job struct {
	name string
	run  func(context.Context) error
}

// ears makes the configured listeners. Every port is taken here, so that a
// port in use fails the start and not the first contact.
type ears struct {
	cfg  *conf.Config
	road *listener.Road
	rule token.Rule
	seed []byte // of the zones' profiles
	now  func() time.Time
	log  *slog.Logger

	jobs   []job
	addrs  map[string]string // where each ear listens, by section
	opened []interface{ Close() error }
	stats  []func() (name string, values map[string]float64)
	// mailbox is nil on an edge, and where no mailboxes are read.
	mailbox *mailbox.Ear
}

// newRoad is the way from the ears into a spool.
func newRoad(lid *seal.Lid, sp *spool.Spool) *listener.Road {
	return listener.New(listener.Config{
		Seal:   lid.AppendSealed,
		Append: func(ctx context.Context, key listener.Key, sealed []byte) error { return sp.Append(ctx, key, sealed) },
		AppendAll: func(ctx context.Context, records []listener.Record) []error {
			items := make([]spool.Item, len(records))
			for i, r := range records {
				items[i] = spool.Item{Key: r.Key, Sealed: r.Sealed}
			}
			return sp.AppendAll(ctx, items)
		},
		Full: func(err error) bool { return errors.Is(err, spool.ErrFull) },
	})
}

func (e *ears) open(ctx context.Context) error {
	err := errors.Join(e.smtp(ctx), e.dns(ctx), e.phone(ctx), e.ticket(ctx), e.report(ctx))
	if err != nil {
		e.close()
	}
	return err
}

func (e *ears) close() {
	for _, c := range e.opened {
		c.Close() //nolint:errcheck // the start has failed already
	}
}

func (e *ears) listen(ctx context.Context, what, addr string) (net.Listener, error) {
	ln, err := (&net.ListenConfig{KeepAlive: -1}).Listen(ctx, "tcp", addr) // every ear loses patience before a probe would tell
	if err != nil {
		return nil, fmt.Errorf("[%s] listen: %w", what, err)
	}
	e.opened = append(e.opened, ln)
	if e.addrs == nil {
		e.addrs = map[string]string{}
	}
	e.addrs[what] = ln.Addr().String()
	e.log.Info("listening", "ear", what, "addr", ln.Addr().String())
	return ln, nil
}

func (e *ears) smtp(ctx context.Context) error {
	c := e.cfg.SMTP
	if c == nil {
		return nil
	}
	sc := smtpd.Config{
		Hostname: c.Hostname, Domains: e.cfg.Pool.Domains, Accept: e.rule.Passes, Hear: e.road.Hear, Costume: c.Costume,
		ProxyFrom: c.ProxyFrom, ForwardFrom: c.ForwardFrom, Now: e.now, Log: e.log.With("ear", "smtpd"),
		Limits: smtpd.Limits{Connections: c.Connections, PerAddress: c.ConnectionsPerAddress},
	}
	var err error
	if sc.TLS, err = e.certificate(ctx, c); err != nil {
		return fmt.Errorf("[smtp] %w", err)
	}
	srv, err := smtpd.New(sc)
	if err != nil {
		return fmt.Errorf("[smtp]: %w", err)
	}
	var lns []net.Listener
	for _, addr := range c.Listen {
		ln, err := e.listen(ctx, "smtp", addr)
		if err != nil {
			return err
		}
		lns = append(lns, ln)
	}
	if c.LMTP != "" {
		ln, err := e.socket(ctx, c.LMTP, c.LMTPMode)
		if err != nil {
			return err
		}
		lns = append(lns, smtpd.LMTP(ln))
	}
	e.jobs = append(e.jobs, job{"smtpd", func(ctx context.Context) error { return srv.Run(ctx, lns...) }})
	return nil
}

// certificate is what STARTTLS shows: from files, from an authority, or none.
func (e *ears) certificate(ctx context.Context, c *conf.SMTP) (*tls.Config, error) {
	log := e.log.With("ear", "smtpd")
	if c.TLSCert != "" {
		pair, err := smtpd.NewCertificate(c.TLSCert, c.TLSKey, log)
		if err != nil {
			return nil, err
		}
		return pair.Config(), nil
	}
	if c.ACME == "" {
		return nil, nil
	}
	ac := acmed.Config{Hostname: c.Hostname, Directory: c.ACME, Email: c.ACMEEmail, Dir: c.ACMEDir, Log: log}
	if c.ACMERoots != "" {
		pem, err := os.ReadFile(c.ACMERoots)
		if err != nil {
			return nil, fmt.Errorf("acme_roots: %w", err)
		}
		ac.Roots = x509.NewCertPool()
		if !ac.Roots.AppendCertsFromPEM(pem) {
			return nil, errors.New("acme_roots: no certificate in it")
		}
	}
	client, err := acmed.New(ac)
	if err != nil {
		return nil, err
	}
	var secure, plain net.Listener
	if c.ACMEListen != "" {
		if secure, err = e.listen(ctx, "acme", c.ACMEListen); err != nil {
			return nil, err
		}
	}
	if c.ACMEHTTP != "" {
		if plain, err = e.listen(ctx, "acme-http", c.ACMEHTTP); err != nil {
			return nil, err
		}
	}
	e.jobs = append(e.jobs, job{"acme", func(ctx context.Context) error { return client.Run(ctx, secure, plain) }})
	return client.TLS(), nil
}

// socket takes a Unix socket for LMTP. One that a killed process left behind is
// removed; one on which somebody answers is in use.
func (e *ears) socket(ctx context.Context, path string, mode fs.FileMode) (net.Listener, error) {
	if c, err := new(net.Dialer).DialContext(ctx, "unix", path); err == nil {
		return nil, errors.Join(fmt.Errorf("[smtp] lmtp: %s is in use", path), c.Close())
	}
	if info, err := os.Lstat(path); err == nil && info.Mode().Type() == fs.ModeSocket {
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("[smtp] lmtp: %w", err)
		}
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("[smtp] lmtp: %w", err)
	}
	e.opened = append(e.opened, ln)
	if err := os.Chmod(path, mode); err != nil {
		return nil, fmt.Errorf("[smtp] lmtp: %w", err)
	}
	e.log.Info("listening", "ear", "lmtp", "addr", path)
	return ln, nil
}

func (e *ears) ticket(ctx context.Context) error {
	c := e.cfg.Ticket
	if c == nil {
		return nil
	}
	var agents []desk.Agent
	for _, a := range c.Agents {
		agents = append(agents, desk.Agent{Name: a.Name, Token: webhook.Hidden(a.Token.Reveal())})
	}
	ear, err := desk.New(desk.Config{
		Agents: agents, Rate: desk.Rate{PerMinute: c.PerMinute, Burst: c.Burst, Keep: 20 * c.PerMinute}, Hear: e.road.Hear, Now: e.now, Log: e.log.With("ear", "ticket"),
	})
	if err != nil {
		return fmt.Errorf("[ticket]: %w", err)
	}
	e.stats = append(e.stats, func() (string, map[string]float64) {
		s := ear.Stats()
		return "ticket", map[string]float64{"heard": float64(s.Heard), "over_rate": float64(s.OverRate), "strangers": float64(s.Strangers), "failed": float64(s.Failed)}
	})
	return e.web(ctx, "ticket", c.Listen, ear)
}

func (e *ears) web(ctx context.Context, what, addr string, h http.Handler) error {
	ln, err := e.listen(ctx, what, addr)
	if err != nil {
		return err
	}
	e.jobs = append(e.jobs, job{what, webJob(ln, h, e.log)})
	return nil
}

// webJob serves h on ln until its context ends, then finishes what is under way.
func webJob(ln net.Listener, h http.Handler, log *slog.Logger) func(context.Context) error {
	return serveJob(ln, webhook.Server(h, log))
}

func serveJob(ln net.Listener, srv *http.Server) func(context.Context) error {
	return func(ctx context.Context) error {
		done := make(chan error, 1)
		go func() { done <- srv.Serve(ln) }() // ends when the server is shut down below
		select {
		case err := <-done:
			return err
		case <-ctx.Done():
		}
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if srv.Shutdown(last) != nil {
			// A client that is still sending has no say in how we end.
			return srv.Close()
		}
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	}
}

// needsEar reports that a configuration has no ear at all.
func needsEar(cfg *conf.Config) bool {
	return !slices.Contains([]bool{cfg.SMTP != nil, cfg.DNS != nil, cfg.Phone != nil, cfg.Ticket != nil, cfg.Report != nil, cfg.Mailbox != nil}, true)
}
