// Package exclude answers the company's own jobs (billing, analytics, campaigns)
// whether a customer is to be left out, without handing out the list of canaries.
//
//	POST /v1/exclude
//	Authorization: Bearer <the caller's token>
//
//	{"customers": ["dana.whitfield@example.net", "tom@example.org"]}
//
//	200 {"answers":["drop","keep"]}
//
// A job asks about the customers that it is about to treat, at most 100 at a
// time, by what the configuration says: all by e-mail address, or all by primary
// key. Both words have as many letters, and an answer leaves at a multiple of
// [Config.Floor] after the request, so that neither length nor time tells more
// than the words do.
//
// Who can ask can probe: that is what this cannot take away. It is bounded by a
// budget for each caller and day, kept in the registry: who may ask about a
// twentieth of the customers a day learns of at most a twentieth of the canaries.
// And it is blurred: some real customers, chosen by a keyed function so that
// they are always the same, are answered "drop" too. With a canary among 400
// customers and decoys among 100, a "drop" is a canary one time in five. The
// price is that a hundredth of the customers gets no mail. A caller that must
// treat everybody, such as billing, is exact: its token is worth the whole list,
// and two callers of different kinds who compare notes tell decoys apart.
//
// Every request is on the record (who, when, a keyed hash of each identifier;
// not the answers), those over the budget by their number. They are answered 429
// until the next day, UTC, and [Config.Over] is told. Other refusals: no known
// token 401, not the object above 400, over 100 customers or 32 KiB 413, a
// registry that does not answer 503: the job must not go on without an answer.
package exclude

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"saltmine/internal/webhook"
)

// Path is where the check answers.
const Path = "/v1/exclude"

// Bounds of a request.
const (
	MaxCustomers = 100
	maxBody      = 32 << 10
	maxText      = 320 // bytes of one identifier
)

// DefaultFloor is the step of time at which answers leave.
const DefaultFloor = 50 * time.Millisecond

// Caller is a job that may ask.
type Caller struct {
	Name   string
	Token  string // as it is, or as webhook.HashToken writes it
	PerDay int    // customers it may ask about in a day, UTC
	// Exact: it gets no decoys, and a "drop" is always a canary.
	Exact bool
}

// Question is a request as it goes to the registry.
type Question struct {
	Caller    string
	Customers []string
	At        time.Time
	PerDay    int
	Exact     bool
}

// ErrBudget is what Ask returns for a question that is over the day's budget.
var ErrBudget = errors.New("the day's budget is used up")

// Config is what a check needs.
type Config struct {
	Callers []Caller
	// Ask records a question and answers it: true for those to be left out.
	Ask func(context.Context, Question) ([]bool, error)
	// Over is told of a caller who asked over the budget; may be nil.
	Over  func(ctx context.Context, caller string, at time.Time)
	Floor time.Duration // 0 is DefaultFloor
	Now   func() time.Time
	Log   *slog.Logger
}

// Check answers questions over HTTP.
type Check struct {
	cfg  Config
	sums [][sha256.Size]byte // of the callers' tokens
}

// New returns a check.
func New(cfg Config) *Check {
	c := &Check{cfg: cfg}
	if c.cfg.Floor <= 0 {
		c.cfg.Floor = DefaultFloor
	}
	for _, caller := range cfg.Callers {
		c.sums = append(c.sums, webhook.TokenSum(caller.Token))
	}
	return c
}

type request struct {
	Customers []string `json:"customers"`
}

type answer struct {
	Answers []string `json:"answers"`
}

// The two answers; they have as many letters.
const (
	Drop = "drop" // leave the customer out
	Keep = "keep"
)

// ServeHTTP answers one request.
func (c *Check) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := c.cfg.Now()
	caller := c.caller(r.Header)
	if caller == nil {
		w.Header().Set("WWW-Authenticate", `Bearer realm="exclude"`)
		fail(w, http.StatusUnauthorized, "send your token as: Authorization: Bearer <token>")
		return
	}
	q, status, err := read(w, r)
	if err != nil {
		fail(w, status, err.Error())
		return
	}
	drop, err := c.cfg.Ask(r.Context(), Question{Caller: caller.Name, Customers: q.Customers, At: began, PerDay: caller.PerDay, Exact: caller.Exact})
	c.rest(r.Context(), began)
	switch {
	case errors.Is(err, ErrBudget):
		if c.cfg.Over != nil {
			c.cfg.Over(r.Context(), caller.Name, began)
		}
		tomorrow := began.UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)
		w.Header().Set("Retry-After", strconv.Itoa(int(tomorrow.Sub(began).Seconds())+1))
		fail(w, http.StatusTooManyRequests, fmt.Sprintf("over the budget of %d customers a day; this was recorded", caller.PerDay))
	case err != nil:
		c.cfg.Log.WarnContext(r.Context(), "exclusion could not be answered", "caller", caller.Name, "err", err)
		w.Header().Set("Retry-After", "10")
		fail(w, http.StatusServiceUnavailable, "no answer now: leave nobody in and ask again later")
	default:
		c.cfg.Log.InfoContext(r.Context(), "exclusion asked", "caller", caller.Name, "customers", len(q.Customers))
		words := make([]string, len(drop))
		for i, d := range drop {
			words[i] = Keep
			if d {
				words[i] = Drop
			}
		}
		reply(w, http.StatusOK, answer{words})
	}
}

// caller gives whose token the request carries. All are compared, so that the
// time does not tell which was close.
func (c *Check) caller(h http.Header) *Caller {
	scheme, given, ok := strings.Cut(h.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return nil
	}
	sum := sha256.Sum256([]byte(strings.TrimSpace(given)))
	var who *Caller
	for i := range c.sums {
		if subtle.ConstantTimeCompare(sum[:], c.sums[i][:]) == 1 {
			who = &c.cfg.Callers[i]
		}
	}
	return who
}

var (
	errForm = fmt.Errorf(`want {"customers":["…"]}: 1 to %d texts of 1 to %d bytes`, MaxCustomers, maxText)
	errSize = fmt.Errorf("at most %d customers and %d bytes at a time", MaxCustomers, maxBody)
)

func read(w http.ResponseWriter, r *http.Request) (q request, status int, err error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		return q, http.StatusRequestEntityTooLarge, errSize
	}
	if err != nil {
		return q, http.StatusBadRequest, errForm
	}
	return parse(body)
}

// parse reads a body; its errors do not repeat what was sent.
func parse(body []byte) (q request, status int, err error) {
	dec := json.NewDecoder(strings.NewReader(string(body)))
	dec.DisallowUnknownFields()
	if dec.Decode(&q) != nil || len(q.Customers) == 0 {
		return q, http.StatusBadRequest, errForm
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return q, http.StatusBadRequest, errForm
	}
	if len(q.Customers) > MaxCustomers {
		return q, http.StatusRequestEntityTooLarge, errSize
	}
	for _, text := range q.Customers {
		if strings.TrimSpace(text) == "" || len(text) > maxText {
			return q, http.StatusBadRequest, errForm
		}
	}
	return q, http.StatusOK, nil
}

// rest waits until a multiple of the floor has passed.
func (c *Check) rest(ctx context.Context, began time.Time) {
	spent := max(c.cfg.Now().Sub(began), 0)
	timer := time.NewTimer(c.cfg.Floor - spent%c.cfg.Floor)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func fail(w http.ResponseWriter, status int, why string) {
	reply(w, status, map[string]string{"error": why})
}

func reply(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		body, status = []byte(`{"error":"the answer cannot be written"}`), http.StatusInternalServerError
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(body) // who has gone will ask again
}
