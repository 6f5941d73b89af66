package dnsd

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// connSet is the open TCP connections, bounded.
type connSet struct {
	most int

	mu   sync.Mutex
	open map[net.Conn]struct{}
	shut bool
}

func newConnSet(most int) *connSet {
	return &connSet{most: most, open: map[net.Conn]struct{}{}}
}

// admit reports whether the connection may be served.
func (c *connSet) admit(conn net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.shut || len(c.open) >= c.most {
		return false
	}
	c.open[conn] = struct{}{}
	return true
}

func (c *connSet) leave(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.open, conn)
}

// hurry lets every connection finish the query in hand and no other.
func (c *connSet) hurry() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shut = true
	for conn := range c.open {
		_ = conn.SetReadDeadline(longAgo()) // one that is closed already needs none
	}
}

// acceptStreams serves connections until ctx ends or the listener is closed.
func (s *Server) acceptStreams(ctx context.Context, ln net.Listener) error {
	for {
		conn, err := ln.Accept()
		switch {
		case err == nil && s.conns.admit(conn):
			s.busy.Go(func() { // ends when idle or hurried; drain waits for it
				defer conn.Close() //nolint:errcheck // nothing was left unsaid
				defer s.conns.leave(conn)
				s.stream(ctx, conn)
			})
		case err == nil:
			s.stats.connsShut.Add(1)
			_ = conn.Close()
		case ctx.Err() != nil:
			return nil //nolint:nilerr // the end that was asked for
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("dns ear: accept connection: %w", err)
		default:
			rest(ctx)
		}
	}
}

// stream answers the queries of one connection, one after the other, each a
// length of two bytes and a message (RFC 1035 §4.2.2). The clock of the
// contacts may be any, so idleness is measured by a timer of its own.
func (s *Server) stream(ctx context.Context, conn net.Conn) {
	idle := time.AfterFunc(s.cfg.Limits.Idle, func() { _ = conn.SetDeadline(longAgo()) })
	defer idle.Stop()
	peer, in := peerOf(conn.RemoteAddr()), bufio.NewReaderSize(conn, 1024)
	for range s.cfg.Limits.ConnQueries {
		wire, err := readMessage(in)
		if err != nil {
			return // the other side left, was idle for too long, or we stop
		}
		s.stats.tcp.Add(1)
		answer := s.message(ctx, wire, peer)
		if answer == nil {
			return // it speaks no DNS
		}
		if err := writeMessage(conn, answer); err != nil {
			s.stats.unsent.Add(1)
			return
		}
		if !idle.Reset(s.cfg.Limits.Idle) {
			return
		}
	}
}

// message gives the answer to one message once its contact is durable, or nil
// for silence. A fault in its handling ends in silence too.
func (s *Server) message(ctx context.Context, wire []byte, peer netip.AddrPort) []byte {
	defer s.confine()
	q := s.read(wire, peer, protoTCP)
	if !s.known(&q) {
		s.witness(ctx, &q)
	}
	return s.answer(&q)
}

func readMessage(in *bufio.Reader) ([]byte, error) {
	var length [2]byte
	if _, err := io.ReadFull(in, length[:]); err != nil {
		return nil, err
	}
	wire := make([]byte, binary.BigEndian.Uint16(length[:]))
	_, err := io.ReadFull(in, wire)
	return wire, err
}

func writeMessage(out io.Writer, answer []byte) error {
	if len(answer) > dns.MaxMsgSize {
		return errors.New("answer is longer than a message")
	}
	framed := binary.BigEndian.AppendUint16(make([]byte, 0, 2+len(answer)), uint16(len(answer))) //nolint:gosec // checked above
	_, err := out.Write(append(framed, answer...))
	return err
}
