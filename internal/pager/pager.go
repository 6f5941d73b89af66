// Package pager carries pages from a durable outbox to the responders' routes.
//
// The outbox belongs to somebody else (the registry); [Outbox] says what the
// pager needs of it, and package pagertest holds the contract as a test. A
// route is one [Send] function; packages hook and pagerduty make such functions.
//
// The one invariant: a page leaves the outbox only when its route has said yes
// or the pager has given it up loudly. Therefore delivery is at least once. A
// crash between a receiver's yes and [Outbox.Sent] sends the page again, with
// the same [Delivery.ID] and DedupKey, so that the receiver can drop the repeat.
//
// A delivery that fails is tried again after about 1 s, 2 s, 4 s … and then
// every 5 minutes, never earlier than the receiver asked for (but a receiver
// cannot ask for more than an hour). Each route has places of its own, so a
// route that hangs holds up no other. Without work the pager sleeps until the
// next delivery is due, at most a minute; it is woken by [Pager.Wake].
//
// On one route the pages of one incident go out in the order in which they were
// written. A delivery may be held back as a step of an escalation: it goes out
// when nobody has acknowledged in time, or when no other route has accepted the
// page, and never when somebody has ([Outbox.Escalate]).
//
// An [Update] sums up what came to an incident since its page. It is always
// [Delivery.Quiet], waits for what was written before it, and no page waits for it.
//
// How it fails: a route that said no for good (a [*Error] without Retry) or has
// not answered for GiveUp turns the delivery to "gave up" in the outbox and
// logs at Error. An outbox that cannot be read or written is tried again with
// growing pauses; the delivery concerned stays claimed meanwhile, so that a
// page whose outcome could not be written is not sent in a loop.
//
// Whatever strangers may have had a hand in is made inert before a route sees
// it ([Clean]).
//
// The pager refuses to look for tokens and to choose routes by severity: whoever
// writes the outbox does.
package pager

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"math/rand/v2"
	"regexp"
	"slices"
	"sync"
	"time"

	"saltmine/internal/canary"
)

// The kinds of a delivery.
const (
	Trigger = "trigger" // tells of an incident or notice, new or changed
	Resolve = "resolve" // says that it is closed; its page is the last one about it
	Update  = "update"  // sums up what came since, and wakes nobody
)

// Delivery is one page on its way to one route.
type Delivery struct {
	Page     canary.Page
	Route    string    // name of the route, as in the configuration
	Kind     string    // Trigger, Resolve or Update
	Attempts int       // how often it has been tried and recorded as failed
	First    time.Time // when the page was written to the outbox
	NextTry  time.Time // not to be tried before
	// DedupKey is the same for all pages of one incident, so that receivers
	// that group show one alert: the incident's id, or that of a notice.
	DedupKey string
	// Quiet is set when it shall wake nobody: somebody has acknowledged what it is
	// about at this urgency, it is closed, or this is an Update.
	Quiet   bool
	Verdict canary.Verdict // what the incident was found to be; empty while it is open
	Test    bool           // nothing happened: somebody tries the route
	Head    Head           // what this goes on with
}

// Head is the first page about the same that the route has accepted. It is zero
// where there is none yet.
type Head struct {
	ID      string // as [Delivery.ID] was
	Receipt Receipt
}

var plainRoute = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// ID names the delivery: the page's id, an underscore and the route. It is the
// same on every attempt and after every restart, and holds only letters,
// digits, '_' and '-', so that it can stand in a header; a route whose name
// has other characters stands there as 16 hexadecimal digits of its SHA-256.
// That of a Resolve ends with "_resolve".
func (d Delivery) ID() string {
	route := d.Route
	if !plainRoute.MatchString(route) {
		sum := sha256.Sum256([]byte(route))
		route = hex.EncodeToString(sum[:8])
	}
	id := string(d.Page.ID) + "_" + route
	if d.Kind == Resolve {
		id += "_resolve"
	}
	return id
}

// Failure is what the outbox keeps of an attempt that failed.
type Failure struct {
	At     time.Time
	Next   time.Time // when to try again; zero when GaveUp
	Class  string    // a few words such as "status 503" or "timeout"; never a URL or a body
	GaveUp bool      // it will not be tried again
}

