// Package syslog sends pages as syslog messages of RFC 5424, over UDP (RFC
// 5426), TCP with octet counting (RFC 6587 §3.4.1) or TLS (RFC 5425):
//
//	<130>1 2026-08-05T10:00:00Z host saltmine - page - about=i_… severity=P1 P1 db:main: 3 contacts …
//
// With Format "cef" the message is an event of ArcSight's Common Event Format:
//
//	CEF:0|Saltmine|Saltmine|1|page|P1 db:main: 3 contacts …|10|externalId=i_… cs1Label=place cs1=db:main msg=…
//
// The facility is 16 (local0); P1 is critical, P2 error, P3 warning, P4 notice,
// and what needs nobody's attention is informational. There is no structured
// data: it would need an enterprise number.
//
// The package refuses to claim what syslog cannot: no receiver of it ever says
// yes. A page counts as taken when the system has taken the bytes, and the other end
// of a stream does not object; over UDP that means little, so have another route. How it fails: what cannot be dialled or
// written is a *pager.Error to be tried again.
package syslog

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/pager"
	"saltmine/internal/pager/render"
)

const (
	stepTime = 10 * time.Second
	waitTime = 2 * time.Second // for a receiver that objects
	maxBytes = 2048            // of a message: every receiver shall take as many (RFC 5424 §6.1)
	facility = 16
)

// Config is what a route needs. Address and Set must be set.
type Config struct {
	Address string // udp://host:port, tcp://… or tls://…
	Format  string // "rfc5424", which is the default, or "cef"
	Host    string // our name; empty is the system's
	RootCAs *x509.CertPool
	Set     *render.Set
}

// Route sends pages to one receiver.
type Route struct {
	cfg  Config
	to   *url.URL
	form *render.Form
}

// New returns a route.
func New(cfg Config) (*Route, error) {
	to, err := url.Parse(cfg.Address)
	if err != nil || to.Port() == "" || to.Scheme != "udp" && to.Scheme != "tcp" && to.Scheme != "tls" {
		return nil, errors.New("syslog: want udp://host:port, tcp://host:port or tls://host:port")
	}
	if cfg.Set == nil {
		return nil, errors.New("syslog: no templates")
	}
	if cfg.Host == "" {
		if cfg.Host, err = os.Hostname(); err != nil {
			return nil, fmt.Errorf("syslog: %w", err)
		}
	}
	return &Route{cfg: cfg, to: to, form: cfg.Set.Form("syslog", "", nil)}, nil
}

// Log writes lines that are no pages.
type Log struct{ r Route }

// NewLog is New for lines that are no pages: it needs no templates.
func NewLog(cfg Config) (*Log, error) {
	cfg.Set = new(render.Set) // no page goes through it
	r, err := New(cfg)
	if err != nil {
		return nil, err
	}
	return &Log{*r}, nil
}

// Note writes one line as informational.
func (l *Log) Note(ctx context.Context, at time.Time, msgID, text string) error {
	_, err := l.r.write(ctx, cutBytes(fmt.Sprintf("<%d>1 %s %s saltmine - %s - %s", facility*8+6, canary.Micro(at).Format(time.RFC3339Nano), name(l.r.cfg.Host), msgID, text), maxBytes))
	return err
}

// Check connects, and over UDP finds the receiver's name alone.
func (l *Log) Check(ctx context.Context) error { return l.r.Check(ctx) }

// Send is the route (see pager.Send).
func (r *Route) Send(ctx context.Context, d pager.Delivery) (pager.Receipt, error) {
	return r.write(ctx, r.message(ctx, d))
}

func (r *Route) write(ctx context.Context, msg string) (pager.Receipt, error) {
	conn, err := r.dial(ctx)
	if err != nil {
		return "", &pager.Error{Class: "connect", Retry: true, Err: err}
	}
	if r.to.Scheme != "udp" {
		msg = strconv.Itoa(len(msg)) + " " + msg
	}
	err = conn.SetDeadline(time.Now().Add(stepTime)) //nolint:forbidigo // a deadline of the system
	if err == nil {
		_, err = conn.Write([]byte(msg))
	}
	if err == nil {
		err = refused(conn)
	}
	if err = errors.Join(err, conn.Close()); err != nil {
		return "", &pager.Error{Class: "cut off", Retry: true, Err: err}
	}
	return "written", nil
}

