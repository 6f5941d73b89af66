package report

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// The rates of one source of strangers, and of one agent.
const (
	burstOfOne   = 5
	everyOfOne   = 2 * time.Minute
	burstOfAgent = 20
	everyOfAgent = time.Second
	mostSources  = 4096 // that are remembered
)

// rates bound what is recorded. Sources are addresses, of IPv6 networks; agents have
// buckets beside them.
type rates struct {
	mu     sync.Mutex
	all    bucket
	of     map[string]*bucket
	missed int // reports not recorded since the last that was
}

func newRates(perMinute int) rates {
	return rates{all: bucket{burst: perMinute, every: time.Minute / time.Duration(perMinute)}, of: map[string]*bucket{}}
}

// take spends one report of a source, or tells how long until there is one; it gives
// how many were not recorded before.
func (r *rates) take(agent, peer string, now time.Time) (wait time.Duration, missed int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	wait = r.bucketOf(agent, peer, now).take(now)
	if wait == 0 && agent == "" {
		wait = r.all.take(now)
	}
	if wait > 0 {
		r.missed++
		return wait, 0
	}
	missed, r.missed = r.missed, 0
	return 0, missed
}

func (r *rates) miss() { r.giveBack(1) }

// giveBack returns a count that could not be written down.
func (r *rates) giveBack(missed int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.missed += missed
}

// bucketOf is the bucket of a source. Full ones are forgotten when there are too
// many; if none is full, whoever is new has only what is left for all.
func (r *rates) bucketOf(agent, peer string, now time.Time) *bucket {
	key, fresh := "agent "+agent, &bucket{burst: burstOfAgent, every: everyOfAgent}
	if agent == "" {
		key, fresh = network(peer), &bucket{burst: burstOfOne, every: everyOfOne}
	}
	if b := r.of[key]; b != nil {
		return b
	}
	if agent == "" && len(r.of) >= mostSources {
		for k, b := range r.of {
			if b.full(now) {
				delete(r.of, k)
			}
		}
		if len(r.of) >= mostSources {
			return fresh
		}
	}
	r.of[key] = fresh
	return fresh
}

// network is what one stranger has: an address, of IPv6 a /64.
func network(peer string) string {
	addr, err := netip.ParseAddr(peer)
	if err != nil {
		at, err := netip.ParseAddrPort(peer)
		if err != nil {
			return "" // whoever has no address shares one
		}
		addr = at.Addr()
	}
	if addr.Is4() {
		return addr.String()
	}
	p, err := addr.Prefix(64)
	if err != nil {
		return ""
	}
	return p.String()
}

// forwarded are the addresses that proxies say they speak for, the nearest first.
func forwarded(h http.Header) []string {
	var list []string
	for _, line := range h.Values("X-Forwarded-For") {
		for one := range strings.SplitSeq(line, ",") {
			list = append(list, strings.TrimSpace(one))
		}
	}
	slices.Reverse(list)
	return list
}

// address reads one of them. Some proxies write the port as well (IIS, Azure).
func address(said string) (netip.Addr, error) {
	if at, err := netip.ParseAddrPort(said); err == nil {
		return at.Addr(), nil
	}
	return netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(said, "["), "]"))
}

// bucket holds up to burst drops and gains one per every. It starts full.
type bucket struct {
	burst int
	every time.Duration
	spent time.Time // the drops of all times up to this one are spent
}

// full reports that nothing is spent; also when the clock was set back.
func (b *bucket) full(at time.Time) bool {
	return !b.spent.After(at.Add(-time.Duration(b.burst)*b.every)) || b.spent.After(at.Add(time.Second))
}

// take spends a drop, or tells how long until there is one.
func (b *bucket) take(at time.Time) time.Duration {
	if b.full(at) {
		b.spent = at.Add(-time.Duration(b.burst) * b.every)
	}
	next := b.spent.Add(b.every)
	if next.After(at) {
		return next.Sub(at)
	}
	b.spent = next
	return 0
}
