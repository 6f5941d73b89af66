package login_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"

	"saltmine/internal/inventory/login"
)

const (
	user     = "dana.whitfield"
	password = "hunter2"
)

// certificate borrows a certificate for example.com and the roots that know it.
func certificate(t *testing.T) (tls.Certificate, *tls.Config) {
	t.Helper()
	srv := httptest.NewTLSServer(nil)
	t.Cleanup(srv.Close)
	roots := x509.NewCertPool()
	roots.AddCert(srv.Certificate())
	return srv.TLS.Certificates[0], &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
}

// dialTo connects to addr whatever name is asked for.
func dialTo(addr string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, addr)
	}
}

func listen(t *testing.T, cert tls.Certificate) net.Listener {
	t.Helper()
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln
}

// imapd is a real IMAP server with one account.
func imapd(t *testing.T, cert tls.Certificate) net.Listener {
	t.Helper()
	store := imapmemserver.New()
	store.AddUser(imapmemserver.NewUser(user, password))
	srv := imapserver.New(&imapserver.Options{
		NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			return store.NewSession(), nil, nil
		},
		Caps: imap.CapSet{imap.CapIMAP4rev1: {}}, InsecureAuth: true, Logger: log.New(io.Discard, "", 0),
	})
	ln := listen(t, cert)
	go srv.Serve(ln) //nolint:errcheck // ends with the test
	t.Cleanup(func() { srv.Close() })
	return ln
}

// says is a server that answers every line with the next of its own.
func says(t *testing.T, cert tls.Certificate, lines ...string) net.Listener {
	t.Helper()
	ln := listen(t, cert)
	go func() { // ends with the listener
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			in := bufio.NewReader(conn)
			for i, line := range lines {
				tag := "*"
				if i > 0 {
					got, err := in.ReadString('\n')
					if err != nil {
						break
					}
					tag, _, _ = strings.Cut(got, " ")
				}
				fmt.Fprint(conn, strings.ReplaceAll(line, "TAG", tag)) //nolint:errcheck // the client tells
			}
			conn.Close()
		}
	}()
	return ln
}

func TestTry(t *testing.T) {
	t.Parallel()
	cert, roots := certificate(t)
	good := imapd(t, cert).Addr().String()
	for name, c := range map[string]struct {
		addr, host, user, password string
		tls                        *tls.Config
		want                       error
	}{
		"opens":           {good, "example.com:993", user, password, roots, nil},
		"wrong password":  {good, "example.com:993", user, "hunter3", roots, login.ErrDenied},
		"wrong user":      {good, "example.com:993", "nobody", password, roots, login.ErrDenied},
		"another name":    {good, "imap.example.net:993", user, password, roots, login.ErrTLS},
		"unknown root":    {good, "example.com:993", user, password, nil, login.ErrTLS},
		"nobody there":    {"127.0.0.1:1", "example.com:993", user, password, roots, login.ErrUnreachable},
		"no port":         {good, "example.com", user, password, roots, login.ErrUnreachable},
		"bye":             {says(t, cert, "* BYE dana.whitfield is locked\r\n").Addr().String(), "example.com:993", user, password, roots, login.ErrProtocol},
		"no greeting":     {says(t, cert, "220 smtp\r\n").Addr().String(), "example.com:993", user, password, roots, login.ErrProtocol},
		"repeats user":    {says(t, cert, "* OK [CAPABILITY IMAP4rev1] hi\r\n", "TAG NO [AUTHENTICATIONFAILED] dana.whitfield\r\n").Addr().String(), "example.com:993", user, password, roots, login.ErrDenied},
		"repeats in code": {says(t, cert, "* OK [CAPABILITY IMAP4rev1] hi\r\n", "TAG NO [DANA.WHITFIELD] x\r\n").Addr().String(), "example.com:993", user, password, roots, login.ErrDenied},
		"bad":             {says(t, cert, "* OK [CAPABILITY IMAP4rev1] hi\r\n", "TAG BAD dana.whitfield\r\n").Addr().String(), "example.com:993", user, password, roots, login.ErrProtocol},
		"breaks off":      {says(t, cert, "* OK [CAPABILITY IMAP4rev1] hi\r\n").Addr().String(), "example.com:993", user, password, roots, login.ErrProtocol},
		"rude logout":     {says(t, cert, "* OK [CAPABILITY IMAP4rev1] hi\r\n", "TAG OK [CAPABILITY IMAP4rev1] in\r\n").Addr().String(), "example.com:993", user, password, roots, nil},
		"endless":         {says(t, cert, "* OK [CAPABILITY IMAP4rev1] "+strings.Repeat("x", 2<<20)+"\r\n", "TAG OK [CAPABILITY IMAP4rev1] in\r\n").Addr().String(), "example.com:993", user, password, roots, login.ErrProtocol},
	} {
		err := login.Config{Dial: dialTo(c.addr), TLS: c.tls}.Try(t.Context(), login.Account{Host: c.host, User: c.user, Password: c.password})
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if err != nil && (strings.Contains(strings.ToLower(err.Error()), "whitfield") || strings.Contains(err.Error(), "hunter")) {
			t.Errorf("%s: the error shows the account: %v", name, err)
		}
		if strings.HasPrefix(name, "repeats user") && !strings.Contains(err.Error(), "AUTHENTICATIONFAILED") {
			t.Errorf("the code is lost: %v", err)
		}
	}
	if s := fmt.Sprintf("%v %+v %#v", login.Account{User: user}, login.Account{User: user}, login.Account{User: user}); strings.Contains(s, user) {
		t.Errorf("an account prints %q", s)
	}
}

// TestTryEnds: a server that says nothing does not hold it, and neither does a
// caller that has gone.
func TestTryEnds(t *testing.T) {
	t.Parallel()
	cert, roots := certificate(t)
	ln := listen(t, cert)
	held := make(chan net.Conn, 4)
	go func() { // ends with the listener
		for conn, err := ln.Accept(); err == nil; conn, err = ln.Accept() {
			conn.(*tls.Conn).Handshake() //nolint:errcheck // the client tells
			held <- conn
		}
	}()
	c := login.Config{Dial: dialTo(ln.Addr().String()), TLS: roots, Time: 2 * time.Second}
	if err := c.Try(t.Context(), login.Account{Host: "example.com:993", User: user, Password: password}); !errors.Is(err, login.ErrProtocol) {
		t.Errorf("a silent server: %v", err)
	}
	c.Time = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-held; <-held; cancel() }() // once the second is connected
	if err := c.Try(ctx, login.Account{Host: "example.com:993", User: user, Password: password}); err == nil {
		t.Error("a login without an answer succeeded")
	}
}
