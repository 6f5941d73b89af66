package dnsd

import (
	"context"
	"net/netip"
)

// Respond gives the handler's answer to one packet, without sockets.
func (s *Server) Respond(ctx context.Context, wire []byte, peer netip.AddrPort, udp bool) []byte {
	if !udp {
		return s.message(ctx, wire, peer)
	}
	q := s.read(wire, peer, protoUDP)
	if !s.known(&q) {
		s.witness(ctx, &q)
	}
	return s.pack(&q)
}
