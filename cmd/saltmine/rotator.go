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
	sched "saltmine/seeder/schedule"
)

// schedule parses the cron text of [rotate]; nil when there is none.
func schedule(cfg *conf.Config) (cron.Schedule, error) {
	if cfg.Rotate == nil || cfg.Rotate.Schedule == "" {
		return nil, nil
	}
	return timetable("[rotate] schedule", cfg.Rotate.Schedule)
}

// rotation makes the chores that change tokens in place, one for each support
// database. The database is opened when it is needed: one that is down must
// not keep the ears from listening.
func (s *server) rotation() ([]chore, error) {
	plan, err := schedule(s.cfg)
	if err != nil || plan == nil {
		return nil, err
	}
	var list []chore
	for _, name := range slices.Sorted(maps.Keys(s.cfg.Support)) {
		r := &rotator{server: s, support: name, log: s.log.With("part", "rotate", "support", name)}
		list = append(list, chore{"rotate " + name, plan, r.tick})
	}
	return list, nil
}

// rotator changes the tokens of one support database on a schedule.
type rotator struct {
	*server
	support string
	log     *slog.Logger
	paid    time.Time // up to when changes have been made
}

// tick changes the tokens that have come due.
func (r *rotator) tick(ctx context.Context, ticks []sched.Tick) (err error) {
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
	if r.paid.IsZero() {
		r.paid, err = r.reg.LastRun(ctx, "rotate "+r.support)
		if err != nil {
			return err
		}
	}
	count, paid := due(len(live), r.paid, ticks[len(ticks)-1].At, r.cfg.Rotate)
	if count > 0 {
		rep, err := rotateOnce(ctx, r.core, sup, seeder.RotateConfig{Kind: canary.Email, Count: count})
		if err != nil {
			return err
		}
		r.log.Info("rotated", "changed", rep.Rotated, "finished", rep.Finished, "findings", len(rep.Findings))
	}
	r.paid = paid
	return nil
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
