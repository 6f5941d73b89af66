package dnsd_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"saltmine/internal/canary"
	"saltmine/listener/dnsd"
)

var errDisk = errors.New("disk is full")

// onMessage is a log handler that acts on one message.
type onMessage struct {
	message string
	act     func()
}

func (h onMessage) Enabled(context.Context, slog.Level) bool { return true }
func (h onMessage) WithAttrs([]slog.Attr) slog.Handler       { return h }
func (h onMessage) WithGroup(string) slog.Handler            { return h }
func (h onMessage) Handle(_ context.Context, r slog.Record) error {
	if r.Message == h.message {
		h.act()
	}
	return nil
}

func TestContactHoldsThePacket(t *testing.T) {
	t.Parallel()
	s := new(store)
	e := start(t, config(s))
	for _, proto := range []string{"udp", "tcp"} {
		addr := map[string]string{"udp": e.udp, "tcp": e.tcp}[proto]
		conn, err := dns.DialTimeout(proto, addr, 5*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close() // a test's connection
		m := question("Shop-"+proto+".Example.net", dns.TypeAAAA).SetEdns0(1400, false)
		wire, err := m.Pack()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write(wire); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.ReadMsg(); err != nil {
			t.Fatal(err)
		}
		heard := s.all()
		got := heard[len(heard)-1]
		want := canary.Contact{
			ID: got.ID, Channel: canary.DNS, At: got.At, Ear: "dnsd", Peer: conn.LocalAddr().String(),
			Targets: []canary.Target{{Text: "shop-" + proto + ".example.net"}},
			Facts:   map[string]string{"qname": "Shop-" + proto + ".Example.net", "qtype": "AAAA", "proto": proto, "zone": "example.net"},
			Raw:     wire,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("contact (-want +got):\n%s", diff)
		}
	}
}

// TestEvidenceBeforeAnswer holds the store back and sees that nothing is said
// until it lets go, while what needs no store is answered.
func TestEvidenceBeforeAnswer(t *testing.T) {
	t.Parallel()
	for _, proto := range []string{"udp", "tcp"} {
		entered, let := make(chan struct{}), make(chan struct{})
		s := new(store)
		cfg := config(s)
		cfg.Hear = each(func(ctx context.Context, c canary.Contact) error {
			close(entered)
			<-let
			return s.hear(ctx, c)
		})
		e := start(t, cfg)
		var durable atomic.Bool
		early := make(chan bool, 1)
		var wg sync.WaitGroup
		wg.Go(func() {
			ask(t, e, proto, question("example.net", dns.TypeA))
			early <- !durable.Load()
		})
		<-entered
		if got := ask(t, e, proto, question("example.com", dns.TypeA)); got.Rcode != dns.RcodeRefused {
			t.Errorf("%s: while the store is busy: %v", proto, got.MsgHdr)
		}
		durable.Store(true)
		close(let)
		if <-early {
			t.Errorf("%s: answered before the contact was durable", proto)
		}
		wg.Wait()
	}
}

func TestStoreFailureIsServfail(t *testing.T) {
	t.Parallel()
	s := &store{fail: errDisk}
	e := start(t, config(s))
	for _, proto := range []string{"udp", "tcp"} {
		for range 2 {
			m := question("Example.net", dns.TypeA).SetEdns0(1232, false)
			if got := ask(t, e, proto, m); got.Rcode != dns.RcodeServerFailure || got.Authoritative || len(got.Answer) != 0 || got.IsEdns0() == nil {
				t.Errorf("%s: got %v", proto, got)
			}
		}
	}
	s.failWith(nil)
	if got := ask(t, e, "udp", question("example.net", dns.TypeA)); len(got.Answer) != 1 {
		t.Errorf("after recovery: got %v", got)
	}
	s.failWith(errDisk)
	if got := ask(t, e, "udp", question("example.net", dns.TypeA)); len(got.Answer) != 1 {
		t.Errorf("a repeat of what is durable: got %v", got)
	}
	if st := e.Stats(); st.Unheard != 4 || st.First != 1 || st.Repeats != 1 {
		t.Errorf("stats %+v", st)
	}
	if err := e.stop(); !errors.Is(err, errDisk) {
		t.Errorf("the repeat could not be recorded, Run gave %v", err)
	}
}

// again is a line of a summarising contact.
type again struct {
	of, name, peer string
	count          int
	at             time.Time
}

// told gives the repeats that contacts tell.
func told(t *testing.T, heard []canary.Contact) []again {
	t.Helper()
	var out []again
	for _, c := range heard {
		if c.Facts["repeats"] == "" {
			continue
		}
		sum, total := 0, c.Facts["repeats"]
		for line := range strings.Lines(string(c.Raw)) {
			f := strings.Fields(line)
			count, err1 := strconv.Atoi(f[1])
			at, err2 := time.Parse(time.RFC3339Nano, f[2])
			if err := errors.Join(err1, err2); err != nil || len(f) != 6 {
				t.Fatalf("line %q: %v", line, err)
			}
			sum += count
			out = append(out, again{of: f[0], count: count, at: at, peer: f[3], name: f[5]})
		}
		if strconv.Itoa(sum) != total || len(c.Targets) != 1 || c.Targets[0].Text != c.Facts["zone"] {
			t.Errorf("a summary of %s with lines of %d: %+v", total, sum, c)
		}
	}
	return out
}

func TestAPanicOfTheStoreIsConfined(t *testing.T) {
	t.Parallel()
	cfg := config(new(store))
	cfg.Hear = each(func(context.Context, canary.Contact) error { panic("broken") })
	e := start(t, cfg)
	for _, proto := range []string{"udp", "tcp"} {
		if got := ask(t, e, proto, question("example.net", dns.TypeA)); got.Rcode != dns.RcodeServerFailure {
			t.Errorf("%s: got %v", proto, got)
		}
	}
}

// TestAPanicBeforeTheAnswerIsConfined breaks the clock, the one thing of the
// caller's that is used while a packet is read.
func TestAPanicBeforeTheAnswerIsConfined(t *testing.T) {
	t.Parallel()
	var broken atomic.Int32
	cfg := config(new(store))
	cfg.Now = func() time.Time {
		if broken.Add(-1) >= 0 {
			panic("broken")
		}
		return time.Now()
	}
	e := start(t, cfg)
	broken.Store(2)
	client := &dns.Client{Net: "tcp", Timeout: 5 * time.Second}
	if got, _, err := client.ExchangeContext(t.Context(), question("example.net", dns.TypeA), e.tcp); err == nil {
		t.Errorf("got %v", got)
	}
	conn, err := new(net.Dialer).DialContext(t.Context(), "udp", e.udp)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() // a test's connection
	wire, _ := question("example.net", dns.TypeA).Pack()
	if _, err := conn.Write(wire); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { return e.Stats().Recovered == 2 })
	if got := ask(t, e, "udp", question("example.net", dns.TypeA)); len(got.Answer) != 1 {
		t.Errorf("got %v", got)
	}
}

