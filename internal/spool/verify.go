package spool

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// Stats is a count of what the spool holds and did.
type Stats struct {
	Segments    int    // files, damaged ones too
	Damaged     int    // files that are kept because they are damaged
	Bytes       int64  // of all files
	Records     int    // readable records that are held
	Pending     int    // of these, not yet acknowledged
	First       Cursor // the oldest readable record
	Next        Cursor // the place behind the newest
	Acked       Cursor
	Appends     uint64    // records made durable since Open
	Syncs       uint64    // fsyncs that made them durable
	Refused     uint64    // appends that failed with ErrFull or ErrBroken since Open
	LastRefused time.Time // that an append was refused; zero when none was
	Broken      bool      // there is no segment to write to
}

// Stats counts.
func (s *Spool) Stats() Stats {
	s.mu.RLock()
	defer s.mu.RUnlock()
	st := Stats{
		Segments: len(s.segments), Bytes: s.bytes, Records: s.records, Next: Cursor(s.next), First: Cursor(s.next),
		Acked: Cursor(s.acked), Appends: s.appends, Syncs: s.syncs, Refused: s.refused.Load(), Broken: s.broken,
	}
	for _, g := range s.segments {
		if g.damaged {
			st.Damaged++
		}
		if len(g.entries) > 0 {
			st.First = min(st.First, Cursor(g.seq(0)))
		}
		st.Pending += len(g.entries) - g.find(s.acked)
	}
	if at := s.refusedAt.Load(); at != 0 {
		st.LastRefused = time.UnixMicro(at).UTC()
	}
	return st
}

// Verify reads every held segment again and checks every frame, the chain and
// the joints. It returns ErrCorrupt with every fault, or nil.
func (s *Spool) Verify(ctx context.Context) error {
	s.mu.RLock()
	held, limits := make([]segment, len(s.segments)), s.limits()
	origin := make([]*segment, len(s.segments))
	for i, g := range s.segments {
		held[i], origin[i] = *g, g
	}
	t := newThread(s.id, s.acked)
	s.mu.RUnlock()
	var errs []error
	for i := range held {
		if err := ctx.Err(); err != nil {
			return err
		}
		f, err := s.openSegment(origin[i])
		if errors.Is(err, os.ErrNotExist) && s.isGone(origin[i]) {
			continue
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%w: %w", ErrCorrupt, err))
			continue
		}
		sc := scanSegment(f, held[i].size, limits[i])
		errs = append(errs, f.Close())
		for _, why := range append(t.follow(sc, held[i].damaged), sc.why(limits[i] == 0)...) {
			errs = append(errs, fmt.Errorf("%w: segment %s: %s", ErrCorrupt, held[i].name, why))
		}
	}
	return errors.Join(errs...)
}

// thread follows the chain from segment to segment.
type thread struct {
	acked   uint64 // what lies before it may be missing: it was trimmed
	damaged bool   // the segment before this one
	id      [16]byte
	next    uint64
	chain   sum
	loose   bool // records were lost behind chain, so that nothing can be compared with it
}

func newThread(id [16]byte, acked uint64) thread {
	return thread{acked: acked, id: id, next: 1, chain: genesis(id)}
}

// follow checks that a segment continues the one before it, and goes on behind
// it. A gap after a damaged segment has been explained by its own faults.
func (t *thread) follow(sc *scan, damaged bool) []string {
	why := t.joint(sc)
	from, lost := max(t.next, sc.last+1), sc.lost()
	t.next = from + lost
	if sc.limit > 0 {
		t.next = min(t.next, max(from, sc.limit))
	}
	t.damaged = damaged || len(sc.faults) > 0 || len(why) > 0
	t.loose = lost > 0 || !sc.chainOK
	if sc.chainOK {
		t.chain = sc.chain
	}
	return why
}

func (t *thread) joint(sc *scan) []string {
	h := sc.head
	switch {
	case !sc.headOK:
		return nil // a fault of the segment already
	case h.id != t.id:
		return []string{"it belongs to another spool"}
	case h.first < t.next && !t.damaged:
		return []string{fmt.Sprintf("it begins with record %d, which its predecessor holds", h.first)}
	case h.first == t.next && h.prev != t.chain && !t.loose:
		return []string{"it does not continue the chain of its predecessor"}
	case h.first > max(t.next, t.acked) && !t.damaged:
		return []string{fmt.Sprintf("records %d to %d before it are missing", max(t.next, t.acked), h.first-1)}
	}
	return nil
}
