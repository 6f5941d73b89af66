package pager_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/pager"
	"saltmine/internal/pager/pagertest"
)

// receiver is the far side of a route: it notes what it is sent and answers by its script.
type receiver struct {
	mu     sync.Mutex
	start  time.Time
	at     []time.Duration // when each attempt came
	ids    []string
	dedup  []string
	flying int
	most   int // attempts at once
	answer func(ctx context.Context, n int) error
}

func newReceiver(answer func(ctx context.Context, n int) error) *receiver {
	return &receiver{start: time.Now(), answer: answer}
}

func (r *receiver) send(ctx context.Context, d pager.Delivery) (pager.Receipt, error) {
	r.mu.Lock()
	r.at = append(r.at, time.Since(r.start))
	r.ids = append(r.ids, d.ID())
	r.dedup = append(r.dedup, d.DedupKey)
	n := len(r.at)
	r.flying++
	r.most = max(r.most, r.flying)
	r.mu.Unlock()
	err := r.answer(ctx, n)
	r.mu.Lock()
	r.flying--
	r.mu.Unlock()
	return "ok", err
}

func yes(context.Context, int) error { return nil }

// hang is a receiver that takes the connection and never answers.
func hang(ctx context.Context, _ int) error {
	<-ctx.Done()
	return &pager.Error{Class: "timeout", Retry: true, Err: ctx.Err()}
}

// firstFail says no n times, then yes.
func firstFail(times int, err error) func(context.Context, int) error {
	return func(_ context.Context, n int) error {
		if n <= times {
			return err
		}
		return nil
	}
}

// running is a pager that runs in the bubble until stop.
type running struct {
	*pager.Pager
	log    *bytes.Buffer // to be read after stop
	cancel context.CancelFunc
	done   chan error
}

func run(t *testing.T, box *pagertest.Box, routes map[string]pager.Send, change func(*pager.Config)) *running {
	t.Helper()
	var log bytes.Buffer
	cfg := pager.Config{
		Outbox: box, Routes: routes, Now: time.Now,
		Log:    slog.New(slog.NewTextHandler(&log, nil)),
		Jitter: func(d time.Duration) time.Duration { return d },
	}
	if change != nil {
		change(&cfg)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r := &running{Pager: pager.New(cfg), log: &log, cancel: cancel, done: make(chan error, 1)}
	go func() { r.done <- r.Run(ctx) }()
	return r
}

func (r *running) stop(t *testing.T) {
	t.Helper()
	r.cancel()
	if err := <-r.done; err != nil {
		t.Errorf("Run: %v", err)
	}
}

// pages writes n pages for each of the routes.
func pages(box *pagertest.Box, n int, routes ...string) {
	for i := range n {
		box.Write(pagertest.Page(i, time.Now()), time.Now(), routes...)
	}
}

func TestRetriesBackOffUntilSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		box := &pagertest.Box{}
		rcv := newReceiver(firstFail(11, &pager.Error{Class: "status 500", Retry: true}))
		pages(box, 1, "hook")
		p := run(t, box, map[string]pager.Send{"hook": rcv.send}, nil)
		time.Sleep(time.Hour)
		p.stop(t)
		var want []time.Duration
		for at, pause := time.Duration(0), time.Second; len(want) < 12; pause = min(2*pause, 5*time.Minute) {
			want = append(want, at)
			at += pause
		}
		if !slices.Equal(rcv.at, want) {
			t.Errorf("attempts at %v, want %v", rcv.at, want)
		}
		e := box.Entries()[0]
		if e.SentAt.IsZero() || e.Attempts != 11 || e.Receipt != "ok" || e.Class != "status 500" {
			t.Errorf("entry %+v", e)
		}
		if first := rcv.ids[0]; first != "p_page000000000000_hook" || slices.ContainsFunc(rcv.ids, func(id string) bool { return id != first }) {
			t.Errorf("ids %q, want the same on every attempt", rcv.ids)
		}
	})
}

func TestRetryAfterIsHeededWithinReason(t *testing.T) {
	t.Parallel()
	for ask, want := range map[time.Duration]time.Duration{
		0:                    time.Second,
		90 * time.Second:     90 * time.Second,
		365 * 24 * time.Hour: time.Hour,
	} {
		synctest.Test(t, func(t *testing.T) {
			box := &pagertest.Box{}
			rcv := newReceiver(firstFail(1, &pager.Error{Class: "status 429", Retry: true, RetryAfter: ask}))
			pages(box, 1, "hook")
			p := run(t, box, map[string]pager.Send{"hook": rcv.send}, nil)
			time.Sleep(2 * time.Hour)
			p.stop(t)
			if !slices.Equal(rcv.at, []time.Duration{0, want}) {
				t.Errorf("asked for %v: attempts at %v, want the second at %v", ask, rcv.at, want)
			}
		})
	}
}

