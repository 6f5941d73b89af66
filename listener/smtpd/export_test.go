package smtpd

import (
	"io"
	"net/netip"
)

// ReadProxy is readProxy.
func ReadProxy(r io.Reader) (peer, here netip.AddrPort, err error) { return readProxy(r) }

// Patient makes the ear bear any number of faults, whatever its costume says.
func (s *Server) Patient() {
	s.dress.ways.errors, s.dress.ways.unknown, s.dress.ways.syntax, s.dress.ways.nonmail = 0, 0, 0, 0
}
