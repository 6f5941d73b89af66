package dnsd

import (
	"errors"
	"fmt"
	"hash/fnv"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"saltmine/internal/token"
)

// Zone is one owned domain as the world sees it. Every name below it answers
// like the others; see the package comment.
type Zone struct {
	// Name is the domain, such as "example.net".
	Name string
	// Nameservers are the NS targets, the first of them the zone's primary;
	// ns1.NAME and ns2.NAME when empty.
	Nameservers []string
	// MailHosts are the MX targets in order of preference; mail.NAME when empty.
	MailHosts []string
	// Addrs are the A and AAAA records of the apex and of every name below.
	Addrs []netip.Addr
	// TXT are the records of the apex; "v=spf1 mx -all" when empty.
	TXT []string
}

// Times to live. Short ones for what senders of mail look up: each look-up that
// a resolver's cache answers is a contact not heard.
const (
	ttlMail   = 300
	ttlZone   = 3600
	maxAnswer = 32 << 10 // bytes of one answer, well below what TCP can carry
)

type rrsets map[uint16][]dns.RR

// zone is a Zone made ready to answer.
type zone struct {
	name  string // canonical, with its last dot
	nodes map[string]rrsets
	soa   dns.RR // for the authority section of negative answers
}

func newZone(cfg Zone) (*zone, error) {
	name, err := hostName(cfg.Name)
	if err != nil {
		return nil, err
	}
	label := func(l string) string { return l + "." + name }
	servers, err1 := hostNames(cfg.Nameservers, label("ns1"), label("ns2"))
	mailers, err2 := hostNames(cfg.MailHosts, label("mail"))
	addrs, err3 := addressRecords(cfg.Addrs)
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, err
	}
	texts := cfg.TXT
	if len(texts) == 0 {
		texts = []string{"v=spf1 mx -all"}
	}

	z := &zone{name: name, nodes: map[string]rrsets{}}
	soa := &dns.SOA{
		Hdr: header(dns.TypeSOA, ttlZone), Ns: servers[0], Mbox: label("hostmaster"), Serial: serial(cfg),
		Refresh: 7200, Retry: 3600, Expire: 1209600, Minttl: ttlMail,
	}
	z.add(name, soa)
	for _, ns := range servers {
		z.add(name, &dns.NS{Hdr: header(dns.TypeNS, ttlZone), Ns: ns})
	}
	for _, text := range texts {
		z.add(name, textRecord(text))
	}
	for _, at := range []string{name, label("*")} {
		z.add(at, addrs...)
		for i, mx := range mailers {
			z.add(at, &dns.MX{Hdr: header(dns.TypeMX, ttlMail), Preference: uint16(10 * (i + 1)), Mx: mx}) // bounded by hostNames
		}
	}
	z.add(label("_dmarc"), textRecord("v=DMARC1; p=none"))

	negative := *soa // RFC 2308 §3: it lives no longer than the minimum
	negative.Hdr.Name, negative.Hdr.Ttl = name, soa.Minttl
	z.soa = &negative
	return z, z.validate()
}

func (z *zone) add(at string, rrs ...dns.RR) {
	if z.nodes[at] == nil {
		z.nodes[at] = rrsets{}
	}
	for _, rr := range rrs {
		kind := rr.Header().Rrtype
		z.nodes[at][kind] = append(z.nodes[at][kind], rr)
	}
}

// validate sees that every answer can be packed.
func (z *zone) validate() error {
	for at, sets := range z.nodes {
		for kind := range sets {
			m := &dns.Msg{Question: []dns.Question{{Name: at, Qtype: kind, Qclass: dns.ClassINET}}}
			z.fill(m)
			out, err := m.Pack()
			if err != nil {
				return fmt.Errorf("%s records: %w", dns.Type(kind), err)
			}
			if len(out) > maxAnswer {
				return fmt.Errorf("%s records take %d bytes, %d allowed", dns.Type(kind), len(out), maxAnswer)
			}
		}
	}
	return nil
}

// find gives what stands at a canonical name, by wildcard where nothing of its
// own does (RFC 4592 §3.3.1); false is NXDOMAIN.
func (z *zone) find(name string) (rrsets, bool) {
	if sets, ok := z.nodes[name]; ok {
		return sets, true
	}
	for off, end := dns.NextLabel(name, 0); !end; off, end = dns.NextLabel(name, off) {
		if _, encloser := z.nodes[name[off:]]; encloser {
			sets, ok := z.nodes["*."+name[off:]]
			return sets, ok
		}
	}
	return nil, false
}

