package push_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/pager"
	"saltmine/internal/pager/pagertest"
	"saltmine/internal/pager/push"
	"saltmine/internal/pager/render"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const token = "hunter2-token"

func at() time.Time { return time.Date(2026, 8, 5, 10, 0, 0, 0, time.UTC) }

func delivery() pager.Delivery {
	p := pagertest.Page(1, at())
	p.Severity = canary.P1
	p.Sure = "As good as certain."
	p.Window = []string{"db:main 2026-07-01 00:00 to 2026-07-08 00:00 UTC"}
	p.Suspects = []string{"extract x_42 explains 3 of 3 hits"}
	return pager.Delivery{Page: p, Route: "r", Kind: pager.Trigger, First: at(), NextTry: at(), DedupKey: p.About()}
}

// service is a receiver that notes the last request, and answers as it is told.
type service struct {
	*httptest.Server
	mu     sync.Mutex
	path   string
	header http.Header
	body   []byte
	asked  int
	status int
	say    string
}

func serve(t *testing.T, status int, say string) *service {
	t.Helper()
	s := &service{status: status, say: say}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.asked++
		s.path, s.header, s.body = r.Method+" "+r.URL.RequestURI(), r.Header, body
		w.WriteHeader(s.status)
		io.WriteString(w, s.say) //nolint:errcheck // the client reads or not
	}))
	t.Cleanup(s.Close)
	return s
}

