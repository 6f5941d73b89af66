// Package login tries whether a mailbox at a provider can still be opened: it
// connects by IMAP over TLS (RFC 9051, RFC 8314), logs in, and logs out. It
// reads no message, selects no folder and marks nothing.
//
// It is not the mailbox ear: what arrives is not polled here. It refuses
// everything but TLS from the first byte, so that a password never travels in
// the clear, and bounds what a server may say and how long it may take.
//
// The invariant: neither the account nor the password nor any text of the
// server's answers stands in an error, because servers repeat account names and
// these can be canaries. What went wrong is one of four sentinels.
package login

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// What can go wrong, for errors.Is.
var (
	ErrUnreachable = errors.New("the IMAP server cannot be reached")
	ErrTLS         = errors.New("the IMAP server shows no valid certificate")
	ErrDenied      = errors.New("the IMAP server refuses the login")
	ErrProtocol    = errors.New("the IMAP server breaks off or says what cannot be understood")
)

const (
	maxSaid = 1 << 20 // bytes that a server may say
	maxTime = 30 * time.Second
)

// Account is one mailbox. It prints nothing.
type Account struct {
	Host     string // "host:port"
	User     string
	Password string
}

// String shows nothing of the account.
func (Account) String() string { return "account" }

// GoString shows nothing of the account.
func (Account) GoString() string { return "account" }

// Config is how a server is reached. The zero value is ready.
type Config struct {
	Dial func(ctx context.Context, network, addr string) (net.Conn, error) // nil: net.Dialer
	TLS  *tls.Config                                                       // nil: the system's roots; the server's name is set in any case
	Time time.Duration                                                     // for all of it; 0: 30 seconds
}

// Try logs in and out.
func (c Config) Try(ctx context.Context, a Account) error {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(c.Time, maxTime))
	defer cancel()
	conn, err := c.connect(ctx, a.Host)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() }) //nolint:errcheck // the login fails of it
	defer stop()
	client := imapclient.New(&bounded{Conn: conn, left: maxSaid}, nil)
	defer client.Close() //nolint:errcheck // nothing was written
	if err := client.WaitGreeting(); err != nil {
		return ErrProtocol
	}
	if err := client.Login(a.User, a.Password).Wait(); err != nil {
		return refusal(err)
	}
	// Who is logged in has been answered; a server that is rude now is not at fault.
	client.Logout().Wait() //nolint:errcheck // see above
	return nil
}

func (c Config) connect(ctx context.Context, addr string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("%w: its address is not host:port", ErrUnreachable)
	}
	dial := c.Dial
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	raw, err := dial(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.TLS != nil {
		conf = c.TLS.Clone()
	}
	conf.ServerName, conf.NextProtos = host, []string{"imap"}
	conn := tls.Client(raw, conf)
	if err := conn.HandshakeContext(ctx); err != nil {
		raw.Close() //nolint:errcheck // it is of no use
		return nil, fmt.Errorf("%w: %w", ErrTLS, err)
	}
	return conn, nil
}

// refusal tells a server that says no from one that breaks off. Of what it says
// the code alone is taken (RFC 5530), if it is one that is known.
func refusal(err error) error {
	said, ok := errors.AsType[*imap.Error](err)
	if !ok || said.Type != imap.StatusResponseTypeNo {
		return ErrProtocol
	}
	if slices.Contains(reasons(), said.Code) {
		return fmt.Errorf("%w (%s)", ErrDenied, said.Code)
	}
	return ErrDenied
}

func reasons() []imap.ResponseCode {
	return []imap.ResponseCode{imap.ResponseCodeAuthenticationFailed, imap.ResponseCodeAuthorizationFailed, imap.ResponseCodeExpired,
		imap.ResponseCodeUnavailable, imap.ResponseCodePrivacyRequired, imap.ResponseCodeContactAdmin, imap.ResponseCodeLimit}
}

// bounded is a connection on which so much may be read and no more.
type bounded struct {
	net.Conn
	left int
}

// Read reads while there is something left.
func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n, err := b.Conn.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}