// fill answers the message's question, which is canonical and lies in the zone. There is no
// additional section: it would make the answers larger than they must be, and a
// sender that looks the mail host up by itself is heard once more.
func (z *zone) fill(m *dns.Msg) {
	q := m.Question[0]
	if q.Qtype == dns.TypeAXFR || q.Qtype == dns.TypeIXFR {
		m.Rcode = dns.RcodeRefused
		return
	}
	m.Authoritative = true
	sets, exists := z.find(q.Name)
	if !exists {
		m.Rcode = dns.RcodeNameError
	}
	set := sets[q.Qtype]
	if q.Qtype == dns.TypeANY {
		set = sets.any()
	}
	if len(set) == 0 {
		m.Ns = []dns.RR{z.soa}
		return
	}
	m.Answer = make([]dns.RR, len(set))
	for i, rr := range set {
		m.Answer[i] = dns.Copy(rr)
		m.Answer[i].Header().Name = q.Name
	}
}

// any gives one of the sets (RFC 8482 §4.1).
func (r rrsets) any() []dns.RR {
	for _, kind := range []uint16{dns.TypeA, dns.TypeAAAA, dns.TypeMX, dns.TypeTXT} {
		if len(r[kind]) > 0 {
			return r[kind]
		}
	}
	return nil
}

func header(kind uint16, ttl uint32) dns.RR_Header {
	return dns.RR_Header{Rrtype: kind, Class: dns.ClassINET, Ttl: ttl}
}

func textRecord(text string) dns.RR {
	rr := &dns.TXT{Hdr: header(dns.TypeTXT, ttlMail)}
	for chunk := range slices.Chunk([]byte(text), 255) { // RFC 1035 §3.3: a character-string's limit
		rr.Txt = append(rr.Txt, strings.ReplaceAll(string(chunk), `\`, `\\`))
	}
	return rr
}

func addressRecords(addrs []netip.Addr) ([]dns.RR, error) {
	var rrs []dns.RR
	for _, a := range addrs {
		a = a.Unmap()
		switch {
		case !a.IsValid() || a.Zone() != "":
			return nil, fmt.Errorf("address %q cannot stand in a zone", a)
		case a.Is4():
			rrs = append(rrs, &dns.A{Hdr: header(dns.TypeA, ttlMail), A: a.AsSlice()})
		default:
			rrs = append(rrs, &dns.AAAA{Hdr: header(dns.TypeAAAA, ttlMail), AAAA: a.AsSlice()})
		}
	}
	return rrs, nil
}

func hostNames(names []string, otherwise ...string) ([]string, error) {
	if len(names) == 0 {
		return otherwise, nil
	}
	if len(names) > 100 {
		return nil, fmt.Errorf("%d hosts, 100 allowed", len(names))
	}
	var faults []error
	out := make([]string, 0, len(names))
	for _, n := range names {
		host, err := hostName(n)
		faults = append(faults, err)
		out = append(out, host)
	}
	return out, errors.Join(faults...)
}

func hostName(name string) (string, error) {
	canonical, err := token.Domain(name)
	if err != nil {
		return "", fmt.Errorf("host name: %w", err)
	}
	fqdn := dns.CanonicalName(canonical)
	if _, ok := dns.IsDomainName(fqdn); !ok || strings.ContainsAny(fqdn, `\*"();`) {
		return "", fmt.Errorf("%q is no host name", name)
	}
	return fqdn, nil
}

// serial is the same on every edge that serves the same zone, looks like the
// dates that people use (RFC 1912 §2.2), and differs from domain to domain.
func serial(cfg Zone) uint32 {
	h := fnv.New32a()
	_, _ = fmt.Fprintf(h, "%q", cfg) // a hash takes all
	sum := int(h.Sum32() >> 1)
	day := time.Date(2023, time.January, 1+sum%700, 0, 0, 0, 0, time.UTC)
	return uint32(day.Year()*1_000_000 + int(day.Month())*10_000 + day.Day()*100 + 1 + sum/700%5) //nolint:gosec // ten digits below 2^32
}
