// Package pagertest holds the contract of [pager.Outbox] as a test that every
// outbox must pass, and [Box], an outbox in memory for tests of what uses one.
//
// It is for tests alone, as are the hostile texts of [Payloads]; nothing in the program imports it. Box forgets
// everything with the process, which is why it is no outbox for real pages.
package pagertest

import (
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
	Held    bool // it waits for its step
	Skipped bool // it was held back, and nobody needs it any more

	fallback time.Time
	log      bool
}

// Box is an outbox in memory. Its zero value is empty and ready.
type Box struct {
	mu      sync.Mutex
	entries []*Entry
	acks    map[string]canary.Severity
	closed  map[string]canary.Verdict
	down    bool
	asked   int
}

// Write adds a page for the routes, to be tried from at on.
func (b *Box) Write(page canary.Page, at time.Time, routes ...string) {
	b.WriteSteps(page, at, Steps(routes...)...)
}

// Steps are deliveries that go out at once.
func Steps(routes ...string) []canary.Delivery {
	var list []canary.Delivery
	for _, route := range routes {
		list = append(list, canary.Delivery{Route: route})
	}
	return list
}

// WriteSteps adds a page for routes of which some are held back.
func (b *Box) WriteSteps(page canary.Page, at time.Time, steps ...canary.Delivery) {
	b.mu.Lock()
	defer b.mu.Unlock()
	at = canary.Micro(at)
	kind := pager.Trigger
	if page.Update {
		kind = pager.Update
	}
	for _, d := range steps {
		for _, old := range b.entries {
			if kind == pager.Update && old.Kind == kind && old.DedupKey == page.About() && old.Route == d.Route && old.open() {
				old.Skipped = true
			}
		}
		b.entries = append(b.entries, &Entry{Held: d.After > 0, fallback: at.Add(d.Fallback), log: d.Log, Delivery: pager.Delivery{
			Page: page, Route: d.Route, Kind: kind, First: at, NextTry: at.Add(d.After), DedupKey: page.About(),
		}})
	}
}

// Acknowledge says that somebody is at it, who knows the pages that were sent.
func (b *Box) Acknowledge(about string, s canary.Severity) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.acks == nil {
		b.acks = map[string]canary.Severity{}
	}
	b.acks[about] = s
	for _, e := range b.entries {
		if sent, _ := b.accepted(e.Page.ID); sent > 0 && e.Page.About() == about {
			e.Page.Anew = false
		}
	}
}