// TestConcurrentQueries asks 200 times at once for 10 names: each name is
// recorded once, and the rest are its repeats.
func TestConcurrentQueries(t *testing.T) {
	t.Parallel()
	const names, each = 10, 20
	s := new(store)
	e := start(t, config(s))
	var wg sync.WaitGroup
	for i := range names * each {
		wg.Go(func() {
			proto := []string{"udp", "tcp"}[i/names%2]
			if got := ask(t, e, proto, question(fmt.Sprintf("n%d.example.net", i%names), dns.TypeA)); len(got.Answer) != 1 {
				t.Errorf("got %v", got)
			}
		})
	}
	wg.Wait()
	if heard := s.all(); len(heard) != names {
		t.Errorf("%d contacts, want %d", len(heard), names)
	}
	if err := e.stop(); err != nil {
		t.Fatal(err)
	}
	repeats, first := 0, map[string]string{}
	for _, c := range s.all() {
		if c.Facts["repeats"] != "" {
			continue
		}
		first[string(c.ID)] = c.Targets[0].Text
		var m dns.Msg
		if err := m.Unpack(c.Raw); err != nil || m.Question[0].Name != c.Targets[0].Text+"." {
			t.Errorf("the packet of another query: %v, %v", err, m)
		}
	}
	for _, r := range told(t, s.all()) {
		repeats += r.count
		if first[r.of] != r.name {
			t.Errorf("a count of something else: %+v", r)
		}
	}
	// A client that thinks its packet lost sends no second one, so this is exact.
	if st := e.Stats(); repeats != names*(each-1) || st.First != names || st.Told != uint64(repeats) || st.Remembered != 0 {
		t.Errorf("%d repeats recorded, stats %+v", repeats, st)
	}
}

