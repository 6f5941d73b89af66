// Package recording fetches what callers said, as audio and as a transcript, from
// the providers that recorded it, and hands it to the road as further evidence of
// the call.
//
// It runs in the core, after the fact: an ear must answer within seconds, and an
// edge holds no credentials. The queue is the registry itself: a contact of a
// call that carries the fact "recording_url" or "transcription_url" and whose
// recording is not filed under [ID] is still to be fetched, also after a restart.
// Each is tried up to [Tries] times with growing pauses, and not after [Horizon].
// Calls are sealed, so they are opened once: what is still to be fetched is
// remembered, and a sweep looks only at what was filed since the last one.
//
// The address comes from a verified webhook and is still not trusted. Only
// https on port 443 of a host of the provider's is asked, without redirects,
// proxies or cookies, and the address is checked when the socket is about to
// connect, after the name was resolved: nothing but the public internet is
// reached, whatever a name resolves to. At most [MaxBytes] of audio/*, or of a
// transcript in JSON, are taken, within [Timeout].
//
// The recording becomes a contact of its own: the call's ends, the fact "call",
// the audio as Raw, a transcript's words as Text. Its id is made from the call and the address, so that it is
// kept once however many webhooks name it.
//
// How it fails: the address stays in the evidence of the webhook; what went
// wrong is logged by kind, without the address. Refusals (the wrong host, type
// or size) are final, everything else is tried again.
package recording

import (
	"context"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/webhook"
)

// Bounds of what is fetched.
const (
	MaxBytes = 16 << 20
	Timeout  = time.Minute
	Tries    = 6
	Horizon  = 24 * time.Hour

	every      = 20 * time.Second // Telnyx takes its addresses back after 10 minutes
	firstPause = time.Minute      // doubled each time
	overlap    = 2 * time.Minute  // what is filed under an earlier time than it is seen
)

// Errors of a fetch.
var (
	// ErrRefused says that a recording will never be fetched.
	ErrRefused = errors.New("recording is not to be fetched")
	// ErrAddress says that a name resolved to what is not the public internet.
	ErrAddress = errors.New("address is not public")
	// ErrConfig is wrapped by every fault that New finds.
	ErrConfig = errors.New("recordings cannot be fetched")
)

// Account is a provider whose recordings are fetched.
type Account struct {
	Kind string // as in the contacts' ear: "phone/twilio"
	// User and Password are sent as HTTP Basic credentials; empty where the
	// provider gives addresses that need none. With Key, User is the application's id.
	User     string
	Password webhook.Hidden
	// Key is the private key, in PEM, with which a token is signed for each request
	// (Vonage).
	Key webhook.Hidden
}

// Config is what a fetcher needs.
type Config struct {
	Accounts []Account
	// Calls hands over the verified contacts of calls of an ear that were filed
	// since a time.
	Calls func(ctx context.Context, ear string, since time.Time, fn func(*canary.Contact) error) error
	// Filed says which contacts are filed.
	Filed func(ctx context.Context, ids []canary.ContactID) (map[canary.ContactID]bool, error)
	// Hear makes a contact durable.
	Hear func(context.Context, canary.Contact) error
	Now  func() time.Time
	Log  *slog.Logger

	// Hosts are the places of each kind: "host" (port 443), "host:port",
	// ".domain" (every host below it), each perhaps with a path that the address
	// must begin with. Nil: the providers' own, see Hosts.
	Hosts map[string][]string
	// Public tells addresses of the internet from others. Nil: see Public.
	Public func(netip.Addr) bool
	// Roots are the authorities of TLS. Nil: the system's.
	Roots *x509.CertPool
}

// Fetcher fetches recordings. Run is its only goroutine.
type Fetcher struct {
	cfg    Config
	client *http.Client
	keys   map[string]*rsa.PrivateKey // by kind
	seen   map[string]time.Time       // up to which calls were looked at, by kind
	jobs   map[canary.ContactID]*job  // what is not fetched, of the last Horizon
}

// job is one recording: the call that it belongs to, and how far it has come. A
// count of Tries ends it.
type job struct {
	account       Account
	fact, address string // the fact that names the address
	call, source  string
	targets       []canary.Target
	at            time.Time // of the webhook

	count int
	next  time.Time
}

