package hook_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	crand "crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"math/big"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/pager"
	"saltmine/internal/pager/pagertest"
	"saltmine/internal/pager/post"
)

var faults = flag.Duration("faults", 3*time.Second, "how long the receiver of TestRealFaults is sick; the full measure is 10m")

// sick is a receiver that, until it is healed, answers with 429 or 500, never,
// a byte at a time, breaks off, or shows a certificate of nobody.
type sick struct {
	wait      string // Retry-After of a 429
	drip      time.Duration
	good, bad tls.Certificate

	mu    sync.Mutex
	ill   bool
	rng   *rand.Rand
	modes map[string]int
	taken []taken
}

// taken is a page with a yes.
type taken struct {
	id, incident string
	written, at  time.Time
}

func (s *sick) choose(n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ill {
		return -1
	}
	return s.rng.IntN(n)
}

func (s *sick) note(mode string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.modes[mode]++
}

func (s *sick) heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ill = false
}

func (s *sick) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if s.choose(6) == 0 {
		s.note("tls")
		return &s.bad, nil
	}
	return &s.good, nil
}

func (s *sick) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Connection", "close")
	switch s.choose(5) {
	case 0:
		s.note("429")
		w.Header().Set("Retry-After", s.wait)
		w.WriteHeader(http.StatusTooManyRequests)
	case 1:
		s.note("500")
		w.WriteHeader(http.StatusInternalServerError)
	case 2:
		s.note("silent")
		<-r.Context().Done()
		panic(http.ErrAbortHandler) // whoever only returns says yes after all
	case 3:
		s.note("slow")
		s.dribble(w)
	case 4:
		s.note("cut off")
		panic(http.ErrAbortHandler)
	default:
		s.take(r, body)
		w.WriteHeader(http.StatusNoContent)
	}
}

// dribble sends the head of a yes so slowly that it never ends.
func (s *sick) dribble(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	for head := "HTTP/1.1 200 OK\r\nX-Slow: "; ; head = "aa" {
		for _, b := range []byte(head) {
			if _, err := conn.Write([]byte{b}); err != nil {
				return
			}
			time.Sleep(s.drip)
		}
	}
}

func (s *sick) take(r *http.Request, body []byte) {
	var m struct {
		Data canary.Page `json:"data"`
	}
	err := json.Unmarshal(body, &m)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.modes["unreadable"]++
	}
	s.taken = append(s.taken, taken{r.Header.Get("Webhook-Id"), string(m.Data.Incident), m.Data.At, time.Now()})
}

// certificates gives one that clients with the pool trust, for example.com and
// 127.0.0.1, and one of the same names that they do not.
func certificates(t *testing.T) (good, bad tls.Certificate, pool *x509.CertPool) {
	t.Helper()
	srv := httptest.NewTLSServer(nil)
	defer srv.Close()
	good = srv.TLS.Certificates[0]
	pool = x509.NewCertPool()
	pool.AddCert(srv.Certificate())
	return good, selfSigned(t), pool
}

func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), crand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<32, 0), DNSNames: []string{"example.com"}}
	der, err := x509.CreateCertificate(crand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func (s *sick) serve(t *testing.T, ln net.Listener) {
	t.Helper()
	srv := &http.Server{Handler: s, ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0)}
	go srv.Serve(tls.NewListener(ln, &tls.Config{GetCertificate: s.certificate})) //nolint:errcheck // ends with Close
	t.Cleanup(func() { srv.Close() })
}

// outage is a pager with one sick route and one that is well and held back.
type outage struct {
	first, second *sick
	box           *pagertest.Box
	written       []canary.Page
}

// page writes the n-th page of one of a few incidents.
func (o *outage) page(n int) {
	p := pagertest.Page(n, time.Now())
	p.Incident = canary.IncidentID(fmt.Sprintf("i_incident%08d", n%4))
	o.written = append(o.written, p)
	o.box.WriteSteps(p, time.Now(), canary.Delivery{Route: "first"}, canary.Delivery{Route: "second", After: time.Hour, Fallback: 100 * time.Second})
}

