package dnsd_test

import (
	"encoding/binary"
	"net"
	"testing"

	"github.com/miekg/dns"
)

// probe is one question of the EDNS compliance tests (ISC's genreport, known
// from ednscomp.isc.org and the DNS flag days), under the name that it has there,
// and what must come back.
type probe struct {
	name  string
	tcp   bool
	kind  uint16 // SOA when 0
	bits  uint16 // set in the header
	edns  bool
	more  func(*dns.OPT)
	extra dns.RR
	bare  bool // the header alone

	rcode  int
	answer bool // an SOA is expected
	do     bool
	cookie bool
}

func options(opts ...dns.EDNS0) func(*dns.OPT) {
	return func(o *dns.OPT) { o.Option = append(o.Option, opts...) }
}

func probes() []probe {
	nsid := &dns.EDNS0_NSID{Code: dns.EDNS0NSID}
	cookie := &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0102030405060708"}
	expire := &dns.EDNS0_LOCAL{Code: dns.EDNS0EXPIRE}
	subnet := &dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 1, Address: net.IPv4zero}
	padding := &dns.EDNS0_PADDING{Padding: make([]byte, 64)}
	alive := &dns.EDNS0_LOCAL{Code: dns.EDNS0TCPKEEPALIVE}
	unknown := &dns.EDNS0_LOCAL{Code: 100}
	version1 := func(o *dns.OPT) { o.SetVersion(1) }
	both := func(fs ...func(*dns.OPT)) func(*dns.OPT) {
		return func(o *dns.OPT) {
			for _, f := range fs {
				f(o)
			}
		}
	}
	do := func(o *dns.OPT) { o.SetDo() }
	flags := func(o *dns.OPT) { o.Hdr.Ttl |= 0x40 } // one of the bits that mean nothing yet
	size512 := func(o *dns.OPT) { o.SetUDPSize(512) }
	tsig := &dns.TSIG{
		Hdr:       dns.RR_Header{Name: ".", Rrtype: dns.TypeTSIG, Class: dns.ClassANY},
		Algorithm: dns.HmacSHA256, Fudge: 300, MACSize: 2, MAC: "0102",
	}
	return []probe{
		{name: "dns", answer: true},
		{name: "aa", bits: 1 << 10, answer: true},
		{name: "ad", bits: 1 << 5, answer: true},
		{name: "cd", bits: 1 << 4, answer: true},
		{name: "ra", bits: 1 << 7, answer: true},
		{name: "rd", bits: 1 << 8, answer: true},
		{name: "tc", bits: 1 << 9, answer: true},
		{name: "zflag", bits: 1 << 6, answer: true},
		{name: "opcode", bits: 15 << 11, bare: true, rcode: dns.RcodeNotImplemented},
		{name: "opcodeflg", bits: 15<<11 | 0x07F0, bare: true, rcode: dns.RcodeNotImplemented},
		{name: "type666", kind: 666},
		{name: "tcp", tcp: true, answer: true},
		{name: "edns", edns: true, answer: true},
		{name: "edns@512", kind: dns.TypeDNSKEY, edns: true, more: both(do, size512), do: true},
		{name: "edns1", edns: true, more: version1, rcode: dns.RcodeBadVers},
		{name: "ednsopt", edns: true, more: options(unknown), answer: true},
		{name: "edns1opt", edns: true, more: both(version1, options(unknown)), rcode: dns.RcodeBadVers},
		{name: "do", edns: true, more: do, do: true, answer: true},
		{name: "docd", bits: 1 << 4, edns: true, more: do, do: true, answer: true},
		{name: "edns1do", edns: true, more: both(version1, do), do: true, rcode: dns.RcodeBadVers},
		{name: "ednsflags", edns: true, more: flags, answer: true},
		{name: "optlist", edns: true, more: options(nsid, subnet, expire, cookie), cookie: true, answer: true},
		{name: "ednsnsid", edns: true, more: options(nsid), answer: true},
		{name: "ednscookie", edns: true, more: options(cookie), cookie: true, answer: true},
		{name: "ednsexpire", edns: true, more: options(expire), answer: true},
		{name: "ednssubnet", edns: true, more: options(subnet), answer: true},
		{name: "edns1nsid", edns: true, more: both(version1, options(nsid)), rcode: dns.RcodeBadVers},
		{name: "edns1cookie", edns: true, more: both(version1, options(cookie)), rcode: dns.RcodeBadVers},
		{name: "edns1expire", edns: true, more: both(version1, options(expire)), rcode: dns.RcodeBadVers},
		{name: "edns1subnet", edns: true, more: both(version1, options(subnet)), rcode: dns.RcodeBadVers},
		{name: "ednstcp", tcp: true, kind: dns.TypeDNSKEY, edns: true, more: both(do, size512), do: true},
		{name: "bind11", edns: true, more: both(do, options(cookie)), do: true, cookie: true, answer: true},
		{name: "dig11", bits: 1<<8 | 1<<5, edns: true, more: options(cookie), cookie: true, answer: true},
		{name: "dnswkk", extra: tsig, answer: true},

		// Not of genreport's.
		{name: "edns1flags", edns: true, more: both(version1, flags), rcode: dns.RcodeBadVers},
		{name: "opcode asked", bits: 15 << 11, rcode: dns.RcodeNotImplemented},
		{name: "padding", edns: true, more: options(padding), answer: true},
		{name: "keepalive", tcp: true, edns: true, more: options(alive), answer: true},
		{name: "soa@512", edns: true, more: size512, answer: true},
		{name: "soatcp", tcp: true, edns: true, answer: true},
		{name: "signed", edns: true, extra: tsig, answer: true},
	}
}

