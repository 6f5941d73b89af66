// Package report is the ear for people who were called or written to by somebody
// who knew too much: customers, on a form, and the help desk's programs. Each
// report becomes a [canary.Contact] of the channel "report".
//
//	GET  /report           the form; it needs no script and sets no cookie
//	POST /report           303 to /report/thanks
//	POST /v1/reports       Authorization: Bearer <an agent's token>
//
//	{"by": "+44 20 7946 0018", "how": "call", "at": "2026-08-05T10:00:00Z",
//	 "knew": "my name and ticket 4711-22", "said": "he wanted to see my screen",
//	 "contact": "dana@example.org", "key": "5f2c…"}
//
//	202 {"status":"recorded, thank you"}
//
// One of "by", "knew" and "said" is wanted, the others may be left out; "key" makes
// sending the same again one contact. /v1/openapi.json says the rest. The invariant:
// who is thanked was made durable before, and is thanked in the same bytes whatever
// was told.
//
// How the person can be reached goes into a contact of its own
// ([canary.EarReporter]), so that it is in no evidence that is handed on: the
// bytes of the report have a mark in its place. Both are written at once.
//
// Strangers can grow nothing: a report has 64 KiB, each source (of IPv6 each /64) and
// all together have a rate, so many are under way, so many sources are remembered.
// What exceeds that is answered 429 or 503 and not recorded; the next report that is
// tells how many were not. Agents have a rate of their own, whatever strangers do.
// A form that another site sends is refused. It belongs behind a proxy that speaks
// TLS; only named proxies are believed whom they speak for.
package report

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/people"
	"saltmine/listener"
)

// ErrConfig is wrapped by every fault that New finds.
var ErrConfig = errors.New("report ear cannot be set up")

// Config is what an ear needs.
type Config struct {
	// Hear makes contacts durable, with an answer for each; a contact whose id it
	// holds is success.
	Hear func(context.Context, []canary.Contact) []error
	// Agents may send reports over the API; for an empty list there is the form alone.
	Agents []people.Person
	// Proxies are believed whom they speak for (X-Forwarded-For).
	Proxies []netip.Prefix
	// PublicURL is where people reach the form: scheme and host, for browsers that say
	// only their origin, behind a proxy that does not pass the Host on. It may be empty.
	PublicURL string
	// PerMinute bounds the reports of all strangers; 0 is 30.
	PerMinute int
	Now       func() time.Time
	Log       *slog.Logger // nil: nothing is logged
}

// Stats counts what an ear did since it was made.
type Stats struct {
	Heard      uint64 // reports made durable
	Unrecorded uint64 // reports over a rate, or too many at once
	Failed     uint64 // reports answered 503 because the store failed
	Refused    uint64 // forms that another site may have sent
}

// Ear answers people. It is safe for concurrent use.
type Ear struct {
	cfg    Config
	door   *people.Door
	rates  rates
	text   *template.Template
	policy string
	origin *http.CrossOriginProtection
	room   chan struct{} // a place for each report under way

	heard, unrecorded, failed, refused atomic.Uint64

	warnedOf struct{ host, proxy sync.Once } // what only a wrong setting does, or a stranger
}

// Bounds of what is under way.
const (
	underWay    = 64
	hearTimeout = 10 * time.Second
)

// defaultPerMinute is far above what people report, and far below what fills a disk.
const defaultPerMinute = 30

// New returns an ear.
func New(cfg Config) (*Ear, error) {
	if cfg.Hear == nil || cfg.Now == nil {
		return nil, fmt.Errorf("%w: no road or no clock", ErrConfig)
	}
	if cfg.PerMinute < 0 {
		return nil, fmt.Errorf("%w: negative rate", ErrConfig)
	}
	if cfg.PerMinute == 0 {
		cfg.PerMinute = defaultPerMinute
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	origin, err := people.Forms(cfg.PublicURL)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	text, policy := page()
	return &Ear{
		cfg: cfg, door: people.New(cfg.Agents, cfg.Now), rates: newRates(cfg.PerMinute), text: text, policy: policy,
		origin: origin, room: make(chan struct{}, underWay),
	}, nil
}

// Stats returns the counts so far.
func (e *Ear) Stats() Stats {
	return Stats{Heard: e.heard.Load(), Unrecorded: e.unrecorded.Load(), Failed: e.failed.Load(), Refused: e.refused.Load()}
}

// ServeHTTP answers one request. It is to be mounted at "/".
func (e *Ear) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/":
		e.see(w, formPath)
	case formPath, thanksPath:
		e.form(w, r)
	case apiPath:
		e.api(w, r)
	case descriptionPath:
		e.describe(w, r)
	default:
		listener.Refuse(w, http.StatusNotFound, "not found")
	}
}

