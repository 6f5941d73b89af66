// Package acmed gets the mail ear's certificate from an authority that speaks
// ACME (RFC 8555), and renews it.
//
// The authority asks for a proof on port 443 of the name (TLS-ALPN-01, RFC
// 8737) or on port 80 (HTTP-01, RFC 8555 §8.3), so a listener on one of them is
// needed; it answers the authority alone and hangs up on everybody else. The
// library tries 443 first, also where another server owns it, and then 80.
// Account key and certificate are kept in a directory, so that a restart asks
// for nothing.
//
// It refuses to get a certificate for any other name than the ear's. Its one
// invariant: every client of the ear is shown the certificate of that name,
// whatever name the client asks for, because most senders of mail ask for none.
//
// It fails softly: without a certificate a handshake fails and mail comes in
// plain text, and the authority is asked again, less often each time.
package acmed

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

// Config is what a client of an authority needs.
type Config struct {
	Hostname  string         // the one name
	Directory string         // the authority's directory, a URL
	Email     string         // for the authority's notices; may be empty
	Dir       string         // where account and certificate are kept
	Roots     *x509.CertPool // that the authority's own certificate is of; nil: the system's
	Log       *slog.Logger
}

// Client gets and holds the certificate. Make it with New.
type Client struct {
	cfg     Config
	manager *autocert.Manager
}

// New returns a client that has not asked yet.
func New(cfg Config) (*Client, error) {
	if cfg.Hostname == "" || cfg.Directory == "" || cfg.Dir == "" || cfg.Log == nil {
		return nil, errors.New("acmed: Hostname, Directory, Dir and Log are required")
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: cfg.Roots, MinVersion: tls.VersionTLS12}, Proxy: http.ProxyFromEnvironment}
	return &Client{cfg: cfg, manager: &autocert.Manager{
		Prompt: autocert.AcceptTOS, Cache: autocert.DirCache(cfg.Dir), HostPolicy: autocert.HostWhitelist(cfg.Hostname), Email: cfg.Email,
		Client: &acme.Client{DirectoryURL: cfg.Directory, HTTPClient: &http.Client{Transport: transport, Timeout: time.Minute}},
	}}, nil
}

// TLS is the configuration of a server that shows the certificate.
func (c *Client) TLS() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		asked := *hello
		asked.ServerName, asked.SupportedProtos = c.cfg.Hostname, nil
		return c.manager.GetCertificate(&asked)
	}}
}

// Run shows the authority its proofs, on secure for port 443 and on plain for
// port 80, either of which may be nil, and asks for the certificate, until ctx
// ends. It returns an error when a listener breaks.
func (c *Client) Run(ctx context.Context, secure, plain net.Listener) error {
	proofs := &http.Server{
		Handler: http.NotFoundHandler(), ReadTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
		TLSConfig: &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{acme.ALPNProto}, GetCertificate: c.proof},
	}
	pages := &http.Server{ReadTimeout: proofs.ReadTimeout, ErrorLog: proofs.ErrorLog}
	if plain != nil {
		pages.Handler = silent(c.cfg.Hostname, c.manager)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	broken := make(chan error, 2)
	var serving sync.WaitGroup
	serve := func(ln net.Listener, fn func() error) {
		if ln != nil {
			serving.Go(func() { broken <- fn() }) // ends when its server is closed below
		}
	}
	serve(secure, func() error { return proofs.ServeTLS(secure, "", "") })
	serve(plain, func() error { return pages.Serve(plain) })
	serving.Go(func() { c.ask(ctx) }) // ends with ctx
	var err error
	select {
	case err = <-broken:
		err = fmt.Errorf("acmed: %w", err)
		cancel()
	case <-ctx.Done():
	}
	err = errors.Join(err, proofs.Close(), pages.Close())
	serving.Wait()
	return err
}

// silent gives the proofs for a host, and hangs up on whoever asks for anything
// else: the library's own words would tell what is behind the port.
func silent(host string, m *autocert.Manager) http.Handler {
	proofs := m.HTTPHandler(http.NotFoundHandler()) // from now on the manager tries this way too
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			asked = r.Host
		}
		if !strings.EqualFold(asked, host) {
			panic(http.ErrAbortHandler) // the server hangs up, and says nothing
		}
		r.Host = host
		proofs.ServeHTTP(onlyYes{w}, r)
	})
}

// onlyYes hangs up in the place of a refusal.
type onlyYes struct{ http.ResponseWriter }

// WriteHeader lets no refusal pass.
func (o onlyYes) WriteHeader(status int) {
	if status != http.StatusOK {
		panic(http.ErrAbortHandler)
	}
	o.ResponseWriter.WriteHeader(status)
}

// proof answers the authority and nobody else.
func (c *Client) proof(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if !slices.Contains(hello.SupportedProtos, acme.ALPNProto) {
		return nil, errors.New("not the authority")
	}
	return c.manager.GetCertificate(hello)
}

// ask gets the first certificate; the library renews it from then on.
func (c *Client) ask(ctx context.Context) {
	hello := &tls.ClientHelloInfo{ServerName: c.cfg.Hostname, SignatureSchemes: []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256}, SupportedCurves: []tls.CurveID{tls.CurveP256}, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}}
	for pause := time.Minute; ; pause = min(2*pause, 12*time.Hour) {
		_, err := c.manager.GetCertificate(hello)
		if err == nil {
			c.cfg.Log.Info("certificate at hand", "host", c.cfg.Hostname)
			return
		}
		c.cfg.Log.Warn("no certificate from the authority, it will be asked again", "pause", pause, "err", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}
