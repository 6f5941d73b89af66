package dnsd

import (
	"math"
	"net/netip"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// buckets is a table of token buckets, a fixed number of them, so that sources
// made up by a stranger cost no memory. Each key may stand in one of a few
// places; the newcomer takes the one that was used longest ago, so that the
// busiest, whom the table is for, stay.
type buckets struct {
	perSecond, burst float64
	key              sipKey
	locks            [64]sync.Mutex
	sets             [][bucketWays]bucket
}

const (
	bucketWays = 4
	bucketSets = 1 << 13 // 32,768 buckets of 24 bytes
)

type bucket struct {
	tag    uint64
	at     int64 // nanoseconds; 0 is nobody's
	tokens float32
	over   uint32 // how often in a row it was empty
}

func newBuckets(perSecond, burst float64) *buckets {
	return &buckets{perSecond: perSecond, burst: burst, key: newSecret(), sets: make([][bucketWays]bucket, bucketSets)}
}

// take takes one from the bucket of a network and a kind. When it is empty, over
// says how often in a row.
func (b *buckets) take(from netip.Addr, kind byte, now time.Time) (over uint32) {
	var id [17]byte
	a := from.As16()
	copy(id[:], a[:])
	id[16] = kind
	tag := b.key.sum(id[:])
	at := max(now.UnixNano(), 1)

	i := tag % uint64(len(b.sets))
	lock := &b.locks[i%uint64(len(b.locks))]
	lock.Lock()
	defer lock.Unlock()
	place := b.place(&b.sets[i], tag, at)
	place.tokens = float32(math.Min(b.burst, float64(place.tokens)+float64(max(at-place.at, 0))/1e9*b.perSecond))
	place.at = at
	if place.tokens < 1 {
		place.over++
		return place.over
	}
	place.tokens--
	place.over = 0
	return 0
}

func (b *buckets) place(set *[bucketWays]bucket, tag uint64, at int64) *bucket {
	oldest := &set[0]
	for i := range set {
		if one := &set[i]; one.tag == tag && one.at != 0 {
			return one
		} else if one.at < oldest.at {
			oldest = one
		}
	}
	*oldest = bucket{tag: tag, at: at, tokens: float32(b.burst)}
	return oldest
}

// Kinds of answers that are limited apart, so that a flood of one kind does not
// silence the others.
const (
	kindAnswer byte = iota
	kindNoData
	kindNoName
	kindRefused
	kindFault
)

func (q *query) kind() byte {
	switch {
	case q.reply == nil:
		return kindFault
	case q.reply.records != nil && q.reply.records.answers > 0:
		return kindAnswer
	case q.reply.rcode == dns.RcodeNameError:
		return kindNoName
	case q.reply.rcode == dns.RcodeRefused:
		return kindRefused
	case q.reply.rcode == dns.RcodeSuccess:
		return kindNoData
	}
	return kindFault
}

// spoofable reports whether the query's source may be somebody else's address.
func (q *query) spoofable() bool { return q.proto == protoUDP && !q.proved }

// ration decides whether an answer may be sent whole: over the rate, one in
// Slip goes out short, by which a real asker comes back over TCP or with its
// cookie, and the rest not at all.
func (s *Server) ration(q *query) (send, whole bool) {
	if s.rates == nil || !q.spoofable() {
		return true, true
	}
	over := s.rates.take(network(q.peer.Addr()), q.kind(), q.at)
	if over == 0 {
		return true, true
	}
	s.stats.limited.Add(1)
	slip := s.cfg.Limits.Slip
	return slip > 0 && int(over)%slip == 0, false
}
