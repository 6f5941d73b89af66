// Package webhook holds what both ends of a signed HTTP request share: the
// signatures of Standard Webhooks and of telephone providers, made and checked;
// secrets that do not print; the written form of a request as evidence; a server
// whose timeouts suit small requests.
//
// Standard Webhooks (https://www.standardwebhooks.com, version 1.0.0) signs
// id, time and body with HMAC-SHA256 and sends three headers:
//
//	webhook-id:        msg_p5jXN8AQM9LWM0D4loKWxJek
//	webhook-timestamp: 1614265330
//	webhook-signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=
//
// The providers sign this, each in a file of its own; "time" says whether an
// old request can be told from a new one:
//
//	Twilio       address as configured, fields of the form     no time
//	SignalWire   the same, or address and raw body             no time
//	Plivo        V3 address, fields, nonce; V2 address, nonce  no time
//	Vonage       token over the body; SMS API: fields          time
//	Telnyx       time and raw body (Ed25519)                   time
//	Sinch        voice: body, path, time; SMS: body, time      time
//	Bandwidth    nothing: user and password                    no time
//
// The package reads no clock and does no I/O; times and bytes are arguments.
// Its one invariant: nothing is accepted that was not signed with a secret the
// caller named, over exactly the bytes the caller got. An empty secret, a
// missing header, a header sent twice and a malformed signature are refused,
// never skipped. Bodies are never decoded and encoded again, URLs are never
// normalised. Comparisons take the same time for every wrong signature.
//
// It refuses the v1a signatures of Standard Webhooks and remembers no event: who
// wants replays to have no effect keeps the event's id.
//
// Every failure wraps one of the sentinel errors below; no error text holds a
// secret, a signature or a part of the body.
package webhook

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

var (
	// ErrSecret says that a configured secret is empty, too short or unreadable.
	ErrSecret = errors.New("unusable secret")
	// ErrHeader says that a header of the scheme is missing, doubled or malformed.
	ErrHeader = errors.New("signature headers are unusable")
	// ErrSignature says that no signature fits the request.
	ErrSignature = errors.New("signature does not fit")
	// ErrTime says that the signature fits, but its time is too far from ours.
	ErrTime = errors.New("signed too long ago or in the future")
	// ErrBody says that the body is not of the form that the scheme signs.
	ErrBody = errors.New("body cannot be read")
)

const mask = "[hidden]"

// Hidden is a secret text, such as an auth token or a bearer token. It prints
// as "[hidden]" through every verb of fmt, in logs, JSON and TOML; string(h)
// gives the text.
type Hidden string

// String gives the mask.
func (Hidden) String() string { return mask }

// GoString gives the mask.
func (Hidden) GoString() string { return mask }

// Format writes the mask whatever the verb: fmt prints a string's text for a
// verb that does not fit it (%d) without asking String.
func (Hidden) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, mask) }

// MarshalText gives the mask.
func (Hidden) MarshalText() ([]byte, error) { return []byte(mask), nil }

// LogValue gives the mask.
func (Hidden) LogValue() slog.Value { return slog.StringValue(mask) }

// Bounds of a Standard Webhooks secret in bytes (version 1.0.0, "signature scheme").
const (
	minSecret = 24
	maxSecret = 64
)

// Secret is a Standard Webhooks signing key. It prints as "[hidden]". The zero
// Secret signs nothing and verifies nothing.
type Secret struct {
	// A function, because fmt prints unexported fields without asking their
	// methods: inside another struct it can show an address, not the key.
	key func() []byte
}

// ParseSecret reads a signing key: base64 of 24 to 64 bytes, with or without
// the prefix "whsec_". White space around it is dropped, because secrets are
// read from files.
func ParseSecret(text string) (Secret, error) {
	text = strings.TrimSpace(text)
	key, err := base64.StdEncoding.Strict().DecodeString(strings.TrimPrefix(text, "whsec_"))
	if err != nil {
		return Secret{}, fmt.Errorf("%w: want whsec_ and base64", ErrSecret)
	}
	if len(key) < minSecret || len(key) > maxSecret {
		return Secret{}, fmt.Errorf("%w: %d bytes, want %d to %d", ErrSecret, len(key), minSecret, maxSecret)
	}
	return Secret{key: func() []byte { return key }}, nil
}

// Usable reports whether the secret came from ParseSecret.
func (s Secret) Usable() bool { return s.key != nil }

// String gives the mask.
func (Secret) String() string { return mask }

// GoString gives the mask.
func (Secret) GoString() string { return mask }

// Format writes the mask whatever the verb.
func (Secret) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, mask) }

// MarshalText gives the mask.
func (Secret) MarshalText() ([]byte, error) { return []byte(mask), nil }

// LogValue gives the mask.
func (Secret) LogValue() slog.Value { return slog.StringValue(mask) }

// Server returns an HTTP server for small requests from strangers: whoever
// sends slowly, or more than 32 KiB of headers, is cut off. The caller gives it
// a listener and ends it.
func Server(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       20 * time.Second, // the last request is in memory for as long
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}
