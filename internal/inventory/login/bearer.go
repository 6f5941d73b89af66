package login

import (
	"net"
	"strings"

	"github.com/emersion/go-imap/v2"
)

// bear logs in with an access token: by OAUTHBEARER (RFC 7628) where the server
// offers that and not XOAUTH2, which the large providers speak.
func (l *Line) bear(a Account) error {
	caps := l.Client.Caps()
	b := &bearer{account: a, standard: caps.Has(imap.AuthCap("OAUTHBEARER")) && !caps.Has(imap.AuthCap("XOAUTH2"))}
	err := l.Client.Authenticate(b)
	switch {
	case b.refused:
		return ErrDenied
	case err != nil:
		return refusal(err)
	}
	return nil
}

// bearer is the client's side of both mechanisms.
type bearer struct {
	account  Account
	standard bool
	refused  bool
}

// Start gives everything there is to say.
func (b *bearer) Start() (mechanism string, first []byte, err error) {
	a := b.account
	if !b.standard {
		return "XOAUTH2", []byte("user=" + a.User + "\x01auth=Bearer " + a.Token + "\x01\x01"), nil
	}
	gs2 := strings.NewReplacer("=", "=3D", ",", "=2C") // RFC 5801 §4
	host, port, err := net.SplitHostPort(a.Host)
	return "OAUTHBEARER", []byte("n,a=" + gs2.Replace(a.User) + ",\x01host=" + host + "\x01port=" + port + "\x01auth=Bearer " + a.Token + "\x01\x01"), err
}

// Next hears why the server refuses: a server that takes the token asks nothing.
func (b *bearer) Next([]byte) ([]byte, error) {
	b.refused = true
	return nil, ErrDenied
}
