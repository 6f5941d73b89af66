// Package email sends pages as mail by submission (RFC 6409): smtp://host:587
// with STARTTLS (RFC 3207), or smtps://host:465 (RFC 8314). Without TLS it speaks
// to a loopback address alone, without a login and without authorities of its own.
//
// A page is one text/plain mail to all recipients. Its Message-ID is made of
// [pager.Delivery.ID], so it is the same on every attempt, and mails about one
// incident refer to the same id and answer the first that was taken, so that they
// stand together. They say
// Auto-Submitted (RFC 3834), so that nobody's absence notice answers.
//
// The server's yes to the message is the receipt: it took over the page, which
// may still wait, or bounce to the sender's address. Somebody should read that.
// How it fails: with a *pager.Error that is to be tried again, after a minute at
// least where the server refuses for good (5yz) or the login: somebody has to
// mend something, and the page must be there when they have. When some recipients
// are refused and others are not, the page went out.
package email

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"saltmine/internal/pager"
	"saltmine/internal/pager/render"
)

// wholeTime bounds one attempt. The library has times of its own for each
// command, of minutes; the connection is closed under it.
const wholeTime = time.Minute

// patience is the least pause after a refusal that no waiting mends.
const patience = time.Minute

// Config is what a route needs. Address, From, To and Set must be set.
type Config struct {
	Address  string // smtp://host:port or smtps://host:port
	User     string // empty: the server wants to know no user
	Password string
	From     string
	To       []string
	RootCAs  *x509.CertPool // nil are the system's
	Set      *render.Set
}

// Route sends pages to some recipients.
type Route struct {
	cfg  Config
	to   *url.URL
	form *render.Form
}

// New returns a route.
func New(cfg Config) (*Route, error) {
	to, err := url.Parse(cfg.Address)
	switch {
	case err != nil || to.Port() == "" || to.Scheme != "smtp" && to.Scheme != "smtps":
		return nil, errors.New("email: want smtp://host:port or smtps://host:port")
	case cfg.From == "" || len(cfg.To) == 0 || cfg.Set == nil:
		return nil, errors.New("email: From, To and Set are required")
	}
	return &Route{cfg: cfg, to: to, form: cfg.Set.Form("email", "", nil)}, nil
}

// Send is the route (see pager.Send).
func (r *Route) Send(ctx context.Context, d pager.Delivery) (pager.Receipt, error) {
	ctx, cancel := context.WithTimeout(ctx, wholeTime)
	defer cancel()
	c, err := r.dial(ctx)
	if err != nil {
		return "", fault(ctx, "connect", err)
	}
	defer c.Close() //nolint:errcheck // what counts is the answer to the message
	if err := c.Mail(r.cfg.From, nil); err != nil {
		return "", fault(ctx, "sender", err)
	}
	var refused []error
	for _, to := range r.cfg.To {
		if err := c.Rcpt(to, nil); err != nil {
			refused = append(refused, err)
		}
	}
	if len(refused) == len(r.cfg.To) {
		return "", fault(ctx, "recipient", errors.Join(refused...))
	}
	w, err := c.Data()
	if err != nil {
		return "", fault(ctx, "message", err)
	}
	if _, err := io.WriteString(w, r.message(ctx, d)); err != nil {
		return "", fault(ctx, "message", err)
	}
	if err := w.Close(); err != nil {
		return "", fault(ctx, "message", err)
	}
	_ = c.Quit() // the page has gone out
	if len(refused) > 0 {
		return pager.Receipt(fmt.Sprintf("taken, for %d of %d recipients", len(r.cfg.To)-len(refused), len(r.cfg.To))), nil
	}
	return "taken", nil
}

// Check connects and logs in, and asks whether the recipients would be taken.
func (r *Route) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, wholeTime)
	defer cancel()
	c, err := r.dial(ctx)
	if err != nil {
		return err
	}
	defer c.Close() //nolint:errcheck // nothing was sent
	if err := c.Mail(r.cfg.From, nil); err != nil {
		return fmt.Errorf("sender: %w", err)
	}
	for _, to := range r.cfg.To {
		if err := c.Rcpt(to, nil); err != nil {
			return fmt.Errorf("recipient: %w", err)
		}
	}
	return c.Quit()
}

// dial connects, makes the connection safe and logs in. The connection ends with
// ctx.
func (r *Route) dial(ctx context.Context) (*smtp.Client, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", r.to.Host)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { _ = conn.Close() })
	c, err := r.secure(ctx, conn)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	if r.cfg.User == "" {
		return c, nil
	}
	if err := c.Auth(r.login(c)); err != nil {
		_ = c.Close() // what counts is why
		return nil, &loginError{err}
	}
	return c, nil
}

func (r *Route) secure(ctx context.Context, conn net.Conn) (*smtp.Client, error) {
	config := &tls.Config{ServerName: r.to.Hostname(), RootCAs: r.cfg.RootCAs, MinVersion: tls.VersionTLS12}
	if r.to.Scheme == "smtps" {
		safe := tls.Client(conn, config)
		if err := safe.HandshakeContext(ctx); err != nil {
			return nil, err
		}
		return r.greet(smtp.NewClient(safe))
	}
	if local(conn.RemoteAddr()) && r.cfg.User == "" && r.cfg.RootCAs == nil {
		return r.greet(smtp.NewClient(conn))
	}
	c, err := smtp.NewClientStartTLS(conn, config)
	if err != nil {
		return nil, err
	}
	return r.greet(c)
}

func (r *Route) greet(c *smtp.Client) (*smtp.Client, error) { return c, c.Hello(r.name()) }

// name is what we call ourselves: the sender's domain.
func (r *Route) name() string { return r.cfg.From[strings.LastIndexByte(r.cfg.From, '@')+1:] }

func (r *Route) login(c *smtp.Client) sasl.Client {
	if !c.SupportsAuth(sasl.Plain) && c.SupportsAuth(sasl.Login) {
		return sasl.NewLoginClient(r.cfg.User, r.cfg.Password)
	}
	return sasl.NewPlainClient("", r.cfg.User, r.cfg.Password)
}

func local(a net.Addr) bool {
	ap, err := netip.ParseAddrPort(a.String())
	return err == nil && ap.Addr().Unmap().IsLoopback()
}

// loginError is a login that was refused. What the server says of it may quote
// what it was given.
type loginError struct{ err error }

func (e *loginError) Error() string { return "the server refuses the login" }
func (e *loginError) Unwrap() error { return e.err }

// fault tells how an attempt failed. What the server said stays out: it is
// anybody's text, and may quote the page.
func fault(ctx context.Context, where string, err error) *pager.Error {
	var said *smtp.SMTPError
	var timeout net.Error
	switch {
	case errors.As(err, &said):
		if _, at := errors.AsType[*loginError](err); at {
			where = "login"
		}
		e := &pager.Error{Class: fmt.Sprintf("%s: status %d", where, said.Code), Retry: true}
		if said.Code >= 500 {
			e.RetryAfter = patience
		}
		return e
	case ctx.Err() != nil, errors.As(err, &timeout) && timeout.Timeout():
		return &pager.Error{Class: "timeout", Retry: true}
	}
	return &pager.Error{Class: where, Retry: true, Err: err}
}
