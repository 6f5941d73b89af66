// Package desk is the ear of the help desk: agents enter the ticket numbers
// that callers quote to them, and each becomes a [canary.Contact].
//
//	POST /v1/ticket
//	Authorization: Bearer <the agent's token>
//	Idempotency-Key: 5f2c…            optional, see below
//
//	{"ticket": "TK-2025-0042", "caller": "+14155550100", "note": "asked for remote access"}
//
//	202 {"status":"recorded, thank you"}
//
// "caller" and "note" may be left out; other fields are refused. The invariant:
// the answer says nothing about the ticket. Agents may be the insiders, so
// whatever is quoted gets the same 202, in the same bytes, ticket number or not;
// the ear could not tell them apart if it wanted to. A 202 was durable before it was sent.
//
// What fails, fails so, each with {"error":"…"}: token missing or unknown 401
// (all agents are compared, in constant time); not the object above 400; body
// over 16 KiB 413; the store failed 503, to be tried again.
//
// At "/" stands a small page for agents who use a browser: they log in with the
// same token, and get the same page for whatever they enter, over the rate or no
// ticket number at all, as long as it is recorded. Its session is a cookie that
// no script and no other site can use, and ends after an hour without a request,
// after 12, or with the process; every form carries a secret of its session. It
// belongs behind a proxy that speaks TLS: browsers keep such a cookie only there
// and for localhost.
//
// Whoever looks up many numbers in a row is answered 429 with Retry-After, and
// still recorded, with the fact "over_rate": a run of look-ups is an incident.
// Only what exceeds the second, far higher rate (Rate.Keep) is not written,
// because an insider could otherwise fill the disk; the agent's next contact
// tells how many in the fact "unrecorded".
//
// The same agent sending the same bytes under the same Idempotency-Key is one
// contact, so a client may try again after a lost answer; without the key every
// request is a contact of its own. That contact's id is keyed with the token, so
// that no ticket number can be guessed from it. Raw is the request as webhook.Transcript
// writes it, with the token hidden.
package desk

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/webhook"
	"saltmine/listener"
)

// ErrConfig is wrapped by every fault that New finds.
var ErrConfig = errors.New("ticket ear cannot be set up")

// Path is where the ear answers.
const Path = "/v1/ticket"

// minToken is the least length of an agent's token: 16 random characters
// cannot be guessed over a network.
const minToken = 16

// Agent is one person, or one program, that may enter ticket numbers.
type Agent struct {
	Name  string
	Token webhook.Hidden // at least 16 characters, or as webhook.HashToken writes them; another for each agent
}

// Rate bounds one agent. A zero field takes the default.
type Rate struct {
	PerMinute int // answered 202; default 30
	Burst     int // answered 202 at once after a pause; default 10
	Keep      int // recorded per minute, whatever the answer; default 600
}

// Config is what an ear needs.
type Config struct {
	Agents []Agent
	// Hear makes a contact durable; a contact whose id it holds is success.
	Hear func(context.Context, canary.Contact) error
	Now  func() time.Time
	Log  *slog.Logger // nil: nothing is logged
	Rate Rate
}

// Stats counts what an ear did since it was made.
type Stats struct {
	Heard      uint64 // tickets made durable
	OverRate   uint64 // of these, answered 429
	Unrecorded uint64 // tickets over Rate.Keep, not recorded
	Strangers  uint64 // requests without a known token
	Failed     uint64 // tickets answered 503 because the store failed
}

// Ear answers the help desk. It is safe for concurrent use.
type Ear struct {
	cfg    Config
	agents []*agent
	page   page

	heard, overRate, unrecorded, strangers, failed atomic.Uint64
}

// agent is one agent's token, kept as a hash so that comparing takes the same
// time whatever its length, and what the agent has used up.
type agent struct {
	name string
	sum  [sha256.Size]byte
	use  *allowance
}

const hearTimeout = 10 * time.Second

// New returns an ear. It reports every fault of the configuration at once, none
// of them showing a token.
func New(cfg Config) (*Ear, error) {
	e := &Ear{cfg: cfg, page: newPage()}
	var faults []error
	bad := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("%w: "+format, append([]any{ErrConfig}, args...)...))
	}
	if cfg.Hear == nil || cfg.Now == nil {
		bad("no road or no clock")
	}
	if cfg.Rate.PerMinute < 0 || cfg.Rate.Burst < 0 || cfg.Rate.Keep < 0 {
		bad("negative rate")
	}
	if len(cfg.Agents) == 0 {
		bad("no agent")
	}
	for i, a := range cfg.Agents {
		if err := e.addAgent(a); err != nil {
			bad("agent %d: %w", i+1, err)
		}
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	if e.cfg.Log == nil {
		e.cfg.Log = slog.New(slog.DiscardHandler)
	}
	return e, nil
}

func (e *Ear) addAgent(a Agent) error {
	text := strings.TrimSpace(string(a.Token))
	next := &agent{name: a.Name, sum: webhook.TokenSum(text), use: newAllowance(e.cfg.Rate)}
	if a.Name == "" {
		return errors.New("no name")
	}
	if len(text) < minToken {
		return fmt.Errorf("token of %d characters, want at least %d", len(text), minToken)
	}
	for _, other := range e.agents {
		if other.name == next.name || other.sum == next.sum {
			return errors.New("name or token is another agent's")
		}
	}
	e.agents = append(e.agents, next)
	return nil
}

