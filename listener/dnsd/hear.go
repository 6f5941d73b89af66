package dnsd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"saltmine/internal/canary"
)

var errFault = errors.New("fault while a contact was being recorded")

const (
	sweepEvery = time.Second / 2 // how late a count may be, beside the store's own time
	tellAtOnce = 16              // summaries that are made durable together
	tallyLines = 1000            // counts in one contact
)

// known reports whether the answer may go out at once: there is nothing to
// record, the same was recorded before and is counted, or it is one of a flood
// and is counted.
func (s *Server) known(q *query) bool {
	if q.zone == "" {
		return true
	}
	q.key = s.seen.digest(&q.asking)
	if s.seen.repeat(q.key, &q.asking) {
		s.stats.repeats.Add(1)
		return true
	}
	if !s.singly(q.asking) {
		s.stats.summed.Add(1)
		return true
	}
	return false
}

// witness returns when the first sightings of all the queries are durable; if
// one cannot be made so, its query's answer has become SERVFAIL.
func (s *Server) witness(ctx context.Context, w *waiting) {
	s.meet(w)
	begun := w.begun
	defer func() { // what a fault leaves without an answer has failed
		for _, b := range begun {
			s.seen.settle(b.first, errFault)
			b.query.unheard()
		}
	}()
	w.lost = true
	errs := s.hear(ctx, w.contacts)
	w.lost = errors.Is(cmp.Or(errs...), errFault)
	for _, err := range errs {
		s.seen.settle(begun[0].first, err)
		s.conclude(begun[0].query, err, &s.stats.first)
		begun = begun[1:]
	}
	if len(w.others) == 0 {
		return
	}
	wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.Limits.HearWait)
	defer cancel()
	for _, o := range w.others {
		s.conclude(o.query, o.first.wait(wait), &s.stats.repeats)
	}
}

// meet puts the queries in the table, and makes a contact of each that is the
// first of its kind.
func (s *Server) meet(w *waiting) {
	ids := canary.NewIDs("k", len(w.queries))
	for i := range w.queries {
		q, id := &w.queries[i], canary.ContactID(ids[i])
		first, other := s.seen.join(q.key, &q.asking, id)
		if first == 0 {
			w.others = append(w.others, join{q, other})
			continue
		}
		w.begun = append(w.begun, begin{q, first})
		var c *canary.Contact
		w.contacts, c = next(w.contacts)
		q.fill(c, id, q.wire)
	}
}

// conclude counts a query whose first sighting the store has answered.
func (s *Server) conclude(q *query, err error, heard *atomic.Uint64) {
	if err != nil {
		s.stats.unheard.Add(1)
		q.unheard()
		return
	}
	heard.Add(1)
}

// hear makes contacts durable, with an answer for each. It outlives the end of
// ctx, within its own time: a query in hand at shutdown is still evidence.
func (s *Server) hear(ctx context.Context, contacts []canary.Contact) (errs []error) {
	if len(contacts) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.Limits.HearWait)
	defer cancel()
	defer func() {
		if recover() != nil {
			s.stats.recovered.Add(1)
			errs = slices.Repeat([]error{errFault}, len(contacts))
		}
		s.noteStore(cmp.Or(errs...))
	}()
	return s.cfg.Hear(ctx, contacts)
}

// noteStore logs when the store begins to fail and when it is back, not once
// for every query between.
func (s *Server) noteStore(err error) {
	failed := err != nil
	if s.down.Swap(failed) == failed {
		return
	}
	if failed {
		s.cfg.Log.Error("contacts cannot be made durable, answering servfail", "err", err)
		return
	}
	s.cfg.Log.Info("contacts are made durable again")
}

// tellRepeats makes the summaries durable as they fall due. It ends with ctx.
func (s *Server) tellRepeats(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := s.tellDue(ctx, false); err != nil {
			s.cfg.Log.Warn("counts not recorded yet", "err", err)
		}
	}
}

// tellDue makes what was counted durable. What the store did not take is tried
// again as it is, under the same ids, before anything new is taken out of the
// tables: nothing is told twice, and nothing grows while the store is down.
func (s *Server) tellDue(ctx context.Context, all bool) error {
	if !s.telling.TryLock() {
		return errors.New("the store still holds the last counts")
	}
	defer s.telling.Unlock()
	for _, take := range []func() []summary{func() []summary { return s.owed }, func() []summary { return s.takeDue(all) }} {
		left, err := s.tell(ctx, take())
		if s.owed = left; err != nil {
			return fmt.Errorf("dns ear: record what was counted: %w", err)
		}
	}
	return nil
}

// summary is a contact that tells counts, and their sum.
type summary struct {
	contact canary.Contact
	told    uint64
}

// takeDue gives what is to be told: a contact for each zone's repeats, and one
// for each flood.
func (s *Server) takeDue(all bool) []summary {
	var out []summary
	now, zones := s.cfg.Now(), map[string][]tally{}
	for _, t := range s.seen.takeDue(now, all) {
		zones[t.last.zone] = append(zones[t.last.zone], t)
	}
	for _, tallies := range zones {
		for some := range slices.Chunk(tallies, tallyLines) {
			out = append(out, repeats(some))
		}
	}
	if s.floods == nil {
		return out
	}
	for _, t := range s.floods.takeDue(now, all) {
		out = append(out, summary{t.floodContact(), t.repeats})
	}
	return out
}

// tell makes summaries durable. After the first failure, or the end of ctx,
// the rest is left.
func (s *Server) tell(ctx context.Context, due []summary) (left []summary, err error) {
	for some := range slices.Chunk(due, tellAtOnce) {
		if err = cmp.Or(err, ctx.Err()); err != nil {
			left = append(left, some...)
			continue
		}
		contacts := make([]canary.Contact, len(some))
		for i, sum := range some {
			contacts[i] = sum.contact
		}
		for i, failed := range s.hear(ctx, contacts) {
			if failed == nil {
				s.stats.told.Add(some[i].told)
				continue
			}
			err, left = failed, append(left, some[i])
		}
	}
	if err != nil {
		err = fmt.Errorf("%d of %d summaries left: %w", len(left), len(due), err)
	}
	return left, err
}
