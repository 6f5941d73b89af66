// Package post makes one bounded HTTP request for a route of the pager and says
// what went wrong in the pager's words.
//
// It verifies TLS certificates, follows no redirect (a page must not be carried
// to an address that nobody configured), reads at most 64 KiB of the answer and
// bounds every step in time. It refuses to read the environment: a proxy is
// used only when Config names one.
//
// The invariant: an error of Do never holds the URL, because for some receivers
// the URL is the secret. It is a *pager.Error with Retry set and a class out of
// "timeout", "dns", "tls", "connect", "cut off", "transport". What a status
// means is left to the route; [Refusal] holds what all routes have in common.
package post

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"saltmine/internal/pager"
)

// Config is what a poster may be told. Now must be set; the zero value of the
// rest is good.
type Config struct {
	Now func() time.Time
	// RootCAs replaces the system's certificate authorities.
	RootCAs *x509.CertPool
	// Proxy chooses a proxy for a request; nil uses none.
	Proxy func(*http.Request) (*url.URL, error)
	// Dial opens connections; nil is a plain dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Poster makes requests. It is safe for concurrent use.
type Poster struct {
	client *http.Client
	now    func() time.Time
	dial   func(ctx context.Context, network, address string) (net.Conn, error)
	roots  *x509.CertPool
}

const (
	stepTime  = 10 * time.Second // to connect, to shake hands
	wholeTime = 25 * time.Second // for everything: below the pager's own timeout
	maxAnswer = 64 << 10
)

// New returns a poster.
func New(cfg Config) *Poster {
	if cfg.Dial == nil {
		cfg.Dial = (&net.Dialer{Timeout: stepTime}).DialContext
	}
	way := &http.Transport{
		Proxy:                  cfg.Proxy,
		DialContext:            cfg.Dial,
		TLSClientConfig:        &tls.Config{RootCAs: cfg.RootCAs, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    stepTime,
		MaxResponseHeaderBytes: maxAnswer,
		MaxIdleConnsPerHost:    1,
		IdleConnTimeout:        30 * time.Second,
		ForceAttemptHTTP2:      true,
	}
	return &Poster{now: cfg.Now, dial: cfg.Dial, roots: cfg.RootCAs, client: &http.Client{
		Transport:     way,
		Timeout:       wholeTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// ParseURL checks that s can be posted to: an absolute http or https URL. Its
// error does not show s.
func ParseURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, errors.New("not an absolute http or https URL")
	}
	return u, nil
}

// Answer is what a receiver said.
type Answer struct {
	Status     int
	RetryAfter time.Duration // how long it asks to wait; 0 when it does not say
	Body       []byte        // the first 64 KiB
}

// Do posts a body, which is JSON where the header does not say otherwise. An
// answer of any status is no error.
func (p *Poster) Do(ctx context.Context, to *url.URL, header http.Header, body []byte) (Answer, error) {
	h := http.Header{"Content-Type": {"application/json"}}
	maps.Copy(h, header)
	return p.do(ctx, http.MethodPost, to, h, body)
}

// Get asks without a body.
func (p *Poster) Get(ctx context.Context, to *url.URL, header http.Header) (Answer, error) {
	return p.do(ctx, http.MethodGet, to, header, nil)
}

// Reach connects to a receiver, with TLS where the URL says so, and asks nothing.
func (p *Poster) Reach(ctx context.Context, to *url.URL) error {
	port := to.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[to.Scheme]
	}
	ctx, cancel := context.WithTimeout(ctx, stepTime)
	defer cancel()
	conn, err := p.dial(ctx, "tcp", net.JoinHostPort(to.Hostname(), port))
	if err != nil {
		return fault(err)
	}
	defer conn.Close() //nolint:errcheck // nothing was sent
	if to.Scheme != "https" {
		return nil
	}
	if err := tls.Client(conn, &tls.Config{RootCAs: p.roots, ServerName: to.Hostname(), MinVersion: tls.VersionTLS12}).HandshakeContext(ctx); err != nil {
		return fault(err)
	}
	return nil
}

func (p *Poster) do(ctx context.Context, method string, to *url.URL, header http.Header, body []byte) (Answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, to.String(), bytes.NewReader(body))
	if err != nil {
		return Answer{}, fault(err)
	}
	maps.Copy(req.Header, header)
	req.Header.Set("User-Agent", "saltmine")
	res, err := p.client.Do(req)
	if err != nil {
		return Answer{}, fault(err)
	}
	defer res.Body.Close() //nolint:errcheck // read-only; the status has been seen
	a := Answer{Status: res.StatusCode, RetryAfter: retryAfter(res.Header.Get("Retry-After"), p.now())}
	// The status is the answer; a body that breaks off does not change it.
	a.Body, _ = io.ReadAll(io.LimitReader(res.Body, maxAnswer)) // see above
	return a, nil
}

// retryAfter reads the header in both of its forms (RFC 9110 §10.2.3). What
// cannot be read, or lies in the past, is 0.
func retryAfter(s string, now time.Time) time.Duration {
	if n, err := strconv.ParseInt(s, 10, 32); err == nil {
		return max(0, time.Duration(n)*time.Second)
	}
	if t, err := http.ParseTime(s); err == nil {
		return max(0, t.Sub(now))
	}
	return 0
}

// fault brings a transport's error into the pager's words, without the URL. An
// error that has no class of its own may quote what the peer said, which may be
// the request, and the URL with it.
func fault(err error) *pager.Error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	e := &pager.Error{Class: class(err), Retry: true, Err: err}
	if e.Class == transport {
		e.Err = errors.New("the answer is not HTTP, or broke off")
	}
	return e
}

const transport = "transport" // the class of what has none

func class(err error) string {
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
		return "timeout"
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return "dns"
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "tls"
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok || errors.Is(err, http.ErrSchemeMismatch) {
		return "tls"
	}
	if e, ok := errors.AsType[*net.OpError](err); ok && e.Op == "dial" {
		return "connect"
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "cut off"
	}
	return transport
}

// patience is the least pause after an answer that no waiting mends: a person
// has to change something, and the page must still be there when they have.
const patience = time.Minute

// Refusal turns a status that is not a yes into the pager's words. Statuses
// that pass by themselves (408, 425, 429, 5xx) are tried again at the pager's
// pace or at the receiver's. All others, 4xx and redirects alike, mean that one
// side is misconfigured; they are tried again too, a minute apart at least,
// because a page at three in the morning outweighs a few useless requests. A
// route that knows a status to be final says so itself.
func Refusal(a Answer) *pager.Error {
	e := &pager.Error{Class: fmt.Sprintf("status %d", a.Status), Retry: true, RetryAfter: a.RetryAfter}
	switch {
	case a.Status >= 500, a.Status == http.StatusRequestTimeout,
		a.Status == http.StatusTooEarly, a.Status == http.StatusTooManyRequests:
	default:
		e.RetryAfter = max(patience, a.RetryAfter)
	}
	return e
}
