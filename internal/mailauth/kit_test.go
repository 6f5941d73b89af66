package mailauth_test

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"saltmine/internal/mailauth"
)

// resolver is a DNS server on loopback that knows the records it is given, in
// the form of zone files, and can misbehave.
type resolver struct {
	addr string
	mu   sync.Mutex
	rrs  map[string][]dns.RR // by lower-case name and type
	bad  map[string]int      // names that get an Rcode instead
	hits int
}

func serve(t *testing.T, records ...string) *resolver {
	t.Helper()
	r := &resolver{rrs: map[string][]dns.RR{}, bad: map[string]int{}}
	for _, text := range records {
		rr, err := dns.NewRR(text)
		if err != nil {
			t.Fatalf("%.60s: %v", text, err)
		}
		key := strings.ToLower(rr.Header().Name) + dns.TypeToString[rr.Header().Rrtype]
		r.rrs[key] = append(r.rrs[key], rr)
	}
	udp, tcp := onePort(t)
	r.addr = udp.LocalAddr().String()
	for _, s := range []*dns.Server{{PacketConn: udp, Handler: r}, {Listener: tcp, Handler: r}} {
		ready := make(chan struct{})
		s.NotifyStartedFunc = func() { close(ready) }
		go s.ActivateAndServe() //nolint:errcheck // the end of the test ends it
		<-ready
		t.Cleanup(func() { s.Shutdown() }) //nolint:errcheck // nothing depends on it
	}
	return r
}

// onePort listens for datagrams and connections on the same port: one that is free
// for datagrams may be another's for connections.
func onePort(t *testing.T) (net.PacketConn, net.Listener) {
	t.Helper()
	var errs []error
	for range 50 {
		udp, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		tcp, err := new(net.ListenConfig).Listen(t.Context(), "tcp", udp.LocalAddr().String())
		if err == nil {
			return udp, tcp
		}
		errs = append(errs, err, udp.Close())
	}
	t.Fatal(errors.Join(errs...))
	return nil, nil
}

// breaks has a name answered with an Rcode alone.
func (r *resolver) breaks(name string, code int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bad[name] = code
}

// ServeDNS answers as a resolver does: aliases are followed.
func (r *resolver) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	r.mu.Lock()
	r.hits++
	m := new(dns.Msg).SetReply(q)
	name, kind := strings.ToLower(q.Question[0].Name), dns.TypeToString[q.Question[0].Qtype]
	if code, broken := r.bad[name]; broken {
		m.Rcode = code
	} else {
		r.follow(m, name, kind)
	}
	r.mu.Unlock()
	for i, rr := range m.Answer {
		m.Answer[i] = dns.Copy(rr) // packing writes into it, and answers go out side by side
	}
	if _, udp := w.RemoteAddr().(*net.UDPAddr); udp {
		m.Truncate(1232)
	}
	w.WriteMsg(m) //nolint:errcheck // whoever asked sees it
}

func (r *resolver) follow(m *dns.Msg, name, kind string) {
	for range 20 { // an endless chain is cut somewhere
		if list := r.rrs[name+kind]; len(list) > 0 {
			m.Answer = append(m.Answer, list...)
			return
		}
		alias := r.rrs[name+"CNAME"]
		if len(alias) == 0 {
			break
		}
		m.Answer = append(m.Answer, alias...)
		name = strings.ToLower(alias[0].(*dns.CNAME).Target)
	}
	if len(m.Answer) > 0 {
		return
	}
	for key := range r.rrs {
		if strings.HasPrefix(key, name) {
			return // the name exists
		}
	}
	m.Rcode = dns.RcodeNameError
}

func (r *resolver) questions() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.hits
}

var came = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// judge evaluates a mail, and again from what was stored of the answers: the
// second time must give the same, without a question.
func (r *resolver) judge(t *testing.T, m mailauth.Message) mailauth.Report {
	t.Helper()
	j := mailauth.New(mailauth.Config{Resolver: r.addr, Now: func() time.Time { return came.Add(time.Hour) }})
	report := j.Evaluate(t.Context(), m)
	replay(t, m, report)
	return report
}

func replay(t *testing.T, m mailauth.Message, report mailauth.Report) {
	t.Helper()
	stored, err := report.Encode()
	if err != nil {
		t.Fatal(err)
	}
	back, err := mailauth.Decode(stored)
	if err != nil {
		t.Fatal(err)
	}
	again := mailauth.Again(m, back.Answers)
	if diff := cmp.Diff(report, again); diff != "" {
		t.Errorf("evaluated again from the stored answers (-first +again):\n%s", diff)
	}
}

func message(t *testing.T, file string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func from(ip, helo, sender string) mailauth.Message {
	m := mailauth.Message{Helo: helo, MailFrom: sender, At: came, Raw: []byte("From: Ann <ann@example.org>\r\n\r\nhello\r\n")}
	if ip != "" {
		m.Peer = netip.MustParseAddr(ip)
	}
	return m
}
