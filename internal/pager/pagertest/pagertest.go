// Package pagertest holds the contract of [pager.Outbox] as a test that every
// outbox must pass, and [Box], an outbox in memory for tests of what uses one.
//
// It is for tests alone; nothing in the program imports it. Box forgets
// everything with the process, which is why it is no outbox for real pages.
package pagertest

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/pager"
)

// ErrDown is what a Box returns while it is down.
var ErrDown = errors.New("outbox is down")

// Entry is a delivery as a Box keeps it.
type Entry struct {
	pager.Delivery
	SentAt  time.Time // zero while not sent
	Receipt string
	Class   string // of the last failure
	GaveUp  bool
}

// Box is an outbox in memory. Its zero value is empty and ready.
type Box struct {
	mu      sync.Mutex
	entries []*Entry
	down    bool
	asked   int
}

// Write adds a page for the routes, to be tried from at on.
func (b *Box) Write(page canary.Page, at time.Time, routes ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, route := range routes {
		b.entries = append(b.entries, &Entry{Delivery: pager.Delivery{
			Page: page, Route: route, Kind: pager.Trigger,
			First: canary.Micro(at), NextTry: canary.Micro(at), DedupKey: string(page.Incident),
		}})
	}
}

// SetDown makes every method of the contract fail, or work again.
func (b *Box) SetDown(down bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.down = down
}

// Asked counts the calls of Due.
func (b *Box) Asked() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.asked
}

// Entries returns copies of all entries, in the order in which they were written.
func (b *Box) Entries() []Entry {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]Entry, 0, len(b.entries))
	for _, e := range b.entries {
		out = append(out, *e)
	}
	return out
}

func (e *Entry) open() bool { return e.SentAt.IsZero() && !e.GaveUp }

// Due implements pager.Outbox.
func (b *Box) Due(_ context.Context, now time.Time, limit int) ([]pager.Delivery, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked++
	if b.down {
		return nil, ErrDown
	}
	var due []pager.Delivery
	for _, e := range b.entries {
		if e.open() && !e.NextTry.After(now) {
			due = append(due, e.Delivery)
		}
	}
	slices.SortStableFunc(due, func(x, y pager.Delivery) int { return x.NextTry.Compare(y.NextTry) })
	seen := map[string]int{}
	return slices.DeleteFunc(due, func(d pager.Delivery) bool {
		seen[d.Route]++
		return seen[d.Route] > limit
	}), nil
}

// Sent implements pager.Outbox.
func (b *Box) Sent(_ context.Context, page canary.PageID, route string, at time.Time, receipt string) error {
	return b.change(page, route, func(e *Entry) {
		e.SentAt, e.Receipt = at, receipt
	})
}

// Failed implements pager.Outbox.
func (b *Box) Failed(_ context.Context, page canary.PageID, route string, f pager.Failure) error {
	return b.change(page, route, func(e *Entry) {
		e.Attempts++
		e.NextTry, e.Class, e.GaveUp = canary.Micro(f.Next), f.Class, f.GaveUp
	})
}

// change applies f to an entry that is not sent yet.
func (b *Box) change(page canary.PageID, route string, f func(*Entry)) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.down {
		return ErrDown
	}
	for _, e := range b.entries {
		if e.Page.ID == page && e.Route == route && e.SentAt.IsZero() {
			f(e)
		}
	}
	return nil
}

// Next implements pager.Outbox.
func (b *Box) Next(context.Context) (time.Time, bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.down {
		return time.Time{}, false, ErrDown
	}
	open := slices.DeleteFunc(slices.Clone(b.entries), func(e *Entry) bool { return !e.open() })
	if len(open) == 0 {
		return time.Time{}, false, nil
	}
	first := slices.MinFunc(open, func(x, y *Entry) int {
		return cmp.Or(x.NextTry.Compare(y.NextTry), cmp.Compare(x.Route, y.Route))
	})
	return first.NextTry, true, nil
}
