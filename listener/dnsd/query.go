package dnsd

import (
	"encoding/binary"
	"net/netip"

	"github.com/miekg/dns"
)

// Sizes of RFC 1035 §4.2.1 and of the DNS flag day 2020: an answer of 1232
// bytes is not fragmented on any path.
const (
	headerSize = 12
	plainUDP   = 512
	largestUDP = 1232
	largestTCP = dns.MaxMsgSize

	// amplification is how many bytes may go out for one that came in from an
	// address that is not proved.
	amplification = 3

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
	wire   []byte
	limit  int      // bytes that the answer may have
	reply  *dns.Msg // nil when bare says it all
	asksTo int      // where its question ends
	bare   []byte   // a header alone; nil and no reply is silence

	spoke  bool // the asker speaks cookies
	proved bool // and showed one of ours: it is where it says it is
}

// read decides on the answer to a packet. What it cannot trust, it answers with
// a header alone: never more bytes than came in.
func (s *Server) read(wire []byte, peer netip.AddrPort, proto string) query {
	q := query{asking: asking{at: s.cfg.Now(), peer: peer, proto: proto}, wire: wire, limit: plainUDP}
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
	if !ok || proto == protoUDP && len(wire) > largestAsk {
		s.stats.malformed.Add(1)
		q.bare = bareReply(wire, dns.RcodeFormatError)
		return q
	}
	s.decide(&q, &req)
	return q
}

// decide fills in the answer to a well-formed query.
func (s *Server) decide(q *query, req *request) {
	name := dns.CanonicalName(req.name)
	q.reply, q.asksTo = replyTo(q.wire, req, name), req.questionEnd
	if req.opt != nil && !s.extend(q, req.opt) {
		s.stats.malformed.Add(1)
		q.reply.Rcode = dns.RcodeBadVers
		return
	}
	if !req.asks {
		return // it wanted a cookie and has it
	}
	z := s.zoneOf(name)
	if req.class != dns.ClassINET || z == nil {
		s.stats.refused.Add(1)
		q.reply.Rcode = dns.RcodeRefused
		return
	}
	q.zone, q.name, q.asked, q.qtype = z.name, name, req.name, req.kind
	z.fill(q.reply)
}

// replyTo begins the answer: the id and RD are the query's.
func replyTo(wire []byte, req *request, name string) *dns.Msg {
	m := new(dns.Msg)
	m.Id, m.Response = binary.BigEndian.Uint16(wire), true
	m.RecursionDesired = binary.BigEndian.Uint16(wire[2:])&flagRD != 0
	if req.asks {
		m.Question = []dns.Question{{Name: name, Qtype: req.kind, Qclass: req.class}}
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
		q.proved, answer = s.jar.check(opt.cookie, q.peer.Addr(), q.at)
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

// answer gives the bytes that are sent, nil for silence.
func (s *Server) answer(q *query) []byte {
	if q.reply == nil && q.bare == nil {
		return nil
	}
	send, whole := s.ration(q)
	switch {
	case !send:
		return nil
	case q.reply == nil:
		return q.bare
	case !whole:
		q.shorten()
	}
	return s.pack(q)
}

// pack gives the answer's bytes. One that does not fit, or would be a gift to
// somebody who sends in another's name, goes out short.
func (s *Server) pack(q *query) []byte {
	limit := q.limit
	if q.spoofable() {
		limit = min(limit, amplification*len(q.wire))
	}
	q.reply.Compress = true
	out, err := q.reply.Pack()
	if err == nil && len(out) > limit {
		s.stats.truncated.Add(1)
		q.shorten()
		out, err = q.reply.Pack()
	}
	if err != nil {
		return bareReply(q.wire, dns.RcodeServerFailure)
	}
	// Names are packed in lower case, so that all of them are compressed; those
	// that point into the question have its letters' case with it.
	copy(out[headerSize:], q.wire[headerSize:q.asksTo])
	return out
}

// shorten leaves the question and what brings a real asker back: BADCOOKIE and
// a cookie for one who speaks cookies and has shown none of ours (RFC 7873
// §5.2.3), else TC, which sends it to TCP.
func (q *query) shorten() {
	m := q.reply
	m.Answer, m.Ns = nil, nil
	if q.spoke && q.spoofable() {
		m.Rcode, m.Authoritative = dns.RcodeBadCookie, false
		return
	}
	m.Truncated = true
}
