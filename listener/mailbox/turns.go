package mailbox

import (
	"context"
	"slices"
	"sync"
)

// turns gives out connections, as many as there may be at one time, in the order
// in which they were asked for. Whoever only waits for news makes room when
// somebody else waits for a connection, the longest first.
type turns struct {
	mu      sync.Mutex
	free    int
	waiting []chan *turn
	resting []*turn
	leaving int // turns that were asked to end and have not
}

// turn is the right to one connection.
type turn struct {
	of    *turns
	leave chan struct{} // closed when somebody else is to have it
	asked bool
}

func newTurns(n int) *turns { return &turns{free: n} }

// take waits for a turn.
func (t *turns) take(ctx context.Context) (*turn, error) {
	t.mu.Lock()
	if t.free > 0 {
		t.free--
		t.mu.Unlock()
		return t.fresh(), nil
	}
	mine := make(chan *turn, 1)
	t.waiting = append(t.waiting, mine)
	t.ask()
	t.mu.Unlock()
	select {
	case u := <-mine:
		return u, nil
	case <-ctx.Done():
	}
	t.mu.Lock()
	at := slices.Index(t.waiting, mine)
	if at >= 0 {
		t.waiting = slices.Delete(t.waiting, at, at+1)
	}
	t.mu.Unlock()
	if at < 0 { // it came after all
		(<-mine).end()
	}
	return nil, ctx.Err()
}

func (t *turns) fresh() *turn { return &turn{of: t, leave: make(chan struct{})} }

// ask asks as many to leave as there are others waiting. t is locked.
func (t *turns) ask() {
	for t.leaving < len(t.waiting) && len(t.resting) > 0 {
		u := t.resting[0]
		t.resting = t.resting[1:]
		u.asked = true
		t.leaving++
		close(u.leave)
	}
}

// rest says that the turn is used for nothing but waiting: leave is closed when
// it is to end.
func (u *turn) rest() {
	u.of.mu.Lock()
	defer u.of.mu.Unlock()
	if !u.asked {
		u.of.resting = append(u.of.resting, u)
		u.of.ask()
	}
}

// work ends the rest. It reports false when the turn is to end.
func (u *turn) work() bool {
	u.of.mu.Lock()
	defer u.of.mu.Unlock()
	if at := slices.Index(u.of.resting, u); at >= 0 {
		u.of.resting = slices.Delete(u.of.resting, at, at+1)
	}
	return !u.asked
}

// end gives the turn to whoever waits longest.
func (u *turn) end() {
	u.work()
	t := u.of
	t.mu.Lock()
	defer t.mu.Unlock()
	if u.asked {
		t.leaving--
	}
	if len(t.waiting) == 0 {
		t.free++
		return
	}
	next := t.waiting[0]
	t.waiting = t.waiting[1:]
	next <- t.fresh() // there is room for one
}
