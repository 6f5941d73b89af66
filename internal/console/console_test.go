package console_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/console"
	"saltmine/internal/people"
	"saltmine/internal/picture"
	"saltmine/internal/registry"
)

var (
	errMissing = errors.New("missing")
	errDown    = errors.New("down: dial tcp 10.1.2.3:3306 password=hunter2")
)

// report is a trace.
type report struct {
	Words string
	fault error
	drawn []picture.Picture
}

func (r report) Pictures() []picture.Picture { return r.drawn }

func (r report) Text(w io.Writer) error {
	if r.fault != nil {
		return r.fault
	}
	_, err := io.WriteString(w, r.Words)
	return err
}

func inc() canary.Incident {
	at := time.Date(2026, 8, 5, 10, 0, 0, 0, time.UTC)
	return canary.Incident{ID: "i_aaaaaaaaaaaaaaaa", Place: "db:main", Severity: canary.P2, Opened: at, Updated: at.Add(time.Hour),
		Reasons: []string{"P2: a message from a stranger"}, Contacts: 7, Canaries: 5, Support: 3}
}

func notice() canary.Notice {
	return canary.Notice{ID: "n_aaaaaaaaaaaaaaaa", Kind: canary.NoticeVanished, Severity: canary.P3, Raised: inc().Opened, Text: "2 canaries <vanished>", Next: []string{"ask the owners"}}
}

// serve answers with one incident and its trace, changed by change.
func serve(t *testing.T, change func(*console.Config)) *httptest.Server {
	t.Helper()
	cfg := console.Config{
		Incidents: func(context.Context, registry.CaseFilter) ([]registry.Case, error) {
			return []registry.Case{{Incident: inc()}}, nil
		},
		Incident: func(_ context.Context, id canary.IncidentID) (registry.Case, error) {
			if id != inc().ID {
				return registry.Case{}, errMissing
			}
			return registry.Case{Incident: inc()}, nil
		},
		Trace: func(_ context.Context, id canary.IncidentID) (console.Report, error) {
			if id != inc().ID {
				return nil, errMissing
			}
			return report{Words: "first suspect: nightly export"}, nil
		},
		Joined: func(context.Context, canary.IncidentID, int) ([]canary.Joined, error) {
			return []canary.Joined{{Contact: "k_report0001", Channel: canary.Report, At: inc().Opened, Why: "the same <caller> +44…, 2 h after"}}, nil
		},
		Responses: func(context.Context, registry.ResponseFilter) ([]canary.Response, error) {
			return []canary.Response{
				{ID: "r_0123456789abcdef", Rule: "suspend", State: canary.ResponseFailed, Outcome: "exit <3>"}, {ID: "r_1123456789abcdef", Rule: "soar", State: canary.ResponseDone},
			}, nil
		},
		Notices: func(context.Context, registry.NoticeFilter) ([]canary.Notice, error) {
			return []canary.Notice{notice()}, nil
		},
		Missing: func(err error) bool { return errors.Is(err, errMissing) },
		Door:    people.New(nil, time.Now),
		Record:  func(context.Context, canary.Act) error { return nil },
		Log:     slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&cfg)
	}
	s := httptest.NewServer(console.New(cfg))
	t.Cleanup(s.Close)
	return s
}

func ask(t *testing.T, s *httptest.Server, method, path string) (*http.Response, string) {
	t.Helper()
	return askAs(t, s, method, path, func(*http.Request) {})
}

// askAs asks with what set adds.
func askAs(t *testing.T, s *httptest.Server, method, path string, set func(*http.Request)) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	set(req)
	res, err := s.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

