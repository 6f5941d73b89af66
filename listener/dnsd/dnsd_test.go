package dnsd_test

import (
	"bytes"
	"context"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"saltmine/internal/canary"
	"saltmine/listener/dnsd"
)

// store is a Hear that remembers, and fails when told to.
type store struct {
	mu    sync.Mutex
	fail  error
	heard []canary.Contact
	last  canary.ContactID // of what was refused
}

func (s *store) hear(_ context.Context, c canary.Contact) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		s.last = c.ID
		return s.fail
	}
	if _, err := c.MarshalBinary(); err != nil {
		return err
	}
	c.Targets, c.Facts, c.Raw = slices.Clone(c.Targets), maps.Clone(c.Facts), bytes.Clone(c.Raw) // the ear has their memory back
	s.heard = append(s.heard, c)
	return nil
}

func (s *store) refused() canary.ContactID {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

func (s *store) failWith(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = err
}

func (s *store) all() []canary.Contact {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.heard)
}

// each makes a Hear of one for single contacts, which are heard side by side.
func each(hear func(context.Context, canary.Contact) error) func(context.Context, []canary.Contact) []error {
	return func(ctx context.Context, contacts []canary.Contact) []error {
		errs := make([]error, len(contacts))
		var all sync.WaitGroup
		for i, c := range contacts[1:] {
			all.Go(func() { errs[1+i] = hear(ctx, c) })
		}
		errs[0] = hear(ctx, contacts[0])
		all.Wait()
		return errs
	}
}

// nothing is a Hear that keeps nothing.
func nothing(context.Context, canary.Contact) error { return nil }

func zones() []dnsd.Zone {
	return []dnsd.Zone{
		{
			Name: "example.net", Addrs: []netip.Addr{netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("2001:db8::7")},
			TXT: []string{"v=spf1 mx -all"},
			Records: []string{
				"@ 3600 SOA ns1 hostmaster 2024010101 7200 3600 1209600 300", "@ 300 MX 10 mail", "* 300 MX 10 mail",
				`_dmarc 300 TXT "v=DMARC1; p=none"`, "selector._domainkey TXT k=rsa", "shop CNAME www", "www A 192.0.2.8",
				"away CNAME elsewhere.example.com.", "lost CNAME x._dmarc", "round CNAME about", "about CNAME round",
			},
		},
		{
			Name: "Example.ORG.", Nameservers: []string{"ns.example.com"}, MailHosts: []string{"mx1.example.com", "mx2.example.com"},
			Records: []string{"@ 3600 SOA ns.example.com. hostmaster 2024010102 7200 3600 1209600 300", "@ MX 10 mx1.example.com.", "@ MX 20 mx2.example.com."},
			TXT:     slices.Repeat([]string{`a "long\ text` + string(slices.Repeat([]byte("x"), 300))}, 8),
		},
	}
}

func config(s *store) dnsd.Config {
	return dnsd.Config{Zones: zones(), Hear: each(s.hear), Now: time.Now, Log: slog.New(slog.DiscardHandler), Salt: []byte("salt"), Limits: dnsd.Limits{Rate: -1, SourceConns: 1000}}
}

// ear is a running server and where it listens.
type ear struct {
	*dnsd.Server
	udp, tcp string
	stop     func() error // ends it and gives what Run returned
}

func start(t *testing.T, cfg dnsd.Config) ear {
	t.Helper()
	srv, err := dnsd.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	pc, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- srv.Run(ctx, []net.PacketConn{pc}, []net.Listener{ln}) }()
	stop := sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() { _ = stop() })
	return ear{srv, pc.LocalAddr().String(), ln.Addr().String(), stop}
}

// patience is how long a test waits for an answer that must come.
const patience = 10 * time.Second

func question(name string, kind uint16) *dns.Msg {
	return new(dns.Msg).SetQuestion(dns.Fqdn(name), kind)
}

func ask(t *testing.T, e ear, proto string, m *dns.Msg) *dns.Msg {
	t.Helper()
	addr := e.udp
	if proto == "tcp" {
		addr = e.tcp
	}
	got, _, err := (&dns.Client{Net: proto, Timeout: patience}).ExchangeContext(t.Context(), m, addr)
	if err != nil {
		t.Fatalf("%s: %v", proto, err)
	}
	return got
}

// eventually waits for a counter of the ear, which no answer announces.
func eventually(t *testing.T, is func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for range 10_000 {
		if is() {
			return
		}
		<-tick.C
	}
	t.Fatal("it did not come")
}

func TestNewReportsEveryFault(t *testing.T) {
	t.Parallel()
	s := new(store)
	for name, tc := range map[string]struct {
		change func(*dnsd.Config)
		faults int
	}{
		"no zones":         {func(c *dnsd.Config) { c.Zones = nil }, 1},
		"no hear, no zone": {func(c *dnsd.Config) { c.Zones, c.Hear = nil, nil }, 2},
		"bad names":        {func(c *dnsd.Config) { c.Zones = []dnsd.Zone{{Name: ""}, {Name: "a..b"}, {Name: "*.example.net"}} }, 3},
		"bad host":         {func(c *dnsd.Config) { c.Zones[0].MailHosts = []string{"a b"} }, 1},
		"bad address":      {func(c *dnsd.Config) { c.Zones[0].Addrs = []netip.Addr{{}} }, 1},
		"twice":            {func(c *dnsd.Config) { c.Zones[1].Name = "EXAMPLE.net" }, 1},
		"too long":         {func(c *dnsd.Config) { c.Zones[0].TXT = []string{string(make([]byte, 40_000))} }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := config(s)
			tc.change(&cfg)
			_, err := dnsd.New(cfg)
			joined, ok := err.(interface{ Unwrap() []error })
			if !ok || len(joined.Unwrap()) != tc.faults {
				t.Fatalf("got %v, want %d faults", err, tc.faults)
			}
		})
	}
}

func TestRunNeedsASocketAndEndsWithABrokenOne(t *testing.T) {
	t.Parallel()
	srv, err := dnsd.New(config(new(store)))
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Run(t.Context(), nil, nil); err == nil {
		t.Error("ran without sockets")
	}
	pc, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = pc.Close()
	if err := srv.Run(t.Context(), []net.PacketConn{pc}, nil); err == nil {
		t.Error("a closed socket is no error")
	}
}

func TestStopsCleanly(t *testing.T) {
	t.Parallel()
	cfg := config(new(store))
	cfg.Limits.Idle = time.Hour // it is not idleness that ends the connection
	e := start(t, cfg)
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", e.tcp)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() // a test's connection
	ask(t, e, "udp", question("example.net", dns.TypeMX))
	if err := e.stop(); err != nil {
		t.Fatalf("Run: %v", err)
	}
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("the connection is still open")
	}
}
