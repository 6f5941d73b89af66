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

	spoke  bool // the asker speaks cookies
	proved bool // and showed one of ours: it is where it says it is
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
	req, ok := parse(wire)
	if !ok {
		s.stats.malformed.Add(1)
		q.bare = bareReply(wire, dns.RcodeFormatError)
		return q
	}
	s.decide(&q, &req)
	return q
}

// decide fills in the answer to a well-formed query.
func (s *Server) decide(q *query, req *request) {
	q.reply = replyTo(q.wire, req)
	if req.opt != nil && !s.extend(q, req.opt) {
		s.stats.malformed.Add(1)
		q.reply.Rcode = dns.RcodeBadVers
		return
	}
	if !req.asks {
		return // it wanted a cookie and has it
	}
	name := dns.CanonicalName(req.name)
	z := s.zoneOf(name)
	if req.class != dns.ClassINET || z == nil {
		s.stats.refused.Add(1)
		q.reply.Rcode = dns.RcodeRefused
		return
	}
	q.at, q.zone, q.name, q.asked, q.qtype = s.cfg.Now(), z.name, name, req.name, req.kind
	z.fill(q.reply)
}

// replyTo begins the answer: the id and RD are the query's, the question is
// repeated with its letters' case.
func replyTo(wire []byte, req *request) *dns.Msg {
	m := new(dns.Msg)
	m.Id, m.Response = binary.BigEndian.Uint16(wire), true
	m.RecursionDesired = binary.BigEndian.Uint16(wire[2:])&flagRD != 0
	if req.asks {
		m.Question = []dns.Question{{Name: req.name, Qtype: req.kind, Qclass: req.class}}
	}
	return m
}

// extend answers OPT with OPT (RFC 6891 §6.1.1) and a cookie with a cookie;
// false says that the version is not ours.
func (s *Server) extend(q *query, opt *option) bool {
	q.reply.SetEdns0(largestUDP, opt.do)
	if q.proto == protoUDP {
		q.limit = min(max(int(opt.size), plainUDP), largestUDP)
	}
	if opt.version != 0 {
		return false
	}
	if opt.cookie != nil {
		q.spoke = true
		var answer []byte
		q.proved, answer = s.jar.check(opt.cookie, q.peer.Addr(), s.cfg.Now())
		own := q.reply.IsEdns0()
		own.Option = append(own.Option, &dns.EDNS0_LOCAL{Code: dns.EDNS0COOKIE, Data: answer})
	}
	return true
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
