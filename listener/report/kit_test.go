package report_test

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/people"
	"saltmine/internal/seal"
	"saltmine/internal/spool"
	"saltmine/internal/webhook"
	"saltmine/listener"
	"saltmine/listener/report"
)

const agentToken = "5f0c6f0e2b8a47d15f0c6f0e"

// world is an ear behind a real server, with a real spool.
type world struct {
	t     testing.TB
	ear   *report.Ear
	srv   *httptest.Server
	spool *spool.Spool
	open  func([]byte) ([]byte, error)
	clock atomic.Int64 // seconds since start
	down  atomic.Bool  // the spool says no
	host  string       // that a proxy passes on; empty: the server's
}

func start() time.Time { return time.Date(2026, 8, 5, 10, 0, 0, 0, time.UTC) }

func (w *world) now() time.Time { return start().Add(time.Duration(w.clock.Load()) * time.Second) }

func newWorld(t testing.TB, change func(*report.Config)) *world {
	t.Helper()
	w, dir := &world{t: t}, t.TempDir()
	keys := filepath.Join(dir, "keys")
	must(t, seal.Generate(keys))
	k, err := seal.Load(keys)
	must(t, err)
	w.open = k.Core.Open
	w.spool, err = spool.Open(spool.Config{Dir: t.TempDir(), Now: w.now, MinFree: -1})
	must(t, err)
	t.Cleanup(func() { must(t, w.spool.Close()) })
	road := listener.New(listener.Config{
		Seal: k.Core.Lid().AppendSealed,
		AppendAll: func(ctx context.Context, records []listener.Record) []error {
			items := make([]spool.Item, len(records))
			for i, r := range records {
				items[i] = spool.Item{Key: r.Key, Sealed: r.Sealed}
			}
			return w.spool.AppendAll(ctx, items)
		},
		Full: func(err error) bool { return errors.Is(err, spool.ErrFull) },
	})
	cfg := report.Config{
		Now: w.now, PerMinute: 1000, Agents: []people.Person{{Name: "j.doe", Sum: webhook.TokenSum(agentToken)}},
		Hear: func(ctx context.Context, list []canary.Contact) []error {
			if w.down.Load() {
				return []error{listener.ErrDown}
			}
			return road.HearAll(ctx, list)
		},
	}
	if change != nil {
		change(&cfg)
	}
	w.ear, err = report.New(cfg)
	must(t, err)
	w.srv = httptest.NewServer(w.ear)
	t.Cleanup(w.srv.Close)
	return w
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// heard reads what is in the spool.
func (w *world) heard() (list []canary.Contact) {
	w.t.Helper()
	for from := spool.Cursor(0); ; {
		records, err := w.spool.Read(w.t.Context(), from, 1000)
		must(w.t, err)
		if len(records) == 0 {
			return list
		}
		for _, r := range records {
			plain, err := w.open(r.Sealed)
			must(w.t, err)
			var c canary.Contact
			must(w.t, c.UnmarshalBinary(plain))
			list, from = append(list, c), r.Next
		}
	}
}

// only is the only contact in the spool.
func (w *world) only() canary.Contact {
	w.t.Helper()
	list := w.heard()
	if len(list) != 1 {
		w.t.Fatalf("%d contacts", len(list))
	}
	return list[0]
}

// do asks without following redirections.
func (w *world) do(method, path, body string, header ...string) (*http.Response, string) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.srv.URL+path, strings.NewReader(body))
	must(w.t, err)
	r.Host = w.host
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(r)
	must(w.t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	must(w.t, err)
	return resp, string(text)
}

// post sends a report as an agent's program does.
func (w *world) post(body string) (*http.Response, string) {
	w.t.Helper()
	return w.do(http.MethodPost, "/v1/reports", body, "Authorization", "Bearer "+agentToken, "Content-Type", "application/json")
}

var keyForm = regexp.MustCompile(`name="key" value="([^"]+)"`)

// fill loads the form and sends it with some fields, as a browser does.
func (w *world) fill(fields url.Values, header ...string) (*http.Response, string) {
	w.t.Helper()
	_, text := w.do(http.MethodGet, "/report", "")
	key := keyForm.FindStringSubmatch(text)
	if key == nil {
		w.t.Fatalf("no form: %s", text)
	}
	all := url.Values{"by": {""}, "how": {"call"}, "when": {""}, "knew": {""}, "said": {""}, "contact": {""}, "key": {key[1]}}
	maps.Copy(all, fields)
	return w.do(http.MethodPost, "/report", all.Encode(), header...)
}
