package main

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/pager"
	"saltmine/internal/pull"
	"saltmine/internal/registry"
	"saltmine/internal/seal"
	"saltmine/internal/spool"
)

// TestReady asks a healthy core, one whose pages nobody accepts, one whose edge
// is silent, and one without its registry.
func TestReady(t *testing.T) {
	t.Parallel()
	began := time.Date(2026, 8, 5, 10, 0, 0, 0, time.UTC)
	now, heard := began, time.Time{}
	dir := t.TempDir()
	if err := seal.Generate(filepath.Join(dir, "keys")); err != nil {
		t.Fatal(err)
	}
	keys, err := seal.Load(filepath.Join(dir, "keys"))
	if err != nil {
		t.Fatal(err)
	}
	reg, err := registry.Open(t.Context(), registry.Config{DSN: "sqlite:" + filepath.Join(dir, "r.db"), Vault: keys.Vault, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { reg.Close() })
	sp, err := spool.Open(spool.Config{Dir: filepath.Join(dir, "spool"), MaxBytes: 1 << 20, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sp.Close() })
	h := &health{spool: sp, ears: &ears{}, reg: reg, began: began, now: func() time.Time { return now }, edges: func() []edgeState {
		return []edgeState{{"edge1", pull.State{Heard: heard}, 10 * time.Minute}}
	}}
	ask := func(path string) (int, string) {
		t.Helper()
		w := httptest.NewRecorder()
		h.handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody))
		return w.Code, w.Body.String()
	}
	ready := func(when string, want int, lines ...string) {
		t.Helper()
		status, text := ask("/readyz")
		if status != want || text != strings.Join(lines, "\n")+"\n" {
			t.Errorf("%s: status %d: %s", when, status, text)
		}
		if status, _ := ask("/healthz"); status != http.StatusOK {
			t.Errorf("%s: healthz %d", when, status)
		}
	}
	ready("at first", 200, "ready", "spool: ok", "registry: ok", "pager: ok", "edge edge1: ok")

	page := canary.Page{ID: "p_0000000000000001", Incident: "i_0000000000000001", Severity: canary.P2, At: now}
	err = reg.Commit(t.Context(), canary.Outcome{
		Incidents: []canary.Incident{{ID: page.Incident, Place: "db:main", Severity: canary.P2, Opened: now, Updated: now}}, Pages: []canary.Page{page},
		Deliveries: []canary.Delivery{{Page: page.ID, Route: "log", Log: true}, {Page: page.ID, Route: "duty"}, {Page: page.ID, Route: "chat"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	now, heard = now.Add(15*time.Minute), now.Add(14*time.Minute)
	out := reg.Outbox()
	sent := func(route string) {
		t.Helper()
		if err := out.Sent(t.Context(), pager.Delivery{Page: page, Route: route, Kind: pager.Trigger}, now, ""); err != nil {
			t.Fatal(err)
		}
	}
	sent("log") // which is nobody
	ready("nobody accepts a page", 503, "not ready", "spool: ok", "registry: ok", "pager: no route has accepted a page of 2026-08-05T10:00:00Z", "edge edge1: ok")
	if _, text := ask("/metrics"); !strings.Contains(text, "saltmine_page_unaccepted_seconds 900\n") {
		t.Error(text)
	}
	sent("duty")
	now = now.Add(9 * time.Minute)
	ready("the edge is silent", 503, "not ready", "spool: ok", "registry: ok", "pager: ok", "edge edge1: it has not answered since 2026-08-05T10:14:00Z")
	heard = now
	ready("it answers", 200, "ready", "spool: ok", "registry: ok", "pager: ok", "edge edge1: ok")
	if err := reg.Close(); err != nil {
		t.Fatal(err)
	}
	ready("without its registry", 503, "not ready", "spool: ok", "registry: it does not answer", "pager: ok", "edge edge1: ok")
	if status, _ := ask("/metrics"); status != http.StatusServiceUnavailable {
		t.Errorf("metrics without a registry: %d", status)
	}
}
