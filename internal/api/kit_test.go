package api_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"saltmine/internal/api"
	"saltmine/internal/canary"
	"saltmine/internal/people"
	"saltmine/internal/registry"
	"saltmine/internal/seal"
)

// What must be seen in no answer but in opened evidence.
const (
	victim = "dana.whitfield1@example.net"
	sender = "sam.scammer@example.org"
	words  = "Dear Dana Whitfield, about your ticket TK-4711"
)

func start() time.Time { return time.Date(2026, 8, 5, 10, 0, 0, 123456000, time.UTC) }

// world is an interface on a real registry, served over real connections.
type world struct {
	t     *testing.T
	path  string
	reg   *registry.Registry
	api   *api.API
	srv   *httptest.Server
	log   *bytes.Buffer
	woken atomic.Int32
	mu    sync.Mutex
	clock time.Time
}

func token(role string) string { return "test-only-token-of-" + role }

// newWorld has a person of each role; ajar is without any.
func newWorld(t *testing.T, ajar bool) *world { return newWorldOf(t, ajar, 0) }

// newWorldOf has, with a time, one in which a second person has to approve.
func newWorldOf(t *testing.T, ajar bool, second time.Duration) *world {
	t.Helper()
	dir := t.TempDir()
	must(t, seal.Generate(filepath.Join(dir, "keys")))
	keys, err := seal.Load(filepath.Join(dir, "keys"))
	must(t, err)
	w := &world{t: t, path: filepath.Join(dir, "r.db"), clock: start(), log: &bytes.Buffer{}}
	w.reg, err = registry.Open(t.Context(), registry.Config{DSN: "sqlite:" + w.path, Vault: keys.Vault, Now: w.now})
	must(t, err)
	t.Cleanup(func() { w.reg.Close() })
	var list []people.Person
	for _, role := range []people.Role{people.Seeder, people.Responder, people.Forensics, people.Auditor} {
		if !ajar {
			list = append(list, people.Person{Name: "p." + string(role), Sum: sha256.Sum256([]byte(token(string(role)))), Roles: []people.Role{role}})
		}
	}
	w.api = api.New(api.Config{
		Registry: w.reg, Door: people.New(list, w.now), Second: api.Second{Wanted: second > 0, Valid: second}, Wake: func() { w.woken.Add(1) }, Log: slog.New(slog.NewTextHandler(w.log, nil)),
		Trace: func(_ context.Context, id canary.IncidentID) (any, error) {
			if id == incident(0) {
				return map[string]string{"suspect": "nightly export"}, nil
			}
			if id == incident(1) {
				return func() {}, nil // there is no JSON of that
			}
			return nil, fmt.Errorf("trace: %w", registry.ErrNotFound)
		},
	})
	mux := http.NewServeMux()
	mux.Handle("/v1/", w.api)
	w.srv = httptest.NewServer(mux)
	t.Cleanup(w.srv.Close)
	return w
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.clock
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clock = w.clock.Add(d)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func incident(n int) canary.IncidentID { return canary.IncidentID(fmt.Sprintf("i_%016d", n)) }

func contactID(n int) canary.ContactID { return canary.ContactID(fmt.Sprintf("k_contact%04d", n)) }

// fill files n incidents, each with a mail to a canary and its page.
func (w *world) fill(from, n int) {
	w.t.Helper()
	var o canary.Outcome
	for i := from; i < from+n; i++ {
		at := start().Add(time.Duration(i/2) * time.Minute) // two of each moment
		c := canary.Contact{
			ID: contactID(i), Channel: canary.SMTP, At: at, Ear: "smtpd", Peer: "192.0.2.7:4711", Source: sender, Text: words,
			Targets: []canary.Target{{Kind: canary.Email, Text: victim}}, Facts: map[string]string{"helo": "mail.example.org"},
			Raw: []byte("RCPT TO:<" + victim + ">\r\n"),
		}
		o.Entries = append(o.Entries, canary.Entry{Contact: c, Class: canary.ClassPlanted})
		o.Hits = append(o.Hits, canary.Hit{Contact: c.ID, Token: canary.TokenID(fmt.Sprintf("t_%016d", i)), Canary: canary.ID(fmt.Sprintf("c_%016d", i)), Role: canary.RolePlanted, Incident: incident(i), Clean: true, At: at})
		// Two tokens of one canary, of which the identity is one.
		o.Hits = append(o.Hits, o.Hits[len(o.Hits)-1])
		o.Hits[len(o.Hits)-1].Token = canary.TokenID(fmt.Sprintf("u_%016d", i))
		o.Incidents = append(o.Incidents, canary.Incident{ID: incident(i), Place: "db:main", Severity: canary.Severity(1 + i%4), Opened: at, Updated: at, Reasons: []string{"a message from a stranger"},
			Weight: &canary.Weight{Factor: 12.5, ByCount: 2.5, Content: 5, Chance: 0.01, Counts: []canary.Counted{{Channel: canary.SMTP, Kind: canary.Email, Reached: 1, Planted: 10, Placebos: 990, PlaceboYears: 12.3}}}})
		page := canary.Page{ID: canary.PageID(fmt.Sprintf("p_%016d", i)), Incident: incident(i), Severity: canary.P2, At: at, Place: "db:main", Summary: "P2", Next: []string{"look"}}
		o.Pages = append(o.Pages, page)
		o.Deliveries = append(o.Deliveries, canary.Delivery{Page: page.ID, Route: "hook"})
	}
	must(w.t, w.reg.Commit(w.t.Context(), o))
}

// reply is an answer, read whole.
type reply struct {
	status int
	header http.Header
	body   string
}

func (r *reply) into(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(r.body), v); err != nil {
		t.Fatalf("%v: %s", err, r.body)
	}
}

// ask sends a request as somebody of a role, or nobody, and holds the answer
// against the description.
func (w *world) ask(role, method, path, body string, header ...string) *reply {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.srv.URL+path, strings.NewReader(body))
	must(w.t, err)
	if role != "" {
		req.Header.Set("Authorization", "Bearer "+token(role))
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
		if header[i] == "Host" {
			req.Host = header[i+1]
		}
	}
	res, err := w.srv.Client().Do(req)
	must(w.t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	must(w.t, err)
	out := &reply{res.StatusCode, res.Header, string(text)}
	described(w.t, method, req.URL.Path, out)
	h := res.Header
	if h.Get("Cache-Control") != "no-store" || h.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'") {
		w.t.Errorf("%s %s: headers %v", method, path, h)
	}
	return out
}

func (w *world) get(role, path string, status int) *reply {
	w.t.Helper()
	r := w.ask(role, http.MethodGet, path, "")
	if r.status != status {
		w.t.Errorf("%s as %q: status %d, want %d: %s", path, role, r.status, status, r.body)
	}
	return r
}

func (w *world) post(role, path, body string, status int) *reply {
	w.t.Helper()
	r := w.ask(role, http.MethodPost, path, body)
	if r.status != status {
		w.t.Errorf("POST %s as %q: status %d, want %d: %s", path, role, r.status, status, r.body)
	}
	return r
}

// acts gives the evidence log, the first first, as one line each.
func (w *world) acts() (lines []string) {
	w.t.Helper()
	list, err := w.reg.Acts(w.t.Context(), registry.ActFilter{})
	must(w.t, err)
	for _, a := range list {
		lines = append([]string{strings.Join([]string{a.Who, a.Via, a.What, a.About, a.Outcome}, "|")}, lines...)
	}
	if _, err := w.reg.CheckActs(w.t.Context()); err != nil && !errors.Is(err, context.Canceled) {
		w.t.Error(err)
	}
	return lines
}
