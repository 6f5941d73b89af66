package dnsd

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"

	"saltmine/internal/canary"
)

// floods decides which new names are recorded singly, and counts the others by
// zone, network and minute. It is for names that nobody has a reason to know:
// what stands in the zone, and what passes the rule of acceptance, never comes
// here.
type floods struct {
	perNetwork *buckets
	all        *buckets
	most       int

	mu   sync.Mutex
	open map[floodKey]*floodCount
}

type floodKey struct {
	zone    string
	network netip.Addr // the invalid one stands for those that found no room
	minute  int64      // since 1970; 0 when even these were too many
}

type floodCount struct {
	queries uint64
	since   time.Time
	last    asking
}

// Kinds of the buckets. Look-ups of mail exchangers have their own: mail begins
// with one, a scan for web hosts does not.
const (
	kindName byte = iota
	kindMail
)

const (
	floodBurst = 20   // seconds' worth of new names that may come at once
	floodMost  = 1024 // networks that are counted apart
)

func newFloods(perNetwork, all int) *floods {
	return &floods{
		perNetwork: newBuckets(float64(perNetwork), float64(floodBurst*perNetwork)), all: newBuckets(float64(all), float64(floodBurst*all)),
		most: floodMost, open: map[floodKey]*floodCount{},
	}
}

// single reports whether a new name is to be recorded by itself. One that is
// not is counted.
func (f *floods) single(a asking) bool {
	kind := kindName
	if a.qtype == dns.TypeMX {
		kind = kindMail
	}
	from := network(a.peer.Addr())
	if f.perNetwork.take(from, kind, a.at) == 0 && f.all.take(netip.IPv6Unspecified(), kind, a.at) == 0 {
		return true
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	// What finds no room among the networks is counted for the zone alone, and
	// what finds none among the minutes, while the store is down, for all of them.
	key := floodKey{a.zone, from, a.at.Unix() / 60}
	if len(f.open) >= f.most && f.open[key] == nil {
		key.network = netip.Addr{}
	}
	if len(f.open) >= 2*f.most && f.open[key] == nil {
		key.minute = 0
	}
	c := f.open[key]
	if c == nil {
		c = &floodCount{since: a.at}
		f.open[key] = c
	}
	c.queries++
	c.last = a
	return false
}

// takeDue hands out the counts of the minutes that are over, or all.
func (f *floods) takeDue(now time.Time, all bool) []tally {
	f.mu.Lock()
	defer f.mu.Unlock()
	var due []tally
	for key, c := range f.open {
		if all || key.minute < now.Unix()/60 {
			due = append(due, tally{flood: &key, last: c.last, since: c.since, repeats: c.queries})
			delete(f.open, key)
		}
	}
	return due
}

// floodContact tells a count; its name and type are those of the last query.
func (t tally) floodContact() canary.Contact {
	c := t.last.contact(newContactID(), nil)
	c.Targets = []canary.Target{{Text: noDot(t.flood.zone)}}
	c.Facts["queries"] = strconv.FormatUint(t.repeats, 10)
	c.Facts["network"] = networkText(t.flood.network)
	c.Facts["since"] = canary.Micro(t.since).Format(time.RFC3339Nano)
	return c
}

func networkText(first netip.Addr) string {
	switch {
	case !first.IsValid():
		return "other"
	case first.Is4():
		return first.String() + "/24"
	}
	return first.String() + "/56"
}

// singly reports whether a first sighting is to be recorded by itself: names
// that stand in the zone or serve its mail, and names that a canary could have,
// always.
func (s *Server) singly(a asking) bool {
	if s.cfg.Accept == nil || s.floods == nil || s.zones[a.zone].standing(a.name) {
		return true
	}
	label := a.name
	if off, end := dns.NextLabel(a.name, 0); !end {
		label = a.name[:off-1]
	}
	if s.cfg.Accept(label, noDot(a.zone)) {
		return true
	}
	return s.floods.single(a)
}

// standing reports whether the zone itself names the name.
func (z *zone) standing(name string) bool {
	return z.nodes[name] != nil || z.hosts[name]
}

// noteHosts remembers what the zone's MX and NS records name.
func (z *zone) noteHosts() {
	z.hosts = map[string]bool{}
	for _, sets := range z.nodes {
		for _, rr := range slices.Concat(sets[dns.TypeMX], sets[dns.TypeNS]) {
			switch rr := rr.(type) {
			case *dns.MX:
				z.hosts[strings.ToLower(rr.Mx)] = true
			case *dns.NS:
				z.hosts[strings.ToLower(rr.Ns)] = true
			}
		}
	}
}
