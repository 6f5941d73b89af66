package dnsd_test

import (
	"fmt"
	"net/netip"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"saltmine/internal/canary"
	"saltmine/listener/dnsd"
)

// byRule is a rule that takes the names that begin with "ok", and small limits.
func byRule(c *dnsd.Config) {
	c.Accept = func(local, domain string) bool { return domain == "example.net" && strings.HasPrefix(local, "ok") }
	c.Limits.NewNames, c.Limits.AllNewNames = 1, 2 // 20 and 40 at once
}

// floods gives the counts of names that were not recorded singly, by network
// and by minute, and the number of the contacts that were.
func floods(t *testing.T, heard []canary.Contact) (byNetwork, byMinute map[string]int, single int) {
	t.Helper()
	byNetwork, byMinute = map[string]int{}, map[string]int{}
	for _, c := range heard {
		switch {
		case c.Facts["queries"] != "":
			n, err := strconv.Atoi(c.Facts["queries"])
			since, err2 := time.Parse(time.RFC3339Nano, c.Facts["since"])
			if err != nil || err2 != nil || c.Targets[0].Text != c.Facts["zone"] || since.Minute() != c.At.Minute() || c.Raw != nil {
				t.Errorf("got %+v", c)
			}
			byNetwork[c.Facts["network"]] += n
			byMinute[since.Format("15:04")] += n
		case c.Facts["repeats"] == "":
			single++
		}
	}
	return byNetwork, byMinute, single
}

// TestAFloodIsCounted asks for 1,000 names that nobody knows, for some that a
// canary could have, and for what every stranger looks up.
func TestAFloodIsCounted(t *testing.T) {
	t.Parallel()
	bubble(t, byRule, func(t *testing.T, srv *dnsd.Server, p *pipe, s *store) {
		usual := []string{"example.net", "mail.example.net", "ns1.example.net", "_dmarc.example.net", "shop.example.net"}
		for i := range 1000 {
			if got := p.ask(t, fmt.Sprintf("n%d.example.net", i)); len(got.Answer) != 1 {
				t.Fatalf("got %v", got)
			}
			if i%10 == 0 {
				p.ask(t, fmt.Sprintf("ok%d.example.net", i))
			}
			if i%200 == 199 {
				p.ask(t, usual[i/200])
			}
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(time.Minute)
		networks, minutes, single := floods(t, s.all())
		left := 1000 - 20 - 99 // of the burst, and of a rate of one a second
		if networks["198.51.100.0/24"] != left || len(networks) != 1 || single != 1000-left+100+len(usual) {
			t.Errorf("%v, %d singly", networks, single)
		}
		if len(minutes) != 2 || srv.Stats().Summed != uint64(left) || srv.Stats().Told != uint64(left) {
			t.Errorf("%v, stats %+v", minutes, srv.Stats())
		}
		// One that was recorded singly is a repeat, one that was counted is not.
		p.ask(t, "n0.example.net")
		p.ask(t, "ok0.example.net")
		if st := srv.Stats(); st.Repeats != 2 {
			t.Errorf("stats %+v", st)
		}
	})
}

// TestCountsOfAFloodAreNotLost has a store that is down over three minutes, and
// an ear that is stopped in the fourth.
func TestCountsOfAFloodAreNotLost(t *testing.T) {
	t.Parallel()
	var last *store
	unheard := 0 // of those that were to be recorded singly
	bubble(t, byRule, func(t *testing.T, _ *dnsd.Server, p *pipe, s *store) {
		last = s
		for i := range 20 {
			p.ask(t, fmt.Sprintf("n%d.example.net", i))
		}
		s.failWith(errDisk)
		for i := range 300 {
			if i == 200 {
				s.failWith(nil)
			}
			for j := range 10 {
				if p.ask(t, fmt.Sprintf("m%d-%d.example.net", i, j)).Rcode == dns.RcodeServerFailure {
					unheard++
				}
			}
			time.Sleep(time.Second)
		}
	})
	networks, minutes, single := floods(t, last.all())
	if networks["198.51.100.0/24"]+single+unheard != 20+3000 || unheard == 0 || single > 20+300 || len(minutes) < 5 {
		t.Errorf("%v, %v, %d singly, %d not at all", networks, minutes, single, unheard)
	}
}

// TestAFloodFromEverywhere makes up a network for every query: what is
// recorded, and what is remembered, stays small, and nothing is miscounted.
func TestAFloodFromEverywhere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, p := new(store), newPipe()
		cfg := config(s)
		byRule(&cfg)
		srv, err := dnsd.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		stop := run(t, srv, p)
		for i := range 5000 {
			from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 1}), 53)
			srv.Respond(t.Context(), pack(t, question(fmt.Sprintf("n%d.example.net", i), dns.TypeA)), from, true)
		}
		srv.Respond(t.Context(), pack(t, question("ok.example.net", dns.TypeA)), mustPeer("192.0.2.1:53"), true)
		if err := stop(); err != nil {
			t.Error(err)
		}
		networks, _, single := floods(t, s.all())
		sum := 0
		for _, n := range networks {
			sum += n
		}
		if sum != 5000-40 || single != 41 || len(networks) != 1025 || networks["other"] != sum-1024 {
			t.Errorf("%d counted, %d singly, %d networks, %d of others", sum, single, len(networks), networks["other"])
		}
	})
}

// TestAFloodHidesNobody has 100,000 made-up names of a hundred networks, far
// above every rate, and now and then a name that a canary could have, or the
// apex, from networks of their own: each of these is recorded though the flood
// is not even answered, and the memory stays small. It is not parallel: it looks
// at the heap.
func TestAFloodHidesNobody(t *testing.T) {
	const names, every = 100_000, 500
	s, tick := new(store), newClock()
	cfg := config(s)
	byRule(&cfg)
	tick.set(&cfg)
	cfg.Limits.Rate, cfg.Limits.Slip = 5, -1
	srv, err := dnsd.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	answered, probes := 0, 0
	for i := range names {
		from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i % 100), 1}), 53)
		if srv.Respond(t.Context(), pack(t, question(fmt.Sprintf("n%d.example.net", i), dns.TypeA)), from, true) != nil {
			answered++
		}
		tick.move(20 * time.Microsecond) // 50,000 a second
		if i%every != 0 {
			continue
		}
		probes += 2
		from = netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, byte(i / every), 0, 1}), 53)
		for _, m := range []*dns.Msg{question(fmt.Sprintf("ok%d.example.net", i), dns.TypeA), question("example.net", dns.TypeMX)} {
			if out := srv.Respond(t.Context(), pack(t, m), from, true); len(out) == 0 {
				t.Fatal("a stranger was not answered")
			}
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 32<<20 {
		t.Errorf("%d bytes", grown)
	}
	recorded := 0
	for _, c := range s.all() {
		if strings.HasPrefix(c.Targets[0].Text, "ok") || c.Facts["qtype"] == "MX" {
			recorded++
		}
	}
	if recorded != probes || len(s.all()) > probes+50 || answered > 100*(5+11) {
		t.Errorf("%d of %d probes recorded, %d contacts, %d answers to the flood", recorded, probes, len(s.all()), answered)
	}
	if st := srv.Stats(); st.Summed+st.First != names+uint64(probes) {
		t.Errorf("stats %+v", st)
	}
}
