package main

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/robfig/cron/v3"

	"saltmine/internal/canary"
	"saltmine/internal/conf"
	"saltmine/seeder"
)

// schedule parses the cron text of [rotate]; nil when there is none.
func schedule(cfg *conf.Config) (cron.Schedule, error) {
	if cfg.Rotate == nil || cfg.Rotate.Schedule == "" {
		return nil, nil
	}
	parser := cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)
	text := cfg.Rotate.Schedule
	if len(text) > 2 && (text[:2] == "TZ" || text[:2] == "CR") {
		return nil, usage("[rotate] schedule: time zones are not taken; times are UTC")
	}
	plan, err := parser.Parse(text)
	if err != nil {
		return nil, usage("[rotate] schedule %q: %w", text, err)
	}
	if plan.Next(time.Unix(0, 0).UTC()).IsZero() { // cron accepts 30 February
		return nil, usage("[rotate] schedule %q never comes", text)
	}
	return plan, nil
}

// rotation makes the jobs that change tokens in place, one for each support
// database. The database is opened when it is needed: one that is down must
// not keep the ears from listening.
func (s *server) rotation() ([]job, error) {
	plan, err := schedule(s.cfg)
	if err != nil || plan == nil {
		return nil, err
	}
	var jobs []job
	for _, name := range slices.Sorted(maps.Keys(s.cfg.Support)) {
		r := &rotator{server: s, support: name, plan: plan, log: s.log.With("part", "rotate", "support", name)}
		jobs = append(jobs, job{"rotate " + name, r.run})
	}
	return jobs, nil
}

// rotator changes the tokens of one support database on a schedule.
type rotator struct {
	*server
	support string
	plan    cron.Schedule
	log     *slog.Logger
}

// run waits for the schedule with robfig/cron. What was missed while nobody ran
// is made up for at the start; a run that is still going lets the next one go by.
func (r *rotator) run(ctx context.Context) error {
	c := cron.New(cron.WithLocation(time.UTC), cron.WithChain(cron.Recover(quietCron{r.log}), cron.SkipIfStillRunning(quietCron{r.log})))
	tick := func() {
		if err := r.tick(ctx); err != nil && ctx.Err() == nil {
			r.log.Warn("rotation will be tried again at the next time", "err", err)
		}
	}
	c.Schedule(r.plan, cron.FuncJob(tick))
	last, err := r.reg.LastRun(ctx, r.name())
	if err == nil && !last.IsZero() && r.plan.Next(last).Before(r.app.now()) {
		tick()
	}
	c.Start()
	<-ctx.Done()
	<-c.Stop().Done()
	return nil
}

func (r *rotator) name() string { return "rotate " + r.support }

// tick changes the tokens that have come due.
func (r *rotator) tick(ctx context.Context) (err error) {
	sup, err := r.app.openSupport(ctx, r.core, r.support)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sup.close()) }()
	unlock, err := r.lock(ctx, sup.place)
	if err != nil {
		return err
	}
	defer unlock()
	live, err := r.reg.Plantings(ctx, canary.Filter{Place: sup.place, States: []canary.State{canary.Planted, canary.Verified}})
	if err != nil {
		return err
	}
	last, err := r.reg.LastRun(ctx, r.name())
	if err != nil {
		return err
	}
	count, paid := due(len(live), last, r.app.now(), r.cfg.Rotate)
	if count > 0 {
		rep, err := rotateOnce(ctx, r.core, sup, seeder.RotateConfig{Kind: canary.Email, Count: count})
		if err != nil {
			return err
		}
		r.log.Info("rotated", "changed", rep.Rotated, "finished", rep.Finished, "findings", len(rep.Findings))
	}
	return r.reg.SetLastRun(ctx, r.name(), paid)
}

// due says how many of live tokens have to change so that each stands about a
// lifetime, and the time up to which that settles the account: what is less
// than one token is carried over to the next run, so that few canaries change
// seldom and not once a run. A run never changes more than the share (but one
// token, where the share is less); what is over that is let off.
func due(live int, last, now time.Time, c *conf.Rotate) (count int, paid time.Time) {
	if last.IsZero() || live == 0 {
		return 0, now
	}
	each := c.Lifetime / time.Duration(live)
	if each <= 0 {
		each = 1
	}
	count = int(now.Sub(last) / each)
	if most := max(1, int(float64(live)*c.Share)); count > most {
		return most, now
	}
	return count, last.Add(time.Duration(count) * each)
}

// quietCron gives cron's complaints to the log.
type quietCron struct{ log *slog.Logger }

// Info drops what cron tells of its schedule.
func (quietCron) Info(string, ...any) {}

// Error logs a panic of a job.
func (q quietCron) Error(err error, _ string, _ ...any) {
	q.log.Error("rotation broke off", "err", err)
}
