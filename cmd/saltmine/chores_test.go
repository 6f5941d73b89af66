package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"saltmine/internal/conf"
	"saltmine/internal/registry"
	"saltmine/internal/seal"
	sched "saltmine/seeder/schedule"
)

// choreWorld is one registry in a bubble of time, with the chores of several
// processes on it.
type choreWorld struct {
	t   *testing.T
	dir string
	log *logBuffer
	mu  sync.Mutex // of what follows: the chore writes it, the test reads it
	// done are the ticks that the chore has done, in hours after the start, as
	// the chore finds them in what it changed; twice are those it did again.
	done  map[int]bool
	twice int
	runs  int
	fail  error         // of the chore
	takes time.Duration // to do it
}

func (w *choreWorld) open() *registry.Registry {
	w.t.Helper()
	_, reg := registryIn(w.t, w.dir, time.Now)
	return reg
}

// inChoreWorld runs a test in a bubble, in which it is midnight of 1 January 2000.
func inChoreWorld(t *testing.T, test func(*testing.T, *choreWorld)) {
	t.Helper()
	dir := t.TempDir()
	if err := seal.Generate(filepath.Join(dir, "keys")); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		test(t, &choreWorld{t: t, dir: dir, log: &logBuffer{}, done: map[int]bool{}})
	})
}

// process is one serve: its runner works until stop.
type choreProcess struct {
	runner *choreRunner
	reg    *registry.Registry
	cancel context.CancelFunc
	ended  chan error
}

// crashBook loses the connection when it is told to: nothing is recorded then.
type crashBook struct {
	tickBook
	crash atomic.Bool
}

func (b *crashBook) SettleTicks(ctx context.Context, job string, last time.Time, ticks []registry.Tick) error {
	if len(ticks) > 0 && b.crash.Load() {
		return errors.New("killed")
	}
	return b.tickBook.SettleTicks(ctx, job, last, ticks)
}

func (w *choreWorld) prepare(text string, book func(tickBook) tickBook) *choreProcess {
	w.t.Helper()
	plan, err := timetable("[test] schedule", text)
	if err != nil {
		w.t.Fatal(err)
	}
	reg := w.open()
	c := &core{cfg: &conf.Config{Registry: conf.Registry{Source: conf.Source{Path: filepath.Join(w.dir, "saltmine.db")}}}, reg: reg}
	r := &choreRunner{chore: chore{"test", plan, w.run}, book: book(reg), lock: c.lockNamed, now: time.Now, log: slog.New(slog.NewTextHandler(w.log, nil))}
	return &choreProcess{runner: r, reg: reg, ended: make(chan error, 1)}
}

func (w *choreWorld) start(text string) *choreProcess {
	w.t.Helper()
	p := w.prepare(text, func(b tickBook) tickBook { return b })
	p.run(w.t)
	return p
}

func (p *choreProcess) run(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	p.cancel = cancel
	go func() { p.ended <- p.runner.loop(ctx) }() // ends with stop
}

func (p *choreProcess) stop(t *testing.T) {
	t.Helper()
	p.cancel()
	if err := errors.Join(<-p.ended, p.reg.Close()); err != nil {
		t.Fatal(err)
	}
}

// run is the chore: it does a tick once, because it looks at what stands.
func (w *choreWorld) run(_ context.Context, due []sched.Tick) error {
	w.mu.Lock()
	w.runs++
	fail, takes := w.fail, w.takes
	w.mu.Unlock()
	if fail != nil {
		return fail
	}
	time.Sleep(takes) // in the bubble it takes no time
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, tick := range due {
		hour := int(tick.At.Sub(choreStart()).Hours())
		if w.done[hour] {
			w.twice++
		}
		w.done[hour] = true
	}
	return nil
}

// first counts a run, if it is the first.
func (w *choreWorld) first() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.runs > 0 {
		return false
	}
	w.runs++
	return true
}

func choreStart() time.Time { return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) }

func (w *choreWorld) pass(d time.Duration) {
	time.Sleep(d) // in the bubble it takes no time
	synctest.Wait()
}

// record reads the ticks from the registry: "1 2L 3L", L for late ones.
func (w *choreWorld) record() string {
	w.t.Helper()
	reg := w.open()
	defer reg.Close()
	list, err := reg.Ticks(w.t.Context(), "test", time.Time{})
	if err != nil {
		w.t.Fatal(err)
	}
	var out []string
	for _, tick := range list {
		late := ""
		if tick.Late {
			late = "L"
		}
		if tick.Done.Before(tick.At) {
			w.t.Errorf("%v was done at %v", tick.At, tick.Done)
		}
		out = append(out, fmt.Sprintf("%d%s", int(tick.At.Sub(choreStart()).Hours()), late))
	}
	return strings.Join(out, " ")
}

func (w *choreWorld) want(record string, runs int) {
	w.t.Helper()
	got := w.record()
	w.mu.Lock()
	defer w.mu.Unlock()
	if got != record || w.runs != runs {
		w.t.Errorf("on the record: %q after %d runs; want %q, %d", got, w.runs, record, runs)
	}
	if len(w.done) != len(strings.Fields(record)) {
		w.t.Errorf("%v were done", w.done)
	}
}

