package smtpd

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// Certificate is a certificate in two PEM files that is read again when they
// change, so that whatever renews it needs to tell nobody. It is safe for
// concurrent use.
type Certificate struct {
	cert, key string
	log       *slog.Logger

	mu   sync.Mutex
	pair *tls.Certificate
	seen stamp
}

// stamp tells one state of the two files from another.
type stamp [2]struct {
	at   time.Time
	size int64
}

// NewCertificate reads the files.
func NewCertificate(cert, key string, log *slog.Logger) (*Certificate, error) {
	c := &Certificate{cert: cert, key: key, log: log}
	var err error
	if c.seen, err = c.look(); err != nil {
		return nil, err
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	c.pair = &pair
	return c, nil
}

// Config is a server's configuration for TLS with the certificate in it.
func (c *Certificate) Config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.current(), nil }}
}

// current gives the certificate as the files have it. Files that do not fit
// each other (one is renewed before the other) or are gone leave the one before
// in place, and are tried again for the next client.
func (c *Certificate) current() *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	now, err := c.look()
	if err == nil && now == c.seen {
		return c.pair
	}
	var pair tls.Certificate
	if err == nil {
		pair, err = tls.LoadX509KeyPair(c.cert, c.key)
	}
	if err != nil {
		c.log.Warn("certificate not read again, the one before stays", "err", err)
		return c.pair
	}
	c.log.Info("certificate read again")
	c.pair, c.seen = &pair, now
	return c.pair
}

func (c *Certificate) look() (s stamp, err error) {
	for i, name := range []string{c.cert, c.key} {
		info, err := os.Stat(name)
		if err != nil {
			return s, fmt.Errorf("certificate: %w", err)
		}
		s[i].at, s[i].size = info.ModTime(), info.Size()
	}
	return s, nil
}
