package dnsd

import (
	"encoding/binary"
	"net/netip"

	"github.com/miekg/dns"
)

// Sizes of RFC 1035 §4.2.1 and of the DNS flag day 2020: an answer of 1232
// bytes is not fragmented on any path.
const (
	headerSize  = 12
	plainUDP    = 512
	largestUDP  = 1232
	largestTCP  = dns.MaxMsgSize
	protoUDP    = "udp"
	protoTCP    = "tcp"
	flagQR      = 1 << 15
	flagRD      = 1 << 8
	opcodeShift = 11
	opcodeMask  = 0xF
)

// query is one packet and what is to be said to it.
type query struct {
	asking
	wire  []byte
	limit int      // bytes that the answer may have
	reply *dns.Msg // nil when bare says it all
	bare  []byte   // a header alone; nil and no reply is silence
}

// read decides on the answer to a packet. What it cannot trust, it answers with
// a header alone: never more bytes than came in.
func (s *Server) read(wire []byte, peer netip.AddrPort, proto string) query {
	q := query{asking: asking{peer: peer, proto: proto}, wire: wire, limit: plainUDP}
	if proto == protoTCP {
		q.limit = largestTCP
	}
	if len(wire) < headerSize || binary.BigEndian.Uint16(wire[2:])&flagQR != 0 {
		s.stats.ignored.Add(1)
		return q
	}
	if opcode := int(wire[2]>>3) & opcodeMask; opcode != dns.OpcodeQuery {
		s.stats.refused.Add(1)
		q.bare = bareReply(wire, dns.RcodeNotImplemented)
		return q
	}
	var req dns.Msg
	if !countsFit(wire) || req.Unpack(wire) != nil || len(req.Question) != 1 {
		s.stats.malformed.Add(1)
		q.bare = bareReply(wire, dns.RcodeFormatError)
		return q
	}
	opt, ok := onlyOPT(&req)
	if !ok {
		s.stats.malformed.Add(1)
		q.bare = bareReply(wire, dns.RcodeFormatError)
		return q
	}
	s.decide(&q, &req, opt)
	return q
}

// decide fills in the answer to a well-formed query.
func (s *Server) decide(q *query, req *dns.Msg, opt *dns.OPT) {
	asked := req.Question[0]
	q.reply = new(dns.Msg).SetReply(req) // keeps RD, clears AA and RA
	if opt != nil {
		q.reply.SetEdns0(largestUDP, opt.Do())
		if q.proto == protoUDP {
			q.limit = min(max(int(opt.UDPSize()), plainUDP), largestUDP)
		}
		if opt.Version() != 0 {
			s.stats.malformed.Add(1)
			q.reply.Rcode = dns.RcodeBadVers
			return
		}
	}
	name := dns.CanonicalName(asked.Name)
	z := s.zoneOf(name)
	if asked.Qclass != dns.ClassINET || z == nil {
		s.stats.refused.Add(1)
		q.reply.Rcode = dns.RcodeRefused
		return
	}
	q.at, q.zone, q.name, q.asked, q.qtype = s.cfg.Now(), z.name, name, asked.Name, asked.Qtype
	z.fill(q.reply)
}

// zoneOf gives the nearest zone at or above the canonical name, or nil.
func (s *Server) zoneOf(name string) *zone {
	for off, end := 0, false; !end; off, end = dns.NextLabel(name, off) {
		if z := s.zones[name[off:]]; z != nil {
			return z
		}
	}
	return nil
}

// countsFit looks at the section counts before anything is unpacked: one
// question, no answer, at most the SOA of an IXFR, at most OPT and TSIG.
func countsFit(wire []byte) bool {
	count := func(i int) uint16 { return binary.BigEndian.Uint16(wire[4+2*i:]) }
	return count(0) == 1 && count(1) == 0 && count(2) <= 1 && count(3) <= 2
}

// onlyOPT gives the message's OPT record, nil when there is none; false when
// there is more than one or it is not at the root (RFC 6891 §6.1.1, §6.1.2).
func onlyOPT(m *dns.Msg) (opt *dns.OPT, ok bool) {
	for _, rr := range m.Extra {
		o, is := rr.(*dns.OPT)
		if !is {
			continue
		}
		if opt != nil || o.Hdr.Name != "." {
			return nil, false
		}
		opt = o
	}
	return opt, true
}

// bareReply is a header alone: the id, the operation and RD are the query's.
func bareReply(wire []byte, rcode int) []byte {
	out := make([]byte, headerSize)
	copy(out, wire[:2])
	kept := binary.BigEndian.Uint16(wire[2:]) & (opcodeMask<<opcodeShift | flagRD)
	binary.BigEndian.PutUint16(out[2:], flagQR|kept|uint16(rcode)) //nolint:gosec // a plain RCODE of four bits
	return out
}

// unheard turns the answer into SERVFAIL: the store did not take the contact.
func (q *query) unheard() {
	m := q.reply
	m.Rcode, m.Authoritative, m.Answer, m.Ns = dns.RcodeServerFailure, false, nil, nil
}

// pack gives the bytes of the answer, nil for silence. An answer that does not
// fit goes out empty with TC, so that the asker comes back over TCP.
func (s *Server) pack(q *query) []byte {
	if q.reply == nil {
		return q.bare
	}
	q.reply.Compress = true
	out, err := q.reply.Pack()
	if err == nil && len(out) > q.limit {
		s.stats.truncated.Add(1)
		q.reply.Truncated, q.reply.Answer, q.reply.Ns = true, nil, nil
		out, err = q.reply.Pack()
	}
	if err != nil {
		return bareReply(q.wire, dns.RcodeServerFailure)
	}
	return out
}
