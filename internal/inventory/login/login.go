// Package login opens mailboxes at providers: it connects by IMAP over TLS (RFC
// 9051, RFC 8314) and logs in, with a password or with an access token of OAuth
// 2.0 (RFC 7628, and the older form XOAUTH2). [Config.Try] only tries whether
// that still goes, and logs out; [Config.Open] gives the line to the mailbox ear.
// The package reads no message, selects no folder and marks nothing.
//
// It refuses everything but TLS from the first byte, so that a password never
// travels in the clear, and bounds what a server may say and how long it may
// take, also for whoever goes on with the line.
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
	"sync/atomic"
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
	Token    string // an access token of OAuth 2.0, instead of a password
}

// String shows nothing of the account.
func (Account) String() string { return "account" }

// GoString shows nothing of the account.
func (Account) GoString() string { return "account" }

// Config is how a server is reached. The zero value is ready.
type Config struct {
	Dial func(ctx context.Context, network, addr string) (net.Conn, error) // nil: net.Dialer
	TLS  *tls.Config                                                       // nil: the system's roots; the server's name is set in any case
	Time time.Duration                                                     // for the login; 0: 30 seconds
}

// Line is a connection on which somebody is logged in.
type Line struct {
	Client *imapclient.Client
	conn   *bounded
}

// Allow bounds what the server may say from now on, in bytes. A server that
// says more is cut off.
func (l *Line) Allow(n int64) { l.conn.left.Store(n) }

// Cut ends the connection without waiting for anybody.
func (l *Line) Cut() { l.conn.Close() } //nolint:errcheck // whoever reads from it is told

// Try logs in and out.
func (c Config) Try(ctx context.Context, a Account) error {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(c.Time, maxTime))
	defer cancel()
	l, err := c.Open(ctx, a, nil)
	if err != nil {
		return err
	}
	defer l.Client.Close() //nolint:errcheck // nothing was written
	defer context.AfterFunc(ctx, l.Cut)()
	// Who is logged in has been answered; a server that is rude now is not at fault.
	l.Client.Logout().Wait() //nolint:errcheck // see above
	return nil
}

// Open connects and logs in. The client is the caller's to close; ctx and
// Time bound the login alone.
func (c Config) Open(ctx context.Context, a Account, o *imapclient.Options) (*Line, error) {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(c.Time, maxTime))
	defer cancel()
	conn, err := c.connect(ctx, a.Host)
	if err != nil {
		return nil, err
	}
	l := &Line{conn: &bounded{Conn: conn, guard: guard{size: -1}}}
	l.Allow(maxSaid)
	stop := context.AfterFunc(ctx, l.Cut)
	l.Client = imapclient.New(l.conn, o)
	err = l.login(a)
	if inTime := stop(); err == nil && !inTime {
		err = ErrProtocol
	}
	if err != nil {
		l.Client.Close() //nolint:errcheck // it is of no use
		return nil, err
	}
	return l, nil
}

func (l *Line) login(a Account) error {
	if err := l.Client.WaitGreeting(); err != nil {
		return ErrProtocol
	}
	if a.Token != "" {
		return l.bear(a)
	}
	if err := l.Client.Login(a.User, a.Password).Wait(); err != nil {
		return refusal(err)
	}
	return nil
}

func (c Config) connect(ctx context.Context, addr string) (*tls.Conn, error) {
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
	*tls.Conn
	left  atomic.Int64
	guard guard // of the one who reads
}

// Close ends the connection without a word: a server that does not listen cannot
// hold it up.
func (b *bounded) Close() error { return b.NetConn().Close() }

// Read reads while there is something left.
func (b *bounded) Read(p []byte) (int, error) {
	left := b.left.Load()
	if left <= 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n, err := b.Conn.Read(p[:min(int64(len(p)), left)])
	b.left.Add(-int64(n))
	if !b.guard.passes(p[:n]) {
		return 0, io.ErrUnexpectedEOF
	}
	return n, err
}
