package dnsd_test

import (
	"flag"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"saltmine/listener/dnsd"
)

var datagrams = flag.Int("datagrams", 200_000, "how many made-up datagrams the handler is tried with")

// offer gives one packet to the handler and looks at what comes back: nothing,
// or a response to it that is no gift. A fault of the handler's ends the test.
func offer(t *testing.T, srv *dnsd.Server, wire []byte) {
	t.Helper()
	out := srv.Respond(t.Context(), wire, mustPeer("198.51.100.1:53"), true)
	if out == nil {
		return
	}
	if len(wire) < 12 || len(out) < 12 || len(out) > 3*len(wire) || out[0] != wire[0] || out[1] != wire[1] || out[2]&0x80 == 0 {
		t.Fatalf("%x got %x", wire, out)
	}
}

// TestRandomDatagrams has datagrams of 0 to 64 bytes: a third is noise, a third
// has a header as queries have it, and a third ends like a query for our zone.
func TestRandomDatagrams(t *testing.T) {
	t.Parallel()
	cfg := config(new(store))
	cfg.Hear = each(nothing)
	srv, err := dnsd.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(4, 4))
	zone := []byte("\x07example\x03net\x00\x00\x01\x00\x01")
	room := make([]byte, 64)
	for i := range *datagrams {
		wire := room[:rnd.IntN(65)]
		for j := range wire {
			wire[j] = byte(rnd.Uint32())
		}
		if i%3 > 0 && len(wire) >= 12 {
			copy(wire[2:], []byte{byte(rnd.Uint32()) & 0x07, byte(rnd.Uint32()), 0, 1, 0, 0, 0, byte(rnd.IntN(2)), 0, byte(rnd.IntN(3))})
		}
		if i%3 > 1 && len(wire) >= 12+len(zone) {
			copy(wire[12:], zone)
			if rnd.IntN(2) == 0 && len(wire) > 12+len(zone)+11 {
				copy(wire[12+len(zone):], []byte{0, 0, 41}) // OPT
			}
		}
		offer(t, srv, wire)
	}
	st := srv.Stats()
	if st.Recovered != 0 || st.Malformed == 0 || st.First == 0 || st.Refused == 0 || st.Ignored == 0 {
		t.Errorf("stats %+v", st)
	}
	t.Logf("%d datagrams: %+v", *datagrams, st)
}

// TestMutatedPackets changes real packets: bytes, lengths, parts of others.
func TestMutatedPackets(t *testing.T) {
	t.Parallel()
	cfg := config(new(store))
	cfg.Hear = each(nothing)
	srv, err := dnsd.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	genuine := corpus(t)
	for _, p := range probes() {
		genuine = append(genuine, p.wire(t))
	}
	for _, q := range makeQueries(t, 500) {
		genuine = append(genuine, q.wire)
	}
	for _, wire := range genuine {
		for n := range wire {
			offer(t, srv, wire[:n])
		}
	}
	rnd := rand.New(rand.NewPCG(5, 5))
	for range *datagrams / 2 {
		offer(t, srv, mutate(rnd, genuine))
	}
	if st := srv.Stats(); st.Recovered != 0 || st.First == 0 {
		t.Errorf("stats %+v", st)
	}
}

func mutate(rnd *rand.Rand, genuine [][]byte) []byte {
	wire := append([]byte(nil), genuine[rnd.IntN(len(genuine))]...)
	for range 1 + rnd.IntN(4) {
		at := rnd.IntN(len(wire))
		switch rnd.IntN(5) {
		case 0:
			wire[at] ^= 1 << rnd.IntN(8)
		case 1:
			wire[at] = byte(rnd.Uint32())
		case 2:
			wire[at] = []byte{0, 0x3F, 0x40, 0x80, 0xC0, 0xFF}[rnd.IntN(6)]
		case 3:
			other := genuine[rnd.IntN(len(genuine))]
			wire = append(wire[:at:at], other[rnd.IntN(len(other)):]...)
		default:
			wire = append(wire[:at:at], append([]byte{byte(rnd.Uint32())}, wire[at:]...)...)
		}
		if len(wire) == 0 {
			return wire
		}
	}
	return wire
}

// TestDnsperf has the load generator that resolvers' people use, over both.
func TestDnsperf(t *testing.T) {
	t.Parallel()
	cfg := config(new(store))
	cfg.Limits.ConnQueries = 4000 // it sends ahead of a farewell
	e := start(t, cfg)
	var text strings.Builder
	for range 200 {
		text.WriteString("example.net MX\nmail.example.net A\nwww.example.net AAAA\n_dmarc.example.net TXT\nmail.example.net SRV\n")
	}
	file := filepath.Join(t.TempDir(), "queries")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	for proto, addr := range map[string]string{"udp": e.udp, "tcp": e.tcp} {
		host, port, _ := net.SplitHostPort(addr)
		out, err := exec.CommandContext(t.Context(), "dnsperf", "-m", proto, "-s", host, "-p", port, "-d", file, "-n", "2", "-e", "-D", "-q", "20").CombinedOutput()
		if err != nil {
			t.Fatalf("dnsperf (of the package dnsperf): %v\n%s", err, out)
		}
		for _, want := range []string{"Queries lost:         0 ", "NOERROR 2000 (100.00%)"} {
			if !strings.Contains(string(out), want) {
				t.Errorf("%s: no %q in\n%s", proto, want, out)
			}
		}
	}
	if st := e.Stats(); st.First != 5 || st.Repeats != 4000-5 {
		t.Errorf("stats %+v", st)
	}
}
