package smtpd

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// crowd is the connections that are open, counted by where they come from.
type crowd struct {
	most, mostPer int
	left          chan struct{} // a hint that somebody left

	tight atomic.Bool // more than three quarters of the room are taken

	mu   sync.Mutex
	here map[*wire]string
	from map[string]int
}

func newCrowd(l Limits) *crowd {
	return &crowd{
		most: l.Connections, mostPer: l.PerAddress, left: make(chan struct{}, 1),
		here: map[*wire]string{}, from: map[string]int{},
	}
}

// enter lets w in, or says why there is no room for it.
func (c *crowd) enter(w *wire) saying {
	block := origin(w.raw.RemoteAddr())
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case len(c.here) >= c.most:
		return sayCrowded
	case c.from[block] >= c.mostPer && !w.lmtp:
		return sayCrowdedThere
	}
	c.here[w] = block
	c.from[block]++
	c.feel()
	return ""
}

func (c *crowd) leave(w *wire) {
	c.mu.Lock()
	defer c.mu.Unlock()
	block, ok := c.here[w]
	if !ok {
		return
	}
	delete(c.here, w)
	c.feel()
	if c.from[block]--; c.from[block] == 0 {
		delete(c.from, block)
	}
	select {
	case c.left <- struct{}{}:
	default:
	}
}

// feel notes whether there is much room left. mu is held.
func (c *crowd) feel() { c.tight.Store(4*len(c.here) > 3*c.most) }

// everyone calls f for every connection and returns how many there were.
func (c *crowd) everyone(f func(*wire)) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	for w := range c.here {
		f(w)
	}
	return len(c.here)
}

// gone waits until nobody is left, at most for d.
func (c *crowd) gone(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for c.everyone(func(*wire) {}) > 0 {
		select {
		case <-c.left:
		case <-timer.C:
			return false
		}
	}
	return true
}

// dismiss ends every connection: first those without a transaction, after the
// drain time all, and at last the calls of Hear that still hold one up.
func (c *crowd) dismiss(drain time.Duration, deaf func()) error {
	c.everyone((*wire).drain)
	if c.gone(drain) {
		return nil
	}
	c.everyone((*wire).cutOff)
	if c.gone(drain) {
		return nil
	}
	deaf()
	if c.gone(drain) {
		return nil
	}
	return errors.New("smtpd: connections wait for Hear, which does not return")
}

// origin gives what connections are counted by: an IPv4 address, the /64 of an
// IPv6 address (one customer has at least that many), or the text of any other.
func origin(a net.Addr) string {
	at, ok := addrPort(a)
	if !ok {
		return a.String()
	}
	ip := at.Addr().Unmap()
	if ip.Is4() {
		return ip.String()
	}
	block, err := ip.WithZone("").Prefix(64)
	if err != nil {
		return ip.String()
	}
	return block.String()
}

// addrPort reads an address.
func addrPort(a net.Addr) (netip.AddrPort, bool) {
	if tcp, ok := a.(*net.TCPAddr); ok {
		at := tcp.AddrPort()
		return at, at.IsValid()
	}
	at, err := netip.ParseAddrPort(a.String())
	return at, err == nil
}

// door is the listener of the library: connections are put into it by hand.
type door struct {
	in   chan net.Conn
	shut chan struct{}
	once sync.Once
}

func newDoor() *door { return &door{in: make(chan net.Conn), shut: make(chan struct{})} }

// Accept gives the next connection.
func (d *door) Accept() (net.Conn, error) {
	select {
	case c := <-d.in:
		return c, nil
	case <-d.shut:
		return nil, net.ErrClosed
	}
}

// Close ends Accept.
func (d *door) Close() error {
	d.once.Do(func() { close(d.shut) })
	return nil
}

// Addr names the door.
func (d *door) Addr() net.Addr { return &net.UnixAddr{Name: "smtpd", Net: "inside"} }

// greet accepts connections from l until ctx ends. Running out of file
// descriptors is waited out.
func (s *Server) greet(ctx context.Context, l net.Listener, admit func(net.Conn)) error {
	var pause time.Duration
	for {
		c, err := l.Accept()
		switch {
		case err == nil:
			pause = 0
			admit(c)
		case ctx.Err() != nil:
			return nil //nolint:nilerr // the end that was asked for
		case errors.Is(err, net.ErrClosed):
			return err
		default:
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			s.cfg.Log.Warn("accept failed, waiting", "err", err, "pause", pause)
			select {
			case <-time.After(pause):
			case <-ctx.Done():
			}
		}
	}
}

// introduce lets a trusted proxy say for whom it speaks. So many that it would
// exceed the connections of everybody at once are turned away.
func (s *Server) introduce(ctx context.Context, c net.Conn, admit func(net.Conn)) {
	defer s.strangers.Add(-1)
	if s.strangers.Add(1) > int64(s.cfg.Limits.Connections) {
		_ = c.Close()
		return
	}
	known, err := s.unproxied(ctx, c)
	if err != nil {
		s.cfg.Log.Warn("trusted proxy hung up on", "proxy", c.RemoteAddr(), "err", err)
		_ = c.Close()
		return
	}
	admit(known)
}

// admit puts a connection behind a wire and hands it to the library.
func (s *Server) admit(hearing context.Context, c net.Conn, people *crowd, inner *door) {
	w := s.newWire(hearing, c, people.tight.Load)
	if why := people.enter(w); why != "" {
		s.cfg.Log.Debug("connection refused, too many are open") // a flood must not become a flood of log lines
		w.turnAway(why)
		return
	}
	w.in = s.paper.reader(w.fill)
	w.onClose = func() { people.leave(w) }
	inner.in <- w // the library takes it at once: its loop does nothing else
}
