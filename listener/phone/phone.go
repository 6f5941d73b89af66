// Package phone is the ear for calls and text messages: an HTTP handler for
// the webhooks of telephone providers. It turns each into a [canary.Contact],
// hands it to the road, and only then answers as the provider expects.
//
//	POST /KIND/voice   a call, and what comes later of it; voicemail, reject, silence
//	POST /KIND/sms     a text message
//	POST /KIND         either, told apart by its fields (generic: this alone)
//
// KIND is one of [Kinds]; vonage and plivo may GET. Another method is 405,
// another path, or a provider that is not configured, 404. A call's voicemail
// says that it takes down what is said (see notice.go), asks who is calling, for
// whom and what about, and has transcript or recording sent to /KIND/voice. The generic form is for one's own telephone exchange: an
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
// is made from the provider's name for the event, never from a number or text,
// because ids are not sealed. So an event sent again is answered alike and kept
// once (eventID says what replays can do). A call's later webhook is a contact
// of its own (fact "call": its first one's id).
//
// What fails, fails so: not signed, or wrongly (fact "refused": header,
// signature, time, body): 403; the body is over the limit ("too_large"): 413; it
// breaks off ("incomplete"): 400. Each is first kept as a contact with Unverified
// set, its head of 16 KiB, and a random id, so that a forger cannot take a real
// event's place; at most UnverifiedPerMinute are kept, the others are answered
// alike and counted in Stats. What is signed and cannot be read is kept with the
// fault as fact "malformed" (generic: 422). The store failed: 503, so that the
// provider tries again; Twilio plays an error unless it has a fallback URL.
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
	Twilio     = "twilio"
	SignalWire = "signalwire"
	Telnyx     = "telnyx"
	Vonage     = "vonage"
	Plivo      = "plivo"
	Bandwidth  = "bandwidth"
	Sinch      = "sinch"
	Generic    = "generic"
)

// Provider is one sender of webhooks. Two of one kind are two accounts, or the
// old and the new secret of one.
type Provider struct {
	Kind string // one of Kinds
	// Secret is what requests are signed with: the auth token of Twilio and
	// Plivo, SignalWire's signing key, Vonage's signature secret, Sinch's
	// secret, Bandwidth's password, a Standard Webhooks secret ("whsec_…").
	Secret webhook.Hidden
	// User is Bandwidth's user, or the key of a Sinch voice application.
	User string
	// PublicKey is Telnyx's, in base64; it takes the place of a secret.
	PublicKey string
	// Signature is the kind of signature of Vonage's SMS API, one of
	// webhook.VonageSignatures. Empty: the Voice and Messages APIs.
	Signature string
	// Answer is how calls are answered, one of Answers. Empty means Voicemail.
	Answer string
	// Greeting is what a caller hears, Language its language ("de-DE"). Empty
	// means a text in English that asks who calls, for whom and what about.
	Greeting string
	Language string

	notice string // what is said before it
}

// Config is what an ear needs.
type Config struct {
	// PublicURL is where providers reach the ear: scheme, host and perhaps a
	// path in front of the routes, as configured at the provider.
	PublicURL string
	Providers []Provider
	// Notices are what callers are told before their words are taken down, by the
	// country of the number that they call (ISO 3166-1 alpha-2), "*" for all others;
	// an empty one is none. What is not in it is told in the greeting's language.
	Notices map[string]string
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
	lines     map[string]line // by path
	strangers quota

	heard, unverified, dropped, failed atomic.Uint64
}

// line is one path of the ear.
type line struct {
	*dialect
	leg      canary.Channel // what comes here; empty: calls and messages
	accounts []account
}

// account is one provider as it is heard and answered.
type account struct {
	verify verifier
	script *scripts
}

const (
	defaultMaxBody   = 256 << 10
	defaultPerMinute = 60
	hearTimeout      = 10 * time.Second // Twilio gives up after 15 s
)

// New returns an ear. It reports every fault of the configuration at once, none
// of them showing a secret.
func New(cfg Config) (*Ear, error) {
	e := &Ear{cfg: cfg, lines: map[string]line{}}
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
	if err := checkNotices(cfg.Notices); err != nil {
		bad("%w", err)
	}
	e.public = strings.TrimRight(cfg.PublicURL, "/")
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
}