// TestOneFlight holds the store while equal queries arrive: one contact.
func TestOneFlight(t *testing.T) {
	t.Parallel()
	const askers = 50
	entered, let := make(chan struct{}), make(chan struct{})
	var durable atomic.Bool
	s := new(store)
	cfg := config(s)
	cfg.Hear = each(func(ctx context.Context, c canary.Contact) error {
		close(entered) // a second time is a panic, and SERVFAIL
		<-let
		return s.hear(ctx, c)
	})
	e := start(t, cfg)
	var wg sync.WaitGroup
	for i := range askers {
		wg.Go(func() {
			got := ask(t, e, "udp", question("example.net", dns.TypeMX))
			if len(got.Answer) != 1 || !durable.Load() {
				t.Errorf("answered before the contact was durable, or not at all: %v", got)
			}
		})
		if i == 0 {
			<-entered
		}
	}
	eventually(t, func() bool { return e.Stats().UDP == askers })
	if st := e.Stats(); st.Repeats != 0 {
		t.Errorf("stats %+v while the first is being written", st)
	}
	durable.Store(true)
	close(let)
	wg.Wait()
	if n := len(s.all()); n != 1 {
		t.Errorf("%d contacts for one sighting", n)
	}
}

// TestASlowStoreIsServfail has a store that takes longer than Limits.HearWait.
func TestASlowStoreIsServfail(t *testing.T) {
	t.Parallel()
	cfg := config(new(store))
	cfg.Limits.HearWait = 20 * time.Millisecond
	cfg.Hear = each(func(ctx context.Context, _ canary.Contact) error {
		<-ctx.Done()
		return ctx.Err()
	})
	e := start(t, cfg)
	if got := ask(t, e, "udp", question("example.net", dns.TypeA)); got.Rcode != dns.RcodeServerFailure {
		t.Errorf("got %v", got)
	}
}

// TestQueriesInHandAreFinished stops the ear while the store works: the contact
// is recorded all the same, and answered.
func TestQueriesInHandAreFinished(t *testing.T) {
	t.Parallel()
	for _, proto := range []string{"udp", "tcp"} {
		entered, stopping := make(chan struct{}), make(chan struct{})
		s := new(store)
		cfg := config(s)
		cfg.Log = slog.New(onMessage{"dns ear stopping", func() { close(stopping) }})
		cfg.Hear = each(func(ctx context.Context, c canary.Contact) error {
			close(entered)
			<-stopping
			if err := ctx.Err(); err != nil {
				return err
			}
			return s.hear(ctx, c)
		})
		e := start(t, cfg)
		var wg sync.WaitGroup
		wg.Go(func() {
			if got := ask(t, e, proto, question("example.net", dns.TypeA)); len(got.Answer) != 1 {
				t.Errorf("%s: got %v", proto, got)
			}
		})
		<-entered
		if err := e.stop(); err != nil {
			t.Errorf("%s: Run: %v", proto, err)
		}
		wg.Wait()
		if n := len(s.all()); n != 1 {
			t.Errorf("%s: %d contacts", proto, n)
		}
	}
}