func TestDefaultJitterStaysWithinHalf(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		box := &pagertest.Box{}
		rcv := newReceiver(func(context.Context, int) error { return errors.New("of no type") })
		pages(box, 50, "hook")
		p := run(t, box, map[string]pager.Send{"hook": rcv.send}, func(c *pager.Config) { c.Jitter = nil })
		synctest.Wait()
		different := map[time.Duration]bool{}
		for _, e := range box.Entries() {
			pause := e.NextTry.Sub(e.First)
			different[pause] = true
			if pause < time.Second/2 || pause > time.Second || e.Class != "error" {
				t.Errorf("pause %v, class %q; want half a second to one", pause, e.Class)
			}
		}
		if len(different) < 10 {
			t.Errorf("%d different pauses of 50 pages", len(different))
		}
		p.stop(t)
	})
}

// slowBox is an outbox whose answer is old when it comes: meanwhile what is in
// flight ends.
type slowBox struct {
	*pagertest.Box
	answered func()
}

func (b *slowBox) Due(ctx context.Context, now time.Time, limit int) ([]pager.Delivery, error) {
	due, err := b.Box.Due(ctx, now, limit)
	if len(due) > 0 {
		b.answered()
	}
	return due, err
}

// A page that is sent between the outbox's answer and its reading is not sent again.
func TestSentMeanwhileIsNotSentAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		box := &pagertest.Box{}
		let := make(chan bool)
		rcv := newReceiver(func(context.Context, int) error { <-let; return nil })
		pages(box, 1, "hook")
		asked := 0
		p := run(t, box, map[string]pager.Send{"hook": rcv.send}, func(c *pager.Config) {
			c.Outbox = &slowBox{box, func() {
				if asked++; asked == 2 { // the page is due, and in flight
					close(let)
					synctest.Wait()
				}
			}}
		})
		synctest.Wait()
		p.Wake()
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if len(rcv.at) != 1 || asked < 2 {
			t.Errorf("sent %d times, the outbox was asked %d times while it was due", len(rcv.at), asked)
		}
		p.stop(t)
	})
}

func TestHangingRouteHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		box := &pagertest.Box{}
		stuck, good := newReceiver(hang), newReceiver(yes)
		pages(box, 50, "stuck")
		p := run(t, box, map[string]pager.Send{"stuck": stuck.send, "good": good.send}, nil)
		synctest.Wait()
		for n := range 20 { // written one by one while all places of the other route hang
			box.Write(pagertest.Page(100+n, time.Now()), time.Now(), "good")
			p.Wake()
			synctest.Wait()
			if len(good.at) != n+1 {
				t.Fatalf("%d pages written, %d sent", n+1, len(good.at))
			}
			time.Sleep(time.Second)
		}
		if stuck.most != 4 {
			t.Errorf("%d attempts at once on one route, want 4", stuck.most)
		}
		if asked := box.Asked(); asked > 100 {
			t.Errorf("outbox asked %d times in 20 s", asked)
		}
		time.Sleep(11 * time.Second) // past the timeout of an attempt
		synctest.Wait()
		if e := box.Entries()[0]; e.Attempts != 1 || e.Class != "timeout" {
			t.Errorf("an attempt that hangs for 31 s: %+v", e)
		}
		p.stop(t)
	})
}

func TestRetryHiddenBehindAHangingRouteComes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		box := &pagertest.Box{}
		stuck := newReceiver(hang)
		flaky := newReceiver(firstFail(2, &pager.Error{Class: "status 502", Retry: true}))
		pages(box, 1, "stuck", "flaky")
		p := run(t, box, map[string]pager.Send{"stuck": stuck.send, "flaky": flaky.send}, nil)
		time.Sleep(20 * time.Second) // less than the timeout of the one that hangs
		synctest.Wait()
		if len(flaky.at) != 3 || flaky.at[2] > 6*time.Second {
			t.Errorf("attempts at %v, want about 0, 1 and 3 s", flaky.at)
		}
		p.stop(t)
	})
}

