package dnsd

import (
	"encoding/binary"

	"github.com/miekg/dns"
)

// request is what we read in a packet: its question and its OPT record. The
// library's own reading takes two OPT records and cookies of any length.
type request struct {
	asks        bool // false for a packet of QDCOUNT 0, which may ask for a cookie
	name        string
	kind, class uint16
	questionEnd int // where the question ends in the packet
	opt         *option
}

// option is the OPT record of a request (RFC 6891 §6.1). Options that we do
// not speak are ignored.
type option struct {
	size    uint16
	version byte
	do      bool
	cookie  []byte // its data, nil when there is none
}

// Sizes within a record and where its OPT fields lie.
const (
	recordFixed = 10 // type, class, TTL, length
	flagDO      = 0x80
	cookieMost  = clientCookie + 32
)

// parse reads a packet whose header has been looked at, or reports that it is
// malformed. Bytes behind the last record are nobody's and are not looked at.
func parse(wire []byte) (request, bool) {
	count := func(i int) int { return int(binary.BigEndian.Uint16(wire[4+2*i:])) }
	r := request{questionEnd: headerSize}
	// One question or none, no answer, at most the SOA of an IXFR, at most OPT
	// and TSIG.
	if count(0) > 1 || count(1) != 0 || count(2) > 1 || count(3) > 2 {
		return r, false
	}
	if r.asks = count(0) == 1; r.asks && !r.question(wire) {
		return r, false
	}
	off := r.questionEnd
	for i := range count(2) + count(3) {
		var ok bool
		if off, ok = r.record(wire, off, i >= count(2)); !ok {
			return r, false
		}
	}
	return r, r.asks || r.opt != nil && r.opt.cookie != nil // RFC 7873 §5.4
}

// question reads the question. Its name may not be compressed: there is
// nothing before it that it could point to.
func (r *request) question(wire []byte) bool {
	end, ok := skipName(wire, headerSize, false)
	if !ok || end+4 > len(wire) {
		return false
	}
	name, _, err := dns.UnpackDomainName(wire, headerSize)
	if err != nil {
		return false
	}
	r.name, r.kind, r.class = name, binary.BigEndian.Uint16(wire[end:]), binary.BigEndian.Uint16(wire[end+2:])
	r.questionEnd = end + 4
	return true
}

// record steps over one record and keeps an OPT. There may be one, in the
// additional section and at the root (RFC 6891 §6.1.1).
func (r *request) record(wire []byte, off int, additional bool) (end int, ok bool) {
	at, ok := skipName(wire, off, true)
	if !ok || at+recordFixed > len(wire) {
		return 0, false
	}
	fixed := wire[at:]
	end = at + recordFixed + int(binary.BigEndian.Uint16(fixed[8:]))
	if end > len(wire) {
		return 0, false
	}
	if binary.BigEndian.Uint16(fixed) != dns.TypeOPT {
		return end, true
	}
	if r.opt != nil || !additional || at != off+1 {
		return 0, false
	}
	r.opt = &option{size: binary.BigEndian.Uint16(fixed[2:]), version: fixed[5], do: fixed[6]&flagDO != 0}
	return end, r.opt.read(wire[at+recordFixed : end])
}

// read steps through the options. The first COOKIE counts (RFC 7873 §5.2).
func (o *option) read(data []byte) bool {
	for len(data) > 0 {
		if len(data) < 4 {
			return false
		}
		code, n := binary.BigEndian.Uint16(data), int(binary.BigEndian.Uint16(data[2:]))
		if len(data) < 4+n {
			return false
		}
		if code == dns.EDNS0COOKIE && o.cookie == nil {
			if n != clientCookie && (n < clientCookie+8 || n > cookieMost) {
				return false // RFC 7873 §5.2.2
			}
			o.cookie = data[4 : 4+n : 4+n]
		}
		data = data[4+n:]
	}
	return true
}

// skipName gives where a name ends. A pointer ends a name; where it points to
// is of no interest, for no such name is read.
func skipName(wire []byte, off int, pointers bool) (end int, ok bool) {
	for start := off; off < len(wire) && off-start < 255; {
		switch n := int(wire[off]); {
		case n == 0:
			return off + 1, true
		case n < 0x40:
			off += 1 + n
		case n >= 0xC0 && pointers && off+2 <= len(wire):
			return off + 2, true
		default:
			return 0, false
		}
	}
	return 0, false
}
