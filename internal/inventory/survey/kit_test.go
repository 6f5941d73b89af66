package survey_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/miekg/dns"

	"saltmine/internal/inventory"
	"saltmine/internal/inventory/survey"
)

const day = 24 * time.Hour

func start() time.Time { return time.Date(2026, 8, 5, 10, 0, 0, 0, time.UTC) }

func rules() inventory.Rules {
	return inventory.Rules{Soak: day, Quarantine: day, Capacity: 10}
}

// nameserver is a DNS server that answers from a few lines of a zone file. A
// name that has "fail" in it is answered SERVFAIL.
type nameserver struct {
	mu      sync.Mutex
	records []dns.RR
	asked   map[string]int
}

func (n *nameserver) set(t *testing.T, lines ...string) {
	t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.records = nil
	for _, line := range lines {
		rr, err := dns.NewRR(line)
		if err != nil {
			t.Fatal(err)
		}
		n.records = append(n.records, rr)
	}
}

func (n *nameserver) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	n.mu.Lock()
	defer n.mu.Unlock()
	reply := new(dns.Msg)
	reply.SetReply(q)
	reply.RecursionAvailable = true // as a resolver says; Go takes an empty answer without it for a referral
	name, known := strings.ToLower(q.Question[0].Name), false
	n.asked[name]++
	for _, rr := range n.records {
		if strings.EqualFold(rr.Header().Name, name) {
			known = true
			if rr.Header().Rrtype == q.Question[0].Qtype {
				reply.Answer = append(reply.Answer, rr)
			}
		}
	}
	switch {
	case strings.Contains(name, "fail"):
		reply.Rcode = dns.RcodeServerFailure
	case !known:
		reply.Rcode = dns.RcodeNameError
	}
	w.WriteMsg(reply) //nolint:errcheck // the resolver tells
}

// times says how often a name was asked for.
func (n *nameserver) times(name string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.asked[name]
}

// startDNS gives a server and a resolver that asks it alone.
func startDNS(t *testing.T) (*nameserver, *net.Resolver) {
	t.Helper()
	pc, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &nameserver{asked: map[string]int{}}
	up := make(chan struct{})
	srv := &dns.Server{PacketConn: pc, Handler: n, NotifyStartedFunc: func() { close(up) }}
	go srv.ActivateAndServe() //nolint:errcheck // ends with the test
	<-up
	t.Cleanup(func() { srv.Shutdown() }) //nolint:errcheck // the test is over
	return n, &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", pc.LocalAddr().String())
	}}
}

// sound is a zone with nothing wrong in it.
func sound() []string {
	return []string{
		"example.net. NS ns2.example.org.", "example.net. NS NS1.example.org.", "example.net. MX 20 mx2.example.org.", "example.net. MX 10 mx1.example.org.",
		"example.net. A 192.0.2.80", "example.net. AAAA 2001:db8::80", "mx1.example.org. A 192.0.2.25", "mx2.example.org. AAAA 2001:db8::25",
	}
}

// quiet is a session in which nothing may happen but STARTTLS.
type quiet struct{ smtp.Session }

func (quiet) Reset()        {}
func (quiet) Logout() error { return nil }

// exchanger is a real SMTP server with STARTTLS, and what dials to it.
func exchanger(t *testing.T, conf *tls.Config) func(context.Context, string, string) (net.Conn, error) {
	t.Helper()
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return quiet{}, nil }))
	srv.TLSConfig, srv.Domain, srv.ErrorLog = conf, "mx1.example.org", log.New(io.Discard, "", 0)
	go srv.Serve(ln) //nolint:errcheck // ends with the test
	t.Cleanup(func() { srv.Close() })
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		if addr != "mx1.example.org:25" {
			return nil, errors.New("the wrong exchanger: " + addr)
		}
		return (&net.Dialer{}).DialContext(ctx, network, ln.Addr().String())
	}
}

// borrowed is a certificate of "Acme Co", good for years.
func borrowed(t *testing.T) *tls.Config {
	t.Helper()
	srv := httptest.NewTLSServer(nil)
	t.Cleanup(srv.Close)
	return &tls.Config{Certificates: srv.TLS.Certificates, MinVersion: tls.VersionTLS12}
}

// issued is a certificate that somebody of that name signed for himself.
func issued(t *testing.T, name string) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	self := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: start().Add(9000 * day)}
	der, err := x509.CreateCertificate(rand.Reader, self, self, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
}

// says is an exchanger that greets and then answers each line with its next.
func says(t *testing.T, lines ...string) func(context.Context, string, string) (net.Conn, error) {
	t.Helper()
	return func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go func() { // ends when ours is closed
			defer theirs.Close()
			in := bufio.NewReader(theirs)
			for _, line := range lines {
				if _, err := io.WriteString(theirs, line); err != nil {
					return
				}
				if _, err := in.ReadString('\n'); err != nil {
					return
				}
			}
		}()
		return ours, nil
	}
}

func domain() inventory.Item {
	return inventory.Item{ID: inventory.NewID(), Kind: inventory.Domain, Text: "example.net", Added: start().Add(-9 * day)}
}

func config(r *net.Resolver) survey.Config {
	return survey.Config{Resolver: r, Rules: rules(), Now: start}
}

// whats are the findings' first texts, "?" before those that were not asked.
func whats(c inventory.Check) []string {
	var out []string
	for _, f := range c.Findings {
		mark := ""
		if f.Unasked {
			mark = "? "
		}
		if f.Do == "" {
			mark = "nothing to do: "
		}
		out = append(out, mark+f.What)
	}
	return out
}