// Stats returns the counts so far.
func (e *Ear) Stats() Stats {
	return Stats{Heard: e.heard.Load(), OverRate: e.overRate.Load(), Unrecorded: e.unrecorded.Load(), Strangers: e.strangers.Load(), Failed: e.failed.Load()}
}

// ServeHTTP answers one request. It is to be mounted at "/".
func (e *Ear) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if e.servePage(w, r) {
		return
	}
	if r.URL.Path != Path {
		listener.Refuse(w, http.StatusNotFound, "not found")
		return
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		listener.Refuse(w, http.StatusMethodNotAllowed, "method not allowed, use POST")
		return
	}
	who := e.agent(r.Header)
	if who == nil {
		e.strangers.Add(1)
		w.Header().Set("WWW-Authenticate", `Bearer realm="ticket"`)
		listener.Refuse(w, http.StatusUnauthorized, "send your token as: Authorization: Bearer <token>")
		return
	}
	body, q, err := readQuote(w, r)
	if err != nil {
		status := http.StatusBadRequest
		if errors.Is(err, errLong) {
			status = http.StatusRequestEntityTooLarge
		}
		listener.Refuse(w, status, err.Error())
		return
	}
	e.hear(w, r, who, e.contact(r, who, body, q))
}

// agent gives the agent whose token the request carries, nil for none.
func (e *Ear) agent(h http.Header) *agent {
	given := h.Values("Authorization")
	if len(given) != 1 {
		return nil
	}
	scheme, token, ok := strings.Cut(given[0], " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return nil
	}
	return e.known(token)
}

// known gives the agent of a token, nil for none. Every agent is compared, so
// that the time does not tell which was close.
func (e *Ear) known(token string) *agent {
	sum := sha256.Sum256([]byte(strings.TrimSpace(token)))
	var who *agent
	for _, a := range e.agents {
		if subtle.ConstantTimeCompare(sum[:], a.sum[:]) == 1 {
			who = a
		}
	}
	return who
}

func (e *Ear) contact(r *http.Request, who *agent, body []byte, q Quote) canary.Contact {
	c := canary.Contact{
		ID:      canary.ContactID(canary.NewID("k")),
		Channel: canary.ByTicket,
		At:      canary.Micro(e.cfg.Now()),
		Ear:     "desk",
		Peer:    r.RemoteAddr,
		Source:  who.name,
		Targets: []canary.Target{{Kind: canary.Ticket, Text: q.Ticket}},
		Text:    strings.TrimSpace(q.Caller + "\n" + q.Note),
		Facts:   map[string]string{},
		Raw:     webhook.Transcript(r, body, "Authorization", "Proxy-Authorization", "Cookie"),
	}
	if q.Caller != "" {
		c.Facts["caller"] = q.Caller
	}
	if key := r.Header.Get(headerOnce); key != "" {
		c.ID = who.onceID(key, body)
	}
	return c
}

// onceID makes the id of a request that may be sent again. The bytes are in it:
// under one key, an agent could otherwise have all look-ups after the first
// dropped as repeats. Ids are not sealed, and a ticket number can be guessed
// from a plain hash, so it is keyed with the agent's token.
func (a *agent) onceID(key string, body []byte) canary.ContactID {
	h := hmac.New(sha256.New, a.sum[:])
	_, _ = fmt.Fprintf(h, "%d:%s%d:%s%s", len(a.name), a.name, len(key), key, body)
	return canary.ContactID("k_desk-" + hex.EncodeToString(h.Sum(nil)[:16]))
}

// keep makes a contact durable, within what the agent may do.
func (e *Ear) keep(r *http.Request, who *agent, c *canary.Contact) (leave, error) {
	got := who.use.take(c.At)
	if !got.record {
		e.unrecorded.Add(1)
		return got, nil
	}
	if got.wait > 0 {
		c.Facts["over_rate"] = "yes"
	}
	if got.missed > 0 {
		c.Facts["unrecorded"] = strconv.Itoa(got.missed)
	}
	// An agent who hangs up has still quoted the number.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), hearTimeout)
	defer cancel()
	if err := e.cfg.Hear(ctx, *c); err != nil {
		who.use.giveBack(got.missed)
		e.failed.Add(1)
		e.cfg.Log.ErrorContext(ctx, "quoted ticket could not be stored, answered 503", "contact", c, "error", err)
		return got, err
	}
	e.heard.Add(1)
	if got.wait > 0 {
		e.overRate.Add(1)
	}
	e.cfg.Log.InfoContext(ctx, "quoted ticket heard", "contact", c, "agent", who.name, "over_rate", got.wait > 0)
	return got, nil
}

// hear makes the contact durable and answers.
func (e *Ear) hear(w http.ResponseWriter, r *http.Request, who *agent, c canary.Contact) {
	got, err := e.keep(r, who, &c)
	switch {
	case err != nil:
		w.Header().Set("Retry-After", "10")
		listener.Refuse(w, http.StatusServiceUnavailable, "not recorded, please try again later")
	case !got.record:
		slowDown(w, got.wait, "far too many tickets, try again later")
	case got.wait > 0:
		slowDown(w, got.wait, "recorded, but too many tickets at once, please slow down")
	default:
		listener.Answer(w, http.StatusAccepted, `{"status":"recorded, thank you"}`)
	}
}
