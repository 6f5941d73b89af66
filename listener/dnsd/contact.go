package dnsd

import (
	"net/netip"
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

// summary tells how often the same was asked again; of is the first sighting.
func (a asking) summary(of canary.ContactID, repeats uint64) canary.Contact {
	c := a.contact(newContactID(), nil)
	c.Facts["of"] = string(of)
	c.Facts["repeats"] = strconv.FormatUint(repeats, 10)
	return c
}

func newContactID() canary.ContactID { return canary.ContactID(canary.NewID("k")) }

func peerText(peer netip.AddrPort) string {
	if !peer.IsValid() {
		return ""
	}
	return netip.AddrPortFrom(peer.Addr().Unmap(), peer.Port()).String()
}

func noDot(name string) string { return strings.TrimSuffix(name, ".") }
