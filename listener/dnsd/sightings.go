package dnsd

import (
	"container/list"
	"context"
	"crypto/hmac"
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
	done  chan struct{} // closed when the store has answered
	err   error         // what it said; read after done

	// Guarded by the table's mutex.
	settled bool
	repeats uint64
	last    asking // of the last repeat
	place   *list.Element
}

// tally is a summarising contact that is not yet durable.
type tally struct {
	contact canary.Contact
	repeats uint64
}

// sightings is the bounded table of what has been heard. Everything stays in
// it for one period, so the order of arrival is the order of expiry.
type sightings struct {
	salt   []byte
	most   int
	period time.Duration
	wake   chan struct{} // has a value when there is something new to tell

	mu    sync.Mutex
	seen  map[digest]*sighting
	order *list.List // of *sighting, the oldest first
	due   []tally    // at most as many as sightings
	lost  uint64     // repeats whose tally found no room
}

func newSightings(salt []byte, most int, period time.Duration) *sightings {
	return &sightings{
		salt: salt, most: most, period: period, wake: make(chan struct{}, 1),
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
	mac := hmac.New(sha256.New, t.salt)
	var fixed [18]byte
	binary.BigEndian.PutUint16(fixed[:], a.qtype)
	from := network(a.peer.Addr()).As16()
	copy(fixed[2:], from[:])
	mac.Write(fixed[:])
	mac.Write([]byte(a.name))
	return digest(mac.Sum(nil)[:16])
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
	found.count(a)
	return true
}

// join gives the sighting of the key. The caller who is first must make the
// contact durable and call settle; the others wait for done.
func (t *sightings) join(key digest, a asking, id canary.ContactID) (s *sighting, first bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if found := t.current(key, a.at); found != nil {
		found.count(a)
		return found, false
	}
	t.makeRoom()
	s = &sighting{key: key, first: id, since: a.at, done: make(chan struct{})}
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
	close(s.done)
}

// wait returns what the store said to the first sighting.
func (s *sighting) wait(ctx context.Context) error {
	select {
	case <-s.done:
		return s.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *sighting) count(a asking) {
	s.repeats++
	s.last = a
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

// retire takes a sighting out of the table; its repeats become a tally.
func (t *sightings) retire(s *sighting) {
	t.order.Remove(s.place)
	delete(t.seen, s.key)
	if s.repeats == 0 {
		return
	}
	if len(t.due) >= t.most {
		t.lost += s.repeats
		return
	}
	t.due = append(t.due, tally{s.last.summary(s.first, s.repeats), s.repeats})
	select {
	case t.wake <- struct{}{}:
	default: // it is awake already
	}
}

// takeDue retires the sightings whose period is over, or all that the store has
// answered, and hands out every tally.
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
	due := t.due
	t.due = nil
	return due
}

// putBack keeps tallies that could not be told for another try.
func (t *sightings) putBack(left []tally) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.due = append(left, t.due...)
	for len(t.due) > t.most {
		last := len(t.due) - 1
		t.lost += t.due[last].repeats
		t.due = t.due[:last]
	}
}