func (e *Ear) addProvider(p Provider) error {
	for _, d := range dialects() {
		if d.kind != p.Kind {
			continue
		}
		p, err := p.withDefaults()
		if err != nil {
			return err
		}
		verify, err := d.account(p)
		if err != nil {
			return fmt.Errorf("%s: %w", p.Kind, err)
		}
		voice := "/" + d.kind + "/" + string(canary.Voice)
		one := account{verify, newScripts(&d, p, e.cfg.Notices, e.public+voice)}
		e.addAccount("/"+d.kind, line{dialect: &d}, one)
		if !d.one {
			e.addAccount(voice, line{dialect: &d, leg: canary.Voice}, one)
			e.addAccount("/"+d.kind+"/"+string(canary.SMS), line{dialect: &d, leg: canary.SMS}, one)
		}
		return nil
	}
	return fmt.Errorf("kind %q is none of %s", p.Kind, strings.Join(Kinds(), ", "))
}

func (e *Ear) addAccount(path string, l line, a account) {
	if had, ok := e.lines[path]; ok {
		l = had
	}
	l.accounts = append(l.accounts, a)
	e.lines[path] = l
}

func isPublic(address string) bool {
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" && !strings.ContainsAny(address, "?# ")
}

// Stats returns the counts so far.
func (e *Ear) Stats() Stats {
	return Stats{Heard: e.heard.Load(), Unverified: e.unverified.Load(), Dropped: e.dropped.Load(), Failed: e.failed.Load()}
}

// ServeHTTP answers one webhook. It is to be mounted at "/".
func (e *Ear) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l, ok := e.lines[r.URL.Path]
	if !ok {
		reply(w, answer{http.StatusNotFound, plainType, "not found\n"})
		return
	}
	if r.Method != http.MethodPost && (!l.get || r.Method != http.MethodGet) {
		allow := http.MethodPost
		if l.get {
			allow = http.MethodGet + ", " + allow
		}
		w.Header().Set("Allow", allow)
		reply(w, answer{http.StatusMethodNotAllowed, plainType, "method not allowed\n"})
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, e.cfg.MaxBody))
	if err != nil {
		e.keepBroken(w, r, l, body, err)
		return
	}
	h := l.hear(webhook.Request{Method: r.Method, Address: e.public + r.RequestURI, Header: r.Header, Body: body, Now: e.cfg.Now()})
	for i := range h.contacts {
		c := &h.contacts[i]
		c.At, c.Peer, c.Raw = canary.Micro(e.cfg.Now()), r.RemoteAddr, webhook.Transcript(r, body, l.hide()...)
	}
	e.keep(w, r, h)
}

// hearing is what a request amounts to: the contacts, and the answer that may
// be given once they are durable.
type hearing struct {
	contacts   []canary.Contact
	unverified bool
	answer     answer
	wait       time.Duration
}

// hear tries each account. What an unverified request claims is kept too, for
// whoever looks into the forgery.
func (l *line) hear(q webhook.Request) hearing {
	h := hearing{answer: forbidden(), wait: l.wait, unverified: true}
	events := l.read(l.leg, q)
	var proof string
	var refused error
	for _, a := range l.accounts {
		p, err := a.verify(l.leg, q)
		if err == nil {
			h.unverified, h.answer, proof = false, a.script.to(events[0]), p
			break
		}
		if refused == nil || errors.Is(err, webhook.ErrTime) || errors.Is(refused, webhook.ErrHeader) {
			refused = err // of several the one that says most
		}
	}
	if h.unverified {
		events = events[:1]
		if l.again && errors.Is(refused, webhook.ErrHeader) {
			h.answer = tryAgain()
		}
	}
	for _, ev := range events {
		c := l.contact(ev, proof)
		if h.unverified {
			delete(c.Facts, factMalformed)
			c.Facts[factRefused] = refusal(refused)
		}
		h.contacts = append(h.contacts, c)
	}
	return h
}

// hide names the headers that hold a secret which proves more than the request.
func (l *line) hide() []string {
	if l.kind == Bandwidth {
		return []string{"Authorization"}
	}
	return nil
}
