package dnsd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"saltmine/internal/canary"
)

var errFault = errors.New("fault while a contact was being recorded")

const (
	sweepEvery = time.Second / 2 // how late a count may be, beside the store's own time
	tellers    = 16              // summaries that are made durable at once: the store commits in groups
	tallyLines = 1000            // counts in one contact
)

// known reports whether the answer may go out at once: there is nothing to
// record, the same was recorded before and is counted, or it is one of a flood
// and is counted.
func (s *Server) known(q *query) bool {
	if q.zone == "" {
		return true
	}
	if s.seen.repeat(s.seen.digest(q.asking), q.asking) {
		s.stats.repeats.Add(1)
		return true
	}
	if !s.singly(q.asking) {
		s.stats.summed.Add(1)
		return true
	}
	return false
}

// witness returns when the query's first sighting is durable; if it cannot be
// made so, the query's answer has become SERVFAIL.
func (s *Server) witness(ctx context.Context, q *query) {
	id := newContactID()
	seen, first := s.seen.join(s.seen.digest(q.asking), q.asking, id)
	var err error
	if first {
		err = s.hear(ctx, q.contact(id, q.wire))
		s.seen.settle(seen, err)
	} else {
		wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.Limits.HearWait)
		defer cancel()
		err = seen.wait(wait)
	}
	switch {
	case err != nil:
		s.stats.unheard.Add(1)
		q.unheard()
	case first:
		s.stats.first.Add(1)
	default:
		s.stats.repeats.Add(1)
	}
}

// hear makes one contact durable. It outlives the end of ctx, within its own
// time: a query in hand at shutdown is still evidence.
func (s *Server) hear(ctx context.Context, c canary.Contact) (err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.Limits.HearWait)
	defer cancel()
	defer func() {
		if recover() != nil {
			s.stats.recovered.Add(1)
			err = errFault
		}
		s.noteStore(err)
	}()
	return s.cfg.Hear(ctx, c)
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
	var (
		mu   sync.Mutex
		work = make(chan summary)
		pool sync.WaitGroup // owned here: its goroutines end when work is closed
	)
	one := func(sum summary) {
		mu.Lock()
		failed := cmp.Or(err, ctx.Err())
		mu.Unlock()
		if failed == nil {
			failed = s.hear(ctx, sum.contact)
		}
		if failed == nil {
			s.stats.told.Add(sum.told)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		err, left = failed, append(left, sum)
	}
	for range min(tellers, len(due)) {
		pool.Go(func() {
			for sum := range work {
				one(sum)
			}
		})
	}
	for _, sum := range due {
		work <- sum
	}
	close(work)
	pool.Wait()
	if err != nil {
		err = fmt.Errorf("%d of %d summaries left: %w", len(left), len(due), err)
	}
	return left, err
}
