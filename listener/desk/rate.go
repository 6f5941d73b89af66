package desk

import (
	"sync"
	"time"
)

// leave is what an allowance gives for one ticket.
type leave struct {
	record bool          // false: not even to be kept
	wait   time.Duration // above zero: over the rate, next ticket after this time
	missed int           // tickets not recorded before this one
}

// bucket holds up to size drops and gains one per every. It starts full.
type bucket struct {
	every time.Duration
	size  int
	spent time.Time // the drops of all times up to this one are spent
}

// take spends a drop, or tells how long until there is one.
func (b *bucket) take(at time.Time) time.Duration {
	full := at.Add(-time.Duration(b.size) * b.every)
	// A time ahead of now means that the clock was set back: without a fresh
	// start, tickets would go unrecorded until it has caught up.
	if b.spent.Before(full) || b.spent.After(at.Add(time.Second)) {
		b.spent = full
	}
	next := b.spent.Add(b.every)
	if next.After(at) {
		return next.Sub(at)
	}
	b.spent = next
	return 0
}

// allowance is what one agent may do.
type allowance struct {
	mu     sync.Mutex
	answer bucket
	keep   bucket
	missed int // not recorded since the last that was
}

// The default rates.
const (
	defaultPerMinute = 30
	defaultBurst     = 10
	defaultKeep      = 600
)

func newAllowance(r Rate) *allowance {
	or := func(n, otherwise int) int {
		if n == 0 {
			return otherwise
		}
		return n
	}
	keep := or(r.Keep, defaultKeep)
	return &allowance{
		answer: bucket{every: time.Minute / time.Duration(or(r.PerMinute, defaultPerMinute)), size: or(r.Burst, defaultBurst)},
		keep:   bucket{every: time.Minute / time.Duration(keep), size: keep},
	}
}

func (a *allowance) take(at time.Time) leave {
	a.mu.Lock()
	defer a.mu.Unlock()
	if wait := a.keep.take(at); wait > 0 {
		a.missed++
		return leave{wait: wait}
	}
	l := leave{record: true, wait: a.answer.take(at), missed: a.missed}
	a.missed = 0
	return l
}

// giveBack returns a count that could not be written down.
func (a *allowance) giveBack(missed int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.missed += missed
}