// refused waits a little for a stream's receiver to say that it wants nothing of
// us: in TLS 1.3 its alert, for want of a certificate, comes after the handshake
// is done on our side. One that goes on listening has no objection.
func refused(conn net.Conn) error {
	half, ok := conn.(interface{ CloseWrite() error })
	if !ok {
		return nil
	}
	err := errors.Join(half.CloseWrite(), conn.SetReadDeadline(time.Now().Add(waitTime))) //nolint:forbidigo // a deadline of the system
	if err == nil {
		_, err = conn.Read(make([]byte, 1))
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	return err
}

// Check connects, and over UDP finds the receiver's name alone.
func (r *Route) Check(ctx context.Context) error {
	conn, err := r.dial(ctx)
	if err != nil {
		return err
	}
	return conn.Close()
}

func (r *Route) dial(ctx context.Context) (net.Conn, error) {
	d := net.Dialer{Timeout: stepTime}
	if r.to.Scheme == "tls" {
		return (&tls.Dialer{NetDialer: &d, Config: &tls.Config{RootCAs: r.cfg.RootCAs, MinVersion: tls.VersionTLS12}}).DialContext(ctx, "tcp", r.to.Host)
	}
	return d.DialContext(ctx, r.to.Scheme, r.to.Host)
}

// message is the whole, on one line.
func (r *Route) message(ctx context.Context, d pager.Delivery) string {
	t, p := r.form.Text(ctx, d, 300, 4000), pager.Clean(d.Page)
	said := fmt.Sprintf("about=%s severity=%s %s", p.About(), p.Severity, t.Title)
	if r.cfg.Format == "cef" {
		said = cef(d, p, t)
	}
	head := fmt.Sprintf("<%d>1 %s %s saltmine - %s - ", facility*8+level(d), canary.Micro(p.At).Format(time.RFC3339Nano), name(r.cfg.Host), msgID(d))
	return cutBytes(head+strings.Join(strings.Fields(said), " "), maxBytes)
}

func msgID(d pager.Delivery) string {
	if d.Test {
		return "test"
	}
	return map[string]string{pager.Resolve: "resolved", pager.Trigger: "page", pager.Update: "updated"}[d.Kind]
}

// level is the severity of RFC 5424.
func level(d pager.Delivery) int {
	if d.Quiet || d.Test || d.Kind == pager.Resolve {
		return 6
	}
	return min(5, 1+int(d.Page.Severity)) // P1 is 2, critical
}

// name makes a host's name fit: printable ASCII without spaces.
func name(s string) string {
	s = strings.Map(func(r rune) rune {
		if r > 32 && r < 127 {
			return r
		}
		return -1
	}, s)
	if s == "" {
		return "-"
	}
	return s[:min(len(s), 255)]
}

// cef gives an event. In the header a bar, in the extension an equals sign are
// escaped, in both the backslash.
func cef(d pager.Delivery, p canary.Page, t render.Text) string {
	header := strings.NewReplacer(`\`, `\\`, `|`, `\|`, "\n", " ").Replace
	value := strings.NewReplacer(`\`, `\\`, `=`, `\=`, "\n", `\n`).Replace
	urgency := map[canary.Severity]int{canary.P1: 10, canary.P2: 8, canary.P3: 5, canary.P4: 3}[p.Severity]
	if d.Kind == pager.Resolve || d.Test {
		urgency = 0
	}
	if d.Kind == pager.Update {
		urgency = min(urgency, 3) // whatever alarms by it has been alarmed
	}
	return fmt.Sprintf("CEF:0|Saltmine|Saltmine|1|%s|%s|%d|externalId=%s cs1Label=place cs1=%s cs2Label=verdict cs2=%s cnt=%d msg=%s",
		msgID(d), header(cmp.Or(t.Title, "a page")), urgency, value(p.About()), value(string(p.Place)), value(string(d.Verdict)), p.Contacts, value(t.Body))
}

// cutBytes shortens s to n bytes, at the end of a character.
func cutBytes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.TrimRight(strings.ToValidUTF8(s[:n], ""), `\`)
}
