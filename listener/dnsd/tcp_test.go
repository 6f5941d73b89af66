package dnsd_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"saltmine/internal/canary"
	"saltmine/listener/dnsd"
)

// dialFrom opens a TCP connection to the ear from an address of this machine.
func dialFrom(t *testing.T, e ear, host string) *dns.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(host)}}
	conn, err := d.DialContext(t.Context(), "tcp", e.tcp)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	return &dns.Conn{Conn: conn}
}

func TestOneNetworkCannotTakeEveryConnection(t *testing.T) {
	t.Parallel()
	cfg := config(new(store))
	cfg.Limits.SourceConns = 2
	e := start(t, cfg)
	var first *dns.Conn
	for _, host := range []string{"127.0.0.1", "127.0.0.2"} { // of one /24
		first = dialFrom(t, e, host)
		if _, err := roundTrip(first); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := roundTrip(dialFrom(t, e, "127.0.0.3")); err == nil {
		t.Errorf("the third of a network got %v", got)
	}
	if _, err := roundTrip(dialFrom(t, e, "127.0.1.1")); err != nil {
		t.Errorf("another network: %v", err)
	}
	_ = first.Close()
	eventually(t, func() bool { // the place is given back
		_, err := roundTrip(dialFrom(t, e, "127.0.0.4"))
		return err == nil
	})
}

func TestIdlenessIsShorterWhenPlacesAreScarce(t *testing.T) {
	t.Parallel()
	cfg := config(new(store))
	cfg.Limits.Conns, cfg.Limits.Idle = 2, 5*time.Second
	e := start(t, cfg)
	first := dialFrom(t, e, "127.0.0.1")
	if _, err := roundTrip(first); err != nil { // it may be idle for 5 s
		t.Fatal(err)
	}
	second := dialFrom(t, e, "127.0.0.1")
	began := time.Now()
	if _, err := io.Copy(io.Discard, second); err != nil { // and this one for 1
		t.Error(err)
	}
	if took := time.Since(began); took < 500*time.Millisecond || took > 4*time.Second {
		t.Errorf("it was closed after %v", took)
	}
	if _, err := roundTrip(first); err != nil {
		t.Errorf("the first: %v", err)
	}
}

// TestPipelining sends two queries at once; the store holds the first, and the
// second is answered before it (RFC 7766 §6.2.1.1).
func TestPipelining(t *testing.T) {
	t.Parallel()
	let := make(chan struct{})
	s := new(store)
	cfg := config(s)
	cfg.Hear = each(func(ctx context.Context, c canary.Contact) error {
		if strings.HasPrefix(c.Targets[0].Text, "slow.") {
			<-let
		}
		return s.hear(ctx, c)
	})
	e := start(t, cfg)
	conn := dialFrom(t, e, "127.0.0.1")
	ids := map[uint16]string{}
	var sent []byte
	for _, name := range []string{"slow.example.net", "fast.example.net", "example.com"} {
		m := question(name, dns.TypeA)
		ids[m.Id] = name
		wire := pack(t, m)
		sent = append(binary.BigEndian.AppendUint16(sent, uint16(len(wire))), wire...)
	}
	if _, err := conn.Conn.Write(sent); err != nil {
		t.Fatal(err)
	}
	var order []string
	for range 3 {
		got, err := conn.ReadMsg()
		if err != nil {
			t.Fatal(err)
		}
		if order = append(order, ids[got.Id]); len(order) == 2 {
			close(let)
		}
	}
	if order[2] != "slow.example.net" {
		t.Errorf("answered in the order %v", order)
	}
}

// TestAFarewellLosesNoAnswer sends more queries at once than one connection may
// ask: those that may get their answers.
func TestAFarewellLosesNoAnswer(t *testing.T) {
	t.Parallel()
	cfg := config(new(store))
	cfg.Limits.ConnQueries = 100
	e := start(t, cfg)
	conn := dialFrom(t, e, "127.0.0.1")
	wire := pack(t, question("example.net", dns.TypeA))
	framed := append(binary.BigEndian.AppendUint16(nil, uint16(len(wire))), wire...)
	if _, err := conn.Conn.Write(bytes.Repeat(framed, 300)); err != nil {
		t.Fatal(err)
	}
	answers := 0
	for {
		if _, err := conn.ReadMsg(); err != nil {
			break
		}
		answers++
	}
	if answers != 100 {
		t.Errorf("%d answers", answers)
	}
}

// TestASlowReaderIsLeft asks for much and reads nothing.
func TestASlowReaderIsLeft(t *testing.T) {
	t.Parallel()
	cfg := config(new(store))
	for i := range 900 {
		cfg.Zones[0].Addrs = append(cfg.Zones[0].Addrs, netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}))
	}
	cfg.Limits.Idle, cfg.Limits.ConnQueries = 300*time.Millisecond, 1<<20
	e := start(t, cfg)
	conn := dialFrom(t, e, "127.0.0.1")
	wire := pack(t, question("example.net", dns.TypeA))
	framed := append(binary.BigEndian.AppendUint16(nil, uint16(len(wire))), wire...)
	for range 1 << 20 { // until nobody reads any more and the buffers are full
		if _, err := conn.Conn.Write(framed); err != nil {
			break
		}
	}
	eventually(t, func() bool { return e.Stats().Unsent > 0 })
	if _, err := roundTrip(dialFrom(t, e, "127.0.0.1")); err != nil {
		t.Errorf("another: %v", err)
	}
}

// TestConnectionsEndWithTheEar has a query in the store's hands and another
// connection idle when the ear stops.
func TestConnectionsEndWithTheEar(t *testing.T) {
	t.Parallel()
	entered := make(chan struct{})
	s := new(store)
	cfg := config(s)
	cfg.Limits = dnsd.Limits{Idle: time.Hour}
	cfg.Hear = each(func(ctx context.Context, c canary.Contact) error {
		close(entered)
		return s.hear(ctx, c)
	})
	e := start(t, cfg)
	idle, busy := dialFrom(t, e, "127.0.0.1"), dialFrom(t, e, "127.0.0.1")
	if err := busy.WriteMsg(question("example.net", dns.TypeA)); err != nil {
		t.Fatal(err)
	}
	<-entered
	if err := e.stop(); err != nil {
		t.Error(err)
	}
	if got, err := busy.ReadMsg(); err != nil || len(got.Answer) != 1 {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := idle.ReadMsg(); err == nil {
		t.Error("the idle connection is open")
	}
}
