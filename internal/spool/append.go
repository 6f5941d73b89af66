package spool

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// request is one record that waits in a group.
type request struct {
	Item
	group *group
	err   error
	twins []*request // the same key, waiting for this one
}

// group is the records of one call.
type group struct {
	requests []request
	open     int           // records without an answer; the writer's
	done     chan struct{} // closed with the last answer
}

func (r *request) size() int64 { return int64(len(r.Sealed)) + overhead }

func (r *request) settle(err error) {
	r.answer(err)
	for _, t := range r.twins {
		t.answer(err)
	}
}

func (r *request) answer(err error) {
	r.err = err
	if r.group.open--; r.group.open == 0 {
		close(r.group.done)
	}
}

// Item is a sealed record and its key.
type Item struct {
	Key    [16]byte
	Sealed []byte
}

// Append makes a record durable. The same key again is success without a
// second record for as long as the first one's segment is held. When ctx ends
// while Append waits, the record may still become durable, so its bytes must
// never be changed. ErrFull, ErrBroken: it is not known to be held; the caller
// may try again later.
func (s *Spool) Append(ctx context.Context, key [16]byte, sealed []byte) error {
	if len(sealed) <= MaxRecord && s.holds(key) && ctx.Err() == nil && !s.isClosed() {
		return nil
	}
	return s.AppendAll(ctx, []Item{{key, sealed}})[0]
}

// AppendAll does for each of the records what Append does for one, in one sync
// if they fit into one. There is an answer for each.
func (s *Spool) AppendAll(ctx context.Context, items []Item) []error {
	all := func(err error) []error { return slices.Repeat([]error{err}, len(items)) }
	if err := ctx.Err(); err != nil {
		return all(err)
	}
	if s.isClosed() {
		return all(ErrClosed)
	}
	g := &group{requests: make([]request, len(items)), open: len(items), done: make(chan struct{})}
	for i, item := range items {
		g.requests[i] = request{Item: item, group: g}
	}
	if len(items) == 0 {
		return nil
	}
	select {
	case s.queue <- g:
	case <-ctx.Done():
		return all(ctx.Err())
	case <-s.closing:
		return all(ErrClosed)
	}
	select {
	case <-g.done:
	case <-ctx.Done():
		return all(ctx.Err())
	}
	out := make([]error, len(items))
	for i := range out {
		out[i] = g.requests[i].err
		if out[i] != nil {
			s.noteRefusal(out[i])
		}
	}
	return out
}

func (s *Spool) noteRefusal(err error) {
	if errors.Is(err, ErrFull) || errors.Is(err, ErrBroken) {
		s.refused.Add(1)
		s.refusedAt.Store(s.cfg.Now().UnixMicro())
	}
}

// add puts the group's records behind a batch; what is too large is answered.
func (g *group) add(batch []*request, size int64) ([]*request, int64) {
	for i := range g.requests {
		r := &g.requests[i]
		if len(r.Sealed) > MaxRecord {
			r.settle(fmt.Errorf("%w: %d bytes", ErrTooLarge, len(r.Sealed)))
			continue
		}
		batch, size = append(batch, r), size+r.size()
	}
	return batch, size
}