func TestFinalRefusalIsLoud(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		box := &pagertest.Box{}
		gone := newReceiver(func(context.Context, int) error { return &pager.Error{Class: "status 410"} })
		good := newReceiver(yes)
		pages(box, 1, "gone", "good")
		p := run(t, box, map[string]pager.Send{"gone": gone.send, "good": good.send}, nil)
		time.Sleep(24 * time.Hour)
		p.stop(t)
		if e := box.Entries()[0]; len(gone.at) != 1 || !e.GaveUp || e.Class != "status 410" {
			t.Errorf("%d attempts, entry %+v", len(gone.at), e)
		}
		if e := box.Entries()[1]; e.SentAt.IsZero() {
			t.Error("the other route did not get the page")
		}
		if log := p.log.String(); !strings.Contains(log, `level=ERROR msg="page given up" page=p_page000000000000`) {
			t.Errorf("no loud line in the log:\n%s", log)
		}
	})
}

// TestOldPageIsTriedAllTheSame: age alone, of a step that was held back or of a
// clock that was wrong, gives nothing up at its first failure.
func TestOldPageIsTriedAllTheSame(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		box := &pagertest.Box{}
		rcv := newReceiver(func(context.Context, int) error { return &pager.Error{Class: "connect", Retry: true} })
		box.Write(pagertest.Page(0, time.Now()), time.Now().AddDate(0, 0, -8), "hook")
		p := run(t, box, map[string]pager.Send{"hook": rcv.send}, nil)
		time.Sleep(time.Hour)
		p.stop(t)
		if e := box.Entries()[0]; !e.GaveUp || e.Attempts != 10 {
			t.Errorf("gave up %v after %d attempts, want 10", e.GaveUp, e.Attempts)
		}
	})
}

func TestGivesUpAfterAWeekAndSaysSo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		box := &pagertest.Box{}
		rcv := newReceiver(func(context.Context, int) error { return &pager.Error{Class: "connect", Retry: true} })
		pages(box, 1, "hook")
		p := run(t, box, map[string]pager.Send{"hook": rcv.send}, nil)
		time.Sleep(7*24*time.Hour - time.Minute)
		synctest.Wait()
		if e := box.Entries()[0]; e.GaveUp || e.Attempts < 2000 {
			t.Errorf("after almost a week: gave up %v, %d attempts", e.GaveUp, e.Attempts)
		}
		time.Sleep(10 * time.Minute)
		p.stop(t)
		if e := box.Entries()[0]; !e.GaveUp {
			t.Errorf("after a week: %+v", e)
		}
		log := p.log.String()
		if !strings.Contains(log, "level=ERROR msg=\"page given up\"") || !strings.Contains(log, "level=ERROR msg=\"page still not sent\"") {
			t.Errorf("not loud:\n%.2000s", log)
		}
		if strings.Count(log, "level=WARN") == 0 || strings.Count(log, "level=WARN") > 15 {
			t.Errorf("%d warnings, want those of the first quarter of an hour", strings.Count(log, "level=WARN"))
		}
	})
}

func TestPageWaitingWhileWeWereDownIsTriedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		box := &pagertest.Box{}
		rcv := newReceiver(yes)
		box.Write(pagertest.Page(1, time.Now()), time.Now().AddDate(0, 0, -30), "hook")
		p := run(t, box, map[string]pager.Send{"hook": rcv.send}, nil)
		synctest.Wait()
		if e := box.Entries()[0]; e.SentAt.IsZero() {
			t.Errorf("a page of a month ago was not tried: %+v", e)
		}
		p.stop(t)
	})
}

func TestCrashBeforeSentRepeatsTheSameID(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		box := &pagertest.Box{}
		rcv := newReceiver(func(context.Context, int) error { box.SetDown(true); return nil })
		pages(box, 1, "hook")
		routes := map[string]pager.Send{"hook": rcv.send}
		p := run(t, box, routes, nil)
		synctest.Wait() // the receiver has it, the outbox does not know
		p.stop(t)
		if !strings.Contains(p.log.String(), "level=ERROR msg=\"outcome of a page cannot be written\"") {
			t.Errorf("log:\n%s", p.log)
		}

		box.SetDown(false)
		rcv.answer = yes
		p = run(t, box, routes, nil)
		synctest.Wait()
		p.stop(t)
		if len(rcv.ids) != 2 || rcv.ids[0] != rcv.ids[1] || rcv.dedup[0] != rcv.dedup[1] || rcv.dedup[0] != "i_incident00000000" {
			t.Errorf("ids %q, dedup keys %q; want two of each, the same", rcv.ids, rcv.dedup)
		}
		if e := box.Entries()[0]; e.SentAt.IsZero() {
			t.Error("not recorded after the restart")
		}
	})
}

