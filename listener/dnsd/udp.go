package dnsd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// pause is how long a socket rests after a fault that may pass (no buffers, no
// file descriptors), so that the fault does not take the processor as well.
const pause = 50 * time.Millisecond

// Sizes of a batch: what one system call may read or write.
const (
	batchSize   = 64
	largestAsk  = 4096 // bytes of a query; a longer one is malformed
	controlSize = 128
	queueSize   = 4 << 20 // bytes that may wait in the system while we are busy; it may give less
)

// packetPort is a packet socket as the read loop needs it.
type packetPort interface {
	// ReadBatch fills messages and says how many; at least one without an error.
	ReadBatch(ms []ipv4.Message, flags int) (int, error)
	// WriteBatch sends messages from the first on and says how many.
	WriteBatch(ms []ipv4.Message, flags int) (int, error)
}

// socket is a port and what its answers need to go out by the address that was
// asked.
type socket struct {
	packetPort
	wild bool // it listens on every address of the machine
}

// newSocket chooses the port for a socket. One that listens on every address
// must answer from the address that was asked; any other does so by itself.
func newSocket(pc net.PacketConn) (socket, error) {
	udp, ok := pc.(*net.UDPConn)
	if !ok {
		return socket{packetPort: anyPort{pc}}, nil
	}
	local, err := netip.ParseAddrPort(udp.LocalAddr().String())
	if err != nil {
		return socket{}, err
	}
	_ = udp.SetReadBuffer(queueSize)
	port, err := newBatchPort(udp) // of either family
	if err != nil {
		return socket{}, err
	}
	if !local.Addr().IsUnspecified() {
		return socket{packetPort: port}, nil
	}
	// A socket of one family refuses the other's option.
	err6 := ipv6.NewPacketConn(udp).SetControlMessage(ipv6.FlagDst|ipv6.FlagInterface, true)
	err4 := ipv4.NewPacketConn(udp).SetControlMessage(ipv4.FlagDst|ipv4.FlagInterface, true)
	if err4 != nil && err6 != nil {
		return socket{}, errors.Join(err4, err6)
	}
	return socket{port, true}, nil
}

// anyPort is a socket that is none of the system's: a packet at a time.
type anyPort struct{ c net.PacketConn }

// ReadBatch reads one packet.
func (p anyPort) ReadBatch(ms []ipv4.Message, _ int) (int, error) {
	n, addr, err := p.c.ReadFrom(ms[0].Buffers[0])
	if err != nil {
		return 0, err
	}
	ms[0].N, ms[0].NN, ms[0].Addr = n, 0, addr
	return 1, nil
}

// WriteBatch writes one packet.
func (p anyPort) WriteBatch(ms []ipv4.Message, _ int) (int, error) {
	if _, err := p.c.WriteTo(ms[0].Buffers[0], ms[0].Addr); err != nil {
		return 0, err
	}
	return 1, nil
}

// batch is the room that one reader reads into.
func (p socket) batch() []ipv4.Message {
	ms := make([]ipv4.Message, batchSize)
	for i := range ms {
		ms[i].Buffers = [][]byte{make([]byte, largestAsk+1)}
		if p.wild {
			ms[i].OOB = make([]byte, controlSize)
		}
	}
	return ms
}

// reply makes out an answer that goes back where m came from, by the way it came.
func (p socket) reply(out, m *ipv4.Message, answer []byte) {
	*out = ipv4.Message{Buffers: append(out.Buffers[:0], answer), Addr: m.Addr}
	if p.wild {
		out.OOB = sourceControl(m.OOB[:m.NN])
	}
}

// sourceControl turns the control message that says where a packet went to into
// the one that says where the answer is to come from.
func sourceControl(control []byte) []byte {
	var in6 ipv6.ControlMessage
	var in4 ipv4.ControlMessage
	dst, index := net.IP(nil), 0
	if in6.Parse(control) == nil && in6.Dst != nil {
		dst, index = in6.Dst, in6.IfIndex
	} else if in4.Parse(control) == nil {
		dst, index = in4.Dst, 0
	}
	switch {
	case dst == nil:
		return nil
	case dst.To4() != nil:
		return (&ipv4.ControlMessage{Src: dst}).Marshal()
	case !dst.IsLinkLocalUnicast():
		index = 0 // the routes know better
	}
	return (&ipv6.ControlMessage{Src: dst, IfIndex: index}).Marshal()
}

// peerOf gives the address and port of a socket's other side, or the invalid
// one for a socket that has none.
func peerOf(addr net.Addr) netip.AddrPort {
	switch a := addr.(type) {
	case *net.TCPAddr:
		return a.AddrPort()
	case interface{ AddrPort() netip.AddrPort }: // of UDP
		return a.AddrPort()
	}
	return netip.AddrPort{}
}

