package dnsd

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/net/ipv4"

	"saltmine/internal/canary"
)

// Respond gives the handler's answer to one packet, without sockets.
func (s *Server) Respond(ctx context.Context, wire []byte, peer netip.AddrPort, udp bool) []byte {
	proto := protoTCP
	if udp {
		proto = protoUDP
	}
	q := &query{asking: asking{at: s.cfg.Now(), peer: peer, proto: proto}}
	s.read(q, wire)
	if !s.known(q) {
		return s.witnessed(ctx, q)
	}
	return s.answer(q)
}

// RespondAll gives the answers to packets that were read at once, all of names
// that are new.
func (s *Server) RespondAll(ctx context.Context, wires [][]byte, peer netip.AddrPort) (out [][]byte) {
	var r reading
	for i, wire := range wires {
		m := ipv4.Message{Buffers: [][]byte{wire}, N: len(wire), Addr: net.UDPAddrFromAddrPort(peer)}
		r.left = len(wires) - i
		s.packet(socket{}, &m, &r)
	}
	s.witness(ctx, r.fresh)
	for i := range r.fresh.queries {
		<-s.slots
		out = append(out, bytes.Clone(s.said(&r.fresh.queries[i])))
	}
	s.giveBack(r.fresh)
	return out
}

// Spare shows all that is in memory which waits for its next use, if there is any.
func (s *Server) Spare() (memory string, ok bool) {
	w, ok := s.spare.Get().(*waiting)
	if !ok {
		return "", false
	}
	defer s.spare.Put(w)
	return fmt.Sprintf("%s %+v %+v %+v", w.room.all, w.queries[:cap(w.queries)], w.contacts[:cap(w.contacts)], w.back[:cap(w.back)]), true
}

// SipSum is the keyed hash.
func SipSum(key [16]byte, b []byte) uint64 { return newSipKey(key).sum(b) }

// LongSipSum is the keyed hash of 128 bits.
func LongSipSum(key [16]byte, b []byte) (sum [16]byte) {
	lo, hi := newSipKey(key).sum128(b)
	binary.LittleEndian.PutUint64(sum[:], lo)
	binary.LittleEndian.PutUint64(sum[8:], hi)
	return sum
}

// Bake makes a COOKIE option with a secret that is given.
func Bake(secret [16]byte, client []byte, peer netip.Addr, at time.Time) []byte {
	return bake(newSipKey(secret), client, peer, at)
}

// SameCookie checks the hash of a server cookie alone.
func SameCookie(secret [16]byte, client, server []byte, peer netip.Addr) bool {
	return sameCookie(newSipKey(secret), client, server, peer)
}

// Jar makes and checks cookies with secrets of its own.
type Jar struct{ jar }

// Check is what the ear does with a COOKIE option.
func (j *Jar) Check(option []byte, peer netip.Addr, at time.Time) (valid bool, answer []byte) {
	return j.check(option, peer, at)
}

// Master gives a zone as a master file.
func Master(z Zone, seed []byte) (string, error) {
	built, err := newZone(z, seed)
	if err != nil {
		return "", err
	}
	var text strings.Builder
	text.WriteString(built.nodes[built.name].one(dns.TypeSOA).String() + "\n")
	for _, sets := range built.nodes {
		for kind, set := range sets {
			for _, rr := range set {
				if kind != dns.TypeSOA {
					text.WriteString(rr.String() + "\n")
				}
			}
		}
	}
	return text.String(), nil
}

// Table is the table of sightings by itself.
type Table struct{ *sightings }

// NewTable makes one.
func NewTable(most int, period time.Duration) Table {
	return Table{newSightings([]byte("salt"), most, period)}
}

// Join puts a name in the table. A place of 0 is that of one that was there.
func (t Table) Join(name string, at time.Time, id canary.ContactID) (first uint32) {
	a := &asking{name: name, at: at}
	p, _ := t.join(t.digest(a), a, id)
	return uint32(p)
}

// Settle says what became of a name that was put in first.
func (t Table) Settle(first uint32, err error) { t.settle(place(first), err) }

// Repeat counts a name if it is durable.
func (t Table) Repeat(name string, at time.Time) bool {
	a := &asking{name: name, at: at}
	return t.repeat(t.digest(a), a)
}

// Due adds what is to be told to counts by contact.
func (t Table) Due(now time.Time, all bool, counts map[canary.ContactID]uint64) {
	for _, c := range t.takeDue(now, all) {
		counts[c.of] += c.repeats
	}
}

// Sizes gives the names in the table and the counts lost.
func (t Table) Sizes() (remembered int, lost uint64) { return t.sizes() }
