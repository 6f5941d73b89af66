// Package phone is the ear for calls and text messages: an HTTP handler for
// the webhooks of telephone providers. It turns each into a [canary.Contact],
// hands it to the road, and only then answers.
//
//	POST /twilio/voice   Twilio voice   200 TwiML voicemail that asks who calls and why
//	POST /twilio/sms     Twilio SMS     200 empty TwiML
//	POST /twilio         either, by the fields CallSid and MessageSid
//	POST /generic        signed JSON    200 {"status":"recorded"}
//
// Another method on these is 405, another path (or a provider that is not
// configured) 404. The generic form is for one's own telephone exchange: a JSON
// object signed by Standard Webhooks (package webhook), with no other fields:
//
//	{"id": "1700000000.42",           names the event, 1 to 200 characters
//	 "type": "voice",                 or "sms"
//	 "from": "+14155550100",          may be empty: withheld
//	 "to": "+14155550199",
//	 "at": "2025-11-22T15:01:48Z",    RFC 3339; optional, like the rest below
//	 "text": "…",                     message, or transcript of a call
//	 "caller_name": "…"}
//
// The invariant: a 2xx was durable before it was sent. A verified contact's id
// is made from the provider's event (Twilio: the SID; generic: "type", "id" and the
// header webhook-id), never from a number or text, because ids are not sealed. So
// an event sent again is answered 200 again and kept once. A call's later webhook
// is a contact of its own (fact "call": Twilio's first; "event": generic's id).
//
// What fails, fails so: the signature is missing or wrong (fact "refused":
// header, signature, time, body): 403; the body is over the limit
// ("too_large"): 413; it breaks off ("incomplete"): 400. Each is first kept as
// a contact with Unverified set, its head of 16 KiB, and a random id, so that a
// forger cannot take a real event's place; at most UnverifiedPerMinute are kept,
// the others are answered alike and counted in Stats. A signed generic body not
// of the form above is kept without targets, with the fault as fact "malformed",
// and answered 422. The store failed: 503, so that the provider tries again;
// Twilio voice instead plays an error unless it has a fallback URL.
//
// Raw is the request as webhook.Transcript writes it. Text longer than 64 KiB
// is cut (fact "cut"). The signed address is PublicURL and the request URI as
// sent, never the Host or a forwarding header.
package phone

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/webhook"
)

// ErrConfig is wrapped by every fault that New finds.
var ErrConfig = errors.New("phone ear cannot be set up")

// The kinds of provider.
const (
	Twilio  = "twilio"
	Generic = "generic"
)

// Provider is one sender of webhooks. Two of one kind are two accounts, or the
// old and the new secret of one.
type Provider struct {
	Kind string // Twilio or Generic
	// Secret is Twilio's auth token, or a Standard Webhooks secret ("whsec_…").
	Secret webhook.Hidden
}

// Config is what an ear needs.
type Config struct {
	// PublicURL is where providers reach the ear: scheme, host and perhaps a
	// path in front of the routes, as configured at the provider.
	PublicURL string
	Providers []Provider
	// Hear makes a contact durable; a contact whose id it holds is success.
	Hear func(context.Context, canary.Contact) error
	Now  func() time.Time
	Log  *slog.Logger // nil: nothing is logged
	// MaxBody bounds a request's body in bytes. 0 means 256 KiB.
	MaxBody int64
	// UnverifiedPerMinute bounds the unverified requests that are kept. 0 means 60.
	UnverifiedPerMinute int
}

// Stats counts what an ear did since it was made.
type Stats struct {
	Heard      uint64 // verified requests made durable, those sent again included
	Unverified uint64 // unverified requests made durable
	Dropped    uint64 // unverified requests over the rate: answered, not kept
	Failed     uint64 // requests answered 503 because the store failed
}

// Ear answers webhooks. It is safe for concurrent use.
type Ear struct {
	cfg       Config
	public    string
	tokens    []webhook.Hidden
	secrets   []webhook.Secret
	voicemail string
	strangers quota

	heard, unverified, dropped, failed atomic.Uint64
}

