package dnsd_test

import (
	"encoding/binary"
	"encoding/hex"
	"io"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"github.com/miekg/dns"

	"saltmine/listener/dnsd"
)

// noQuestion says QDCOUNT=1 and ends: the library hands it on with no question.
const noQuestion = "abcd01000001000000000000"

// corpus is real queries, the packets from which hostile ones are made.
func corpus(tb testing.TB) [][]byte {
	tb.Helper()
	full := question("WWW.example.net", dns.TypeMX).SetEdns0(4096, true)
	full.IsEdns0().Option = append(full.IsEdns0().Option, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0123456789abcdef"})
	var out [][]byte
	for _, m := range []*dns.Msg{
		question("example.net", dns.TypeA), full, question("example.com", dns.TypeANY),
		new(dns.Msg).SetNotify("example.net."), new(dns.Msg).SetUpdate("example.net."),
		new(dns.Msg).SetAxfr("example.net."), new(dns.Msg).SetIxfr("example.net.", 7, "a.", "b."),
	} {
		wire, err := m.Pack()
		if err != nil {
			tb.Fatal(err)
		}
		out = append(out, wire)
	}
	return out
}

// hostile is every truncation of the corpus, single-byte changes of it, and noise.
func hostile(tb testing.TB) [][]byte {
	tb.Helper()
	rnd := rand.New(rand.NewPCG(1, 2)) // the same packets in every run
	raw, _ := hex.DecodeString(noQuestion)
	out := [][]byte{nil, raw}
	for _, wire := range corpus(tb) {
		for n := range wire {
			out = append(out, wire[:n])
			changed := append([]byte(nil), wire...)
			changed[n] ^= byte(1 + rnd.IntN(255))
			out = append(out, changed)
		}
	}
	for n := range 200 {
		noise := make([]byte, n)
		for i := range noise {
			noise[i] = byte(rnd.Uint32())
		}
		out = append(out, noise)
	}
	return out
}

func TestHostilePackets(t *testing.T) {
	t.Parallel()
	e := start(t, config(new(store)))
	conn, err := new(net.Dialer).DialContext(t.Context(), "udp", e.udp)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() // a test's connection
	packets := hostile(t)
	for i, wire := range packets {
		if _, err := conn.Write(wire); err != nil {
			t.Fatal(err)
		}
		if i%50 == 0 { // do not outrun the socket's buffer
			ask(t, e, "udp", question("example.net", dns.TypeA))
		}
	}
	if got := ask(t, e, "udp", question("example.net", dns.TypeA)); len(got.Answer) != 1 {
		t.Errorf("got %v", got)
	}
	st := e.Stats()
	if st.Malformed == 0 || st.Ignored == 0 || st.Refused == 0 || st.Recovered != 0 || st.UDP < uint64(len(packets)) {
		t.Errorf("stats %+v after %d packets", st, len(packets))
	}
}

func TestHostileMessagesOverTCP(t *testing.T) {
	t.Parallel()
	e := start(t, config(new(store)))
	for _, wire := range hostile(t) {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", e.tcp)
		if err != nil {
			t.Fatal(err)
		}
		framed := append(binary.BigEndian.AppendUint16(nil, uint16(len(wire))), wire...) // short
		if _, err := conn.Write(framed); err != nil {
			t.Fatal(err)
		}
		if half, ok := conn.(*net.TCPConn); ok {
			_ = half.CloseWrite()
		}
		_, _ = io.Copy(io.Discard, conn) // until the server closes
		_ = conn.Close()
	}
	if got := ask(t, e, "tcp", question("example.net", dns.TypeA)); len(got.Answer) != 1 || e.Stats().Recovered != 0 {
		t.Errorf("got %v, stats %+v", got, e.Stats())
	}
}

func TestZeroQuestionsIsFormErr(t *testing.T) {
	t.Parallel()
	srv, err := dnsd.New(config(new(store)))
	if err != nil {
		t.Fatal(err)
	}
	wire, _ := hex.DecodeString(noQuestion)
	got := hex.EncodeToString(srv.Respond(t.Context(), wire, mustPeer("198.51.100.1:53"), true))
	if want := "abcd81010000000000000000"; got != want { // id, QR and RD, FORMERR, no counts
		t.Errorf("got %s, want %s", got, want)
	}
	wire[2] |= 0x80
	if out := srv.Respond(t.Context(), wire, mustPeer("198.51.100.1:53"), true); out != nil {
		t.Errorf("a response was answered with %x", out)
	}
}

func TestIdleConnectionsAreClosed(t *testing.T) {
	t.Parallel()
	cfg := config(new(store))
	cfg.Limits = dnsd.Limits{Idle: 50 * time.Millisecond}
	e := start(t, cfg)
	wire := corpus(t)[0]
	for _, start := range [][]byte{nil, {0}, {0, 50, 1, 2, 3}, append([]byte{0, byte(len(wire))}, wire...)} {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", e.tcp)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write(start); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, conn); err != nil { // ends when the server closes
			t.Errorf("%d bytes: %v", len(start), err)
		}
		_ = conn.Close()
	}
}

func TestConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	cfg := config(new(store))
	cfg.Limits = dnsd.Limits{Conns: 2, ConnQueries: 3}
	e := start(t, cfg)
	var open []*dns.Conn
	for range 2 {
		conn, err := dns.DialTimeout("tcp", e.tcp, 5*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close() // a test's connection
		open = append(open, conn)
		if _, err := roundTrip(conn); err != nil {
			t.Fatal(err)
		}
	}
	third, err := dns.DialTimeout("tcp", e.tcp, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer third.Close() // a test's connection
	if got, err := roundTrip(third); err == nil {
		t.Errorf("a third connection got %v", got)
	}
	if st := e.Stats(); st.ConnsShut != 1 {
		t.Errorf("stats %+v", st)
	}
	for range 2 {
		if _, err := roundTrip(open[0]); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := roundTrip(open[0]); err == nil {
		t.Errorf("a fourth query on one connection got %v", got)
	}
	_ = open[0].Close()
	eventually(t, func() bool { // its place is given again
		conn, err := dns.DialTimeout("tcp", e.tcp, patience)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close() // a test's connection
		_, err = roundTrip(conn)
		return err == nil
	})
}

func roundTrip(conn *dns.Conn) (*dns.Msg, error) {
	if err := conn.WriteMsg(question("example.net", dns.TypeA)); err != nil {
		return nil, err
	}
	return conn.ReadMsg()
}

// FuzzRespond: no packet ends the ear, and whatever is said to it is a response
// to it, of a bounded size, with the evidence kept byte for byte.
func FuzzRespond(f *testing.F) {
	for _, wire := range corpus(f) {
		f.Add(wire, true)
		f.Add(wire, false)
	}
	raw, _ := hex.DecodeString(noQuestion)
	f.Add(raw, true)
	f.Add(append(corpus(f)[1], 0xff), true)
	for _, p := range probes() {
		f.Add(p.wire(f), !p.tcp)
	}
	f.Fuzz(func(t *testing.T, wire []byte, udp bool) {
		s := new(store)
		srv, err := dnsd.New(config(s))
		if err != nil {
			t.Fatal(err)
		}
		out := srv.Respond(t.Context(), wire, mustPeer("198.51.100.1:53"), udp)
		if srv.Stats().Recovered != 0 {
			t.Fatal("a fault of ours")
		}
		heard := s.all()
		for _, c := range heard {
			if string(c.Raw) != string(wire) || len(c.Targets) != 1 || out == nil {
				t.Fatalf("heard %+v", c)
			}
		}
		if out == nil {
			return
		}
		var got dns.Msg
		if err := got.Unpack(out); err != nil {
			t.Fatalf("answer %x: %v", out, err)
		}
		if got.Id != binary.BigEndian.Uint16(wire) || !got.Response || got.RecursionAvailable || udp && len(out) > 1232 {
			t.Fatalf("answer of %d bytes: %v", len(out), got)
		}
		if udp && len(out) > 3*len(wire) {
			t.Fatalf("%d bytes for %d", len(out), len(wire))
		}
		if len(got.Answer) > 0 && len(heard) != 1 {
			t.Fatalf("answered without evidence: %v", got)
		}
	})
}
