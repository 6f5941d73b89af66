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
	"saltmine/internal/inventory"
	"saltmine/seeder"
	sched "saltmine/seeder/schedule"
)

// schedules parses the cron texts of [rotate]; nil when there is none.
func schedules(cfg *conf.Config) (rotate, measure cron.Schedule, err error) {
	if cfg.Rotate == nil {
		return nil, nil, nil
	}
	rotate, err = timetable("[rotate] schedule", cfg.Rotate.Schedule)
	measure, err2 := timetable("[rotate] measure", cfg.Rotate.Measure)
	return rotate, measure, errors.Join(err, err2)
}

// rotation makes the chores that change tokens in place and measure how often
// customers do, two for each support database. The database is opened when it
// is needed: one that is down must not keep the ears from listening.
func (s *server) rotation() ([]chore, error) {
	rotate, measure, err := schedules(s.cfg)
	if err != nil || rotate == nil {
		return nil, err
	}
	var list []chore
	for _, name := range slices.Sorted(maps.Keys(s.cfg.Support)) {
		r := &rotator{server: s, support: name, log: s.log.With("part", "rotate", "support", name), waits: map[canary.ID]time.Time{}}
		list = append(list, chore{"rotate " + name, rotate, r.tick}, chore{"measure " + name, measure, r.measure})
	}
	return list, nil
}

// rotator changes the tokens of one support database on a schedule.
type rotator struct {
	*server
	support string
	log     *slog.Logger
	waits   map[canary.ID]time.Time // see seeder.TurnConfig
}

// tick changes the tokens that have come due. Of several ticks the last says
// all that is due; how much of it is done is bounded by the pace of now.
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
	pace, err := r.pace(ctx, sup, r.app.now())
	if err != nil {
		return err
	}
	rc, err := rotateConfig(ctx, r.core, seeder.RotateConfig{})
	if err != nil {
		return err
	}
	rep, err := sup.seeder.Turn(ctx, seeder.TurnConfig{Pace: pace, Tick: ticks[len(ticks)-1], Rotate: rc, Waits: r.waits})
	if rep.Rotated+rep.Finished+rep.Waiting+len(rep.Findings) > 0 {
		r.log.Info("rotated", "changed", rep.Rotated, "finished", rep.Finished, "waiting", rep.Waiting, "findings", len(rep.Findings))
	}
	return err
}

// measure looks at how many customers have changed their address or number
// since the last look. Done twice for one tick, the second look finds nothing new.
func (r *rotator) measure(ctx context.Context, _ []sched.Tick) (err error) {
	sup, err := r.app.openSupport(ctx, r.core, r.support)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sup.close()) }()
	last, err := r.reg.Panel(ctx, sup.place)
	if err != nil {
		return err
	}
	rep, err := sup.seeder.Watch(ctx, seeder.WatchConfig{Panel: last, Rows: r.cfg.Rotate.MeasureRows, Mark: r.reg.Mark, Seed: r.reg.Seed("watch " + string(sup.place))})
	if err != nil {
		return err
	}
	if err := r.reg.SetPanel(ctx, sup.place, rep.Panel); err != nil {
		return err
	}
	r.log.Info("measured how often customers change", "rows", rep.Rows, "gone", rep.Gone,
		"email", rep.Kinds[canary.Email].Rate(r.cfg.Support[r.support].ChangeRate), "phone", rep.Kinds[canary.Phone].Rate(r.cfg.Support[r.support].ChangeRate))
	return nil
}

// pace says how often the canaries of a support database may change, and to
// what: by the configuration, what was measured, and the pool.
func (c *core) pace(ctx context.Context, sup *support, now time.Time) (seeder.Pace, error) {
	r := conf.DefaultRotate()
	if c.cfg.Rotate != nil {
		r = *c.cfg.Rotate
	}
	known, err := c.measured(ctx, sup)
	if err != nil {
		return seeder.Pace{}, err
	}
	pool, err := c.scarce(ctx, now)
	if err != nil {
		return seeder.Pace{}, err
	}
	sc := c.cfg.Support[sup.name]
	return seeder.Pace{
		Rates:    map[canary.Kind]float64{canary.Email: known[canary.Email].Rate(sc.ChangeRate), canary.Phone: known[canary.Phone].Rate(sc.ChangeRate)},
		Multiple: sc.ChangeRateMax, Domains: c.cfg.Pool.Domains, Pool: pool,
		Lifetime: r.Lifetime, ScarceLifetime: r.PresenceLifetime, Quarantine: c.cfg.Pool.Quarantine, Horizon: r.Horizon,
		Seed: c.reg.Seed("schedule " + string(sup.place)),
	}, nil
}

// measured is how often customers were seen to change.
func (c *core) measured(ctx context.Context, sup *support) (map[canary.Kind]seeder.Watched, error) {
	panel, err := c.reg.Panel(ctx, sup.place)
	if err != nil {
		return nil, err
	}
	return seeder.Known(panel)
}

// scarce lists the pool's mailboxes and numbers that stand in rows, rest or are ready.
func (c *core) scarce(ctx context.Context, now time.Time) (map[canary.Kind][]string, error) {
	if err := c.importPool(ctx); err != nil {
		return nil, err
	}
	items, err := c.reg.PoolItems(ctx, inventory.Filter{Kinds: []inventory.Kind{inventory.Mailbox, inventory.Seed, inventory.Phone}})
	if err != nil {
		return nil, err
	}
	rules := poolRules(c.cfg)
	out := map[canary.Kind][]string{}
	for i := range items {
		switch it := &items[i]; rules.State(it, now) {
		case inventory.Ready, inventory.InUse, inventory.Quarantine:
			if !it.Placebo {
				out[it.Kind.Token()] = append(out[it.Kind.Token()], it.Text)
			}
		case inventory.Soaking, inventory.Retired:
		}
	}
	return out, nil
}
