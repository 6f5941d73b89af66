package dnsd

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"saltmine/internal/token"
)

// Zone is one owned domain as the world sees it. Every name below it answers
// like the others; see the package comment. What is not given is drawn from
// Config.Seed and the name.
type Zone struct {
	// Name is the domain, such as "example.net".
	Name string
	// Nameservers are the NS targets, the first of them the zone's primary;
	// ns1.NAME and ns2.NAME when empty.
	Nameservers []string
	// MailHosts are the MX targets in order of preference; a host in the zone
	// when empty.
	MailHosts []string
	// Addrs are the A and AAAA records of the apex and of every name below.
	Addrs []netip.Addr
	// TXT are the records of the apex; an SPF record when empty.
	TXT []string
	// Records are lines of a master file (RFC 1035 §5.1), relative to the zone.
	// Those of one name and type take the place of what the zone has there.
	Records []string
	// Omit names what the zone shall not have, as "NAME TYPE", relative to it.
	Omit []string
}

const maxAnswer = 32 << 10 // bytes of one answer, well below what TCP can carry

type rrsets map[uint16][]dns.RR

// zone is a Zone made ready to answer.
type zone struct {
	name  string            // canonical, with its last dot
	wire  string            // the same in wire form
	nodes map[string]rrsets // an empty non-terminal has an empty set
	hosts map[string]bool   // what MX and NS name
	soa   dns.RR            // for the authority section of negative answers

	ready    map[string]node // the same as nodes, packed
	missing  *section        // what is said of a name that does not exist
	transfer *section        // and to one who wants the zone
}

// node is the answers about one name.
type node struct {
	kinds map[uint16]*section
	other *section // about all other types
}

func newZone(cfg Zone, seed []byte) (*zone, error) {
	name, err := hostName(cfg.Name)
	if err != nil {
		return nil, err
	}
	b := &builder{zone: &zone{name: name, nodes: map[string]rrsets{}}, p: newProfile(seed, name)}
	b.servers, b.faults[0] = hostNames(cfg.Nameservers, b.label("ns1"), b.label("ns2"))
	b.mailers, b.faults[1] = hostNames(cfg.MailHosts, b.label(b.p.mailHost))
	b.addrs, b.faults[2] = b.addressRecords(cfg.Addrs)
	if err := errors.Join(b.faults[:]...); err != nil {
		return nil, err
	}
	b.common(cfg.TXT)
	b.optional()
	if err := errors.Join(b.omit(cfg.Omit), b.replace(cfg.Records)); err != nil {
		return nil, err
	}
	return b.zone, b.seal()
}

// seal sees that the zone is one, and makes the answers.
func (z *zone) seal() error {
	soa, ok := z.nodes[z.name].one(dns.TypeSOA).(*dns.SOA)
	if !ok || len(z.nodes[z.name][dns.TypeNS]) == 0 {
		return errors.New("one SOA and an NS must stand at its top")
	}
	negative := *soa // RFC 2308 §3 and §5: it lives for the lesser of the two
	negative.Hdr.Ttl = min(soa.Hdr.Ttl, soa.Minttl)
	z.soa = &negative
	z.noteHosts()
	return z.pack()
}

const noType = 65280 // of those for private use (RFC 6895 §3.1)

// pack makes all the answers there are.
func (z *zone) pack() (err error) {
	if z.wire, err = wireName(z.name); err != nil {
		return err
	}
	var all []uint16 // types in the zone: an alias may lead to them
	for at, sets := range z.nodes {
		if len(sets[dns.TypeCNAME]) > 0 && (len(sets) > 1 || len(sets[dns.TypeCNAME]) > 1) {
			return fmt.Errorf("beside the alias at %s stands another record", at)
		}
		all = slices.AppendSeq(all, maps.Keys(sets))
	}
	all = append(all, dns.TypeANY)
	z.ready = map[string]node{}
	for at, sets := range z.nodes {
		kinds := all
		if len(sets[dns.TypeCNAME]) == 0 {
			kinds = slices.AppendSeq([]uint16{dns.TypeANY}, maps.Keys(sets))
		}
		n := node{kinds: map[uint16]*section{}}
		for _, kind := range kinds {
			if n.kinds[kind], err = z.section(at, kind); err != nil {
				return err
			}
		}
		if n.other, err = z.section(at, noType); err != nil {
			return err
		}
		z.ready[at] = n
	}
	if z.missing, err = newSection(z, &dns.Msg{
		MsgHdr:   dns.MsgHdr{Rcode: dns.RcodeNameError, Authoritative: true},
		Question: []dns.Question{{}}, Ns: []dns.RR{z.soa},
	}); err != nil {
		return err
	}
	z.transfer = &section{rcode: dns.RcodeRefused}
	return nil
}