// readPackets answers packets until ctx ends or the socket is closed. Answers
// that need nothing of the store are sent from here, a batch at a time; the
// others by a goroutine for those of one batch: a store that is slow stops
// neither repeats nor refusals.
func (s *Server) readPackets(ctx context.Context, p socket) error {
	in, out, r := p.batch(), make([]ipv4.Message, 0, batchSize), reading{answers: new(room)}
	for {
		n, err := p.ReadBatch(in, 0)
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // the end that was asked for
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("dns ear: read packets: %w", err)
		case err != nil:
			rest(ctx)
			continue
		}
		s.stats.udp.Add(uint64(n)) //nolint:gosec // not negative
		r.at, r.fresh, out = time.Time{}, nil, out[:0]
		for i := range in[:n] {
			r.left = n - i
			if answer := s.packet(p, &in[i], &r); answer != nil {
				var one *ipv4.Message
				out, one = next(out)
				p.reply(one, &in[i], answer)
			}
		}
		s.send(p, out)
		if r.fresh != nil {
			s.handOver(ctx, errand{p, r.fresh})
		}
		forget(out)
		wipe(in[:n])
		r.answers.empty()
	}
}

// wipe leaves nothing of the packets that were read.
func wipe(in []ipv4.Message) {
	for i := range in {
		b := in[i].Buffers[0]
		clear(b[:min(in[i].N, len(b))])
	}
}

// reading is what a reader has for the packets of one batch.
type reading struct {
	at      time.Time // when they were read; the first of them looks at the clock
	left    int       // packets to come, this one among them
	answers *room     // those that can be given at once
	fresh   *waiting  // those that wait for the store; nil when none does
}

// packet gives the answer to one packet, or puts it with those that wait for the
// store. The bytes are the caller's.
func (s *Server) packet(p socket, m *ipv4.Message, r *reading) (answer []byte) {
	defer s.confine()
	if r.at.IsZero() {
		r.at = s.cfg.Now()
	}
	q := query{asking: asking{at: r.at, peer: peerOf(m.Addr), proto: protoUDP}, room: r.answers}
	s.read(&q, m.Buffers[0][:m.N])
	if s.known(&q) {
		return s.answer(&q)
	}
	select {
	case s.slots <- struct{}{}:
	default:
		s.stats.dropped.Add(1)
		return nil
	}
	if r.fresh == nil {
		r.fresh = s.borrow(r.left)
	}
	w := r.fresh
	q.wire, q.room = w.room.keep(q.wire), &w.room
	w.queries = append(w.queries, q)
	var back *ipv4.Message
	w.back, back = next(w.back)
	spare := back.Addr
	p.reply(back, m, nil)
	m.Addr = spare // the one that was there is the answer's now
	return nil
}

// errand is queries that wait for the store, and where their answers go.
type errand struct {
	p     socket
	fresh *waiting
}

// handOver has an errand done, by one who has nothing to do if there is one.
func (s *Server) handOver(ctx context.Context, e errand) {
	select {
	case s.errands <- e:
	default:
		s.busy.Go(func() { s.run(ctx, e) }) // drain waits for it
	}
}

// run does errands. It ends, within twice HearWait, when there are none and ctx
// has ended or enough others wait for one.
func (s *Server) run(ctx context.Context, e errand) {
	for {
		s.tend(ctx, e.p, e.fresh)
		e = errand{} // it is over, and not to be remembered
		select {
		case s.idle <- struct{}{}:
		default:
			return
		}
		select {
		case e = <-s.errands:
			<-s.idle
		case <-ctx.Done():
			<-s.idle
			return
		}
	}
}

// tend has queries recorded, and answers them.
func (s *Server) tend(ctx context.Context, p socket, fresh *waiting) {
	defer func(n int) {
		for range n {
			<-s.slots
		}
	}(len(fresh.queries))
	defer s.confine()
	s.witness(ctx, fresh)
	out := 0
	for i := range fresh.queries {
		if answer := s.said(&fresh.queries[i]); answer != nil {
			fresh.back[i].Buffers[0] = answer
			fresh.back[out], fresh.back[i] = fresh.back[i], fresh.back[out]
			out++
		}
	}
	s.send(p, fresh.back[:out])
	s.giveBack(fresh)
}

// send writes answers. One that the socket does not take is counted, and the
// next is tried.
func (s *Server) send(p socket, out []ipv4.Message) {
	for len(out) > 0 {
		n, err := p.WriteBatch(out, 0)
		if n <= 0 || err != nil {
			s.stats.unsent.Add(1)
			n = max(n, 0) + 1
		}
		out = out[min(n, len(out)):]
	}
}

// confine keeps a fault in the handling of one packet from ending the ear. What
// was recovered may hold a name, so it is counted and not logged.
func (s *Server) confine() {
	if recover() != nil {
		s.stats.recovered.Add(1)
		s.cfg.Log.Error("fault while a query was being answered")
	}
}

// rest waits for pause or the end of ctx.
func rest(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(pause):
	}
}