// Outbox is the durable list of deliveries. It is used from several goroutines.
// The contract is tested by package pagertest.
type Outbox interface {
	// Due returns deliveries that are neither sent nor given up nor held back and
	// whose NextTry is not after now: of each route at most limit, the oldest
	// NextTry first. The limit counts per route, or a route that hangs would hide
	// the others. Of those about one thing on one route, all wait for the first,
	// but for one that is more urgent.
	Due(ctx context.Context, now time.Time, limit int) ([]Delivery, error)
	// Sent marks a delivery as done. Marking it twice is no error.
	Sent(ctx context.Context, d Delivery, at time.Time, receipt string) error
	// Failed counts an attempt and sets the next one, or marks the delivery as
	// given up. A delivery that is sent already stays sent.
	Failed(ctx context.Context, d Delivery, f Failure) error
	// Next returns when the next delivery is due or may be let go by Escalate,
	// and false when none waits.
	Next(ctx context.Context) (time.Time, bool, error)
	// Escalate lets go what is held back (see [canary.Delivery]) and whose time
	// has come, or drops it when what it is about is acknowledged or closed. Of a
	// page that no route can accept any more, the first step goes out at once.
	Escalate(ctx context.Context, now time.Time) ([]Escalated, error)
}

// Escalated is a delivery that is no longer held back.
type Escalated struct {
	Page  canary.PageID
	Route string
	// Unaccepted is set when no other route accepted the page, and not when nobody
	// acknowledged it.
	Unaccepted bool
}

// Config is what a pager needs. Outbox, Routes and Now must be set.
type Config struct {
	Outbox Outbox
	Routes map[string]Send
	Now    func() time.Time
	// Log gets ids, routes and error classes. Nil logs nothing.
	Log *slog.Logger
	// Enrich adds to a page what can be said of its incident when it goes out, and
	// returns it as it is when that cannot be found out before ctx ends. Nil adds
	// nothing.
	Enrich func(ctx context.Context, page canary.Page) canary.Page
	// EnrichTime bounds it; 0 is half a second.
	EnrichTime time.Duration
	// Jitter spreads a pause. Nil takes an even choice from half of it to all of it.
	Jitter func(time.Duration) time.Duration
	// GiveUp is how long after First a delivery that still fails is given up; 0 is 7 days.
	GiveUp time.Duration
	// Workers bounds the deliveries in flight of one route; 0 is 4.
	Workers int
	// Timeout bounds one attempt; 0 is 30 s.
	Timeout time.Duration
	// Drain bounds how long Run waits for attempts in flight when it is stopped; 0 is 10 s.
	Drain time.Duration
}

func (c Config) withDefaults() Config {
	c.GiveUp = cmp.Or(c.GiveUp, 7*24*time.Hour)
	c.Workers = cmp.Or(c.Workers, 4)
	c.Timeout = cmp.Or(c.Timeout, 30*time.Second)
	c.Drain = cmp.Or(c.Drain, 10*time.Second)
	c.EnrichTime = cmp.Or(c.EnrichTime, 500*time.Millisecond)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Jitter == nil {
		c.Jitter = func(d time.Duration) time.Duration {
			return d/2 + rand.N(d/2+1) //nolint:gosec // spreads load, guards nothing
		}
	}
	return c
}

// Pager delivers pages. Make one with New and run it once.
type Pager struct {
	cfg  Config
	wake chan struct{} // a page was written, or a place became free

	mu   sync.Mutex
	busy map[slot]bool  // deliveries in flight
	done map[slot]bool  // and those that ended since the outbox was asked
	load map[string]int // how many of them each route has

	pages map[canary.PageID]canary.Page // as they are sent

	faults int // failed readings of the outbox in a row; Run's own
}

// slot names a delivery within the process.
type slot struct {
	page        canary.PageID
	route, kind string
}

func slotOf(d Delivery) slot { return slot{d.Page.ID, d.Route, d.Kind} }

// New returns a pager.
func New(cfg Config) *Pager {
	return &Pager{
		cfg:  cfg.withDefaults(),
		wake: make(chan struct{}, 1),
		busy: map[slot]bool{},
		done: map[slot]bool{},
		load: map[string]int{},

		pages: map[canary.PageID]canary.Page{},
	}
}

