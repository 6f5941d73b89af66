package dnsd

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// builder puts a zone together: what every small domain has, what its profile
// has beside, and what the configuration wants otherwise.
type builder struct {
	*zone
	p                profile
	servers, mailers []string
	addrs            []dns.RR
	faults           [3]error
}

func (b *builder) label(l string) string { return l + "." + b.name }

func (b *builder) header(kind uint16) dns.RR_Header {
	ttl := b.p.mailTTL
	switch kind {
	case dns.TypeSOA, dns.TypeNS, dns.TypeTXT, dns.TypeCAA:
		ttl = b.p.ttl
	default:
	}
	return dns.RR_Header{Rrtype: kind, Class: dns.ClassINET, Ttl: ttl}
}

// common is the records without which mail for a domain does not work or is not
// believed.
func (b *builder) common(texts []string) {
	b.add(b.name, &dns.SOA{
		Hdr: b.header(dns.TypeSOA), Ns: b.servers[0], Mbox: b.label(b.p.hostmaster), Serial: b.p.serial,
		Refresh: b.p.refresh, Retry: b.p.retry, Expire: b.p.expire, Minttl: b.p.negative,
	})
	for _, ns := range b.servers {
		b.add(b.name, &dns.NS{Hdr: b.header(dns.TypeNS), Ns: ns})
	}
	for _, at := range []string{b.name, b.label("*")} {
		b.add(at, b.addrs...)
		for i, mx := range b.mailers { // bounded by hostNames
			b.add(at, &dns.MX{Hdr: b.header(dns.TypeMX), Preference: b.p.preference + uint16(i)*b.p.step, Mx: mx})
		}
	}
	if len(texts) == 0 {
		texts = []string{strings.ReplaceAll(b.p.spf, "%s", strings.TrimSuffix(b.mailers[0], "."))}
	}
	for _, text := range texts {
		b.add(b.name, b.textRecord(text))
	}
}

// optional is what some domains have. The host of an MTA-STS policy answers
// like every name here; a sender that finds no policy there sends all the same
// (RFC 8461 §5).
func (b *builder) optional() {
	text := func(at, text string) {
		if text != "" {
			b.add(at, b.textRecord(text))
		}
	}
	text(b.label("_dmarc"), b.p.dmarc)
	text(b.label("_mta-sts"), b.p.policy)
	text(b.name, b.p.proof)
	if b.p.policy != "" {
		b.add(b.label("mta-sts"), b.addrs...)
	}
	if b.p.authority != "" {
		b.add(b.name, &dns.CAA{Hdr: b.header(dns.TypeCAA), Tag: "issue", Value: b.p.authority})
	}
	switch www := b.label("www"); b.p.web {
	case webHost:
		b.add(www, b.addrs...)
	case webAlias:
		b.add(www, &dns.CNAME{Hdr: b.header(dns.TypeCNAME), Target: b.name})
	default:
	}
}

// add puts records at a name; the names between it and the apex exist with it
// (RFC 4592 §2.2.2).
func (z *zone) add(at string, rrs ...dns.RR) {
	if len(rrs) == 0 {
		return
	}
	for off := 0; ; off, _ = dns.NextLabel(at, off) {
		if z.nodes[at[off:]] == nil {
			z.nodes[at[off:]] = rrsets{}
		}
		if at[off:] == z.name {
			break
		}
	}
	for _, rr := range rrs {
		kind := rr.Header().Rrtype
		rr.Header().Name = at
		z.nodes[at][kind] = append(z.nodes[at][kind], dns.Copy(rr))
	}
}

// omit takes sets out again, and names that hold nothing any more. What is not
// there is no fault: the profile may or may not have drawn it.
func (b *builder) omit(list []string) error {
	var faults []error
	for _, text := range list {
		at, kind, err := b.named(text)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		if b.nodes[at] != nil {
			delete(b.nodes[at], kind)
			b.prune(at)
		}
	}
	return errors.Join(faults...)
}

func (b *builder) named(text string) (at string, kind uint16, err error) {
	fields := strings.Fields(text)
	if len(fields) != 2 || dns.StringToType[strings.ToUpper(fields[1])] == 0 {
		return "", 0, fmt.Errorf("omit %q: want a name and a type, as in \"_dmarc TXT\"", text)
	}
	at, kind = dns.CanonicalName(b.label(fields[0])), dns.StringToType[strings.ToUpper(fields[1])]
	if fields[0] == "@" {
		at = b.name
	}
	return at, kind, nil
}

