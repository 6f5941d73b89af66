// Package recording fetches what callers said, as audio and as a transcript, from
// the providers that recorded it, and hands it to the road as further evidence of
// the call.
//
// It runs in the core, after the fact: an ear must answer within seconds, and an
// edge holds no credentials. The queue is the registry itself: a contact of a
// call that carries the fact "recording_url" or "transcription_url" and whose
// recording is not filed under [ID] is still to be fetched, also after a restart.
// Each is tried up to [Tries] times with growing pauses, and not after [Horizon].
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
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/netip"
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
	// provider gives addresses that need none.
	User     string
	Password webhook.Hidden
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
	tries  map[canary.ContactID]try
}

// try is how far one recording has come; a count of Tries ends it.
type try struct {
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
	var faults []error
	for _, a := range cfg.Accounts {
		if len(cfg.Hosts[a.Kind]) == 0 {
			faults = append(faults, fmt.Errorf("%w: no host of %q is known", ErrConfig, a.Kind))
		}
	}
	return &Fetcher{cfg: cfg, client: newClient(cfg), tries: map[canary.ContactID]try{}}, errors.Join(faults...)
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

// Sweep looks once through the calls of the last Horizon and fetches what is
// due.
func (f *Fetcher) Sweep(ctx context.Context) error {
	ids, wanted, err := f.wanted(ctx)
	if err != nil {
		return fmt.Errorf("recordings: %w", err)
	}
	filed, err := f.cfg.Filed(ctx, ids)
	if err != nil {
		return fmt.Errorf("recordings: %w", err)
	}
	maps.DeleteFunc(f.tries, func(id canary.ContactID, _ try) bool { _, still := wanted[id]; return !still })
	for _, id := range ids {
		t := f.tries[id]
		if ctx.Err() == nil && !filed[id] && t.count < Tries && !f.cfg.Now().Before(t.next) {
			f.attempt(ctx, id, wanted[id])
		}
	}
	return nil
}

// wanted gives what the calls of the last Horizon point to, in their order.
func (f *Fetcher) wanted(ctx context.Context) ([]canary.ContactID, map[canary.ContactID]job, error) {
	var ids []canary.ContactID
	jobs := map[canary.ContactID]job{}
	for _, a := range f.cfg.Accounts {
		err := f.cfg.Calls(ctx, earPrefix+a.Kind, f.cfg.Now().Add(-Horizon), func(c *canary.Contact) error {
			for _, fact := range []string{factAudio, factWords} {
				if c.Unverified || c.Facts[fact] == "" {
					continue
				}
				id := ID(callOf(c), c.Facts[fact])
				if _, twice := jobs[id]; !twice {
					ids = append(ids, id)
					jobs[id] = job{a, fact, c.Facts[fact], callOf(c), c.Source, c.Targets}
				}
			}
			return nil
		})
		if err != nil {
			return nil, nil, err
		}
	}
	return ids, jobs, nil
}

// job is one recording that is to be fetched: the call that it belongs to.
type job struct {
	account       Account
	fact, address string // the fact that names the address
	call, source  string
	targets       []canary.Target
}

func callOf(c *canary.Contact) string {
	if call := c.Facts[factCall]; call != "" {
		return call
	}
	return string(c.ID)
}

// attempt fetches one recording and says what became of it.
func (f *Fetcher) attempt(ctx context.Context, id canary.ContactID, j job) {
	log := f.cfg.Log.With("contact", id, "call", j.call, "provider", j.account.Kind)
	kept, err := f.fetch(ctx, j)
	if err == nil {
		kept.ID = id
		err = f.cfg.Hear(ctx, kept)
	}
	t := f.tries[id]
	t.count++
	t.next = f.cfg.Now().Add(firstPause << (t.count - 1))
	switch {
	case err == nil:
		t.count = Tries
		log.InfoContext(ctx, "recording kept", "bytes", len(kept.Raw))
	case errors.Is(err, ErrRefused) || errors.Is(err, ErrAddress):
		t.count = Tries
		log.ErrorContext(ctx, "recording is not fetched; its address is in the evidence", "error", err)
	case t.count >= Tries:
		log.ErrorContext(ctx, "recording given up; its address is in the evidence", "tries", t.count, "error", err)
	default:
		log.WarnContext(ctx, "recording not fetched, will be tried again", "tries", t.count, "error", err)
	}
	f.tries[id] = t
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
