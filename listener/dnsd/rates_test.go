package dnsd_test

import (
	"fmt"
	"net/netip"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"saltmine/listener/dnsd"
)

// clock is a clock that stands until it is moved.
type clock struct{ at atomic.Int64 }

func newClock() *clock {
	c := new(clock)
	c.at.Store(time.Date(2026, 8, 5, 12, 0, 0, 0, time.UTC).UnixNano())
	return c
}

func (c *clock) now() time.Time       { return time.Unix(0, c.at.Load()) }
func (c *clock) move(d time.Duration) { c.at.Add(int64(d)) }
func (c *clock) set(cfg *dnsd.Config) { cfg.Now = c.now }
func pack(t *testing.T, m *dns.Msg) []byte {
	t.Helper()
	wire, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return wire
}

// flood sends one packet n times from a source and counts what comes back.
func flood(t *testing.T, srv *dnsd.Server, wire []byte, peer string, n int) (whole, short, none int) {
	t.Helper()
	for range n {
		out := srv.Respond(t.Context(), wire, mustPeer(peer), true)
		var got dns.Msg
		switch {
		case out == nil:
			none++
		case got.Unpack(out) != nil:
			t.Fatalf("answer %x", out)
		case got.Truncated || got.Rcode == dns.RcodeBadCookie:
			if len(got.Answer)+len(got.Ns) > 0 || len(out) > len(wire)+16 {
				t.Fatalf("a short answer of %d bytes to %d: %v", len(out), len(wire), &got)
			}
			short++
		default:
			whole++
		}
	}
	return whole, short, none
}

func TestAnswersAreRationed(t *testing.T) {
	t.Parallel()
	tick := newClock()
	cfg := config(new(store))
	tick.set(&cfg)
	cfg.Limits.Rate, cfg.Limits.Slip = 20, 4
	srv, err := dnsd.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	const client, peer = "0102030405060708", "198.51.100.1:53"
	expect := func(what string, m *dns.Msg, peer string, n, whole, short int) {
		t.Helper()
		if w, s, none := flood(t, srv, pack(t, m), peer, n); w != whole || s != short || none != n-whole-short {
			t.Errorf("%s: %d whole, %d short, %d not at all of %d", what, w, s, none, n)
		}
	}
	mx := question("example.net", dns.TypeMX)
	expect("the rate, then one in four", mx, peer, 100, 20, 20)
	expect("a neighbour", mx, "198.51.100.254:53", 100, 0, 25)
	expect("another network", mx, "198.51.101.1:53", 20, 20, 0)
	expect("an IPv6 network", mx, "[2001:db8:0:1::1]:53", 20, 20, 0)
	expect("its neighbour", mx, "[2001:db8:0:2::1]:53", 4, 0, 1)
	expect("another kind", question("example.com", dns.TypeMX), peer, 20, 20, 0)
	expect("a cookie that is not ours", withCookie(question("example.net", dns.TypeMX), client), peer, 4, 0, 1)

	var ours dns.Msg
	known := withCookie(question("example.com", dns.TypeMX), client)
	if err := ours.Unpack(srv.Respond(t.Context(), pack(t, known), mustPeer(peer), false)); err != nil {
		t.Fatal(err)
	}
	expect("a cookie of ours", withCookie(question("example.net", dns.TypeMX), cookieOf(&ours)), peer, 100, 100, 0)
	if out := srv.Respond(t.Context(), pack(t, mx), mustPeer(peer), false); len(out) < 40 {
		t.Errorf("over TCP: %x", out)
	}
	tick.move(500 * time.Millisecond)
	expect("half a second later", mx, peer, 10, 10, 0)
	tick.move(-time.Hour)
	expect("the clock was set back", mx, peer, 4, 0, 1)
	if srv.Stats().Limited == 0 {
		t.Error("it is not counted")
	}

	cfg.Limits.Rate = -1
	if srv, err = dnsd.New(cfg); err != nil {
		t.Fatal(err)
	}
	expect("without a limit", mx, peer, 1000, 1000, 0)
}

// TestWhatIsNotAnsweredIsRecorded: the ration is of answers, not of evidence.
func TestWhatIsNotAnsweredIsRecorded(t *testing.T) {
	t.Parallel()
	s, tick := new(store), newClock()
	cfg := config(s)
	tick.set(&cfg)
	cfg.Limits.Rate, cfg.Limits.Slip = 1, -1
	srv, err := dnsd.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	answered := 0
	for i := range 50 {
		if srv.Respond(t.Context(), pack(t, question(fmt.Sprintf("n%d.example.net", i), dns.TypeA)), mustPeer("198.51.100.1:53"), true) != nil {
			answered++
		}
	}
	if n := len(s.all()); n != 50 || answered != 1 {
		t.Errorf("%d recorded, %d answered", n, answered)
	}
}

// TestMadeUpSourcesCostNoMemory floods from many networks, and the one that is
// over its rate stays so. It is not parallel: it looks at the heap.
func TestMadeUpSourcesCostNoMemory(t *testing.T) {
	const networks = 200_000
	cfg := config(new(store))
	tick := newClock()
	tick.set(&cfg)
	cfg.Limits.Rate, cfg.Limits.Slip = 5, -1
	srv, err := dnsd.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	wire := pack(t, question("example.com", dns.TypeA)) // refused: no evidence, no table of sightings
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	busy := 0
	for i := range networks {
		from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{byte(10 + i>>16), byte(i >> 8), byte(i), 1}), 53)
		srv.Respond(t.Context(), wire, from, true)
		tick.move(time.Microsecond)
		if i%100 == 0 && srv.Respond(t.Context(), wire, mustPeer("198.51.100.1:53"), true) != nil {
			busy++
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 16<<20 {
		t.Errorf("%d bytes for %d networks", grown, networks)
	}
	if busy > 10 { // 5, and 1 for every 200 ms of clock
		t.Errorf("the busy network got %d answers", busy)
	}
}

// TestNothingIsAmplified asks everything there is, in every way that a source
// can be made up, and weighs the answers.
func TestNothingIsAmplified(t *testing.T) {
	t.Parallel()
	cfg := config(new(store))
	cfg.Limits.Rate = -1
	cfg.Zones[0].Nameservers = []string{"a-long-name-of-a-server.example.com", "another-long-name.example.com"}
	srv, err := dnsd.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	packets := hostile(t)
	for _, name := range []string{"example.net", "example.org", "x.example.net", "a.b.c.example.net", "_dmarc.example.net", "x._dmarc.example.net", "example.com", "."} {
		for kind := range uint16(260) {
			m := question(name, kind)
			packets = append(packets, pack(t, m), pack(t, m.SetEdns0(4096, true)))
			for _, cookie := range []string{"0102030405060708", "0102030405060708" + strings.Repeat("00", 16), "0102030405060708" + strings.Repeat("01", 32)} {
				packets = append(packets, pack(t, withCookie(question(name, kind), cookie)))
			}
		}
	}
	worst, whole := 0.0, 0
	for _, wire := range packets {
		out := srv.Respond(t.Context(), wire, mustPeer("198.51.100.1:53"), true)
		if len(wire) == 0 {
			continue
		}
		if ratio := float64(len(out)) / float64(len(wire)); ratio > worst {
			worst = ratio
		}
		if len(out) > len(wire)*5/2 {
			whole++
		}
	}
	if worst > 3 || whole == 0 {
		t.Errorf("at most %.2f bytes for one, %d answers near to it", worst, whole)
	}
	t.Logf("%d packets, at most %.2f bytes for one", len(packets), worst)
}
