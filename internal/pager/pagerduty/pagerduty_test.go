package pagerduty_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"saltmine/internal/canary"
	"saltmine/internal/pager"
	"saltmine/internal/pager/pagerduty"
	"saltmine/internal/pager/pagertest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const key = "0123456789abcdef0123456789abcdef"

// send makes one delivery to a server that answers with status, and returns
// the request's path and body and what Send said.
func send(t *testing.T, page canary.Page, status int) (path string, body []byte, err error) {
	t.Helper()
	return sendKind(t, page, pager.Trigger, status)
}

func sendKind(t *testing.T, page canary.Page, kind string, status int) (path string, body []byte, err error) {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path = r.Method + " " + r.URL.Path
		body, _ = io.ReadAll(r.Body)
		w.Header().Set("Retry-After", "3")
		w.WriteHeader(status)
		io.WriteString(w, `{"status":"success","message":"Event processed"}`) //nolint:errcheck // the client reads or not
	}))
	defer srv.Close()
	r, err := pagerduty.New(pagerduty.Config{RoutingKey: key, URL: srv.URL + "/v2/enqueue", Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.Send(t.Context(), pager.Delivery{Page: page, Route: "duty", Kind: kind, DedupKey: string(page.Incident)})
	return path, body, err
}

func page() canary.Page {
	return pagertest.Page(1, time.Date(2026, 8, 5, 10, 0, 0, 0, time.UTC))
}

func TestEventIsAsTheGoldenFile(t *testing.T) {
	t.Parallel()
	path, body, err := send(t, page(), http.StatusAccepted)
	if err != nil || path != "POST /v2/enqueue" {
		t.Fatalf("%s: %v", path, err)
	}
	golden := filepath.Join("testdata", "event.json")
	if *update {
		if err := os.WriteFile(golden, append(body, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if string(body)+"\n" != string(want) {
		t.Errorf("body\n%s\nwant\n%s", body, want)
	}
}

// TestUpdatesAreChangeEvents: PagerDuty notifies nobody of them, and they make no
// alert anew that somebody has resolved.
func TestUpdatesAreChangeEvents(t *testing.T) {
	t.Parallel()
	p := page()
	p.Update, p.Contacts, p.Summary = true, 4, "P2 db:main: 3 more contacts since 2026-08-05 10:00:00Z; 4 contacts of 1 canary record in all"
	path, body, err := sendKind(t, p, pager.Update, http.StatusAccepted)
	if err != nil || path != "POST /v2/change/enqueue" {
		t.Fatalf("%s: %v", path, err)
	}
	golden := filepath.Join("testdata", "change.json")
	if *update {
		if err := os.WriteFile(golden, append(body, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(golden); err != nil || string(body)+"\n" != string(want) {
		t.Errorf("%v; body\n%s\nwant\n%s", err, body, want)
	}
	p.Summary, p.Reasons = strings.Repeat("x", 2000), []string{strings.Repeat("y", 600_000)}
	if _, body, err = sendKind(t, p, pager.Update, http.StatusAccepted); err != nil || len(body) > 512_000 || !strings.Contains(string(body), "too long for PagerDuty") {
		t.Errorf("an update that is too long: %d bytes, %v", len(body), err)
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]struct {
		retry bool
		after time.Duration
	}{
		200: {true, time.Minute}, // a log-in page of a proxy, perhaps: not a yes
		302: {true, time.Minute},
		400: {false, 0},
		403: {true, time.Minute},
		408: {true, 3 * time.Second},
		429: {true, 3 * time.Second},
		500: {true, 3 * time.Second},
	} {
		_, _, err := send(t, page(), status)
		e, ok := errors.AsType[*pager.Error](err)
		if !ok || e.Retry != want.retry || e.RetryAfter != want.after {
			t.Errorf("%d: %+v, want %+v", status, err, want)
		}
	}
}

// event is the part of the body that the tests look at.
type event struct {
	DedupKey string `json:"dedup_key"`
	Links    []any  `json:"links"`
	Payload  struct {
		Summary  string         `json:"summary"`
		Severity string         `json:"severity"`
		Details  map[string]any `json:"custom_details"`
	} `json:"payload"`
}

func sent(t *testing.T, p canary.Page) (event, int) {
	t.Helper()
	_, body, err := send(t, p, http.StatusAccepted)
	if err != nil {
		t.Fatal(err)
	}
	var e event
	if err := json.Unmarshal(body, &e); err != nil {
		t.Fatal(err)
	}
	return e, len(body)
}

func TestSeverities(t *testing.T) {
	t.Parallel()
	for s, want := range map[canary.Severity]string{
		canary.P1: "critical", canary.P2: "error", canary.P3: "warning", canary.P4: "info", 0: "critical",
	} {
		p := page()
		p.Severity = s
		if e, _ := sent(t, p); e.Payload.Severity != want {
			t.Errorf("%v is %q, want %q", s, e.Payload.Severity, want)
		}
	}
}

// TestAlertsThatRing: PagerDuty calls nobody for an alert that was acknowledged. So
// there is one for each urgency, and one for what is proved later.
func TestAlertsThatRing(t *testing.T) {
	t.Parallel()
	keys := map[string]bool{}
	for _, s := range []canary.Severity{canary.P3, canary.P1} {
		for _, anew := range []bool{false, true} {
			p := page()
			p.Severity, p.Anew = s, anew
			e, _ := sent(t, p)
			keys[e.DedupKey] = true
		}
	}
	if len(keys) != 4 {
		t.Errorf("alerts %v", keys)
	}
}

func TestLongTextsAreCutNotRefused(t *testing.T) {
	t.Parallel()
	p := page()
	p.Summary = strings.Repeat("ü", 1025)
	e, _ := sent(t, p)
	if n := utf8.RuneCountInString(e.Payload.Summary); n != 1024 || !strings.HasSuffix(e.Payload.Summary, "ü…") {
		t.Errorf("summary of %d characters", n)
	}
	if e.Payload.Details["reasons"] == nil || e.Payload.Details["cut"] != nil {
		t.Errorf("details %v", e.Payload.Details)
	}

	p.Reasons = []string{strings.Repeat("why ", 200_000)}
	e, size := sent(t, p)
	if size > 512_000 || e.Payload.Details["cut"] == nil || e.Payload.Details["incident"] != string(p.Incident) || e.DedupKey != string(p.Incident)+"/P2" {
		t.Errorf("%d bytes, details %v", size, e.Payload.Details)
	}
}

func TestLinkThatIsNoneIsLeftOut(t *testing.T) {
	t.Parallel()
	for link, want := range map[string]int{"": 0, "/incident/1": 0, "javascript:alert(1)": 0, "https://saltmine.example.net/i": 1} {
		p := page()
		p.Link = link
		if e, _ := sent(t, p); len(e.Links) != want {
			t.Errorf("link %q: %v", link, e.Links)
		}
	}
}

func TestKeyDoesNotPrint(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", slog.Any("key", pagerduty.Key(key)))
	cfg := pagerduty.Config{RoutingKey: key}
	js, err := json.Marshal(map[string]any{"key": cfg.RoutingKey})
	if err != nil {
		t.Fatal(err)
	}
	if all := fmt.Sprintf("%v %+v %#v %s %s %s", cfg, cfg, cfg, cfg.RoutingKey, js, log.String()); strings.Contains(all, key) {
		t.Errorf("the key prints: %s", all)
	}
	for _, bad := range []pagerduty.Config{{Now: time.Now}, {RoutingKey: key}, {RoutingKey: key, Now: time.Now, URL: "events"}} {
		if _, err := pagerduty.New(bad); err == nil || strings.Contains(err.Error(), key) {
			t.Errorf("New: %v", err)
		}
	}
	if _, err := pagerduty.New(pagerduty.Config{RoutingKey: key, Now: time.Now}); err != nil {
		t.Errorf("New with the default base URL: %v", err)
	}
}