// Close closes an incident: the routes that were told of it are told.
func (b *Box) Close(id canary.IncidentID, v canary.Verdict, at time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed == nil {
		b.closed = map[string]canary.Verdict{}
	}
	b.closed[string(id)] = v
	last := map[string]*Entry{}
	for _, e := range b.entries {
		if e.DedupKey == string(id) && e.Kind == pager.Trigger && !e.Held && !e.Skipped {
			last[e.Route] = e
		}
	}
	for route, e := range last {
		b.entries = append(b.entries, &Entry{Delivery: pager.Delivery{
			Page: e.Page, Route: route, Kind: pager.Resolve, First: canary.Micro(at), NextTry: canary.Micro(at), DedupKey: string(id),
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

func (e *Entry) open() bool { return e.SentAt.IsZero() && !e.GaveUp && !e.Held && !e.Skipped }

// waits reports whether an earlier delivery about the same, which is no less
// urgent, goes first.
func (b *Box) waits(e *Entry) bool {
	for _, first := range b.entries {
		if first == e {
			return false
		}
		if first.open() && first.DedupKey == e.DedupKey && first.Route == e.Route && (first.Kind != pager.Update || e.Kind != pager.Trigger) &&
			(e.Kind != pager.Trigger || first.Page.Severity <= e.Page.Severity) {
			return true
		}
	}
	return false
}

// quiet reports whether a page needs to wake nobody any more.
func (b *Box) quiet(p *canary.Page) bool {
	acked, some := b.acks[p.About()]
	return some && acked <= p.Severity && !p.Anew || b.closed[p.About()] != ""
}

// accepted counts the deliveries of a page that a route accepted, and those
// that may yet be.
func (b *Box) accepted(id canary.PageID) (sent, open int) {
	for _, e := range b.entries {
		switch {
		case e.Page.ID != id || e.Kind != pager.Trigger || e.log:
		case !e.SentAt.IsZero():
			sent++
		case e.open():
			open++
		}
	}
	return sent, open
}

// first reports whether no step of the same page comes before this one.
func (b *Box) first(e *Entry) bool {
	return !slices.ContainsFunc(b.entries, func(o *Entry) bool {
		return o.Held && o.Page.ID == e.Page.ID && o.fallback.Before(e.fallback)
	})
}

// furthest is how far ahead an attempt is put at most, with some to spare.
const furthest = time.Hour + 5*time.Minute

// comes reports whether the time of a step has come.
func (b *Box) comes(e *Entry, now time.Time) bool {
	sent, open := b.accepted(e.Page.ID)
	switch {
	case !e.NextTry.After(now), e.First.After(now.Add(furthest)):
		return true
	case sent > 0:
		return false
	default:
		return !e.fallback.After(now) || open == 0 && b.first(e)
	}
}

// letGo lets a step go, and with it what was held back for its route before.
func (b *Box) letGo(e *Entry, now time.Time) {
	e.Held, e.NextTry = false, now
	for _, old := range b.entries {
		if old.Held && old.DedupKey == e.DedupKey && old.Route == e.Route && old.First.Before(e.First) && old.Page.Severity >= e.Page.Severity {
			old.Held, old.Skipped = false, true
		}
	}
}

// Escalate implements pager.Outbox.
func (b *Box) Escalate(_ context.Context, now time.Time) ([]pager.Escalated, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.down {
		return nil, ErrDown
	}
	var list []pager.Escalated
	latest := slices.Clone(b.entries)
	slices.SortStableFunc(latest, func(x, y *Entry) int { return y.First.Compare(x.First) })
	for _, e := range latest {
		if !e.Held {
			continue
		}
		if b.quiet(&e.Page) {
			e.Held, e.Skipped = false, true
			continue
		}
		if b.comes(e, now) {
			list = append(list, pager.Escalated{Page: e.Page.ID, Route: e.Route, Unaccepted: e.NextTry.After(now)})
			b.letGo(e, now)
		}
	}
	return list, nil
}

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
		if e.open() && (!e.NextTry.After(now) || e.NextTry.After(now.Add(furthest))) && !b.waits(e) {
			d := e.Delivery
			d.Quiet, d.Verdict, d.Head = d.Kind == pager.Update || b.quiet(&d.Page), b.closed[d.DedupKey], b.head(e)
			due = append(due, d)
		}
	}
	slices.SortStableFunc(due, func(x, y pager.Delivery) int { return x.NextTry.Compare(y.NextTry) })
	seen := map[string]int{}
	return slices.DeleteFunc(due, func(d pager.Delivery) bool {
		seen[d.Route]++
		return seen[d.Route] > limit
	}), nil
}

// head is the first page about the same that the route has accepted.
func (b *Box) head(e *Entry) pager.Head {
	for _, first := range b.entries {
		if first.DedupKey == e.DedupKey && first.Route == e.Route && first.Kind == pager.Trigger && !first.SentAt.IsZero() {
			return pager.Head{ID: first.ID(), Receipt: pager.Receipt(first.Receipt)}
		}
	}
	return pager.Head{}
}

// Sent implements pager.Outbox.
func (b *Box) Sent(_ context.Context, d pager.Delivery, at time.Time, receipt string) error {
	return b.change(d, func(e *Entry) {
		e.SentAt, e.Receipt = at, receipt
	})
}

// Failed implements pager.Outbox.
func (b *Box) Failed(_ context.Context, d pager.Delivery, f pager.Failure) error {
	return b.change(d, func(e *Entry) {
		e.Attempts++
		e.NextTry, e.Class, e.GaveUp = canary.Micro(f.Next), f.Class, f.GaveUp
	})
}

// change applies f to an entry that is not sent yet.
func (b *Box) change(d pager.Delivery, f func(*Entry)) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.down {
		return ErrDown
	}
	for _, e := range b.entries {
		if e.Page.ID == d.Page.ID && e.Route == d.Route && e.Kind == d.Kind && e.SentAt.IsZero() {
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
	var next time.Time
	for _, e := range b.entries {
		at := e.NextTry
		switch {
		case e.Held:
			if sent, _ := b.accepted(e.Page.ID); sent == 0 && e.fallback.Before(at) {
				at = e.fallback
			}
		case !e.open() || b.waits(e):
			continue
		}
		if next.IsZero() || at.Before(next) {
			next = at
		}
	}
	return next, !next.IsZero(), nil
}