func (z *zone) section(at string, kind uint16) (*section, error) {
	m := &dns.Msg{Question: []dns.Question{{Name: at, Qtype: kind, Qclass: dns.ClassINET}}}
	z.fill(m)
	return newSection(z, m)
}

// answer gives what is said about a canonical name in the zone.
func (z *zone) answer(name string, kind uint16) *section {
	if kind == dns.TypeAXFR || kind == dns.TypeIXFR {
		return z.transfer
	}
	at, exists := z.find(name)
	if !exists {
		return z.missing
	}
	n := z.ready[at]
	if known := n.kinds[kind]; known != nil {
		return known
	}
	return n.other
}

// find gives the name at which stands what is true of a canonical name: its
// own, or a wildcard's where it has none (RFC 4592 §3.3.1); false is NXDOMAIN.
func (z *zone) find(name string) (at string, exists bool) {
	if _, ok := z.nodes[name]; ok {
		return name, true
	}
	for off, end := dns.NextLabel(name, 0); !end; off, end = dns.NextLabel(name, off) {
		if _, encloser := z.nodes[name[off:]]; encloser {
			at = "*." + name[off:]
			_, exists = z.nodes[at]
			return at, exists
		}
	}
	return "", false
}

const maxAliases = 8 // that are followed

// fill answers the message's question, which is canonical and lies in the zone.
// There is no additional section: it would make the answers larger than they
// must be, and a sender that looks the mail host up by itself is heard once
// more.
func (z *zone) fill(m *dns.Msg) {
	q := m.Question[0]
	m.Authoritative = true
	name := q.Name
	for range maxAliases {
		at, exists := z.find(name)
		sets := z.nodes[at]
		set := sets[q.Qtype]
		if q.Qtype == dns.TypeANY {
			set = sets.any()
		}
		alias, is := sets.one(dns.TypeCNAME).(*dns.CNAME)
		if len(set) > 0 || !is {
			m.Answer = append(m.Answer, owned(set, name)...)
			if !exists {
				m.Rcode = dns.RcodeNameError
			}
			if len(set) == 0 {
				m.Ns = []dns.RR{z.soa}
			}
			return
		}
		m.Answer = append(m.Answer, owned(sets[dns.TypeCNAME], name)...)
		name = dns.CanonicalName(alias.Target)
		circle := slices.ContainsFunc(m.Answer, func(rr dns.RR) bool { return rr.Header().Name == name })
		if circle || !dns.IsSubDomain(z.name, name) {
			return
		}
	}
}

// owned gives copies of the records with the name that was asked for.
func owned(set []dns.RR, name string) []dns.RR {
	out := make([]dns.RR, len(set))
	for i, rr := range set {
		out[i] = dns.Copy(rr)
		out[i].Header().Name = name
	}
	return out
}

// any gives one of the sets (RFC 8482 §4.1).
func (r rrsets) any() []dns.RR {
	for _, kind := range []uint16{dns.TypeA, dns.TypeAAAA, dns.TypeMX, dns.TypeTXT, dns.TypeCNAME} {
		if len(r[kind]) > 0 {
			return r[kind]
		}
	}
	for _, set := range r { // a name of the configuration's, with one kind as a rule
		return set
	}
	return nil
}

// one gives the first record of a kind, or nil.
func (r rrsets) one(kind uint16) dns.RR {
	if set := r[kind]; len(set) > 0 {
		return set[0]
	}
	return nil
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