// TestStoreFailureIsLoggedOnce sees the two state changes, and no name asked.
func TestStoreFailureIsLoggedOnce(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := &store{fail: errDisk}
	cfg := config(s)
	cfg.Log = slog.New(slog.NewTextHandler(&log, nil))
	e := start(t, cfg)
	for range 5 {
		ask(t, e, "tcp", question("secret.example.net", dns.TypeA))
	}
	s.failWith(nil)
	ask(t, e, "tcp", question("secret.example.net", dns.TypeA))
	if err := e.stop(); err != nil {
		t.Fatal(err)
	}
	out := log.String()
	if strings.Count(out, "level=ERROR") != 1 || strings.Count(out, "durable again") != 1 || strings.Contains(out, "example.net") {
		t.Errorf("log:\n%s", out)
	}
}

func TestSaturationDropsPackets(t *testing.T) {
	t.Parallel()
	entered, let := make(chan struct{}, 8), make(chan struct{})
	s := new(store)
	cfg := config(s)
	cfg.Limits = dnsd.Limits{Handlers: 2}
	cfg.Hear = each(func(ctx context.Context, c canary.Contact) error {
		entered <- struct{}{}
		<-let
		return s.hear(ctx, c)
	})
	e := start(t, cfg)
	conn, err := dns.DialTimeout("udp", e.udp, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() // a test's connection
	for i := range 2 {
		if err := conn.WriteMsg(question(strconv.Itoa(i)+".example.net", dns.TypeA)); err != nil {
			t.Fatal(err)
		}
		<-entered
	}
	if err := conn.WriteMsg(question("third.example.net", dns.TypeA)); err != nil {
		t.Fatal(err)
	}
	if got := ask(t, e, "udp", question("example.com", dns.TypeA)); got.Rcode != dns.RcodeRefused {
		t.Errorf("what needs no store: got %v", got)
	}
	eventually(t, func() bool { return e.Stats().Dropped == 1 })
	close(let)
	for range 2 {
		if _, err := conn.ReadMsg(); err != nil {
			t.Fatal(err)
		}
	}
	if got := ask(t, e, "udp", question("third.example.net", dns.TypeA)); len(got.Answer) != 1 {
		t.Errorf("afterwards: got %v", got)
	}
	if n := len(s.all()); n != 3 {
		t.Errorf("%d contacts", n)
	}
}

// TestDigestTellsTypesAndNetworksApart uses the handler alone, for its sources.
func TestDigestTellsTypesAndNetworksApart(t *testing.T) {
	t.Parallel()
	s := new(store)
	srv, err := dnsd.New(config(s))
	if err != nil {
		t.Fatal(err)
	}
	for i, tc := range []struct {
		name  string
		kind  uint16
		peer  string
		heard int
	}{
		{"example.net", dns.TypeA, "198.51.100.1:53", 1},
		{"EXAMPLE.net", dns.TypeA, "198.51.100.254:9999", 1},
		{"example.net", dns.TypeA, "[::ffff:198.51.100.9]:1", 1},
		{"example.net", dns.TypeMX, "198.51.100.1:53", 2},
		{"www.example.net", dns.TypeA, "198.51.100.1:53", 3},
		{"example.net", dns.TypeA, "198.51.101.1:53", 4},
		{"example.net", dns.TypeA, "[2001:db8:1:ff01::1]:53", 5},
		{"example.net", dns.TypeA, "[2001:db8:1:ff02::1]:53", 5},
		{"example.net", dns.TypeA, "[2001:db8:1:fe01::1]:53", 6},
	} {
		wire, _ := question(tc.name, tc.kind).Pack()
		if out := srv.Respond(t.Context(), wire, mustPeer(tc.peer), true); len(out) == 0 || bytes.Equal(out, wire) {
			t.Errorf("%d: no answer", i)
		}
		if n := len(s.all()); n != tc.heard {
			t.Errorf("%d: %d contacts, want %d", i, n, tc.heard)
		}
	}
}
