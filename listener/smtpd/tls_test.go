package smtpd_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net/smtp"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/dialogue"
	"saltmine/listener/smtpd"
)

// pemPair makes a certificate for mx.example.net and its key, as files hold them.
func pemPair(t *testing.T) (cert, key string) {
	t.Helper()
	cfg, _ := secured(t, newBook())
	pair := cfg.TLS.Certificates[0]
	der, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// secured returns a configuration with STARTTLS, and the roots that trust it.
func secured(t *testing.T, b *book) (smtpd.Config, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"mx.example.net"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, form, form, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(cert)
	cfg := config(b)
	cfg.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
	return cfg, roots
}

// upgrade turns the caller's connection to TLS.
func (c *caller) upgrade(roots *x509.CertPool) {
	c.t.Helper()
	secure := tls.Client(c.conn, &tls.Config{RootCAs: roots, ServerName: "mx.example.net", MinVersion: tls.VersionTLS12, InsecureSkipVerify: roots == nil}) // nil: whoever it is
	if err := secure.HandshakeContext(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
	c.conn, c.in = secure, bufio.NewReader(secure)
}

func TestTheTapeSeesThroughTLS(t *testing.T) {
	t.Parallel()
	b := newBook()
	cfg, roots := secured(t, b)
	c := call(t, start(t, cfg))
	c.say("220")
	c.send("EHLO plain.example\r\n")
	if got := c.reply(); !strings.Contains(got, "\r\n250-SIZE 31457280\r\n250-STARTTLS\r\n250-ENHANCEDSTATUSCODES\r\n") {
		t.Errorf("EHLO before TLS: %q", got)
	}
	c.say("501 STARTTLS junk", "220 STARTTLS")
	c.upgrade(roots)
	c.say("503 MAIL FROM:<a@b.example>", "503 DATA") // what was said before TLS counts no more
	c.send("EHLO secret.example\r\n")
	if got := c.reply(); strings.Contains(got, "STARTTLS") {
		t.Errorf("EHLO inside TLS: %q", got)
	}
	c.say("554 STARTTLS", "250 MAIL FROM:<a@b.example>", "250 RCPT TO:<dana@example.net>", "354 DATA")
	c.send("hello\r\n.\r\n")
	c.say("250", "221 QUIT")
	k := b.wait(t, 2)[1]
	if !strings.HasPrefix(k.Facts["tls"], "TLS 1.3 TLS_") || k.Facts["helo"] != "secret.example" {
		t.Errorf("facts %v", k.Facts)
	}
	for _, want := range []string{"EHLO plain.example", "220 2.0.0 Ready", "EHLO secret.example", "RCPT TO:<dana@example.net>"} {
		if !strings.Contains(string(k.Raw), want) {
			t.Errorf("the evidence lacks %q", want)
		}
	}
	if msg, whole := dialogue.Message(k.Raw); string(msg) != "hello\r\n" || !whole {
		t.Errorf("%q, %v", msg, whole)
	}
}

func TestCommandsSentAheadOfTLSAreNotObeyed(t *testing.T) {
	t.Parallel()
	b := newBook()
	cfg, roots := secured(t, b)
	c := call(t, start(t, cfg))
	c.say("220", "250 EHLO c.example")
	c.send("STARTTLS\r\nEHLO forged.example\r\nMAIL FROM:<forged@b.example>\r\n")
	c.say("220")
	c.upgrade(roots)
	c.say("250 EHLO c.example", "250 MAIL FROM:<a@b.example>", "250 RCPT TO:<dana@example.net>", "221 QUIT")
	k := b.wait(t, 2)[1]
	if k.Source != "a@b.example" || k.Facts["helo"] != "c.example" {
		t.Errorf("from %s, helo %s", k.Source, k.Facts["helo"])
	}
	if !strings.Contains(string(k.Raw), "forged.example") {
		t.Error("the evidence lacks the injected commands")
	}
}

func TestSTARTTLSEndsATransaction(t *testing.T) {
	t.Parallel()
	b := newBook()
	cfg, roots := secured(t, b)
	c := call(t, start(t, cfg))
	c.say(append(envelope, "220 STARTTLS")...)
	if got := describe(b.wait(t, 2)[1]); got != "part=1 probe from=a@b.example to=dana@example.net helo=c.example end=starttls" {
		t.Errorf("heard %s", got)
	}
	c.upgrade(roots)
	c.say("250 EHLO c.example", "503 RCPT TO:<amir@example.net>", "250 MAIL FROM:<a@b.example>")
}

func TestAFailedHandshakeEndsTheConnection(t *testing.T) {
	t.Parallel()
	cfg, _ := secured(t, newBook())
	c := call(t, start(t, cfg))
	c.say("220", "250 EHLO c.example", "220 STARTTLS")
	c.send("MAIL FROM:<a@b.example>\r\nRCPT TO:<dana@example.net>\r\n")
	if got := c.reply(); strings.HasPrefix(got, "250") {
		t.Errorf("plain text where TLS should begin is answered with %q", got)
	}
}

func TestStandardLibraryOverTLS(t *testing.T) {
	t.Parallel()
	b := newBook()
	cfg, roots := secured(t, b)
	c, err := smtp.Dial(start(t, cfg)) // net/smtp has no other
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close() // QUIT was said
	steps := []func() error{
		func() error {
			return c.StartTLS(&tls.Config{RootCAs: roots, ServerName: "mx.example.net", MinVersion: tls.VersionTLS12})
		},
		func() error { return c.Mail("a@b.example") },
		func() error { return c.Rcpt("dana@example.net") },
		c.Quit,
	}
	for i, step := range steps {
		if err := step(); err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
	}
	got := b.wait(t, 2)
	if got[1].Channel != canary.SMTP || !got[1].Probe || got[1].Facts["tls"] == "" {
		t.Errorf("heard %s, %v", describe(got[1]), got[1].Facts)
	}
}

func TestTheCertificateIsReadAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files := [2]string{filepath.Join(dir, "cert"), filepath.Join(dir, "key")}
	age := time.Hour
	write := func(which int, text string) {
		t.Helper()
		age -= time.Minute // so that the change is seen whatever the clock of the disk is
		if err := os.WriteFile(files[which], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(files[which], time.Time{}, time.Now().Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	one, oneKey := pemPair(t)
	two, twoKey := pemPair(t)
	write(0, one)
	write(1, oneKey)
	c, err := smtpd.NewCertificate(files[0], files[1], slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	cfg := config(newBook())
	cfg.TLS = c.Config()
	addr := start(t, cfg)
	shown := func() string {
		c := call(t, addr)
		c.say("220", "250 EHLO c.example", "220 STARTTLS")
		c.upgrade(nil)
		secure, ok := c.conn.(*tls.Conn)
		if !ok {
			t.Fatal("no TLS")
		}
		return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.ConnectionState().PeerCertificates[0].Raw}))
	}
	if shown() != one {
		t.Error("the first certificate is not the one in the file")
	}
	write(0, two) // the key is not there yet
	if shown() != one {
		t.Error("a certificate without its key is shown")
	}
	write(1, twoKey)
	if shown() != two {
		t.Error("the renewed certificate is not shown")
	}
	if err := os.Remove(files[0]); err != nil {
		t.Fatal(err)
	}
	if shown() != two {
		t.Error("without its file the certificate is gone")
	}
	if _, err := smtpd.NewCertificate(files[0], files[1], slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a certificate is made of nothing")
	}
}
