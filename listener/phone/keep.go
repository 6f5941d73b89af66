package phone

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/webhook"
)

// Facts that the ear itself adds.
const (
	factRefused   = "refused"   // why a request is unverified
	factMalformed = "malformed" // what is wrong with a verified one
	factCut       = "cut"       // what did not fit into the contact
	factCall      = "call"      // id of the contact that the call began with
)

// answer is what the other side is told.
type answer struct {
	status int
	kind   string
	text   string
}

const (
	plainType = "text/plain; charset=utf-8"
	jsonType  = "application/json"
	xmlType   = "text/xml; charset=utf-8"
)

func reply(w http.ResponseWriter, a answer) {
	h := w.Header()
	h.Set("Content-Type", a.kind)
	h.Set("Content-Length", strconv.Itoa(len(a.text)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, a.text) // the contact is durable; that the other side has gone changes nothing
}

func tryAgain() answer {
	return answer{http.StatusServiceUnavailable, plainType, "try again later\n"}
}

func forbidden() answer { return answer{http.StatusForbidden, plainType, "forbidden\n"} }

// refusal names, for the fact "refused", why a signature was not accepted.
func refusal(err error) string {
	switch {
	case errors.Is(err, webhook.ErrHeader):
		return "header"
	case errors.Is(err, webhook.ErrTime):
		return "time"
	case errors.Is(err, webhook.ErrBody):
		return "body"
	}
	return "signature"
}

// keep makes the contacts durable and gives their answer.
func (e *Ear) keep(w http.ResponseWriter, r *http.Request, h hearing) {
	if h.unverified && !e.strangers.take(h.contacts[0].At) {
		e.dropped.Add(1)
		reply(w, h.answer)
		return
	}
	// A provider that hangs up has still made the call.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), h.wait)
	defer cancel()
	for i := range h.contacts {
		c := &h.contacts[i]
		c.Unverified = h.unverified
		if err := e.keepOne(ctx, c); err != nil {
			e.failed.Add(1)
			e.cfg.Log.ErrorContext(ctx, "webhook could not be stored, answered 503", "contact", c, "provider", strings.TrimPrefix(c.Ear, "phone/"), "unverified", c.Unverified, "error", err)
			w.Header().Set("Retry-After", "10")
			reply(w, tryAgain())
			return
		}
	}
	reply(w, h.answer)
}

func (e *Ear) keepOne(ctx context.Context, c *canary.Contact) error {
	if !c.Unverified {
		fit(c, knownBounds())
		if err := e.cfg.Hear(ctx, *c); err != nil {
			return fmt.Errorf("keep webhook: %w", err)
		}
		e.heard.Add(1)
		e.cfg.Log.InfoContext(ctx, "webhook heard", "contact", c, "provider", strings.TrimPrefix(c.Ear, "phone/"))
		return nil
	}
	// Random, never made from the event: a forger who knows the id of an event to
	// come could otherwise have the real one dropped as a repeat.
	c.ID = canary.ContactID(canary.NewID("k"))
	fit(c, strangerBounds())
	if err := e.cfg.Hear(ctx, *c); err != nil {
		return fmt.Errorf("keep unverified webhook: %w", err)
	}
	e.unverified.Add(1)
	e.cfg.Log.InfoContext(ctx, "unverified webhook kept", "contact", c, "provider", strings.TrimPrefix(c.Ear, "phone/"), "refused", c.Facts[factRefused])
	return nil
}

// keepBroken keeps what came of a body that is too long or breaks off. It cannot
// be verified, because the signature is over the whole.
func (e *Ear) keepBroken(w http.ResponseWriter, r *http.Request, l line, head []byte, err error) {
	h := hearing{unverified: true, wait: l.wait, answer: answer{http.StatusBadRequest, plainType, "the body breaks off\n"}}
	why := "incomplete"
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		why = "too_large"
		h.answer = answer{http.StatusRequestEntityTooLarge, plainType, "the body is too large\n"}
	}
	c := l.contact(event{channel: canary.Voice}, "")
	if l.leg == canary.SMS {
		c.Channel = canary.SMS
	}
	c.Facts = map[string]string{factRefused: why}
	c.At, c.Peer, c.Raw = canary.Micro(e.cfg.Now()), r.RemoteAddr, webhook.Transcript(r, head)
	h.contacts = []canary.Contact{c}
	e.keep(w, r, h)
}

// eventID makes the id of a contact from what names the event at the provider:
// 128 bits of SHA-256 over the parts, each with its length in front. The id can be
// read in the spool and in the registry, so no part may be a number, a name or a
// text unless one beside it (Twilio's CallSid) cannot be guessed.
//
// This is the protection against replays, and it needs no memory: a restarted
// ear makes the same id and the same answer. The spool does not write an id that
// it holds; once the record is trimmed it writes it again, and the core, which has
// filed the id, drops it. So whoever replays a request changes neither a count nor
// a date. What he can still do depends on what the provider signs:
//
//   - Telnyx, Vonage, Sinch, generic: a request that never arrived (held back on
//     the way) is unverified after webhook.Tolerance.
//   - Twilio, SignalWire, Plivo calls: such a request, sent later, counts as new
//     at the time at which it comes. It can be late, never twice, never other.
//   - Plivo text messages under V2 (fact "signed"): whoever has seen one request
//     can send any other message, each as a new one.
//   - Bandwidth: whoever knows user and password can send anything.
//
// All of this is sent over TLS, so he must be at the provider or at our proxy.
func eventID(provider string, parts ...string) canary.ContactID {
	h := sha256.New()
	for _, p := range parts {
		_, _ = fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return canary.ContactID("k_" + provider + "-" + hex.EncodeToString(h.Sum(nil)[:16]))
}

// bounds are the sizes that a contact may have; the road refuses a contact
// whose header is over 4 MiB, and control characters grow sixfold in JSON.
type bounds struct{ raw, text, field, targets int }

func knownBounds() bounds {
	return bounds{raw: canary.MaxRaw, text: 64 << 10, field: 4 << 10, targets: 100} // addresses of recordings are long
}

func strangerBounds() bounds { return bounds{raw: 16 << 10, text: 4 << 10, field: 256, targets: 10} }

// fit cuts what is over the bounds and says so in the fact "cut".
func fit(c *canary.Contact, b bounds) {
	var cut []string
	short := func(name, s string, limit int) string {
		if len(s) <= limit {
			return s
		}
		cut = append(cut, name)
		return strings.ToValidUTF8(s[:limit], "")
	}
	c.Text = short("text", c.Text, b.text)
	c.Source = short("source", c.Source, b.field)
	if len(c.Targets) > b.targets {
		c.Targets, cut = c.Targets[:b.targets], append(cut, "targets")
	}
	for i := range c.Targets {
		c.Targets[i].Text = short("target", c.Targets[i].Text, b.field)
	}
	for k, v := range c.Facts {
		c.Facts[k] = short(k, v, b.field)
	}
	if len(c.Raw) > b.raw {
		c.Raw, cut = c.Raw[:b.raw], append(cut, "raw")
	}
	if len(cut) > 0 {
		slices.Sort(cut) // facts come in any order
		c.Facts[factCut] = strings.Join(cut, " ")
	}
}

// quota allows so many a minute by the clock's minutes.
type quota struct {
	perMinute int

	mu     sync.Mutex
	minute time.Time
	used   int
}

func (q *quota) take(at time.Time) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if m := at.Truncate(time.Minute); !m.Equal(q.minute) {
		q.minute, q.used = m, 0
	}
	if q.used >= q.perMinute {
		return false
	}
	q.used++
	return true
}