// Wake tells the pager that a page was written. It never blocks.
func (p *Pager) Wake() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// Run delivers until ctx ends. Then it starts nothing new, gives the attempts in
// flight Config.Drain to end and to be recorded, and returns nil. What was cut
// off stays in the outbox.
func (p *Pager) Run(ctx context.Context) error {
	work, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	var senders sync.WaitGroup
	for ctx.Err() == nil {
		p.rest(ctx, p.round(ctx, func(d Delivery) {
			senders.Go(func() { p.deliver(work, d) }) // ends by its timeout, or by cut
		}))
	}
	end := time.AfterFunc(p.cfg.Drain, cut)
	defer end.Stop()
	senders.Wait()
	return nil
}

const (
	idle   = time.Minute      // longest sleep: a page may be written by another process
	poll   = time.Second      // when what is due is in flight and hides what comes after it
	faulty = 30 * time.Second // longest pause after a fault of the outbox

	readTime = 15 * time.Second // for the questions of one round: a database may hang
)

// round starts what is due and has a place, and returns how long to sleep.
func (p *Pager) round(ctx context.Context, start func(Delivery)) time.Duration {
	now := p.cfg.Now()
	p.mu.Lock()
	clear(p.done)
	p.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	// A step that cannot be let go keeps nothing else back: it needs a write, which
	// may fail where what is due can still be read and sent.
	stuck := p.escalate(ctx, now)
	// What is in flight is still due, so twice the places always show enough.
	due, err := p.cfg.Outbox.Due(ctx, now, 2*p.cfg.Workers)
	if err != nil {
		return p.fault(ctx, err)
	}
	slices.SortStableFunc(due, func(a, b Delivery) int { return cmp.Compare(a.Page.Severity, b.Page.Severity) })
	for _, d := range due {
		if p.claim(d) {
			start(d)
		}
	}
	next, some, err := p.cfg.Outbox.Next(ctx)
	if err = errors.Join(stuck, err); err != nil {
		return p.fault(ctx, err)
	}
	p.faults = 0
	switch wait := next.Sub(now); {
	case !some:
		return idle
	case wait <= 0:
		return poll
	default:
		return min(wait, idle)
	}
}

// escalate lets go what was held back long enough.
func (p *Pager) escalate(ctx context.Context, now time.Time) error {
	list, err := p.cfg.Outbox.Escalate(ctx, now)
	for _, e := range list {
		why := "nobody acknowledged"
		if e.Unaccepted {
			why = "no route accepted"
		}
		p.cfg.Log.LogAttrs(ctx, slog.LevelWarn, "page escalated",
			slog.String("page", string(e.Page)), slog.String("route", e.Route), slog.String("why", why))
	}
	return err
}

// fault reports that the outbox cannot be read and returns the pause.
func (p *Pager) fault(ctx context.Context, err error) time.Duration {
	if errors.Is(ctx.Err(), context.Canceled) {
		return 0
	}
	p.faults++
	wait := min(faulty, p.cfg.Jitter(backoff(p.faults)))
	p.cfg.Log.LogAttrs(ctx, slog.LevelError, "page outbox cannot be read",
		slog.Any("error", err), slog.Duration("again_in", wait))
	return wait
}

// rest sleeps until something may have changed.
func (p *Pager) rest(ctx context.Context, wait time.Duration) {
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-p.wake:
	case <-t.C:
	}
}

// claim takes a place on the delivery's route; it fails when the delivery is
// in flight already, has ended while the outbox was asked (which may not have
// known), or all places are taken.
func (p *Pager) claim(d Delivery) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := slotOf(d)
	if p.busy[s] || p.done[s] || p.load[d.Route] >= p.cfg.Workers {
		return false
	}
	p.busy[s] = true
	p.load[d.Route]++
	return true
}

// release gives the place back.
func (p *Pager) release(d Delivery) {
	p.mu.Lock()
	delete(p.busy, slotOf(d))
	p.done[slotOf(d)] = true
	if p.load[d.Route]--; p.load[d.Route] == 0 {
		delete(p.load, d.Route)
	}
	p.mu.Unlock()
	p.Wake()
}