// genreport is how many probes of the list are genreport's.
const genreport = 34

func (p probe) wire(t testing.TB) []byte {
	t.Helper()
	kind := p.kind
	if kind == 0 {
		kind = dns.TypeSOA
	}
	m := question("ExAmple.net", kind)
	m.RecursionDesired = false
	if p.edns {
		m.SetEdns0(1232, false)
		if p.more != nil {
			p.more(m.IsEdns0())
		}
	}
	if p.extra != nil {
		m.Extra = append(m.Extra, p.extra)
	}
	wire, err := m.Pack()
	if err != nil {
		t.Fatalf("%s: %v", p.name, err)
	}
	binary.BigEndian.PutUint16(wire[2:], binary.BigEndian.Uint16(wire[2:])|p.bits)
	if p.bare {
		wire = wire[:12]
		binary.BigEndian.PutUint16(wire[4:], 0)
	}
	return wire
}

func (p probe) judge(t *testing.T, got *dns.Msg) {
	t.Helper()
	if got.Rcode != p.rcode || !got.Response || got.RecursionAvailable || got.AuthenticatedData || got.Zero || got.Truncated {
		t.Errorf("%s: header %v", p.name, got.MsgHdr)
	}
	if got.RecursionDesired != (p.bits&(1<<8) != 0) {
		t.Errorf("%s: RD is not the query's: %v", p.name, got.MsgHdr)
	}
	soa := len(got.Answer) == 1 && got.Answer[0].Header().Rrtype == dns.TypeSOA
	if soa != p.answer || got.Authoritative != (p.rcode == 0) {
		t.Errorf("%s: answer %v", p.name, got)
	}
	opt := got.IsEdns0()
	if (opt != nil) != p.edns {
		t.Fatalf("%s: OPT %v", p.name, opt)
	}
	if opt == nil {
		return
	}
	if opt.Version() != 0 || opt.Do() != p.do || opt.Hdr.Ttl&0x7FFF != 0 || opt.UDPSize() != 1232 {
		t.Errorf("%s: OPT %v", p.name, opt)
	}
	if (cookieOf(got) != "") != p.cookie || len(opt.Option) > 1 {
		t.Errorf("%s: options %v", p.name, opt.Option)
	}
}

func TestEDNSProbes(t *testing.T) {
	t.Parallel()
	list := probes()
	names := map[string]bool{}
	for _, p := range list {
		names[p.name] = true
	}
	if len(names) != len(list) || list[genreport-1].name != "dnswkk" {
		t.Errorf("%d names of %d probes, the last of genreport's is %q", len(names), len(list), list[genreport-1].name)
	}
	e := start(t, config(new(store)))
	for _, p := range list {
		proto, addr := "udp", e.udp
		if p.tcp {
			proto, addr = "tcp", e.tcp
		}
		p.judge(t, exchange(t, proto, addr, p.wire(t)))
	}
}

// exchange sends bytes as they are.
func exchange(t *testing.T, proto, addr string, wire []byte) *dns.Msg {
	t.Helper()
	conn, err := dns.DialTimeout(proto, addr, patience)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() // a test's connection
	if _, err := conn.Write(wire); err != nil {
		t.Fatal(err)
	}
	got, err := conn.ReadMsg()
	if err != nil {
		t.Fatal(err)
	}
	return got
}
