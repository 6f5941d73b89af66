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

// connSet is the open TCP connections, bounded in all and for each network, so
// that one stranger cannot take every place (RFC 7766 §6.2.2, RFC 9210 §4.4).
type connSet struct {
	most, mostOfOne int

	mu   sync.Mutex
	open map[net.Conn]struct{}
	from map[netip.Addr]int
	shut bool
}

func newConnSet(most, mostOfOne int) *connSet {
	return &connSet{most: most, mostOfOne: mostOfOne, open: map[net.Conn]struct{}{}, from: map[netip.Addr]int{}}
}

// admit reports whether the connection may be served.
func (c *connSet) admit(conn net.Conn) bool {
	from := network(peerOf(conn.RemoteAddr()).Addr())
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.shut || len(c.open) >= c.most || c.from[from] >= c.mostOfOne {
		return false
	}
	c.open[conn] = struct{}{}
	c.from[from]++
	return true
}

func (c *connSet) leave(conn net.Conn) {
	from := network(peerOf(conn.RemoteAddr()).Addr())
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.open, conn)
	if c.from[from]--; c.from[from] == 0 {
		delete(c.from, from)
	}
}

// patience is how long a connection may be idle: less when places are scarce.
func (c *connSet) patience(idle time.Duration) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.open) > c.most/2 {
		return idle / 5
	}
	return idle
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

// pipeline is how many queries of one connection may wait for the store at once.
const pipeline = 16

// talk is one connection. Answers may be in another order than the queries (RFC
// 7766 §6.2.1.1): one that waits for the store does not hold up the others.
type talk struct {
	s    *Server
	conn net.Conn
	peer netip.AddrPort

	writing sync.Mutex
	idle    *time.Timer // ends the connection; the contacts' clock may be any
}

// stream answers the queries of one connection, each a length of two bytes and
// a message (RFC 1035 §4.2.2). It ends when the other side leaves, says nothing
// or takes no answer for too long, has asked enough, or speaks no DNS.
func (s *Server) stream(ctx context.Context, conn net.Conn) {
	t := &talk{s: s, conn: conn, peer: peerOf(conn.RemoteAddr())}
	t.idle = time.AfterFunc(s.conns.patience(s.cfg.Limits.Idle), t.hangUp)
	defer t.idle.Stop()
	var waiting sync.WaitGroup // owned here: each ends within HearWait
	defer waiting.Wait()
	slots, in := make(chan struct{}, pipeline), bufio.NewReaderSize(conn, 1024)
	for range s.cfg.Limits.ConnQueries {
		wire, err := readMessage(in)
		if err != nil {
			return
		}
		s.stats.tcp.Add(1)
		q, ready := s.ready(wire, t.peer)
		if ready {
			if !t.say(s.said(q)) {
				return
			}
			continue
		}
		slots <- struct{}{}
		waiting.Go(func() {
			defer func() { <-slots }()
			if !t.say(s.witnessed(ctx, q)) {
				t.hangUp()
			}
		})
	}
	waiting.Wait()
	t.farewell(in)
}

// farewell ends the connection of one who has asked enough. What is on its way
// to us is read and left, else its answers would be lost to a reset.
func (t *talk) farewell(in io.Reader) {
	if half, ok := t.conn.(*net.TCPConn); ok && half.CloseWrite() == nil {
		_, _ = io.Copy(io.Discard, io.LimitReader(in, dns.MaxMsgSize)) // ends when the other side leaves, or is idle
	}
}

func (t *talk) hangUp() { _ = t.conn.SetDeadline(longAgo()) } // one that is closed needs none

// say sends an answer; false is that nothing more can be said. An answer that
// went out is a sign of life.
func (t *talk) say(answer []byte) bool {
	if answer == nil {
		return false
	}
	t.writing.Lock()
	defer t.writing.Unlock()
	if err := writeMessage(t.conn, answer); err != nil {
		t.s.stats.unsent.Add(1)
		return false
	}
	return t.idle.Reset(t.s.conns.patience(t.s.cfg.Limits.Idle))
}

// ready reads a message and reports whether it can be answered at once.
func (s *Server) ready(wire []byte, peer netip.AddrPort) (q *query, ready bool) {
	defer s.confine()
	q, ready = nil, true // what a fault leaves: silence
	got := &query{asking: asking{at: s.cfg.Now(), peer: peer, proto: protoTCP}}
	s.read(got, wire)
	return got, s.known(got)
}

// said gives the answer, nil for silence. A fault ends in silence too.
func (s *Server) said(q *query) []byte {
	defer s.confine()
	if q == nil {
		return nil
	}
	return s.answer(q)
}

// witnessed gives the answer once its contact is durable.
func (s *Server) witnessed(ctx context.Context, q *query) []byte {
	defer s.confine()
	w := s.borrow(1)
	w.queries = append(w.queries, *q)
	s.witness(ctx, w)
	return s.answer(&w.queries[0])
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