// errMany says that a report is not recorded because there are too many.
type errMany struct{ wait time.Duration }

// Error says it.
func (errMany) Error() string { return "too many reports" }

// keep makes a report durable, within the rates.
func (e *Ear) keep(r *http.Request, t *Told, agent string, body []byte) error {
	select {
	case e.room <- struct{}{}:
		defer func() { <-e.room }()
	default:
		e.unrecorded.Add(1)
		e.rates.miss()
		return errMany{time.Second}
	}
	now := e.cfg.Now()
	peer := e.peer(r)
	wait, missed := e.rates.take(agent, peer, now)
	if wait > 0 {
		e.unrecorded.Add(1)
		return errMany{wait}
	}
	list := t.contacts(r, agent, body)
	for i := range list {
		list[i].At, list[i].Peer = canary.Micro(now), peer
	}
	if missed > 0 {
		list[0].Facts["unrecorded"] = strconv.Itoa(missed)
	}
	// Who hangs up has still told us.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), hearTimeout)
	defer cancel()
	if err := errors.Join(e.cfg.Hear(ctx, list)...); err != nil {
		e.rates.giveBack(missed)
		e.failed.Add(1)
		e.cfg.Log.ErrorContext(ctx, "report could not be stored, answered 503", "contact", &list[0], "err", err)
		return err
	}
	e.heard.Add(1)
	e.cfg.Log.InfoContext(ctx, "report heard", "contact", &list[0], "agent", agent)
	return nil
}

// answer is the status of a failure to keep, and how long to wait.
func answer(err error) (status int, wait time.Duration) {
	if many, ok := errors.AsType[errMany](err); ok {
		return http.StatusTooManyRequests, many.wait
	}
	return http.StatusServiceUnavailable, 10 * time.Second
}

// api takes a report of a program of the help desk.
func (e *Ear) api(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		listener.Refuse(w, http.StatusMethodNotAllowed, "method not allowed, use POST")
		return
	}
	who, failed := e.door.Enter(r)
	if who == nil {
		if failed.Wait > 0 {
			w.Header().Set("Retry-After", listener.RetryAfter(failed.Wait))
			listener.Refuse(w, http.StatusTooManyRequests, "too many wrong tokens")
			return
		}
		w.Header().Set("WWW-Authenticate", `Bearer realm="reports"`)
		listener.Refuse(w, http.StatusUnauthorized, "send your token in the header Authorization: Bearer, a space, the token")
		return
	}
	t, body, err := readTold(w, r)
	if err != nil {
		status := http.StatusBadRequest
		if errors.Is(err, errLong) {
			status = http.StatusRequestEntityTooLarge
		}
		listener.Refuse(w, status, err.Error())
		return
	}
	if faults := t.faults(e.cfg.Now()); len(faults) > 0 {
		listener.Refuse(w, http.StatusUnprocessableEntity, faults[0])
		return
	}
	if err := e.keep(r, t, who.Name, body); err != nil {
		status, wait := answer(err)
		w.Header().Set("Retry-After", listener.RetryAfter(wait))
		listener.Refuse(w, status, "not recorded, please try again later")
		return
	}
	listener.Answer(w, http.StatusAccepted, `{"status":"recorded, thank you"}`)
}

//go:embed openapi.json
var description []byte

func (e *Ear) describe(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		listener.Refuse(w, http.StatusMethodNotAllowed, "method not allowed")
		return
	}
	listener.Answer(w, http.StatusOK, string(description))
}

// peer is the address that a report comes from: of a named proxy, the one that it
// speaks for.
func (e *Ear) peer(r *http.Request) string {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	addr := at.Addr().Unmap().WithZone("")
	said := forwarded(r.Header)
	if len(said) > 0 && !e.believes(addr) {
		e.warnedOf.proxy.Do(func() {
			e.cfg.Log.WarnContext(r.Context(), "whom a report is forwarded for was not believed: if this is the proxy, name it in proxy_from, or all behind it are one source", "peer", addr)
		})
	}
	for _, next := range said {
		if !e.believes(addr) {
			break
		}
		spoken, err := address(next)
		if err != nil {
			break // what a proxy writes is an address; of anything else the proxy is the source
		}
		addr = spoken.Unmap().WithZone("")
	}
	if addr == at.Addr().Unmap().WithZone("") {
		return netip.AddrPortFrom(addr, at.Port()).String()
	}
	return addr.String()
}

func (e *Ear) believes(addr netip.Addr) bool {
	for _, p := range e.cfg.Proxies {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}