// New returns a fetcher.
func New(cfg Config) (*Fetcher, error) {
	if cfg.Hosts == nil {
		cfg.Hosts = Hosts()
	}
	if cfg.Public == nil {
		cfg.Public = Public
	}
	f := &Fetcher{cfg: cfg, client: newClient(cfg), keys: map[string]*rsa.PrivateKey{}, seen: map[string]time.Time{}, jobs: map[canary.ContactID]*job{}}
	var faults []error
	for _, a := range cfg.Accounts {
		if len(cfg.Hosts[a.Kind]) == 0 {
			faults = append(faults, fmt.Errorf("%w: no host of %q is known", ErrConfig, a.Kind))
		}
		if a.Key != "" {
			key, err := parseKey(a.Key)
			f.keys[a.Kind] = key
			faults = append(faults, err)
		}
	}
	return f, errors.Join(faults...)
}

// Run fetches what is to be fetched until ctx ends.
func (f *Fetcher) Run(ctx context.Context) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if err := f.Sweep(ctx); err != nil && ctx.Err() == nil {
			f.cfg.Log.WarnContext(ctx, "recordings cannot be looked up, will be tried again", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Sweep looks once for calls that are new, those of the last Horizon the first
// time, and fetches what is due.
func (f *Fetcher) Sweep(ctx context.Context) error {
	if err := f.look(ctx); err != nil {
		return fmt.Errorf("recordings: %w", err)
	}
	now := f.cfg.Now()
	maps.DeleteFunc(f.jobs, func(_ canary.ContactID, j *job) bool { return now.Sub(j.at) > Horizon })
	var due []canary.ContactID
	for id, j := range f.jobs {
		if j.count < Tries && !now.Before(j.next) {
			due = append(due, id)
		}
	}
	slices.SortFunc(due, func(a, b canary.ContactID) int { return f.jobs[a].at.Compare(f.jobs[b].at) })
	filed, err := f.cfg.Filed(ctx, due)
	if err != nil {
		return fmt.Errorf("recordings: %w", err)
	}
	for _, id := range due {
		if filed[id] {
			f.jobs[id].count = Tries // by a process before this one
		} else if ctx.Err() == nil {
			f.attempt(ctx, id, f.jobs[id])
		}
	}
	return nil
}

// look finds what the calls point to that were filed since the last look.
func (f *Fetcher) look(ctx context.Context) error {
	for _, a := range f.cfg.Accounts {
		now := f.cfg.Now()
		since := now.Add(-Horizon)
		if last, ok := f.seen[a.Kind]; ok {
			since = last.Add(-overlap)
		}
		err := f.cfg.Calls(ctx, earPrefix+a.Kind, since, func(c *canary.Contact) error {
			f.note(a, c)
			return nil
		})
		if err != nil {
			return err
		}
		f.seen[a.Kind] = now
	}
	return nil
}

// note remembers what one contact of a call points to.
func (f *Fetcher) note(a Account, c *canary.Contact) {
	for _, fact := range []string{factAudio, factWords} {
		if c.Unverified || c.Facts[fact] == "" {
			continue
		}
		if id := ID(callOf(c), c.Facts[fact]); f.jobs[id] == nil {
			f.jobs[id] = &job{account: a, fact: fact, address: c.Facts[fact], call: callOf(c), source: c.Source, targets: c.Targets, at: c.At}
		}
	}
}

func callOf(c *canary.Contact) string {
	if call := c.Facts[factCall]; call != "" {
		return call
	}
	return string(c.ID)
}

// attempt fetches one recording and says what became of it.
func (f *Fetcher) attempt(ctx context.Context, id canary.ContactID, j *job) {
	log := f.cfg.Log.With("contact", id, "call", j.call, "provider", j.account.Kind)
	kept, err := f.fetch(ctx, j)
	if err == nil {
		kept.ID = id
		err = f.cfg.Hear(ctx, kept)
	}
	j.count++
	j.next = f.cfg.Now().Add(firstPause << (j.count - 1))
	switch {
	case err == nil:
		j.count = Tries
		log.InfoContext(ctx, "recording kept", "bytes", len(kept.Raw))
	case errors.Is(err, ErrRefused) || errors.Is(err, ErrAddress):
		j.count = Tries
		log.ErrorContext(ctx, "recording is not fetched; its address is in the evidence", "error", err)
	case j.count >= Tries:
		log.ErrorContext(ctx, "recording given up; its address is in the evidence", "tries", j.count, "error", err)
	default:
		log.WarnContext(ctx, "recording not fetched, will be tried again", "tries", j.count, "error", err)
	}
}

const (
	earPrefix = "phone/"
	factAudio = "recording_url"
	factWords = "transcription_url"
	factCall  = "call"
)

// ID names the recording of a call at an address. Providers put an id into the
// address that cannot be guessed.
func ID(call, address string) canary.ContactID {
	sum := sha256.Sum256([]byte(call + "\n" + address))
	return canary.ContactID("k_re-" + hex.EncodeToString(sum[:16]))
}
