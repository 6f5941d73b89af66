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
func (a asking) contact(id canary.ContactID, wire []byte) canary.Contact {
	return canary.Contact{
		ID:      id,
		Channel: canary.DNS,
		At:      canary.Micro(a.at),
		Ear:     "dnsd",
		Peer:    peerText(a.peer),
		Targets: []canary.Target{{Text: noDot(a.name)}},
		Facts: map[string]string{
			"qname": noDot(a.asked),
			"qtype": dns.Type(a.qtype).String(),
			"proto": a.proto,
			"zone":  noDot(a.zone),
		},
		Raw: wire,
	}
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
