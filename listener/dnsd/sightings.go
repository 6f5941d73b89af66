package dnsd

import (
	"container/list"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"net/netip"
	"sync"
	"time"

	"saltmine/internal/canary"
)

// digest recognises a (name, type, source network).
type digest [16]byte

// sighting is one (name, type, source network) within its period.
type sighting struct {
	key   digest
	first canary.ContactID
	since time.Time
	err   error // what the store said; read when settled

	// Guarded by the table's mutex.
	settled bool
	done    chan struct{} // closed when the store has answered, if anybody waits for that
	repeats uint64        // that are not told yet
	last    *asking       // of the last repeat; nil without repeats
	listed  bool          // among those that were asked for again
	place   *list.Element
}

// tally is a count that is not yet durable: of one sighting's repeats, or of a
// flood's queries.
type tally struct {
	of      canary.ContactID
	flood   *floodKey // nil for repeats
	since   time.Time
	last    asking
	repeats uint64
}

// sightings is the bounded table of what has been heard. Everything stays in
// it for one period, so the order of arrival is the order of expiry.
type sightings struct {
	keys   [2]sipKey
	most   int
	period time.Duration

	mu    sync.Mutex
	seen  map[digest]*sighting
	order *list.List  // of *sighting, the oldest first
	again []*sighting // with repeats that are not told yet
	due   []tally     // of those that have left the table; at most as many
	lost  uint64      // repeats whose tally found no room
}

func newSightings(salt []byte, most int, period time.Duration) *sightings {
	sum := sha256.Sum256(salt)
	return &sightings{
		keys: [2]sipKey{newSipKey([16]byte(sum[:16])), newSipKey([16]byte(sum[16:]))}, most: most, period: period,
		seen: map[digest]*sighting{}, order: list.New(),
	}
}

// sizes gives the sightings in the table and the repeats lost so far.
func (t *sightings) sizes() (remembered int, lost uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.seen), t.lost
}

// digest is keyed, so that a stranger cannot look for names that collide.
func (t *sightings) digest(a asking) digest {
	var room [18 + 255]byte
	from := network(a.peer.Addr()).As16()
	b := append(append(binary.BigEndian.AppendUint16(room[:0], a.qtype), from[:]...), a.name...)
	var d digest
	binary.BigEndian.PutUint64(d[:8], t.keys[0].sum(b))
	binary.BigEndian.PutUint64(d[8:], t.keys[1].sum(b))
	return d
}

// network is the first address of the /24 or /56 of an address: an asker behind
// a large resolver moves within it from packet to packet.
func network(a netip.Addr) netip.Addr {
	a = a.Unmap().WithZone("")
	bits := 56
	if a.Is4() {
		bits = 24
	}
	p, err := a.Prefix(bits)
	if err != nil { // the invalid address of a socket that knows none
		return netip.Addr{}
	}
	return p.Addr()
}

// repeat counts the query if its first sighting is durable, and reports it.
func (t *sightings) repeat(key digest, a asking) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	found := t.current(key, a.at)
	if found == nil || !found.settled {
		return false
	}
	t.count(found, a)
	return true
}

// join gives the sighting of the key. The caller who is first must make the
// contact durable and call settle; the others wait for done.
func (t *sightings) join(key digest, a asking, id canary.ContactID) (s *sighting, first bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if found := t.current(key, a.at); found != nil {
		t.count(found, a)
		if !found.settled && found.done == nil {
			found.done = make(chan struct{})
		}
		return found, false
	}
	t.makeRoom()
	s = &sighting{key: key, first: id, since: a.at}
	s.place = t.order.PushBack(s)
	t.seen[key] = s
	return s, true
}

// settle says how the first sighting went. A failed one is forgotten, so that
// the next packet tries again.
func (t *sightings) settle(s *sighting, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s.err, s.settled = err, true
	if err != nil {
		t.order.Remove(s.place)
		delete(t.seen, s.key)
	}
	if s.done != nil {
		close(s.done)
	}
}

// wait returns what the store said to the first sighting. It is for those who
// have joined, and for the first when it has settled.
func (s *sighting) wait(ctx context.Context) error {
	if s.done == nil {
		return s.err // it was settled when they joined
	}
	select {
	case <-s.done:
		return s.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t *sightings) count(s *sighting, a asking) {
	s.repeats++
	if s.last == nil {
		s.last = new(asking)
	}
	*s.last = a
	if !s.listed {
		s.listed = true
		t.again = append(t.again, s)
	}
}

// current gives the sighting of the key unless its period is over.
func (t *sightings) current(key digest, now time.Time) *sighting {
	s := t.seen[key]
	if s == nil || !t.over(s, now) {
		return s
	}
	t.retire(s)
	return nil
}

func (t *sightings) over(s *sighting, now time.Time) bool {
	return s.settled && now.Sub(s.since) >= t.period
}

// makeRoom retires the oldest sighting when the table is full. Those that still
// wait for the store stay: there are never more of them than handlers.
func (t *sightings) makeRoom() {
	if len(t.seen) < t.most {
		return
	}
	for e := t.order.Front(); e != nil; e = e.Next() {
		if s := e.Value.(*sighting); s.settled { //nolint:forcetypeassert // the list holds nothing else
			t.retire(s)
			return
		}
	}
}

// retire takes a sighting out of the table; its repeats become due.
func (t *sightings) retire(s *sighting) {
	t.order.Remove(s.place)
	delete(t.seen, s.key)
	switch {
	case s.repeats == 0:
	case len(t.due) >= t.most:
		t.lost += s.repeats
	default:
		t.due = append(t.due, tally{of: s.first, last: *s.last, repeats: s.repeats})
	}
	s.repeats, s.last = 0, nil
}

// takeDue retires the sightings whose period is over, or all that the store has
// answered, and hands out every count that is not told yet.
func (t *sightings) takeDue(now time.Time, all bool) []tally {
	t.mu.Lock()
	defer t.mu.Unlock()
	for e := t.order.Front(); e != nil; {
		s := e.Value.(*sighting) //nolint:forcetypeassert // the list holds nothing else
		e = e.Next()
		if t.over(s, now) || all && s.settled {
			t.retire(s)
		} else if !all {
			break // the rest is younger
		}
	}
	due, waiting := t.due, t.again[:0]
	t.due = nil
	for _, s := range t.again {
		if s.listed = !s.settled; s.listed { // what it repeats is not durable yet
			waiting = append(waiting, s)
			continue
		}
		if s.repeats > 0 && t.seen[s.key] == s {
			due = append(due, tally{of: s.first, last: *s.last, repeats: s.repeats})
			s.repeats, s.last = 0, nil
		}
	}
	clear(t.again[len(waiting):])
	t.again = waiting
	return due
}
