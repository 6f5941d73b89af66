package dnsd

import "sync/atomic"

// Stats are the ear's counters since it was made.
type Stats struct {
	UDP        uint64 // packets read
	TCP        uint64 // messages read
	Ignored    uint64 // too short for a header, or not a query
	Malformed  uint64 // answered FORMERR or BADVERS
	Refused    uint64 // outside of the zones, another class or operation: REFUSED or NOTIMP
	First      uint64 // first sightings made durable
	Repeats    uint64 // answered as a repeat of one
	Summed     uint64 // answered as one of a flood of names
	Told       uint64 // repeats and floods' queries made durable in summarising contacts
	Lost       uint64 // repeats that were answered and could not be recorded
	Unheard    uint64 // answered SERVFAIL because the store failed
	Dropped    uint64 // not answered because Limits.Handlers queries waited already
	Truncated  uint64 // answered with TC or BADCOOKIE over UDP, for their size
	Limited    uint64 // shortened or not answered, for the rate of their network
	ConnsShut  uint64 // TCP connections closed because Limits.Conns or SourceConns were open
	Unsent     uint64 // answers that the socket did not take
	Recovered  uint64 // faults of ours confined to one packet
	Remembered int    // sightings in the table now
}

type counters struct {
	udp, tcp, ignored, malformed, refused, first, repeats, summed, told,
	unheard, dropped, truncated, limited, connsShut, unsent, recovered atomic.Uint64
}

// Stats returns the counters as they are now.
func (s *Server) Stats() Stats {
	c := &s.stats
	remembered, lost := s.seen.sizes()
	return Stats{
		UDP:        c.udp.Load(),
		TCP:        c.tcp.Load(),
		Ignored:    c.ignored.Load(),
		Malformed:  c.malformed.Load(),
		Refused:    c.refused.Load(),
		First:      c.first.Load(),
		Repeats:    c.repeats.Load(),
		Summed:     c.summed.Load(),
		Told:       c.told.Load(),
		Lost:       lost,
		Unheard:    c.unheard.Load(),
		Dropped:    c.dropped.Load(),
		Truncated:  c.truncated.Load(),
		Limited:    c.limited.Load(),
		ConnsShut:  c.connsShut.Load(),
		Unsent:     c.unsent.Load(),
		Recovered:  c.recovered.Load(),
		Remembered: remembered,
	}
}