// TestChoreMakesUpForWhatWasMissed: no tick before the first start, each in its
// time while serve runs, those of an outage together and recorded as late.
func TestChoreMakesUpForWhatWasMissed(t *testing.T) {
	t.Parallel()
	inChoreWorld(t, func(t *testing.T, w *choreWorld) {
		p := w.start("0 * * * *")
		w.pass(2*time.Hour + 30*time.Second)
		w.want("1 2", 2)
		p.stop(t)
		w.pass(3 * time.Hour)
		p = w.start("0 * * * *")
		w.pass(time.Minute)
		w.want("1 2 3L 4L 5", 3) // 5 is a minute ago
		p.stop(t)
	})
}

// TestChoreFails: what could not be done is tried again within minutes, and
// then it is late.
func TestChoreFails(t *testing.T) {
	t.Parallel()
	inChoreWorld(t, func(t *testing.T, w *choreWorld) {
		w.fail = errors.New("the database is down")
		p := w.start("0 * * * *")
		w.pass(time.Hour + 7*time.Minute)
		w.want("", 2)
		w.mu.Lock()
		w.fail = nil
		w.mu.Unlock()
		w.pass(4 * time.Minute)
		w.want("1L", 3)
		p.stop(t)
	})
}

// TestChoreNeverMeetsItself: ticks that come while a run is going wait for it.
func TestChoreNeverMeetsItself(t *testing.T) {
	t.Parallel()
	inChoreWorld(t, func(t *testing.T, w *choreWorld) {
		w.takes = 150 * time.Minute
		p := w.start("0 * * * *")
		w.pass(3*time.Hour + 31*time.Minute)
		w.want("1", 2)
		w.pass(150 * time.Minute)
		w.want("1 2L 3L", 3)
		w.pass(150 * time.Minute) // the third ends
		p.stop(t)
	})
}

// TestChorePanics: a chore that breaks off takes nothing with it, and what it
// said is not logged.
func TestChorePanics(t *testing.T) {
	t.Parallel()
	inChoreWorld(t, func(t *testing.T, w *choreWorld) {
		p := w.prepare("0 * * * *", func(b tickBook) tickBook { return b })
		good := p.runner.run
		p.runner.run = func(ctx context.Context, due []sched.Tick) error {
			if w.first() {
				panic("jane@hollowbrook.example")
			}
			return good(ctx, due)
		}
		p.run(t)
		w.pass(time.Hour + 10*time.Minute)
		w.want("1L", 2)
		p.stop(t)
		if text := w.log.String(); strings.Contains(text, "hollowbrook") || !strings.Contains(text, "chore broke off") {
			t.Errorf("the log says:\n%s", text)
		}
	})
}

// TestChoreDiesBeforeTheRecord: killed between the work and its record, a chore
// that looks at what stands does no tick twice, and each is on the record once.
func TestChoreDiesBeforeTheRecord(t *testing.T) {
	t.Parallel()
	inChoreWorld(t, func(t *testing.T, w *choreWorld) {
		first := w.start("0 * * * *")
		w.pass(0)
		first.stop(t)
		var seen []string
		p := w.prepare("0 * * * *", func(b tickBook) tickBook {
			c := &crashBook{tickBook: b}
			c.crash.Store(true)
			return c
		})
		p.runner.run = func(_ context.Context, due []sched.Tick) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			for _, tick := range due {
				if hour := int(tick.At.Sub(choreStart()).Hours()); !w.done[hour] {
					w.done[hour] = true
					seen = append(seen, fmt.Sprint(hour))
				}
			}
			return nil
		}
		idempotent := p.runner.run
		p.run(t)
		w.pass(time.Hour + time.Minute)
		got := w.record()
		p.stop(t)
		if got != "" || len(w.done) != 1 {
			t.Fatalf("%q on the record, %v done", got, w.done)
		}
		p = w.prepare("0 * * * *", func(b tickBook) tickBook { return b })
		p.runner.run = idempotent
		p.run(t)
		w.pass(time.Minute)
		p.stop(t)
		w.want("1", 0)
		if strings.Join(seen, " ") != "1" {
			t.Errorf("done: %v", seen)
		}
	})
}

// TestChoreOfTwoProcesses: each tick is done by one of them.
func TestChoreOfTwoProcesses(t *testing.T) {
	t.Parallel()
	inChoreWorld(t, func(t *testing.T, w *choreWorld) {
		w.takes = time.Second // so that they meet
		a, b := w.start("*/30 * * * *"), w.start("*/30 * * * *")
		w.pass(24*time.Hour + time.Minute)
		a.stop(t)
		b.stop(t)
		if w.runs != 48 || strings.Contains(w.record(), "L") {
			t.Errorf("%d runs; on the record: %s", w.runs, w.record())
		}
	})
}

// TestTimetable refuses what would never come or come at another time than it says.
func TestTimetable(t *testing.T) {
	t.Parallel()
	for text, ok := range map[string]bool{
		"17 * * * *": true, "@daily": true, "@every 6h": true, "0 0 29 2 *": true,
		"0 0 30 2 *": false, "TZ=Europe/Paris 0 3 * * *": false, "CRON_TZ=UTC 0 3 * * *": false, "17 * * *": false, "": false,
	} {
		if _, err := timetable("[test] schedule", text); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
}
