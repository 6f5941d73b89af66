package dnsd

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"

	"saltmine/internal/canary"
)

// asking is who asked what and when. Its zone is empty when the query is none
// of ours and nothing is to be recorded.
type asking struct {
	at    time.Time
	peer  netip.AddrPort
	proto string
	zone  string // the owned domain; like name, canonical and with its last dot
	name  string
	asked string // the name with the case it was asked in
	qtype uint16
}

// contact is the first sighting, with the packet as it came; it keeps wire.
func (a *asking) contact(id canary.ContactID, wire []byte) (c canary.Contact) {
	a.fill(&c, id, wire)
	return c
}

// fill makes the contact in one whose targets and facts are empty and have room.
func (a *asking) fill(c *canary.Contact, id canary.ContactID, wire []byte) {
	*c = canary.Contact{
		ID:      id,
		Channel: canary.DNS,
		At:      canary.Micro(a.at),
		Ear:     "dnsd",
		Peer:    peerText(a.peer),
		Targets: append(c.Targets, canary.Target{Text: noDot(a.name)}),
		Facts:   c.Facts,
		Raw:     wire,
	}
	if c.Facts == nil {
		c.Facts = make(map[string]string, 4)
	}
	c.Facts["qname"] = noDot(a.asked)
	c.Facts["qtype"] = dns.Type(a.qtype).String()
	c.Facts["proto"] = a.proto
	c.Facts["zone"] = noDot(a.zone)
}

// repeats tells in one contact how often sightings of one zone were asked for
// again; the last of them comes last.
func repeats(tallies []tally) summary {
	slices.SortFunc(tallies, func(a, b tally) int { return a.last.at.Compare(b.last.at) })
	last := tallies[len(tallies)-1].last
	var lines bytes.Buffer
	total := uint64(0)
	for _, t := range tallies {
		total += t.repeats
		fmt.Fprintf(&lines, "%s %d %s %s %s %s\n", t.of, t.repeats,
			canary.Micro(t.last.at).Format(time.RFC3339Nano), peerText(t.last.peer), t.last.proto, noDot(t.last.asked))
	}
	c := last.contact(newContactID(), lines.Bytes())
	c.Targets = []canary.Target{{Text: noDot(last.zone)}}
	c.Facts = map[string]string{"zone": noDot(last.zone), "repeats": strconv.FormatUint(total, 10)}
	return summary{c, total}
}

func newContactID() canary.ContactID { return canary.ContactID(canary.NewID("k")) }

func peerText(peer netip.AddrPort) string {
	if !peer.IsValid() {
		return ""
	}
	return netip.AddrPortFrom(peer.Addr().Unmap(), peer.Port()).String()
}

func noDot(name string) string { return strings.TrimSuffix(name, ".") }
