package smtpd

import (
	"bufio"
	"io"
	"net/netip"
)

// ReadProxy is readProxy.
func ReadProxy(r io.Reader) (peer, here netip.AddrPort, err error) { return readProxy(r) }

// Patient makes the ear bear any number of faults, whatever its costume says.
func (s *Server) Patient() {
	s.dress.ways.errors, s.dress.ways.unknown, s.dress.ways.syntax, s.dress.ways.nonmail = 0, 0, 0, 0
}

// Left gives all that lies in the memory that connections leave to each other.
func (s *Server) Left() [][]byte {
	var all [][]byte
	for {
		b, ok := s.paper.sheets.Get().(*[]byte)
		if !ok {
			break
		}
		all = append(all, (*b)[:cap(*b)])
	}
	for {
		r, ok := s.paper.readers.Get().(*bufio.Reader)
		if !ok {
			return all
		}
		var seen []byte
		r.Reset(readerFunc(func(b []byte) (int, error) {
			seen = append(seen, b...)
			return 0, io.EOF
		}))
		_, _ = r.Peek(1) // shows its source the room that it has
		all = append(all, seen)
	}
}