func TestPages(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	for path, want := range map[string][]string{
		"/":                             {`href="/incidents/i_aaaaaaaaaaaaaaaa"`, "P2", "db:main", "2026-08-05 10:00:00", "<td>5<td>7<td>3<td>open"},
		"/incidents/i_aaaaaaaaaaaaaaaa": {"P2", "db:main", "5 canaries, 7 contacts, 3 supporting", "<li>report k_report0001, at 2026-08-05 10:00:00 UTC: the same &lt;caller&gt; &#43;44…, 2 h after", "<li>P2: a message from a stranger", "<li>suspend r_0123456789abcdef: failed, exit &lt;3&gt;; <code>saltmine respond confirm r_0123456789abcdef</code>", "<li>soar r_1123456789abcdef: done</ul>", "<pre>first suspect: nightly export</pre>", "verdict open", "2026-08-05 11:00:00"},
		"/notices":                      {"n_aaaaaaaaaaaaaaaa", "P3", "2 canaries &lt;vanished&gt;<br>ask the owners<td>stands", "2026-08-05 10:00:00"},
	} {
		res, body := ask(t, s, http.MethodGet, path)
		if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/html; charset=utf-8" {
			t.Errorf("%s: %s %s", path, res.Status, res.Header.Get("Content-Type"))
		}
		for _, part := range want {
			if !strings.Contains(body, part) {
				t.Errorf("%s does not show %q:\n%s", path, part, body)
			}
		}
		if !strings.HasSuffix(strings.TrimSpace(body), "</html>") || strings.Contains(body, "<script") {
			t.Errorf("%s is not whole, or has a script", path)
		}
	}
}

// TestAjarToNobodyElse: a page of a browser that was led here by a name of its own
// sees nothing, and looks without end are not recorded singly.
func TestAjarToNobodyElse(t *testing.T) {
	t.Parallel()
	recorded := 0
	s := serve(t, func(c *console.Config) {
		c.Record = func(context.Context, canary.Act) error { recorded++; return nil }
	})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "evil.example"
	res, err := s.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusMisdirectedRequest || strings.Contains(string(body), "db:main") {
		t.Errorf("to another name: %s %s", res.Status, body)
	}
	for range 30 {
		if res, _ := ask(t, s, http.MethodGet, "/"); res.StatusCode != http.StatusOK {
			t.Fatal(res.Status)
		}
	}
	if recorded == 0 || recorded > 12 {
		t.Errorf("30 looks are recorded %d times", recorded)
	}
}

func TestEmptyList(t *testing.T) {
	t.Parallel()
	s := serve(t, func(c *console.Config) {
		c.Incidents = func(context.Context, registry.CaseFilter) ([]registry.Case, error) { return nil, nil }
	})
	if _, body := ask(t, s, http.MethodGet, "/"); !strings.Contains(body, "None. The ears are listening.") {
		t.Error(body)
	}
	s = serve(t, func(c *console.Config) {
		c.Notices = func(context.Context, registry.NoticeFilter) ([]canary.Notice, error) { return nil, nil }
	})
	if _, body := ask(t, s, http.MethodGet, "/notices"); !strings.Contains(body, "<p>None.") {
		t.Error(body)
	}
}

func paths() []string {
	return []string{"/", "/incidents/i_aaaaaaaaaaaaaaaa"}
}

// guarded reports whether an answer carries the headers that every answer has.
func guarded(res *http.Response) bool {
	h := res.Header
	csp := h.Get("Content-Security-Policy")
	return strings.Contains(csp, "default-src 'none'") && strings.Contains(csp, "frame-ancestors 'none'") && !strings.Contains(csp, "script-src") &&
		h.Get("Referrer-Policy") == "same-origin" && h.Get("X-Content-Type-Options") == "nosniff" && h.Get("Cache-Control") == "no-store"
}

