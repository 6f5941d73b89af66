package dnsd

import (
	"encoding/binary"

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
	flagAA      = 1 << 10
	flagTC      = 1 << 9
	flagRD      = 1 << 8
	opcodeShift = 11
	opcodeMask  = 0xF
)

// query is one packet and what is to be said to it.
type query struct {
	asking
	key    digest // of what is asked; known sets it
	wire   []byte
	room   *room  // for the answer; nil when it needs its own
	limit  int    // bytes that the answer may have
	bare   []byte // a header alone
	reply  *reply // nil when bare says it all; nil and no bare is silence
	spoke  bool   // the asker speaks cookies
	proved bool   // and showed one of ours: it is where it says it is
}

// reply is an answer that is not packed yet.
type reply struct {
	rcode                    int
	authoritative, truncated bool
	questionEnd              int // where in the packet
	records                  *section
	zoneAt                   int // where in the packet the zone's name begins
	opt                      *option
	cookie                   []byte // for the asker
}

// read decides on the answer to a packet of which q has the time, the source and
// the protocol. What it cannot trust, it answers with
// a header alone: never more bytes than came in.
func (s *Server) read(q *query, wire []byte) {
	q.wire, q.limit = wire, plainUDP
	if q.proto == protoTCP {
		q.limit = largestTCP
	}
	if len(wire) < headerSize || binary.BigEndian.Uint16(wire[2:])&flagQR != 0 {
		s.stats.ignored.Add(1)
		return
	}
	if opcode := int(wire[2]>>3) & opcodeMask; opcode != dns.OpcodeQuery {
		s.stats.refused.Add(1)
		q.bare = bareReply(wire, dns.RcodeNotImplemented)
		return
	}
	req, ok := parse(wire)
	if !ok || q.proto == protoUDP && len(wire) > largestAsk {
		s.stats.malformed.Add(1)
		q.bare = bareReply(wire, dns.RcodeFormatError)
		return
	}
	s.decide(q, &req)
}

// decide fills in the answer to a well-formed query.
func (s *Server) decide(q *query, req *request) {
	q.reply = &reply{questionEnd: req.questionEnd, opt: req.opt}
	if req.opt != nil && !s.extend(q, req.opt) {
		s.stats.malformed.Add(1)
		q.reply.rcode = dns.RcodeBadVers
		return
	}
	if !req.asks {
		return // it wanted a cookie and has it
	}
	name := dns.CanonicalName(req.name)
	z := s.zoneOf(name)
	if req.class != dns.ClassINET || z == nil {
		s.stats.refused.Add(1)
		q.reply.rcode = dns.RcodeRefused
		return
	}
	q.zone, q.name, q.asked, q.qtype = z.name, name, req.name, req.kind
	q.reply.set(z.answer(name, req.kind))
	q.reply.zoneAt = req.questionEnd - 4 - len(z.wire)
}

func (r *reply) set(c *section) { r.records, r.rcode, r.authoritative = c, c.rcode, c.authoritative }

// extend answers OPT with OPT (RFC 6891 §6.1.1) and a cookie with a cookie;
// false says that the version is not ours.
func (s *Server) extend(q *query, opt *option) bool {
	if q.proto == protoUDP {
		q.limit = min(max(int(opt.size), plainUDP), largestUDP)
	}
	if opt.version != 0 {
		return false
	}
	if opt.cookie != nil {
		q.spoke = true
		q.proved, q.reply.cookie = s.jar.check(opt.cookie, q.peer.Addr(), q.at)
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
	q.reply.rcode, q.reply.authoritative, q.reply.records = dns.RcodeServerFailure, false, nil
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
	out := q.reply.pack(q.room, q.wire)
	if len(out) > limit {
		s.stats.truncated.Add(1)
		q.shorten()
		out = q.reply.pack(q.room, q.wire)
	}
	return out
}

// shorten leaves the question and what brings a real asker back: BADCOOKIE and
// a cookie for one who speaks cookies and has shown none of ours (RFC 7873
// §5.2.3), else TC, which sends it to TCP.
func (q *query) shorten() {
	r := q.reply
	r.records = nil
	if q.spoke && q.spoofable() {
		r.rcode, r.authoritative = dns.RcodeBadCookie, false
		return
	}
	r.truncated = true
}

// pack answers the packet. The id, RD and the question, with its letters' case,
// are the packet's.
func (r *reply) pack(in *room, wire []byte) []byte {
	c := r.records
	if c == nil {
		c = new(section)
	}
	out := in.take(r.questionEnd + len(c.body) + optSize + clientCookie + serverCookie)
	out = append(append(out, wire[:2]...), make([]byte, headerSize-2)...)
	flags := flagQR | binary.BigEndian.Uint16(wire[2:])&flagRD | uint16(r.rcode&0xF)
	if r.authoritative {
		flags |= flagAA
	}
	if r.truncated {
		flags |= flagTC
	}
	binary.BigEndian.PutUint16(out[2:], flags)
	if r.questionEnd > headerSize {
		out[5] = 1
	}
	binary.BigEndian.PutUint16(out[6:], uint16(c.answers))     //nolint:gosec // bounded by maxAnswer
	binary.BigEndian.PutUint16(out[8:], uint16(c.authorities)) //nolint:gosec // one or none
	out = append(out, wire[headerSize:r.questionEnd]...)
	out = c.appendTo(out, r.zoneAt)
	if r.opt == nil {
		return out
	}
	out[11] = 1
	return r.appendOPT(out)
}

// optSize is the bytes of an OPT record and of a COOKIE option's head.
const optSize = 1 + recordFixed + 4

// appendOPT puts an OPT record behind the answer (RFC 6891 §6.1.2).
func (r *reply) appendOPT(out []byte) []byte {
	do := byte(0)
	if r.opt.do {
		do = flagDO
	}
	out = append(out, 0, 0, byte(dns.TypeOPT), largestUDP>>8, largestUDP&0xFF, byte(r.rcode>>4), 0, do, 0) //nolint:gosec // RFC 6891's eight bits of the code
	if r.cookie == nil {
		return append(out, 0, 0)
	}
	out = binary.BigEndian.AppendUint16(out, uint16(4+len(r.cookie))) //nolint:gosec // 24 bytes
	out = binary.BigEndian.AppendUint16(out, dns.EDNS0COOKIE)
	out = binary.BigEndian.AppendUint16(out, uint16(len(r.cookie))) //nolint:gosec // 24 bytes
	return append(out, r.cookie...)
}
