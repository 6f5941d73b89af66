package conf

import (
	"fmt"
	"net/netip"
	"slices"

	"saltmine/internal/token"
)

// DNS is the name-server ear. Its zones are the pool's domains.
type DNS struct {
	Listen      []string     `json:"listen"` // "host:port" each, UDP and TCP
	Nameservers []string     `json:"nameservers"`
	Addresses   []netip.Addr `json:"addresses,omitempty"` // given as A and AAAA
	// AnswersPerSecond bounds the UDP answers of one kind to one network that
	// shows no cookie; one in Slip of those above it goes out, short. 0 is no
	// bound, and no answer. Default 200 and 2.
	AnswersPerSecond int `json:"answers_per_second"`
	Slip             int `json:"slip"`
	// Zones say what is different for some of the domains.
	Zones []DNSZone `json:"zone,omitempty"`
}

// DNSZone is what is different for one domain. What is empty is as for all.
type DNSZone struct {
	Name        string       `json:"name"`
	Nameservers []string     `json:"nameservers,omitempty"`
	MailHosts   []string     `json:"mail_hosts,omitempty"`
	Addresses   []netip.Addr `json:"addresses,omitempty"`
	TXT         []string     `json:"txt,omitempty"`
	Records     []string     `json:"records,omitempty"` // lines of a master file
	Omit        []string     `json:"omit,omitempty"`    // "NAME TYPE" each
}

// Zone gives what is different for a domain.
func (d *DNS) Zone(domain string) DNSZone {
	if i := slices.IndexFunc(d.Zones, func(z DNSZone) bool { return z.Name == domain }); i >= 0 {
		return d.Zones[i]
	}
	return DNSZone{Name: domain}
}

func (c *Config) decodeDNS(t *table) {
	if t == nil {
		return
	}
	d := &DNS{AnswersPerSecond: 200, Slip: 2}
	c.DNS = d
	t.texts("listen", &d.Listen)
	t.texts("nameservers", &d.Nameservers)
	t.addresses("addresses", &d.Addresses)
	t.whole("answers_per_second", &d.AnswersPerSecond)
	t.whole("slip", &d.Slip)
	for _, one := range t.subs("zone") {
		var z DNSZone
		one.text("name", &z.Name)
		one.texts("nameservers", &z.Nameservers)
		one.texts("mail_hosts", &z.MailHosts)
		one.addresses("addresses", &z.Addresses)
		one.texts("txt", &z.TXT)
		one.texts("records", &z.Records)
		one.texts("omit", &z.Omit)
		one.finish()
		z.Name = canonicalDomain(z.Name)
		d.Zones = append(d.Zones, z)
	}
	t.finish()
	for i, name := range d.Nameservers {
		d.Nameservers[i] = canonicalDomain(name)
	}
}

// canonicalDomain gives a name's canonical form; one that has none is a fault
// that validation finds.
func canonicalDomain(name string) string {
	if canon, err := token.Domain(name); err == nil {
		return canon
	}
	return name
}

func (t *table) addresses(key string, into *[]netip.Addr) {
	var texts []string
	t.texts(key, &texts)
	for i, text := range texts {
		addr, err := netip.ParseAddr(text)
		if err != nil || addr.Zone() != "" {
			t.book.add(fmt.Sprintf("%s[%d]", t.key(key), i), "%q is not an IP address", text)
			continue
		}
		*into = append(*into, addr.Unmap())
	}
}

func (k *checks) dns(d *DNS, pool []string) {
	k.listens("dns.listen", d.Listen)
	if len(d.Nameservers) == 0 {
		k.bad("dns.nameservers", "missing")
	}
	k.domains("dns.nameservers", d.Nameservers)
	if n := d.AnswersPerSecond; n < 0 || n > 1_000_000 {
		k.bad("dns.answers_per_second", "%d is not between 0 and 1000000", n)
	}
	if n := d.Slip; n < 0 || n > 1000 {
		k.bad("dns.slip", "%d is not between 0 and 1000", n)
	}
	seen := map[string]bool{}
	for i, z := range d.Zones {
		key := fmt.Sprintf("dns.zone[%d]", i)
		switch {
		case !slices.Contains(pool, z.Name):
			k.bad(key+".name", "%q is none of the pool's domains", z.Name)
		case seen[z.Name]:
			k.bad(key+".name", "%q is given twice", z.Name)
		}
		seen[z.Name] = true
		k.domains(key+".nameservers", z.Nameservers)
		k.domains(key+".mail_hosts", z.MailHosts)
	}
}

func (p printer) dns(d *DNS) {
	p.value("dns.listen", d.Listen)
	p.value("dns.nameservers", d.Nameservers)
	p.value("dns.addresses", texts(d.Addresses))
	p.value("dns.answers_per_second", d.AnswersPerSecond)
	p.value("dns.slip", d.Slip)
	for i, z := range d.Zones {
		key := fmt.Sprintf("dns.zone[%d].", i)
		p.value(key+"name", z.Name)
		p.value(key+"nameservers", z.Nameservers)
		p.value(key+"mail_hosts", z.MailHosts)
		p.value(key+"addresses", texts(z.Addresses))
		p.value(key+"txt", z.TXT)
		p.value(key+"records", z.Records)
		p.value(key+"omit", z.Omit)
	}
}

func texts[T fmt.Stringer](addrs []T) []string {
	out := make([]string, 0, len(addrs))
	for _, a := range addrs {
		out = append(out, a.String())
	}
	return out
}