func TestEveryAnswerIsGuarded(t *testing.T) {
	t.Parallel()
	good := serve(t, nil)
	down := serve(t, func(c *console.Config) {
		c.Incidents = func(context.Context, registry.CaseFilter) ([]registry.Case, error) { return nil, errDown }
		c.Incident = func(context.Context, canary.IncidentID) (registry.Case, error) { return registry.Case{}, errDown }
		c.Trace = func(context.Context, canary.IncidentID) (console.Report, error) { return nil, errDown }
	})
	for _, path := range paths() {
		if res, _ := ask(t, good, http.MethodGet, path); res.StatusCode != http.StatusOK || !guarded(res) {
			t.Errorf("%s: %s %v", path, res.Status, res.Header)
		}
		res, body := ask(t, down, http.MethodGet, path)
		if res.StatusCode != http.StatusServiceUnavailable || !guarded(res) {
			t.Errorf("registry down, %s: %s %v", path, res.Status, res.Header)
		}
		if !strings.Contains(body, "the registry does not answer") || strings.Contains(body, "hunter2") || strings.Contains(body, "10.1.2.3") {
			t.Errorf("registry down, %s says %q", path, body)
		}
		if res, _ := ask(t, good, http.MethodPost, path); res.StatusCode != http.StatusMethodNotAllowed || !guarded(res) {
			t.Errorf("POST %s: %s", path, res.Status)
		}
	}
	for _, path := range []string{"/incidents/i_bbbbbbbbbbbbbbbb", "/nowhere", "/incidents/", "/incidents/%3Cscript%3E"} {
		res, body := ask(t, good, http.MethodGet, path)
		if res.StatusCode != http.StatusNotFound || !guarded(res) || strings.Contains(body, "<") {
			t.Errorf("%s: %s %v %q", path, res.Status, res.Header, body)
		}
	}
}

func TestTraceFails(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		trace func() (console.Report, error)
		path  string
		want  int
	}{
		"trace of a page": {func() (console.Report, error) { return nil, errDown }, "/incidents/i_aaaaaaaaaaaaaaaa", http.StatusServiceUnavailable},
		"text of a trace": {func() (console.Report, error) { return report{fault: errDown}, nil }, "/incidents/i_aaaaaaaaaaaaaaaa", http.StatusServiceUnavailable},
	} {
		s := serve(t, func(cfg *console.Config) {
			cfg.Trace = func(context.Context, canary.IncidentID) (console.Report, error) { return c.trace() }
		})
		if res, body := ask(t, s, http.MethodGet, c.path); res.StatusCode != c.want || strings.Contains(body, "hunter2") || !guarded(res) {
			t.Errorf("%s: %s %q", what, res.Status, body)
		}
	}
}

func TestForeignTextIsEscaped(t *testing.T) {
	t.Parallel()
	const hostile = `</pre><script>alert(1)</script><img src=x onerror="a()">'"`
	bad := inc()
	bad.Place, bad.Reasons, bad.Verdict, bad.ID = canary.Place(hostile), []string{hostile}, canary.Verdict(hostile), canary.IncidentID(`javascript:x"><script>`)
	s := serve(t, func(c *console.Config) {
		c.Incidents = func(context.Context, registry.CaseFilter) ([]registry.Case, error) {
			return []registry.Case{{Incident: bad}}, nil
		}
		c.Incident = func(context.Context, canary.IncidentID) (registry.Case, error) {
			return registry.Case{Incident: bad}, nil
		}
		c.Trace = func(context.Context, canary.IncidentID) (console.Report, error) { return report{Words: hostile}, nil }
	})
	for _, path := range paths() {
		res, body := ask(t, s, http.MethodGet, path)
		if res.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", path, res.Status)
		}
		for _, tag := range []string{"<script", "<img", `"><`} {
			if strings.Contains(body, tag) {
				t.Errorf("%s has %s in it:\n%s", path, tag, body)
			}
		}
	}
}

// The console asks for the newest incidents only, by the id in the address.
func TestAsksForWhatItShows(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 10)
	s := serve(t, func(c *console.Config) {
		c.Incidents = func(_ context.Context, f registry.CaseFilter) ([]registry.Case, error) {
			if f.Limit <= 0 || f.Limit > 1000 {
				t.Errorf("asked for %d incidents", f.Limit)
			}
			return nil, nil
		}
		c.Incident = func(_ context.Context, id canary.IncidentID) (registry.Case, error) {
			asked <- string(id)
			return registry.Case{}, errMissing
		}
	})
	ask(t, s, http.MethodGet, "/")
	ask(t, s, http.MethodGet, "/incidents/i_%27%20OR%201=1")
	if id := <-asked; id != "i_' OR 1=1" {
		t.Errorf("asked for %q", id)
	}
}