func TestOutboxDownDoesNotRepeatPages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		box := &pagertest.Box{}
		rcv := newReceiver(func(context.Context, int) error { box.SetDown(true); return nil })
		pages(box, 1, "hook")
		p := run(t, box, map[string]pager.Send{"hook": rcv.send}, nil)
		time.Sleep(time.Hour)
		box.SetDown(false)
		time.Sleep(time.Minute)
		p.stop(t)
		if e := box.Entries()[0]; e.SentAt.IsZero() || len(rcv.at) != 1 {
			t.Errorf("%d attempts, entry %+v; want one, recorded when the outbox was back", len(rcv.at), e)
		}
		if asked := box.Asked(); asked > 200 {
			t.Errorf("outbox asked %d times in an hour", asked)
		}
	})
}

func TestSleepsWithoutWorkAndWakes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		box := &pagertest.Box{}
		rcv := newReceiver(yes)
		p := run(t, box, map[string]pager.Send{"hook": rcv.send}, nil)
		time.Sleep(time.Hour + time.Second)
		if asked := box.Asked(); asked > 62 {
			t.Errorf("outbox asked %d times in an hour without work", asked)
		}
		pages(box, 1, "hook")
		p.Wake()
		synctest.Wait()
		if e := box.Entries()[0]; !e.SentAt.Equal(canary.Micro(e.First)) {
			t.Errorf("woken, but sent at %v, written at %v", e.SentAt, e.First)
		}
		box.Write(pagertest.Page(2, time.Now()), time.Now(), "hook") // by another process: no Wake
		time.Sleep(time.Minute + time.Second)
		synctest.Wait()
		if e := box.Entries()[1]; e.SentAt.IsZero() {
			t.Error("a page without a wake was not sent within a minute")
		}
		p.stop(t)
	})
}

func TestStopLetsAttemptsEnd(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		takes, until time.Duration
		sent         bool
	}{
		"in time":  {3 * time.Second, 3 * time.Second, true},
		"too long": {25 * time.Second, 10 * time.Second, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			box := &pagertest.Box{}
			rcv := newReceiver(func(ctx context.Context, _ int) error {
				select {
				case <-time.After(tt.takes):
					return nil
				case <-ctx.Done():
					return ctx.Err()
				}
			})
			pages(box, 10, "hook")
			p := run(t, box, map[string]pager.Send{"hook": rcv.send}, nil)
			synctest.Wait()
			start := time.Now()
			p.stop(t)
			if took := time.Since(start); took != tt.until {
				t.Errorf("%s: stopped after %v, want %v", name, took, tt.until)
			}
			if len(rcv.at) != 4 {
				t.Errorf("%s: %d attempts, want the four in flight and no new one", name, len(rcv.at))
			}
			for _, e := range box.Entries()[:4] {
				if e.SentAt.IsZero() == tt.sent || e.Attempts != 0 {
					t.Errorf("%s: entry %+v", name, e)
				}
			}
		})
	}
}

func TestUnknownRouteKeepsThePage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		box := &pagertest.Box{}
		pages(box, 1, "renamed")
		p := run(t, box, nil, nil)
		time.Sleep(time.Minute)
		p.stop(t)
		e := box.Entries()[0]
		if e.GaveUp || e.Class != "no such route" || e.Attempts != 1 {
			t.Errorf("entry %+v", e)
		}
		rcv := newReceiver(yes)
		p = run(t, box, map[string]pager.Send{"renamed": rcv.send}, nil)
		time.Sleep(10 * time.Minute)
		p.stop(t)
		if len(rcv.at) != 1 {
			t.Errorf("%d attempts after the configuration was repaired", len(rcv.at))
		}
	})
}

func TestUrgentPagesGoFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		box := &pagertest.Box{}
		for n, s := range []canary.Severity{canary.P3, canary.P1} {
			page := pagertest.Page(n, time.Now())
			page.Severity = s
			box.Write(page, time.Now(), "hook")
		}
		rcv := newReceiver(yes)
		p := run(t, box, map[string]pager.Send{"hook": rcv.send}, func(c *pager.Config) { c.Workers = 1 })
		time.Sleep(time.Minute)
		p.stop(t)
		if len(rcv.ids) != 2 || rcv.ids[0] != "p_page000000000001_hook" {
			t.Errorf("order %q", rcv.ids)
		}
	})
}

func TestIDFitsAHeader(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, route := range []string{"hook", "ho.ok", "ho ok", "hö\r\nk", "", strings.Repeat("x", 100)} {
		id := pager.Delivery{Page: pagertest.Page(1, time.Time{}), Route: route}.ID()
		if strings.Trim(id, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" || seen[id] || len(id) > 90 {
			t.Errorf("route %q: id %q", route, id)
		}
		seen[id] = true
	}
}