func (b *builder) prune(at string) {
	for at != b.name && len(b.nodes[at]) == 0 {
		for other := range b.nodes {
			if other != at && dns.IsSubDomain(at, other) {
				return
			}
		}
		delete(b.nodes, at)
		off, _ := dns.NextLabel(at, 0)
		at = at[off:]
	}
}

// replace puts the configuration's own records in.
func (b *builder) replace(lines []string) error {
	if len(lines) > 1000 {
		return fmt.Errorf("%d records, 1000 allowed", len(lines))
	}
	var faults []error
	var rrs []dns.RR
	for i, line := range lines {
		rr, err := b.parseLine(line)
		if err != nil {
			faults = append(faults, fmt.Errorf("record %d: %w", i+1, err))
			continue
		}
		b.displace(rr.Header().Name, rr.Header().Rrtype)
		rrs = append(rrs, rr)
	}
	for _, rr := range rrs {
		b.add(rr.Header().Name, rr)
	}
	return errors.Join(faults...)
}

// displace makes room: an alias stands alone at its name.
func (b *builder) displace(at string, kind uint16) {
	if kind == dns.TypeCNAME && at != b.name {
		delete(b.nodes, at)
		return
	}
	if sets := b.nodes[at]; sets != nil {
		delete(sets, kind)
		delete(sets, dns.TypeCNAME)
	}
}

func (b *builder) parseLine(line string) (dns.RR, error) {
	p := dns.NewZoneParser(strings.NewReader(line+"\n"), b.name, "")
	p.SetDefaultTTL(b.p.mailTTL)
	rr, ok := p.Next()
	if err := p.Err(); err != nil {
		return nil, errors.New("it is no line of a master file") // the library's text holds a place in a file that is none
	}
	if _, more := p.Next(); !ok || more {
		return nil, errors.New("want one record")
	}
	h := rr.Header()
	fields := strings.Fields(line) // the library takes a record without data: one of RFC 2136
	if kind := slices.Index(fields[1:], dns.Type(h.Rrtype).String()); kind < 0 || kind+2 == len(fields) {
		return nil, errors.New("want a name, a type in capital letters, and data")
	}
	h.Name = dns.CanonicalName(h.Name)
	if !dns.IsSubDomain(b.name, h.Name) || h.Class != dns.ClassINET {
		return nil, errors.New("it does not belong to the zone")
	}
	below := []uint16{dns.TypeNS, dns.TypeDNAME, dns.TypeDS, dns.TypeSOA}
	signed := []uint16{dns.TypeRRSIG, dns.TypeNSEC, dns.TypeNSEC3, dns.TypeDNSKEY, dns.TypeNSEC3PARAM}
	if slices.Contains(signed, h.Rrtype) || slices.Contains(below, h.Rrtype) && h.Name != b.name || h.Rrtype == dns.TypeDNAME {
		return nil, fmt.Errorf("%s records cannot stand there: zones are not signed and not divided", dns.Type(h.Rrtype))
	}
	return rr, nil
}

func (b *builder) textRecord(text string) dns.RR {
	rr := &dns.TXT{Hdr: b.header(dns.TypeTXT)}
	for chunk := range slices.Chunk([]byte(text), 255) { // RFC 1035 §3.3: a character-string's limit
		rr.Txt = append(rr.Txt, strings.ReplaceAll(string(chunk), `\`, `\\`))
	}
	return rr
}

func (b *builder) addressRecords(addrs []netip.Addr) ([]dns.RR, error) {
	var rrs []dns.RR
	for _, a := range addrs {
		a = a.Unmap()
		switch {
		case !a.IsValid() || a.Zone() != "":
			return nil, fmt.Errorf("address %q cannot stand in a zone", a)
		case a.Is4():
			rrs = append(rrs, &dns.A{Hdr: b.header(dns.TypeA), A: a.AsSlice()})
		default:
			rrs = append(rrs, &dns.AAAA{Hdr: b.header(dns.TypeAAAA), AAAA: a.AsSlice()})
		}
	}
	return rrs, nil
}