func set(t *testing.T) *render.Set {
	t.Helper()
	s, err := render.Load("", nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// config is a route of a kind to a service.
func config(t *testing.T, kind, base string) push.Config {
	t.Helper()
	c := push.Config{Kind: kind, URL: base, Secret: token, Set: set(t), Now: func() time.Time { return at().Add(time.Minute) }}
	switch strings.TrimSuffix(kind, " api") {
	case "slack":
		if c.Kind = "slack"; strings.HasSuffix(kind, " api") {
			c.Channel, c.URL = "#security", base+"/api"
		} else {
			c.URL, c.Secret = "", base+"/services/T0/B0/"+token
		}
	case "teams":
		c.URL, c.Secret = "", base+"/workflows/1/invoke?api-version=1&sig="+token
	case "ntfy":
		c.Channel = "topic"
	case "twilio":
		c.User, c.From, c.To = "AC0123", "+14155550100", "+14155550123"
	}
	return c
}

func route(t *testing.T, kind, base string) *push.Route {
	t.Helper()
	r, err := push.New(config(t, kind, base))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// contracts are what each service wants, and says when it has taken a page.
func contracts() map[string]struct {
	path, auth, content string
	status              int
	say                 string
	receipt             pager.Receipt
} {
	type c = struct {
		path, auth, content string
		status              int
		say                 string
		receipt             pager.Receipt
	}
	return map[string]c{
		"slack":        {"POST /services/T0/B0/" + token, "", "application/json; charset=utf-8", 200, "ok", "ok"},
		"slack api":    {"POST /api/chat.postMessage", "Bearer " + token, "application/json; charset=utf-8", 200, `{"ok":true,"ts":"1785924000.000100"}`, "ok, ts 1785924000.000100"},
		"teams":        {"POST /workflows/1/invoke?api-version=1&sig=" + token, "", "application/json", 202, "", "status 202"},
		"ntfy":         {"POST /", "Bearer " + token, "application/json", 200, `{"id":"x"}`, "status 200"},
		"alertmanager": {"POST /api/v2/alerts", "Bearer " + token, "application/json", 200, "", "status 200"},
		"ocsf":         {"POST /", "Bearer " + token, "application/json", 201, "", "status 201"},
		"twilio": {
			"POST /2010-04-01/Accounts/AC0123/Calls.json", "Basic QUMwMTIzOmh1bnRlcjItdG9rZW4=", "application/x-www-form-urlencoded", 201,
			`{"sid":"CA0123456789abcdef0123456789abcdef"}`, "CA0123456789abcdef0123456789abcdef",
		},
	}
}

// pretty makes a body readable, so that a change of a golden file can be read.
func pretty(t *testing.T, body []byte) string {
	t.Helper()
	var out bytes.Buffer
	if json.Indent(&out, body, "", "  ") == nil {
		return out.String() + "\n"
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		t.Fatalf("neither JSON nor a form: %s", body)
	}
	return "To " + form.Get("To") + "\nFrom " + form.Get("From") + "\n" + form.Get("Twiml") + "\n"
}

// updated sums up what came after the page of delivery.
func updated() pager.Delivery {
	d := delivery()
	d.Page.ID, d.Page.Update, d.Page.Contacts, d.Page.Reports, d.Page.At = "p_update000000001", true, 4, 1, at().Add(time.Hour)
	d.Page.Summary = "P1 db:main: 3 more contacts and 1 more report since 2026-08-05 10:00:00Z; 4 contacts of 1 canary record in all"
	d.Kind, d.Quiet, d.Head = pager.Update, true, pager.Head{ID: delivery().ID(), Receipt: "ok, ts 1785924000.000100"}
	return d
}

func TestPagesAreAsTheServicesWant(t *testing.T) {
	t.Parallel()
	wantGolden(t, "", delivery())
}

// TestUpdatesAreAsTheServicesWant: each stands with its page, and rings nowhere. No
// call is made.
func TestUpdatesAreAsTheServicesWant(t *testing.T) {
	t.Parallel()
	wantGolden(t, "-update", updated())
}

// wantGolden compares what a delivery becomes on each route with the golden files.
func wantGolden(t *testing.T, suffix string, d pager.Delivery) {
	t.Helper()
	for kind, want := range contracts() {
		s := serve(t, want.status, want.say)
		receipt, err := route(t, kind, s.URL).Send(t.Context(), d)
		if kind == "twilio" && d.Kind == pager.Update {
			if err != nil || s.asked > 0 {
				t.Errorf("a call for an update: %q, %v", receipt, err)
			}
			continue
		}
		if err != nil || receipt != want.receipt {
			t.Errorf("%s: %q, %v; want %q", kind, receipt, err, want.receipt)
		}
		if s.path != want.path || s.header.Get("Authorization") != want.auth || s.header.Get("Content-Type") != want.content {
			t.Errorf("%s: %s\n%v\nwant %+v", kind, s.path, s.header, want)
		}
		if bytes.Contains(s.body, []byte(token)) {
			t.Errorf("%s: the secret is in the body", kind)
		}
		golden := filepath.Join("testdata", strings.ReplaceAll(kind, " ", "-")+suffix+".golden")
		got := pretty(t, s.body)
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if file, err := os.ReadFile(golden); err != nil || string(file) != got {
			t.Errorf("%s: %v; sent\n%s\nwant\n%s", kind, err, got, file)
		}
	}
}

// TestQuietPages: what needs nobody's attention is told, and rings nowhere.
func TestQuietPages(t *testing.T) {
	t.Parallel()
	quiet, closed, test := delivery(), delivery(), delivery()
	quiet.Quiet, test.Test = true, true
	closed.Kind, closed.Verdict, closed.Quiet = pager.Resolve, canary.Leak, true
	for kind, c := range contracts() {
		s := serve(t, c.status, c.say)
		r := route(t, kind, s.URL)
		for name, d := range map[string]pager.Delivery{"quiet": quiet, "closed": closed, "test": test} {
			s.asked, s.body = 0, nil
			if _, err := r.Send(t.Context(), d); err != nil {
				t.Errorf("%s, %s: %v", kind, name, err)
			}
			wantQuiet(t, kind, name, s)
		}
	}
}

func wantQuiet(t *testing.T, kind, name string, s *service) {
	t.Helper()
	body := string(s.body)
	for _, want := range map[string][]string{
		"twilio quiet": nil, "twilio closed": nil,
		"twilio test":  {"This+is+a+test.+Nothing+happened."},
		"ntfy quiet":   {`"priority":2`, "at it already"},
		"ntfy closed":  {`"priority":2`, "Closed as leak"},
		"ntfy test":    {`"priority":2`, "TEST, nothing happened"},
		"slack quiet":  {"at it already"},
		"slack closed": {"Closed as leak"},
		"ocsf closed":  {`"activity_id":3`, `"type_uid":200403`, `"status_id":4`},
		"ocsf quiet":   {`"activity_id":1`, `"status_id":2`},
	}[kind+" "+name] {
		if !strings.Contains(body, want) {
			t.Errorf("%s, %s: no %s in %s", kind, name, want, body)
		}
	}
	if calls := s.asked; kind == "twilio" && calls != map[string]int{"test": 1}[name] {
		t.Errorf("%s: %d calls", name, calls)
	}
	if kind == "alertmanager" && name == "closed" && strings.Contains(body, "2026-08-12") {
		t.Errorf("an alert of what is closed goes on: %s", body)
	}
}

// TestNo: no answer but the service's own yes is one, and no error shows a secret.
func TestNo(t *testing.T) {
	t.Parallel()
	for kind := range contracts() {
		for _, tt := range []struct {
			status int
			say    string
		}{{204, ""}, {302, ""}, {400, "no"}, {401, ""}, {403, token}, {404, "no_service"}, {429, ""}, {500, "rollup_error"}, {503, ""}, {200, `{"ok":false,"error":"ratelimited"}`}} {
			if yes := tt.status == 204 && (kind == "teams" || kind == "ocsf") || tt.status == 200 && !strings.HasPrefix(kind, "slack") && kind != "twilio"; yes {
				continue
			}
			s := serve(t, tt.status, tt.say)
			_, err := route(t, kind, s.URL).Send(t.Context(), delivery())
			e, ok := errors.AsType[*pager.Error](err)
			if !ok || !e.Retry || strings.Contains(err.Error(), token) {
				t.Errorf("%s: status %d %q: %v", kind, tt.status, tt.say, err)
			}
			s.Close()
			if _, err := route(t, kind, s.URL).Send(t.Context(), delivery()); err == nil || strings.Contains(err.Error(), token) {
				t.Errorf("%s: nobody there: %v", kind, err)
			}
		}
	}
}

func TestCheckWakesNobody(t *testing.T) {
	t.Parallel()
	for kind, tt := range map[string]struct {
		path   string // of the question; empty: none may be asked
		status int
		say    string
		bad    int
	}{
		"slack":        {"POST /services/T0/B0/" + token, 400, "no_text", 404},
		"slack api":    {"POST /api/auth.test", 200, `{"ok":true}`, 401},
		"teams":        {},
		"ocsf":         {},
		"ntfy":         {"GET /topic/auth", 200, `{"success":true}`, 403},
		"alertmanager": {"GET /api/v2/status", 200, "{}", 502},
		"twilio":       {"GET /2010-04-01/Accounts/AC0123.json", 200, "{}", 401},
	} {
		s := serve(t, tt.status, tt.say)
		r := route(t, kind, s.URL)
		if err := r.Check(t.Context()); err != nil || s.path != tt.path {
			t.Errorf("%s: %v, asked %q, want %q", kind, err, s.path, tt.path)
		}
		if kind == "slack" && string(s.body) != `{"text":""}` {
			t.Errorf("slack: a check posts %s", s.body)
		}
		if tt.bad != 0 {
			s.status, s.say = tt.bad, "no_service"
			if err := r.Check(t.Context()); err == nil || strings.Contains(err.Error(), token) {
				t.Errorf("%s: status %d: %v", kind, tt.bad, err)
			}
		}
		s.Close()
		if err := r.Check(t.Context()); err == nil || strings.Contains(err.Error(), token) {
			t.Errorf("%s: nobody there: %v", kind, err)
		}
	}
}

// TestTooLongIsShortened: what a service would refuse for its length is not sent.
func TestTooLongIsShortened(t *testing.T) {
	t.Parallel()
	d := delivery()
	for range 20 {
		d.Page.Reasons = append(d.Page.Reasons, strings.Repeat("ü<&\"'日", 1000))
		d.Page.Next = append(d.Page.Next, strings.Repeat("日", 1000))
	}
	for kind, c := range contracts() {
		s := serve(t, c.status, c.say)
		if _, err := route(t, kind, s.URL).Send(t.Context(), d); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		most := map[string]int{"slack": 40000, "slack api": 40000, "teams": 28000, "ntfy": 8192, "twilio": 16000}[kind]
		if most != 0 && len(s.body) > most {
			t.Errorf("%s: %d bytes", kind, len(s.body))
		}
		switch kind {
		case "ntfy":
			var m struct{ Message string }
			if err := json.Unmarshal(s.body, &m); err != nil || len(m.Message) > 4096 {
				t.Errorf("ntfy: %v, a message of %d bytes", err, len(m.Message))
			}
		case "twilio":
			form, _ := url.ParseQuery(string(s.body)) // an empty one fails below
			var doc struct{ Say []string }
			if err := xml.Unmarshal([]byte(form.Get("Twiml")), &doc); err != nil || len(form.Get("Twiml")) > 4000 || len(doc.Say) != 2 {
				t.Errorf("twilio: %v, %d bytes", err, len(form.Get("Twiml")))
			}
		}
	}
}
