package dnsd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// pause is how long a socket rests after a fault that may pass (no buffers, no
// file descriptors), so that the fault does not take the processor as well.
const pause = 50 * time.Millisecond

// origin is where a packet came from and what the answer needs to go back.
type origin struct {
	peer    netip.AddrPort
	addr    net.Addr
	session *dns.SessionUDP
}

// packetPort is a packet socket as the read loop needs it.
type packetPort interface {
	receive(buf []byte) (int, origin, error)
	send(answer []byte, to origin) error
}

// newPort chooses the port for a socket. One that listens on every address of
// the machine must answer from the address that was asked; any other socket
// does so by itself.
func newPort(pc net.PacketConn) (packetPort, error) {
	udp, ok := pc.(*net.UDPConn)
	if !ok {
		return anyPort{pc}, nil
	}
	local, err := netip.ParseAddrPort(udp.LocalAddr().String())
	if err != nil {
		return nil, err
	}
	if !local.Addr().IsUnspecified() {
		return boundPort{udp}, nil
	}
	// A socket of one family refuses the other's option.
	err6 := ipv6.NewPacketConn(udp).SetControlMessage(ipv6.FlagDst|ipv6.FlagInterface, true)
	err4 := ipv4.NewPacketConn(udp).SetControlMessage(ipv4.FlagDst|ipv4.FlagInterface, true)
	if err4 != nil && err6 != nil {
		return nil, errors.Join(err4, err6)
	}
	return wildPort{udp}, nil
}

type boundPort struct{ c *net.UDPConn }

func (p boundPort) receive(buf []byte) (int, origin, error) {
	n, peer, err := p.c.ReadFromUDPAddrPort(buf)
	return n, origin{peer: peer}, err
}

func (p boundPort) send(answer []byte, to origin) error {
	_, err := p.c.WriteToUDPAddrPort(answer, to.peer)
	return err
}

type wildPort struct{ c *net.UDPConn }

func (p wildPort) receive(buf []byte) (int, origin, error) {
	n, session, err := dns.ReadFromSessionUDP(p.c, buf)
	if err != nil {
		return 0, origin{}, err
	}
	return n, origin{peer: peerOf(session.RemoteAddr()), session: session}, nil
}

func (p wildPort) send(answer []byte, to origin) error {
	_, err := dns.WriteToSessionUDP(p.c, answer, to.session)
	return err
}

type anyPort struct{ c net.PacketConn }

func (p anyPort) receive(buf []byte) (int, origin, error) {
	n, addr, err := p.c.ReadFrom(buf)
	return n, origin{peer: peerOf(addr), addr: addr}, err
}

func (p anyPort) send(answer []byte, to origin) error {
	_, err := p.c.WriteTo(answer, to.addr)
	return err
}

// peerOf gives the address and port of a socket's other side, or the invalid
// one for a socket that has none.
func peerOf(addr net.Addr) netip.AddrPort {
	switch a := addr.(type) {
	case *net.UDPAddr:
		return a.AddrPort()
	case *net.TCPAddr:
		return a.AddrPort()
	}
	return netip.AddrPort{}
}

// readPackets answers packets until ctx ends or the socket is closed. Answers
// that need nothing of the store are sent from here, the others by a goroutine
// that holds a slot: a store that is slow stops neither repeats nor refusals.
func (s *Server) readPackets(ctx context.Context, port packetPort) error {
	buf := make([]byte, dns.MaxMsgSize)
	for {
		n, from, err := port.receive(buf)
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // the end that was asked for
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("dns ear: read packet: %w", err)
		case err != nil:
			rest(ctx)
		default:
			s.stats.udp.Add(1)
			s.packet(ctx, port, buf[:n], from)
		}
	}
}

// packet answers one packet or hands it to a goroutine that will. The bytes
// are the caller's.
func (s *Server) packet(ctx context.Context, port packetPort, wire []byte, from origin) {
	defer s.confine()
	q := s.read(wire, from.peer, protoUDP)
	if s.known(&q) {
		s.send(port, &q, from)
		return
	}
	select {
	case s.slots <- struct{}{}:
	default:
		s.stats.dropped.Add(1)
		return
	}
	q.wire = bytes.Clone(wire)
	s.busy.Go(func() { // ends within HearWait; drain waits for it
		defer func() { <-s.slots }()
		defer s.confine()
		s.witness(ctx, &q)
		s.send(port, &q, from)
	})
}

func (s *Server) send(port packetPort, q *query, to origin) {
	answer := s.answer(q)
	if answer == nil {
		return
	}
	if err := port.send(answer, to); err != nil {
		s.stats.unsent.Add(1)
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