// check wants each page once on a route, and those of an incident in order.
func (o *outage) check(t *testing.T, s *sick, route string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	times := map[string]int{}
	of := map[string][]string{}
	for _, k := range s.taken {
		times[k.id]++
		of[k.incident] = append(of[k.incident], k.id)
	}
	for _, p := range o.written {
		if id := string(p.ID) + "_" + route; times[id] != 1 {
			t.Errorf("%s was accepted %d times", id, times[id])
		}
	}
	for incident, ids := range of {
		if !slices.IsSorted(ids) {
			t.Errorf("%s on %s in the order %q", incident, route, ids)
		}
	}
}

func newSick(t *testing.T, ill bool) (*sick, *x509.CertPool) {
	t.Helper()
	good, bad, pool := certificates(t)
	return &sick{wait: "600", drip: time.Second, good: good, bad: bad, ill: ill, rng: rand.New(rand.NewPCG(1, 2)), modes: map[string]int{}}, pool
}

// TestADayOfRouteFailure lets a route fail in every way for 24 hours.
func TestADayOfRouteFailure(t *testing.T) {
	t.Parallel()
	first, pool := newSick(t, true)
	second, pool2 := newSick(t, false)
	synctest.Test(t, func(t *testing.T) {
		o := &outage{first: first, second: second, box: &pagertest.Box{}}
		send := func(s *sick, pool *x509.CertPool) pager.Send {
			p := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
			s.serve(t, p)
			return newHook(t, "https://example.com", post.Config{Dial: p.dial, RootCAs: pool}).Send
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		p := pager.New(pager.Config{Outbox: o.box, Now: time.Now, Routes: map[string]pager.Send{"first": send(first, pool), "second": send(second, pool2)}})
		go func() { done <- p.Run(ctx) }()
		for n := range 24 {
			o.page(n)
			p.Wake()
			time.Sleep(time.Hour)
		}
		first.heal()
		time.Sleep(3 * time.Hour)
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		o.check(t, first, "first")
		o.check(t, second, "second")
		for _, e := range o.box.Entries() {
			if e.GaveUp || e.SentAt.IsZero() {
				t.Errorf("not sent: %s on %s: %d attempts, %q, gave up %v, held %v", e.Page.ID, e.Route, e.Attempts, e.Class, e.GaveUp, e.Held)
			}
		}
		for _, k := range second.taken {
			if late := k.at.Sub(k.written); late > 2*time.Minute {
				t.Errorf("%s came on the second route after %v", k.id, late)
			}
		}
		for _, mode := range []string{"429", "500", "silent", "slow", "cut off", "tls"} {
			if first.modes[mode] < 10 {
				t.Errorf("the route failed by %q %d times only: %v", mode, first.modes[mode], first.modes)
			}
		}
	})
}

// TestRealFaults does the same with a real server for as long as -faults says.
func TestRealFaults(t *testing.T) {
	t.Parallel()
	first, pool := newSick(t, true)
	first.wait, first.drip = "1", 50*time.Millisecond
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	first.serve(t, ln)
	h := newHook(t, "https://"+ln.Addr().String(), post.Config{RootCAs: pool})
	o := &outage{first: first, box: &pagertest.Box{}}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	p := pager.New(pager.Config{Outbox: o.box, Now: time.Now, Timeout: time.Second, Routes: map[string]pager.Send{"first": h.Send, "second": send204}})
	go func() { done <- p.Run(ctx) }()
	const pages = 12
	for n := range pages {
		o.page(n)
		p.Wake()
		time.Sleep(*faults / pages)
	}
	first.heal()
	// The longest pause doubles the time of the fault, and is 5 minutes at most.
	for end := time.Now().Add(30*time.Second + min(3**faults, 6*time.Minute)); time.Now().Before(end) && first.count() < pages; time.Sleep(50 * time.Millisecond) {
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
	o.check(t, first, "first")
	t.Logf("failed by %v", first.modes)
}

func (s *sick) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.taken)
}

func send204(context.Context, pager.Delivery) (pager.Receipt, error) { return "status 204", nil }
