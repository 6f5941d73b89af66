package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/robfig/cron/v3"

	"saltmine/internal/registry"
	sched "saltmine/seeder/schedule"
)

// chore is something that serve does at the ticks of a timetable.
//
// Every tick is done once and is on the record in the registry, with the time
// when it was done and whether that was late. Ticks that were missed, because
// nobody ran or because an attempt failed, are settled with the next attempt,
// many at once. Of several processes with the same registry one does a tick.
// The very first start settles nothing: there is nothing to make up for.
type chore struct {
	name string        // "rotate main": unique in the registry, at most 64 characters
	plan cron.Schedule // from timetable
	// run does what was due at the ticks, the oldest first and never none; an
	// error means that all of them are still to be done. A process that dies
	// after run and before the record is written leaves the ticks to be settled
	// again, so run has to find out from what it changes what is left to do.
	run func(ctx context.Context, due []sched.Tick) error
}

const (
	// choreGrace is how long after its time a tick is still in time.
	choreGrace = 3 * time.Minute
	// choreRetry is when an attempt that failed is made again, which is late then.
	choreRetry = 5 * time.Minute
	// choreNap bounds a wait: the clock may be set while it lasts.
	choreNap = time.Minute
)

// errChoreBusy says that another process does the chore at this moment.
var errChoreBusy = errors.New("another saltmine does it")

// timetable parses the cron text of a setting such as "[rotate] schedule": five
// fields, read in UTC.
func timetable(setting, text string) (cron.Schedule, error) {
	parser := cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)
	if len(text) > 2 && (text[:2] == "TZ" || text[:2] == "CR") {
		return nil, usage("%s: time zones are not taken; times are UTC", setting)
	}
	plan, err := parser.Parse(text)
	if err != nil {
		return nil, usage("%s %q: %w", setting, text, err)
	}
	if plan.Next(time.Unix(0, 0).UTC()).IsZero() { // cron accepts 30 February
		return nil, usage("%s %q never comes", setting, text)
	}
	return plan, nil
}

// tickBook is where ticks are recorded.
type tickBook interface {
	LastRun(ctx context.Context, job string) (time.Time, error)
	SettleTicks(ctx context.Context, job string, last time.Time, ticks []registry.Tick) error
}

// choreRunner does one chore. Its own loop is what never lets a run meet
// itself: ticks that come while one is going are settled after it.
type choreRunner struct {
	chore
	book tickBook
	lock func(ctx context.Context, name string, busy error) (unlock func(), err error)
	now  func() time.Time
	log  *slog.Logger
	last time.Time // as last read from the book
}

// choreJobs makes the jobs of serve that do the chores.
func (s *server) choreJobs(list []chore) []job {
	var jobs []job
	for _, c := range list {
		r := &choreRunner{chore: c, book: s.reg, lock: s.lockNamed, now: s.app.now, log: s.log.With("part", "chore", "chore", c.name)}
		jobs = append(jobs, job{c.name, r.loop})
	}
	return jobs
}

// loop settles what is due until the context ends.
func (r *choreRunner) loop(ctx context.Context) error {
	for ctx.Err() == nil {
		wait := choreNap
		switch err := r.attempt(ctx); {
		case ctx.Err() != nil, errors.Is(err, errChoreBusy):
		case err != nil:
			r.log.Warn("chore failed and will be tried again", "err", err, "after", choreRetry)
			wait = choreRetry
		default:
			wait = r.nap()
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
	return nil
}

// nap is the time until the next tick, or shorter.
func (r *choreRunner) nap() time.Duration {
	next := r.plan.Next(r.last)
	if next.IsZero() {
		return choreNap
	}
	return max(min(next.Sub(r.now()), choreNap), time.Millisecond)
}

func (r *choreRunner) ticks(last time.Time) []sched.Tick {
	return sched.Ticks(last, r.now().UTC(), choreGrace, r.plan.Next)
}

// attempt does what is due, if anything is, while no other process can.
func (r *choreRunner) attempt(ctx context.Context) error {
	if !r.last.IsZero() && len(r.ticks(r.last)) == 0 {
		return nil
	}
	unlock, err := r.lock(ctx, "chore "+r.name, errChoreBusy)
	if err != nil {
		return err
	}
	defer unlock()
	last, err := r.book.LastRun(ctx, r.name)
	if err != nil {
		return err
	}
	if last.IsZero() {
		r.last = r.now().UTC()
		return r.book.SettleTicks(ctx, r.name, r.last, nil)
	}
	if last.After(r.now().Add(choreGrace)) {
		r.log.Error("the clock was set back: the chore rests until it has come to where it was", "last", last)
	}
	r.last = last
	due := r.ticks(last)
	if len(due) == 0 {
		return nil
	}
	if err := r.guarded(ctx, due); err != nil {
		return err
	}
	return r.settle(ctx, due)
}

// guarded turns a panic of the chore into an error: the ears go on.
func (r *choreRunner) guarded(ctx context.Context, due []sched.Tick) (err error) {
	defer func() {
		if v := recover(); v != nil {
			r.log.Error("chore broke off", "kind", fmt.Sprintf("%T", v), "stack", string(debug.Stack())) // what it says may name a canary
			err = errors.New("it broke off")
		}
	}()
	return r.run(ctx, due)
}

// settle records ticks that were done, also while serve is told to stop.
func (r *choreRunner) settle(ctx context.Context, due []sched.Tick) error {
	record := make([]registry.Tick, 0, len(due))
	late := 0
	for _, t := range due {
		record = append(record, registry.Tick{At: t.At, Done: r.now(), Late: t.Late})
		if t.Late {
			late++
		}
	}
	last := due[len(due)-1].At
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	if err := r.book.SettleTicks(ctx, r.name, last, record); err != nil {
		return err
	}
	r.last = last
	if late > 0 {
		r.log.Info("missed ticks were made up for", "late", late, "ticks", len(due))
	}
	return nil
}
