package dnsd

import (
	"encoding/binary"
	"fmt"

	"github.com/miekg/dns"
)

// section is the records of one answer as they stand in a packet behind the
// question. They are made when the ear is; only the pointers depend on the
// question that they are sent with.
type section struct {
	rcode                int
	authoritative        bool
	answers, authorities int
	body                 []byte
	toZone               []int // where in body pointers to the zone's name in the question stand
	toBody               []int // and pointers into the body, which hold a place in it
}

const (
	pointer     = 0xC000 // RFC 1035 §4.1.4
	toQuestion  = pointer | headerSize
	lastPointed = 1<<14 - 512 // no question is longer than 512 bytes
)

// appendTo puts the records behind a question whose last part, from zoneAt on,
// is the zone's name.
func (c *section) appendTo(out []byte, zoneAt int) []byte {
	base := len(out)
	out = append(out, c.body...)
	for _, at := range c.toZone {
		binary.BigEndian.PutUint16(out[base+at:], uint16(pointer|zoneAt)) //nolint:gosec // within a question
	}
	for _, at := range c.toBody {
		place := out[base+at:]
		binary.BigEndian.PutUint16(place, pointer|uint16(base)+binary.BigEndian.Uint16(place)) //nolint:gosec // below lastPointed and a question
	}
	return out
}

// packer makes a section.
type packer struct {
	section
	zone  string         // in wire form
	asked string         // the question's name, canonical
	seen  map[string]int // names in wire form and where they stand
}

// newSection packs the records of a message whose question is canonical.
func newSection(z *zone, m *dns.Msg) (*section, error) {
	p := &packer{zone: z.wire, asked: m.Question[0].Name, seen: map[string]int{}}
	p.rcode, p.authoritative, p.answers, p.authorities = m.Rcode, m.Authoritative, len(m.Answer), len(m.Ns)
	for _, list := range [][]dns.RR{m.Answer, m.Ns} {
		for _, rr := range list {
			if err := p.record(rr); err != nil {
				return nil, err
			}
		}
	}
	if len(p.body) > maxAnswer {
		return nil, fmt.Errorf("%s records take %d bytes, %d allowed", dns.Type(m.Question[0].Qtype), len(p.body), maxAnswer)
	}
	return &p.section, nil
}

func (p *packer) record(rr dns.RR) error {
	h := rr.Header()
	if h.Name == p.asked {
		p.body = binary.BigEndian.AppendUint16(p.body, toQuestion)
	} else if err := p.name(h.Name); err != nil {
		return err
	}
	p.body = binary.BigEndian.AppendUint16(p.body, h.Rrtype)
	p.body = binary.BigEndian.AppendUint16(p.body, h.Class)
	p.body = binary.BigEndian.AppendUint32(p.body, h.Ttl)
	length := len(p.body)
	p.body = append(p.body, 0, 0)
	if err := p.data(rr); err != nil {
		return fmt.Errorf("%s record: %w", dns.Type(h.Rrtype), err)
	}
	binary.BigEndian.PutUint16(p.body[length:], uint16(len(p.body)-length-2)) //nolint:gosec // bounded by what the library packs
	return nil
}

// data packs a record's data. Names are compressed in those types alone in
// which RFC 1035 has them (RFC 3597 §4).
func (p *packer) data(rr dns.RR) error {
	switch rr := rr.(type) {
	case *dns.MX:
		p.body = binary.BigEndian.AppendUint16(p.body, rr.Preference)
		return p.name(rr.Mx)
	case *dns.NS:
		return p.name(rr.Ns)
	case *dns.CNAME:
		return p.name(rr.Target)
	case *dns.SOA:
		if err := p.name(rr.Ns); err != nil {
			return err
		}
		if err := p.name(rr.Mbox); err != nil {
			return err
		}
		for _, v := range []uint32{rr.Serial, rr.Refresh, rr.Retry, rr.Expire, rr.Minttl} {
			p.body = binary.BigEndian.AppendUint32(p.body, v)
		}
		return nil
	}
	plain := dns.Copy(rr)
	plain.Header().Name = "."
	out := make([]byte, dns.Len(plain)+16)
	n, err := dns.PackRR(plain, out, 0, nil, false)
	if err != nil {
		return err
	}
	p.body = append(p.body, out[1+recordFixed:n]...)
	return nil
}

func (p *packer) name(name string) error {
	wire, err := wireName(name)
	if err != nil {
		return err
	}
	for off := 0; wire[off] != 0; off += 1 + int(wire[off]) {
		rest := wire[off:]
		if rest == p.zone {
			p.toZone = append(p.toZone, len(p.body))
			p.body = append(p.body, 0, 0)
			return nil
		}
		if at, ok := p.seen[rest]; ok {
			p.toBody = append(p.toBody, len(p.body))
			p.body = binary.BigEndian.AppendUint16(p.body, uint16(at)) //nolint:gosec // below lastPointed
			return nil
		}
		if len(p.body) < lastPointed {
			p.seen[rest] = len(p.body)
		}
		p.body = append(p.body, rest[:1+int(rest[0])]...)
	}
	p.body = append(p.body, 0)
	return nil
}

// wireName gives a canonical name's wire form.
func wireName(name string) (string, error) {
	var room [255]byte
	n, err := dns.PackDomainName(dns.CanonicalName(name), room[:], 0, nil, false)
	if err != nil {
		return "", fmt.Errorf("name: %w", err)
	}
	return string(room[:n]), nil
}
