package dnsd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"saltmine/internal/canary"
)

var errFault = errors.New("fault while a contact was being recorded")

const (
	sweepEvery = time.Minute // how late a summary may be
	tellers    = 16          // summaries that are made durable at once: the store commits in groups
)

// known reports whether the answer may go out at once: there is nothing to
// record, or the same was recorded before and is counted.
func (s *Server) known(q *query) bool {
	if q.zone == "" {
		return true
	}
	if s.seen.repeat(s.seen.digest(q.asking), q.asking) {
		s.stats.repeats.Add(1)
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
		case <-s.seen.wake:
		}
		if err := s.tell(ctx, s.seen.takeDue(s.cfg.Now(), false)); err != nil {
			s.cfg.Log.Warn("repeats not recorded yet", "err", err)
		}
	}
}

// tellAll makes the summaries of everything in the table durable.
func (s *Server) tellAll(ctx context.Context) error {
	if err := s.tell(ctx, s.seen.takeDue(s.cfg.Now(), true)); err != nil {
		return fmt.Errorf("dns ear: record the repeats of the last period: %w", err)
	}
	return nil
}

// tell makes tallies durable. After the first failure, or the end of ctx, the
// rest is put back.
func (s *Server) tell(ctx context.Context, due []tally) error {
	var (
		mu   sync.Mutex
		left []tally
		last error
		work = make(chan tally)
		pool sync.WaitGroup // owned here: its goroutines end when work is closed
	)
	one := func(t tally) {
		mu.Lock()
		failed := last
		mu.Unlock()
		err := cmp.Or(failed, ctx.Err())
		if err == nil {
			err = s.hear(ctx, t.contact)
		}
		if err == nil {
			s.stats.told.Add(t.repeats)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		last, left = err, append(left, t)
	}
	for range min(tellers, len(due)) {
		pool.Go(func() {
			for t := range work {
				one(t)
			}
		})
	}
	for _, t := range due {
		work <- t
	}
	close(work)
	pool.Wait()
	if len(left) == 0 {
		return nil
	}
	s.seen.putBack(left)
	return fmt.Errorf("%d of %d summaries left: %w", len(left), len(due), last)
}