const (
	defaultMaxBody   = 256 << 10
	defaultPerMinute = 60
	hearTimeout      = 10 * time.Second // Twilio gives up after 15 s
)

// New returns an ear. It reports every fault of the configuration at once, none
// of them showing a secret.
func New(cfg Config) (*Ear, error) {
	e := &Ear{cfg: cfg}
	var faults []error
	bad := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("%w: "+format, append([]any{ErrConfig}, args...)...))
	}
	if cfg.Hear == nil || cfg.Now == nil {
		bad("no road or no clock")
	}
	if cfg.MaxBody < 0 || cfg.UnverifiedPerMinute < 0 {
		bad("negative limit")
	}
	if len(cfg.Providers) == 0 {
		bad("no provider")
	}
	for i, p := range cfg.Providers {
		if err := e.addProvider(p); err != nil {
			bad("provider %d: %w", i+1, err)
		}
	}
	if !isPublic(cfg.PublicURL) {
		bad("public_url: want http:// or https://, a host, perhaps a path, nothing after it")
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	e.defaults()
	return e, nil
}

func (e *Ear) defaults() {
	if e.cfg.Log == nil {
		e.cfg.Log = slog.New(slog.DiscardHandler)
	}
	if e.cfg.MaxBody == 0 {
		e.cfg.MaxBody = defaultMaxBody
	}
	e.strangers.perMinute = e.cfg.UnverifiedPerMinute
	if e.strangers.perMinute == 0 {
		e.strangers.perMinute = defaultPerMinute
	}
	e.public = strings.TrimRight(e.cfg.PublicURL, "/")
	e.voicemail = voicemail(e.public + pathVoice)
}

func (e *Ear) addProvider(p Provider) error {
	text := strings.TrimSpace(string(p.Secret))
	switch p.Kind {
	case Twilio:
		if text == "" {
			return webhook.ErrSecret
		}
		e.tokens = append(e.tokens, webhook.Hidden(text))
	case Generic:
		secret, err := webhook.ParseSecret(text)
		if err != nil {
			return fmt.Errorf("generic: %w", err)
		}
		e.secrets = append(e.secrets, secret)
	default:
		return fmt.Errorf("kind %q is neither %q nor %q", p.Kind, Twilio, Generic)
	}
	return nil
}

func isPublic(address string) bool {
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" && !strings.ContainsAny(address, "?# ")
}

// Stats returns the counts so far.
func (e *Ear) Stats() Stats {
	return Stats{Heard: e.heard.Load(), Unverified: e.unverified.Load(), Dropped: e.dropped.Load(), Failed: e.failed.Load()}
}

// The routes.
const (
	pathTwilio  = "/twilio"
	pathVoice   = "/twilio/voice"
	pathSMS     = "/twilio/sms"
	pathGeneric = "/generic"
)

// ServeHTTP answers one webhook. It is to be mounted at "/".
func (e *Ear) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	read := e.reader(r.URL.Path)
	if read == nil {
		reply(w, answer{http.StatusNotFound, plainType, "not found\n"})
		return
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		reply(w, answer{http.StatusMethodNotAllowed, plainType, "method not allowed\n"})
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, e.cfg.MaxBody))
	if err != nil {
		e.keepBroken(w, r, body, err)
		return
	}
	h := read(r, body)
	h.contact.At = canary.Micro(e.cfg.Now())
	h.contact.Peer = r.RemoteAddr
	h.contact.Raw = webhook.Transcript(r, body)
	e.keep(w, r, h)
}

// hearing is what a request amounts to: the contact, and the answer that may be
// given once the contact is durable.
type hearing struct {
	contact canary.Contact
	answer  answer
}

// reader gives the function that understands the requests of a path, nil where
// nobody is expected.
func (e *Ear) reader(path string) func(*http.Request, []byte) hearing {
	switch path {
	case pathTwilio, pathVoice, pathSMS:
		if len(e.tokens) > 0 {
			return e.hearTwilio
		}
	case pathGeneric:
		if len(e.secrets) > 0 {
			return e.hearGeneric
		}
	}
	return nil
}
