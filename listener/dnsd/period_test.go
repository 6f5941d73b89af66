package dnsd_test

import (
	"context"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"saltmine/internal/canary"
	"saltmine/listener/dnsd"
)

func mustPeer(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

// pipe is a packet socket in memory, so that time can be synctest's.
type pipe struct {
	in, out chan []byte
	woken   chan struct{}
	wake    func()
}

func newPipe() *pipe {
	woken := make(chan struct{})
	return &pipe{in: make(chan []byte), out: make(chan []byte, 1), woken: woken, wake: sync.OnceFunc(func() { close(woken) })}
}

func (p *pipe) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case m := <-p.in:
		return copy(b, m), &net.UDPAddr{IP: net.IPv4(198, 51, 100, 1), Port: 5353}, nil
	case <-p.woken:
		return 0, nil, os.ErrDeadlineExceeded
	}
}

func (p *pipe) WriteTo(b []byte, _ net.Addr) (int, error) {
	p.out <- append([]byte(nil), b...)
	return len(b), nil
}

func (p *pipe) Close() error                     { p.wake(); return nil }
func (p *pipe) LocalAddr() net.Addr              { return &net.UDPAddr{} }
func (p *pipe) SetDeadline(time.Time) error      { return nil }
func (p *pipe) SetWriteDeadline(time.Time) error { return nil }
func (p *pipe) SetReadDeadline(time.Time) error  { p.wake(); return nil }

func (p *pipe) ask(t *testing.T, name string) *dns.Msg {
	t.Helper()
	wire, err := question(name, dns.TypeA).Pack()
	if err != nil {
		t.Fatal(err)
	}
	p.in <- wire
	got := new(dns.Msg)
	if err := got.Unpack(<-p.out); err != nil {
		t.Fatal(err)
	}
	return got
}

// bubble runs an ear on a pipe under synctest's clock.
func bubble(t *testing.T, change func(*dnsd.Config), do func(t *testing.T, srv *dnsd.Server, p *pipe, s *store)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s, p := new(store), newPipe()
		cfg := config(s)
		change(&cfg)
		srv, err := dnsd.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		stop := run(t, srv, p)
		do(t, srv, p, s)
		_ = stop() // with a full disk it ends with an error
	})
}

// run starts an ear on a pipe; stop ends it.
func run(t *testing.T, srv *dnsd.Server, p *pipe) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- srv.Run(ctx, []net.PacketConn{p}, nil) }()
	return func() error {
		cancel()
		return <-ended
	}
}

func unchanged(*dnsd.Config) {}

// anHour is a period that takes less time to pass.
func anHour(c *dnsd.Config) { c.Limits.Period = time.Hour }

// TestRepeatsAreDurableWithinASecond asks again and again over a period.
func TestRepeatsAreDurableWithinASecond(t *testing.T) {
	t.Parallel()
	bubble(t, anHour, func(t *testing.T, srv *dnsd.Server, p *pipe, s *store) {
		time.Sleep(100 * time.Millisecond) // so that no count falls due between two questions
		p.ask(t, "example.net")
		for range 7 { // over 56 minutes
			time.Sleep(8 * time.Minute)
			p.ask(t, "example.net")
			p.ask(t, "Example.net")
			time.Sleep(time.Second)
		}
		heard := s.all()
		if len(heard) != 8 {
			t.Fatalf("%d contacts within the hour: %+v", len(heard), heard)
		}
		for i, r := range told(t, heard) {
			if r.of != string(heard[0].ID) || r.count != 2 || r.name != "Example.net" || r.peer != "198.51.100.1:5353" || r.at.Sub(heard[0].At).Round(time.Minute) != time.Duration(i+1)*8*time.Minute {
				t.Errorf("got %+v", r)
			}
		}
		time.Sleep(8 * time.Minute)
		p.ask(t, "example.net")
		if n := len(s.all()); n != 9 {
			t.Errorf("%d contacts: the next hour's first sighting is missing", n)
		}
		time.Sleep(65 * time.Minute)
		if n := len(s.all()); n != 9 || srv.Stats().Remembered != 0 || srv.Stats().Told != 14 {
			t.Errorf("%d contacts, stats %+v: a sighting without repeats needs no summary", n, srv.Stats())
		}
	})
}

// TestRepeatsOfASecondAreOneContact: the disk does not pay for every repeat.
func TestRepeatsOfASecondAreOneContact(t *testing.T) {
	t.Parallel()
	bubble(t, unchanged, func(t *testing.T, _ *dnsd.Server, p *pipe, s *store) {
		for range 3 {
			for i := range 400 {
				p.ask(t, strconv.Itoa(i)+".example.net")
			}
		}
		time.Sleep(time.Second)
		if n, lines := len(s.all()), told(t, s.all()); n != 401 || len(lines) != 400 {
			t.Errorf("%d contacts, %d lines", n, len(lines))
		}
	})
}

