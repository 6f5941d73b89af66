package dnsd

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"net/netip"
	"sync"
	"time"

	"saltmine/internal/canary"
)

// digest recognises a (name, type, source network). It is keyed, and its bits
// are as good as random to whoever has not the key.
type digest struct{ lo, hi uint64 }

// sighting is one (name, type, source network) within its period. It holds no
// pointer: the collector of memory has nothing to look for in the table.
type sighting struct {
	key     digest
	since   time.Duration // after the table's epoch
	older   place         // the neighbours in the order of arrival
	newer   place
	chain   place // the next under the same head, or of the free ones
	again   int32 // 1 + where in again its repeats are; 0 without repeats
	settled bool  // the store has said yes
	first   madeID
}

// place is where in the table a sighting lies. Place 0 holds none, and stands
// before the oldest and behind the newest.
type place uint32

// madeID is the text of a contact's id that we made.
type madeID [18]byte

// outcome is what the store said to a first sighting, for those who wait for it.
type outcome struct {
	done chan struct{} // closed when it is known
	err  error
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

// recount is a tally of repeats in the making.
type recount struct {
	tally
	at place // of the sighting; 0 when that has left the table
}

// sightings is the bounded table of what has been heard. Everything stays in
// it for one period, so the order of arrival is the order of expiry.
type sightings struct {
	secret sipKey
	most   int
	period time.Duration

	mu    sync.Mutex
	epoch time.Time  // of the first sighting
	all   []sighting // a place each
	heads []place    // by digest; as many as a power of two
	free  place      // the first of those that hold none, but 0
	held  int

	waits map[place]*outcome // of the sightings that the store has not answered yet
	again []recount
	left  int    // those of again whose sighting has left the table; at most as many
	lost  uint64 // repeats whose tally found no room
}

func newSightings(salt []byte, most int, period time.Duration) *sightings {
	sum := sha256.Sum256(salt)
	return &sightings{
		secret: newSipKey([16]byte(sum[:16])), most: most, period: period,
		all: make([]sighting, 1), heads: make([]place, 8), waits: map[place]*outcome{},
	}
}

// sizes gives the sightings in the table and the repeats lost so far.
func (t *sightings) sizes() (remembered int, lost uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.held, t.lost
}

// digest is keyed, so that a stranger cannot look for names that collide.
func (t *sightings) digest(a *asking) digest {
	var room [18 + 255]byte
	from := network(a.peer.Addr()).As16()
	b := append(append(binary.BigEndian.AppendUint16(room[:0], a.qtype), from[:]...), a.name...)
	lo, hi := t.secret.sum128(b)
	return digest{lo, hi}
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
func (t *sightings) repeat(key digest, a *asking) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	found := t.current(key, a.at)
	if found == 0 || !t.all[found].settled {
		return false
	}
	t.count(found, a)
	return true
}

// join puts a sighting in the table. The caller who is first must make the
// contact durable and call settle; the others have a place of 0, and an outcome
// to wait for unless the first is durable already.
func (t *sightings) join(key digest, a *asking, id canary.ContactID) (first place, other *outcome) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if found := t.current(key, a.at); found != 0 {
		t.count(found, a)
		if other = t.waits[found]; other == nil && !t.all[found].settled {
			other = &outcome{done: make(chan struct{})}
			t.waits[found] = other
		}
		return 0, other
	}
	if t.epoch.IsZero() {
		t.epoch = a.at
	}
	t.makeRoom()
	first = t.add(key)
	s := &t.all[first]
	s.since = a.at.Sub(t.epoch)
	copy(s.first[:], id)
	return first, nil
}

// settle says how the first sighting went. A failed one is forgotten, so that
// the next packet tries again.
func (t *sightings) settle(first place, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := &t.all[first]
	if s.settled = err == nil; !s.settled {
		if s.again != 0 { // those were answered with a failure too
			t.forgetRepeats(s.again - 1)
		}
		t.remove(first)
	}
	if waiting := t.waits[first]; waiting != nil {
		delete(t.waits, first)
		waiting.err = err
		close(waiting.done)
	}
}

// wait returns what the store said to the first sighting; nothing to wait for
// is a yes.
func (o *outcome) wait(ctx context.Context) error {
	if o == nil {
		return nil
	}
	select {
	case <-o.done:
		return o.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t *sightings) count(at place, a *asking) {
	s := &t.all[at]
	if s.again == 0 {
		t.again = append(t.again, recount{tally{of: canary.ContactID(s.first[:])}, at})
		s.again = int32(len(t.again)) //nolint:gosec // no more than two for each place
	}
	c := &t.again[s.again-1]
	c.repeats++
	c.last = *a
}

// forgetRepeats drops a count. The last one takes its place.
func (t *sightings) forgetRepeats(i int32) {
	end := len(t.again) - 1
	t.again[i] = t.again[end]
	if at := t.again[i].at; at != 0 {
		t.all[at].again = i + 1
	}
	t.again[end] = recount{}
	t.again = t.again[:end]
}

// current gives the sighting of the key unless its period is over.
func (t *sightings) current(key digest, now time.Time) place {
	at := t.find(key)
	if at == 0 || !t.over(at, now) {
		return at
	}
	t.retire(at)
	return 0
}

func (t *sightings) over(at place, now time.Time) bool {
	s := &t.all[at]
	return s.settled && now.Sub(t.epoch)-s.since >= t.period
}

// makeRoom retires the oldest sighting when the table is full. Those that still
// wait for the store stay: there are never more of them than handlers.
func (t *sightings) makeRoom() {
	if t.held < t.most {
		return
	}
	for at := t.all[0].newer; at != 0; at = t.all[at].newer {
		if t.all[at].settled {
			t.retire(at)
			return
		}
	}
}

// retire takes a sighting out of the table; its repeats become due.
func (t *sightings) retire(at place) {
	switch i := t.all[at].again - 1; {
	case i < 0:
	case t.left >= t.most:
		t.lost += t.again[i].repeats
		t.forgetRepeats(i)
	default:
		t.again[i].at = 0
		t.left++
	}
	t.remove(at)
}

// takeDue retires the sightings whose period is over, or all that the store has
// answered, and hands out every count that is not told yet.
func (t *sightings) takeDue(now time.Time, all bool) (due []tally) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for at := t.all[0].newer; at != 0; {
		this := at
		at = t.all[at].newer
		if t.over(this, now) || all && t.all[this].settled {
			t.retire(this)
		} else if !all {
			break // the rest is younger
		}
	}
	waiting := t.again[:0]
	for _, c := range t.again {
		s := &t.all[c.at]
		if c.at != 0 && !s.settled { // what it repeats is not durable yet
			waiting = append(waiting, c)
			s.again = int32(len(waiting)) //nolint:gosec // no more than before
			continue
		}
		due = append(due, c.tally)
		s.again = 0
	}
	clear(t.again[len(waiting):])
	t.again, t.left = waiting, 0
	return due
}
