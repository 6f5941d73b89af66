package hook_test

import (
	"context"
	"errors"
	"flag"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/pager"
	"saltmine/internal/pager/hook"
	"saltmine/internal/pager/pagertest"
	"saltmine/internal/pager/post"
	"saltmine/internal/webhook"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func secret(t *testing.T) webhook.Secret {
	t.Helper()
	s, err := webhook.ParseSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw") // the specification's own example
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newHook(t *testing.T, url string, poster post.Config) *hook.Hook {
	t.Helper()
	s := secret(t)
	h, err := hook.New(hook.Config{
		URL: url, Now: time.Now, Poster: poster,
		Sign: func(id string, ts time.Time, body []byte) string { return webhook.Sign(s, id, ts, body) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func delivery() pager.Delivery {
	at := time.Date(2026, 8, 5, 10, 0, 0, 0, time.UTC)
	page := pagertest.Page(1, at)
	return pager.Delivery{Page: page, Route: "duty", Kind: pager.Trigger, First: at, NextTry: at, DedupKey: string(page.Incident)}
}

// request is what a receiver saw.
type request struct {
	header http.Header
	body   []byte
	at     time.Time
}

// receiver is a handler that notes requests and answers with the statuses given, the last one for ever.
type receiver struct {
	mu       sync.Mutex
	got      []request
	statuses []int
	header   http.Header // of answers that are not 2xx
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	status := r.statuses[min(len(r.got), len(r.statuses)-1)]
	r.got = append(r.got, request{req.Header, body, time.Now()})
	if status >= 300 {
		maps.Copy(w.Header(), r.header)
	}
	w.WriteHeader(status)
}

func (r *receiver) requests() []request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

func TestPageIsSignedAndAsTheGoldenFile(t *testing.T) {
	t.Parallel()
	rcv := &receiver{statuses: []int{http.StatusNoContent}}
	srv := httptest.NewServer(rcv)
	defer srv.Close()
	receipt, err := newHook(t, srv.URL+"/hook?x=1", post.Config{}).Send(t.Context(), delivery())
	if err != nil || receipt != "status 204" {
		t.Fatalf("Send: %q, %v", receipt, err)
	}
	got := rcv.requests()[0]
	if err := webhook.Verify([]webhook.Secret{secret(t)}, got.header, got.body, time.Now()); err != nil {
		t.Errorf("the receiver's check: %v", err)
	}
	if id := got.header.Get("Webhook-Id"); id != "p_page000000000001_duty" {
		t.Errorf("webhook-id %q", id)
	}
	if ct := got.header.Get("Content-Type"); ct != "application/json" {
		t.Errorf("content type %q", ct)
	}
	path := filepath.Join("testdata", "page.json")
	if *update {
		if err := os.WriteFile(path, append(got.body, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got.body)+"\n" != string(want) {
		t.Errorf("body\n%s\nwant\n%s", got.body, want)
	}
}

func TestKindsAreToldApart(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*pager.Delivery){
		`{"type":"incident.updated",`:  func(d *pager.Delivery) { d.Kind = pager.Update },
		`{"type":"incident.resolved",`: func(d *pager.Delivery) { d.Kind = pager.Resolve },
		`{"type":"notice.page",`:       func(d *pager.Delivery) { d.Page.Notice = "n_notice0000000001" },
		`"canaries":1},"quiet":true,"verdict":"leak","test":true}`: func(d *pager.Delivery) {
			d.Quiet, d.Verdict, d.Test = true, canary.Leak, true
		},
	} {
		rcv := &receiver{statuses: []int{200}}
		srv := httptest.NewServer(rcv)
		d := delivery()
		change(&d)
		_, err := newHook(t, srv.URL, post.Config{}).Send(t.Context(), d)
		srv.Close()
		if err != nil || !strings.Contains(string(rcv.requests()[0].body), want) {
			t.Errorf("%v, %s: no %s", err, rcv.requests()[0].body, want)
		}
	}
	resolved := delivery()
	resolved.Kind = pager.Resolve
	if id := resolved.ID(); id != "p_page000000000001_duty_resolve" {
		t.Errorf("id %q: a resolve must not be taken for a repeat of its page", id)
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		status int
		after  string
		retry  bool
		least  time.Duration // least pause asked of the pager
		most   time.Duration
	}{
		{200, "", false, 0, 0},
		{202, "", false, 0, 0},
		{301, "", true, time.Minute, time.Minute},
		{401, "", true, time.Minute, time.Minute},
		{404, "120", true, 2 * time.Minute, 2 * time.Minute},
		{408, "", true, 0, 0},
		{410, "", false, 0, 0},
		{425, "", true, 0, 0},
		{429, "7", true, 7 * time.Second, 7 * time.Second},
		{429, "-7", true, 0, 0},
		{429, "soon", true, 0, 0},
		{500, "", true, 0, 0},
		{503, time.Now().Add(time.Hour).UTC().Format(http.TimeFormat), true, 58 * time.Minute, time.Hour},
		{503, time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat), true, 0, 0},
	} {
		rcv := &receiver{statuses: []int{tt.status}, header: http.Header{"Location": {"/elsewhere"}}}
		if tt.after != "" {
			rcv.header.Set("Retry-After", tt.after)
		}
		srv := httptest.NewServer(rcv)
		_, err := newHook(t, srv.URL, post.Config{}).Send(t.Context(), delivery())
		srv.Close()
		if n := len(rcv.requests()); n != 1 {
			t.Errorf("%d: %d requests, want 1 (no redirect is followed)", tt.status, n)
		}
		if tt.status < 300 {
			if err != nil {
				t.Errorf("%d: %v", tt.status, err)
			}
			continue
		}
		e, ok := errors.AsType[*pager.Error](err)
		if !ok || e.Retry != tt.retry || e.RetryAfter < tt.least || e.RetryAfter > tt.most {
			t.Errorf("%d, Retry-After %q: %+v", tt.status, tt.after, err)
		}
	}
}

func TestFaultsAreNamedAndHideTheURL(t *testing.T) {
	t.Parallel()
	tls := httptest.NewTLSServer(&receiver{statuses: []int{200}})
	defer tls.Close()
	plain := httptest.NewServer(&receiver{statuses: []int{200}})
	defer plain.Close()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "http://" + closed.Addr().String()
	closed.Close()
	cut := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer cut.Close()

	unknown := func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "example.invalid", IsNotFound: true}}
	}
	for _, tt := range []struct {
		url    string
		poster post.Config
		class  string
	}{
		{tls.URL, post.Config{}, "tls"}, // its certificate is of no authority we know
		{strings.Replace(plain.URL, "http:", "https:", 1), post.Config{}, "tls"},
		{nobody, post.Config{}, "connect"},
		{cut.URL, post.Config{}, "cut off"},
		{"https://example.invalid", post.Config{Dial: unknown}, "dns"},
	} {
		_, err := newHook(t, tt.url+"/services/SECRET", tt.poster).Send(t.Context(), delivery())
		e, ok := errors.AsType[*pager.Error](err)
		if !ok || !e.Retry || e.Class != tt.class {
			t.Errorf("%s: %+v, want class %q", tt.url, err, tt.class)
			continue
		}
		if strings.Contains(err.Error(), "SECRET") {
			t.Errorf("the URL is in the error: %v", err)
		}
	}

	pool := tls.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	if _, err := newHook(t, tls.URL, post.Config{RootCAs: pool}).Send(t.Context(), delivery()); err != nil {
		t.Errorf("with its authority configured: %v", err)
	}
}

func TestEndlessAnswerIsNotRead(t *testing.T) {
	t.Parallel()
	const more = 256 << 20 // than any buffer on the way; not endless, so that the test ends without the bound
	var written atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for written.Load() < more {
			n, err := w.Write(make([]byte, 64<<10))
			if written.Add(int64(n)); err != nil {
				return
			}
		}
	}))
	defer srv.Close()
	if _, err := newHook(t, srv.URL, post.Config{}).Send(t.Context(), delivery()); err != nil {
		t.Errorf("Send: %v", err)
	}
	if n := written.Load(); n >= more {
		t.Errorf("all %d bytes of the answer were read", n)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	sign := func(string, time.Time, []byte) string { return "" }
	for _, cfg := range []hook.Config{
		{URL: "pager.example.net/KEY", Sign: sign, Now: time.Now},
		{URL: "ftp://pager.example.net/KEY", Sign: sign, Now: time.Now},
		{URL: "https://pager.example.net/KEY\x7f", Sign: sign, Now: time.Now},
		{URL: "https://pager.example.net/KEY", Now: time.Now},
		{URL: "https://pager.example.net/KEY", Sign: sign},
	} {
		if _, err := hook.New(cfg); err == nil || strings.Contains(err.Error(), "KEY") {
			t.Errorf("New(%q): %v; want an error without the URL", cfg.URL, err)
		}
	}
}

// pipes is a network in memory, so that a bubble of synctest can hold real HTTP.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func serve(t *testing.T, h http.Handler) *pipes {
	t.Helper()
	p := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	go srv.Serve(p) //nolint:errcheck // ends with Close
	t.Cleanup(func() { srv.Close() })
	return p
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.conns <- far:
		return near, nil
	case <-p.closed:
		return nil, &net.OpError{Op: "dial", Err: net.ErrClosed}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// TestPagerOverHTTP runs the whole way, from the outbox to real HTTP servers:
// one that fails and then asks for time, one that never answers.
func TestPagerOverHTTP(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		flaky := &receiver{statuses: []int{500, 503, 200}, header: http.Header{"Retry-After": {"600"}}}
		hanging := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body) //nolint:errcheck // only then does the server watch for the client's leaving
			<-r.Context().Done()
		})
		stuck := newHook(t, "http://stuck.example.net", post.Config{Dial: serve(t, hanging).dial})
		good := newHook(t, "http://good.example.net", post.Config{Dial: serve(t, flaky).dial})
		box := &pagertest.Box{}
		box.Write(pagertest.Page(1, time.Now()), time.Now(), "stuck", "good")
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		p := pager.New(pager.Config{
			Outbox: box, Now: time.Now,
			Routes: map[string]pager.Send{"stuck": stuck.Send, "good": good.Send},
		})
		start := time.Now()
		go func() { done <- p.Run(ctx) }()
		time.Sleep(30 * time.Minute)
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		e := box.Entries()
		if e[0].Class != "timeout" || e[0].Attempts < 5 || !e[0].SentAt.IsZero() {
			t.Errorf("the one that hangs: %+v", e[0])
		}
		if e[1].SentAt.IsZero() || e[1].Attempts != 2 {
			t.Errorf("the other: %+v", e[1])
		}
		checkRepeats(t, start, flaky.requests())
	})
}

// checkRepeats checks three attempts at one page, the answers to the first two
// of which asked for ten minutes.
func checkRepeats(t *testing.T, start time.Time, got []request) {
	t.Helper()
	if len(got) != 3 {
		t.Fatalf("%d requests, want 3", len(got))
	}
	stamps := map[string]bool{}
	for n, r := range got {
		if want := start.Add(time.Duration(n) * 10 * time.Minute); r.at.Before(want) || r.at.After(want.Add(10*time.Second)) {
			t.Errorf("attempt %d after %v, want 10 minutes between", n, r.at.Sub(start))
		}
		if r.header.Get("Webhook-Id") != got[0].header.Get("Webhook-Id") || string(r.body) != string(got[0].body) {
			t.Errorf("attempt %d has another id or body", n)
		}
		if err := webhook.Verify([]webhook.Secret{secret(t)}, r.header, r.body, r.at); err != nil {
			t.Errorf("attempt %d: %v", n, err)
		}
		stamps[r.header.Get("Webhook-Timestamp")] = true
	}
	if len(stamps) != 3 {
		t.Errorf("%d different stamps on three attempts: receivers refuse old ones", len(stamps))
	}
}
