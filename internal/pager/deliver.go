package pager

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"saltmine/internal/canary"
)

const (
	firstPause = time.Second
	lastPause  = 5 * time.Minute
	longestAsk = time.Hour        // a receiver's Retry-After is heeded up to here
	late       = 15 * time.Minute // after this a failing page is logged at Error
	writeTime  = 5 * time.Second  // for one write of an outcome
	remembered = 1000             // enriched pages that are kept
	fewest     = 10               // attempts before a page is given up for its age: it may have been held back, or the clock wrong
)

// backoff gives the pause after the n-th failure in a row, n from 1.
func backoff(n int) time.Duration {
	return min(lastPause, firstPause<<min(n-1, 10))
}

// deliver makes one attempt and records what came of it.
func (p *Pager) deliver(work context.Context, d Delivery) {
	defer p.release(d)
	ctx, cancel := context.WithTimeout(work, p.cfg.Timeout)
	defer cancel()
	send, ok := p.cfg.Routes[d.Route]
	if !ok {
		send = noRoute
	}
	d.Page = p.enriched(ctx, d)
	receipt, err := send(ctx, d)
	switch {
	case err == nil:
		p.sent(work, d, receipt)
	case work.Err() != nil:
		p.log(work, slog.LevelWarn, "page cut off by shutdown, stays in the outbox", d)
	default:
		p.failed(work, d, err)
	}
}

// enriched gives the page as it is sent: with what is known of it by now, and
// clean. It is found out once, so that every route and every attempt shows the
// same as long as this process runs.
func (p *Pager) enriched(ctx context.Context, d Delivery) canary.Page {
	p.mu.Lock()
	page, known := p.pages[d.Page.ID]
	p.mu.Unlock()
	if known {
		return page
	}
	page = d.Page
	if p.cfg.Enrich != nil && d.Kind != Resolve && !d.Test {
		page = p.enrich(ctx, d)
	}
	page = Clean(page)
	p.mu.Lock()
	defer p.mu.Unlock()
	if first, known := p.pages[page.ID]; known { // another route was faster
		return first
	}
	if len(p.pages) >= remembered {
		clear(p.pages)
	}
	p.pages[page.ID] = page
	return page
}

// enrich asks what else is known, and goes without when that takes too long or
// breaks: no page waits for what only adds to it.
func (p *Pager) enrich(ctx context.Context, d Delivery) canary.Page {
	ctx, cancel := context.WithTimeout(ctx, p.cfg.EnrichTime)
	defer cancel()
	got := make(chan canary.Page, 1)
	go func() { // ends with what it asks
		defer func() {
			if r := recover(); r != nil {
				p.log(ctx, slog.LevelError, "page goes out without what else is known: finding it out broke", d, slog.String("type", fmt.Sprintf("%T", r)))
				got <- d.Page
			}
		}()
		got <- p.cfg.Enrich(ctx, d.Page)
	}()
	select {
	case page := <-got:
		return page
	case <-ctx.Done():
		p.log(ctx, slog.LevelWarn, "page goes out without what else is known: finding it out takes too long", d)
		return d.Page
	}
}

// noRoute stands in for a route that the configuration no longer names. The
// page is kept: the configuration may be repaired.
func noRoute(context.Context, Delivery) (Receipt, error) {
	return "", &Error{Class: "no such route", Retry: true, RetryAfter: lastPause}
}

func (p *Pager) sent(work context.Context, d Delivery, r Receipt) {
	at := p.cfg.Now()
	if p.record(work, d, func(ctx context.Context) error {
		return p.cfg.Outbox.Sent(ctx, d, at, string(r))
	}) {
		p.log(work, slog.LevelInfo, "page sent", d, slog.String("receipt", string(r)))
	}
}

func (p *Pager) failed(work context.Context, d Delivery, err error) {
	f := p.judge(d, err)
	// Told before it is written: if the outbox is down as well, the log is all there is.
	switch {
	case f.GaveUp:
		p.log(work, slog.LevelError, "page given up", d, slog.String("class", f.Class), slog.Any("error", err))
	case age(d, f.At) >= late:
		p.log(work, slog.LevelError, "page still not sent", d,
			slog.String("class", f.Class), slog.Any("error", err), slog.Time("next", f.Next))
	default:
		p.log(work, slog.LevelWarn, "page not sent", d,
			slog.String("class", f.Class), slog.Any("error", err), slog.Time("next", f.Next))
	}
	p.record(work, d, func(ctx context.Context) error {
		return p.cfg.Outbox.Failed(ctx, d, f)
	})
}

// judge decides when, and whether, a failed delivery is tried again.
func (p *Pager) judge(d Delivery, err error) Failure {
	f := Failure{At: p.cfg.Now(), Class: "error"}
	retry, after := true, time.Duration(0)
	if e, ok := errors.AsType[*Error](err); ok {
		f.Class, retry, after = e.Class, e.Retry, min(e.RetryAfter, longestAsk)
	}
	if !retry || age(d, f.At) >= p.cfg.GiveUp && d.Attempts+1 >= fewest {
		f.GaveUp = true
		return f
	}
	f.Next = f.At.Add(max(after, p.cfg.Jitter(backoff(d.Attempts+1))))
	return f
}

// age is how long the delivery has been waiting. One without a First is new: a
// page must not be given up because a stamp is missing.
func age(d Delivery, now time.Time) time.Duration {
	if d.First.IsZero() {
		return 0
	}
	return now.Sub(d.First)
}

// record writes an outcome until the outbox takes it, and reports whether it
// did. The delivery stays claimed meanwhile. Each write has a deadline of its
// own, so that the last one is made even when the shutdown has cut the work.
func (p *Pager) record(work context.Context, d Delivery, write func(context.Context) error) bool {
	for try := 1; ; try++ {
		err := p.write(work, write)
		if err == nil {
			return true
		}
		p.log(work, slog.LevelError, "outcome of a page cannot be written", d, slog.Any("error", err))
		t := time.NewTimer(min(faulty, backoff(try)))
		select {
		case <-work.Done():
			t.Stop()
			return false
		case <-t.C:
		}
	}
}

func (p *Pager) write(work context.Context, write func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(work), writeTime)
	defer cancel()
	return write(ctx)
}

// log tells of a delivery by its ids.
func (p *Pager) log(ctx context.Context, level slog.Level, msg string, d Delivery, more ...slog.Attr) {
	about := slog.String("incident", string(d.Page.Incident))
	if d.Page.Notice != "" {
		about = slog.String("notice", string(d.Page.Notice))
	}
	p.cfg.Log.LogAttrs(ctx, level, msg, append([]slog.Attr{ //nolint:sloglint // every caller gives a constant
		slog.String("page", string(d.Page.ID)), about,
		slog.String("route", d.Route),
		slog.String("kind", d.Kind),
		slog.Int("attempt", d.Attempts+1),
	}, more...)...)
}