// TestThePeriodEndsOnTime asks again after the period and before the sweep.
func TestThePeriodEndsOnTime(t *testing.T) {
	t.Parallel()
	bubble(t, anHour, func(t *testing.T, _ *dnsd.Server, p *pipe, s *store) {
		time.Sleep(300 * time.Millisecond)
		p.ask(t, "example.net")
		p.ask(t, "example.net")
		time.Sleep(time.Hour + time.Millisecond)
		p.ask(t, "example.net")
		synctest.Wait()
		if heard := s.all(); len(heard) != 3 {
			t.Errorf("%d contacts, want sighting, summary, sighting", len(heard))
		}
	})
}

// TestSummariesAreTriedAgain has a store that takes a summary and says that it
// did not: it must come again under the same id.
func TestSummariesAreTriedAgain(t *testing.T) {
	t.Parallel()
	bubble(t, unchanged, func(t *testing.T, srv *dnsd.Server, p *pipe, s *store) {
		p.ask(t, "example.net")
		p.ask(t, "example.net")
		s.failWith(errDisk)
		time.Sleep(time.Second)
		first := s.refused()
		p.ask(t, "example.net")
		time.Sleep(20 * time.Minute)
		if n := len(s.all()); n != 1 {
			t.Fatalf("%d contacts while the store is down", n)
		}
		s.failWith(nil)
		time.Sleep(time.Second)
		heard := s.all()
		if len(heard) != 3 || heard[1].Facts["repeats"] != "1" || heard[2].Facts["repeats"] != "1" || heard[1].ID != first {
			t.Errorf("got %+v", heard)
		}
		if st := srv.Stats(); st.Told != 2 || st.Lost != 0 {
			t.Errorf("stats %+v", st)
		}
	})
}

func TestTheTableIsBounded(t *testing.T) {
	t.Parallel()
	small := func(c *dnsd.Config) { c.Limits.Names = 10 }
	bubble(t, small, func(t *testing.T, srv *dnsd.Server, p *pipe, s *store) {
		for i := range 100 {
			name := strconv.Itoa(i) + ".example.net"
			p.ask(t, name)
			p.ask(t, name)
			time.Sleep(time.Second)
		}
		st := srv.Stats()
		if st.Remembered != 10 || st.Told != 100 || st.Lost != 0 {
			t.Errorf("stats %+v", st)
		}
		if n := len(s.all()); n != 200 {
			t.Errorf("%d contacts", n)
		}
	})
}

// TestCountsAreBounded fills the table of a store that fails for summaries
// only: what finds no room is counted as lost.
func TestCountsAreBounded(t *testing.T) {
	t.Parallel()
	small := func(c *dnsd.Config) {
		c.Limits.Names = 5
		hear := c.Hear
		c.Hear = each(func(ctx context.Context, k canary.Contact) error {
			if k.Facts["repeats"] != "" {
				return errDisk
			}
			return hear(ctx, []canary.Contact{k})[0]
		})
	}
	bubble(t, small, func(t *testing.T, srv *dnsd.Server, p *pipe, s *store) {
		for i := range 50 {
			name := strconv.Itoa(i) + ".example.net"
			p.ask(t, name)
			p.ask(t, name)
		}
		synctest.Wait()
		if st := srv.Stats(); st.Lost != 40 || st.Told != 0 {
			t.Errorf("stats %+v: 50 repeats, 5 in the table, 5 waiting", st)
		}
		if n := len(s.all()); n != 50 {
			t.Errorf("%d contacts", n)
		}
	})
}

// TestAStoreThatHangsDoesNotKeepTheProcess ends the ear while Hear ignores its
// deadline.
func TestAStoreThatHangsDoesNotKeepTheProcess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		let := make(chan struct{})
		cfg, p := config(new(store)), newPipe()
		cfg.Hear = each(func(context.Context, canary.Contact) error { <-let; return io.EOF })
		srv, err := dnsd.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- srv.Run(ctx, []net.PacketConn{p}, nil) }()
		wire, _ := question("example.net", dns.TypeA).Pack()
		p.in <- wire
		synctest.Wait()
		began := time.Now()
		cancel()
		if err := <-ended; err == nil || time.Since(began) > time.Minute {
			t.Errorf("ended after %v with %v", time.Since(began), err)
		}
		close(let)
	})
}
