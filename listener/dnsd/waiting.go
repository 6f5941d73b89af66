package dnsd

import (
	"golang.org/x/net/ipv4"

	"saltmine/internal/canary"
)

// waiting are queries that wait for the store together, their answers without
// the bytes, and what is needed meanwhile. It is used again and again, and holds
// nothing between.
type waiting struct {
	queries  []query
	back     []ipv4.Message // none over TCP
	contacts []canary.Contact
	begun    []begin // of contacts
	others   []join
	room     room
	lost     bool // whoever got the contacts may still have them
}

// begin is a query that is the first of its kind, join one that waits for another.
type (
	begin struct {
		query *query
		first place
	}
	join struct {
		query *query
		first *outcome
	}
)

// smallBatch is how many packets are read at once, at most, when little comes.
const smallBatch = 8

// borrow gives room for n queries.
func (s *Server) borrow(n int) *waiting {
	if n <= smallBatch {
		return &waiting{queries: make([]query, 0, n)}
	}
	if w, ok := s.spare.Get().(*waiting); ok {
		return w
	}
	return &waiting{queries: make([]query, 0, batchSize)}
}

// giveBack forgets the queries and keeps the room, if it is worth it.
func (s *Server) giveBack(w *waiting) {
	if w.lost || cap(w.queries) < batchSize {
		return
	}
	clear(w.queries)
	clear(w.begun)
	clear(w.others)
	forget(w.back)
	for i := range w.contacts {
		c := &w.contacts[i]
		clear(c.Facts)
		clear(c.Targets)
		*c = canary.Contact{Facts: c.Facts, Targets: c.Targets[:0]}
	}
	w.room.empty()
	w.queries, w.back, w.contacts, w.begun, w.others = w.queries[:0], w.back[:0], w.contacts[:0], w.begun[:0], w.others[:0]
	s.spare.Put(w)
}

// forget lets go of what the messages hold, but for their addresses.
func forget(ms []ipv4.Message) {
	for i := range ms {
		ms[i].Buffers[0], ms[i].OOB = nil, nil
	}
}

// next gives the room of one more: what is left of the last time is for use.
func next[T any](list []T) ([]T, *T) {
	if len(list) < cap(list) {
		list = list[:len(list)+1]
	} else {
		list = append(list, *new(T))
	}
	return list, &list[len(list)-1]
}
