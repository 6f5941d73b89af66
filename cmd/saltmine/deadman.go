package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"saltmine/internal/canary"
	"saltmine/internal/conf"
	"saltmine/internal/drill"
	"saltmine/internal/heartbeat"
	"saltmine/internal/incident"
	"saltmine/internal/pager"
	"saltmine/internal/registry"
	"saltmine/internal/spool"
)

// deadman is the dead-man's switch. It is owned by its job; calm is read by others.
type deadman struct {
	*marksman
	s      *server
	cfg    *conf.Deadman
	fronts []drill.Front
	began  time.Time
	seen   time.Time      // when the registry last said how the fronts stand
	told   pager.Delivery // what was sent past the outbox, and stands
	fault  sync.Map       // of front, why the last contact could not be made
	quiet  map[string]bool
	calm   atomic.Bool // no front was silent when it was last looked
}

const (
	shotTime   = 30 * time.Second // to make one contact
	lookEvery  = 30 * time.Second // at most
	lookTime   = 10 * time.Second
	shotsKept  = 48 * time.Hour
	marksKept  = 90 * 24 * time.Hour // longer than an edge is left alone
	pruneEvery = time.Hour
	pruneTime  = 5 * time.Minute
	mostOwners = 10 // domains whose addresses are contacted
)

// deadmanJobs makes the job of the switch, where it is configured.
func (s *server) deadmanJobs() ([]job, error) {
	if s.cfg.Deadman == nil {
		return nil, nil
	}
	m, err := newMarksman(s.core, canary.Deadman)
	if err != nil {
		return nil, err
	}
	d := &deadman{marksman: m, s: s, cfg: s.cfg.Deadman, began: s.app.now(), seen: s.app.now(), quiet: map[string]bool{}}
	for _, f := range fronts(s.cfg, s.ears.addrs, coreOf(s.spool.ID())) {
		if err := f.Playable(); err != nil {
			s.log.Warn("the dead-man's switch does not reach a front", "front", f.Name(), "why", err)
			continue
		}
		d.fronts = append(d.fronts, f)
	}
	if len(d.fronts) == 0 {
		s.log.Warn("the dead-man's switch has no front: name those of the edges in [deadman]")
	}
	return []job{{"deadman", d.loop}}, nil
}

// loop makes contacts and looks what became of them until ctx ends.
func (d *deadman) loop(ctx context.Context) error {
	shoot, look := time.NewTicker(d.cfg.Every), time.NewTicker(min(lookEvery, d.cfg.Every/2))
	prune := time.NewTicker(pruneEvery)
	defer shoot.Stop()
	defer look.Stop()
	defer prune.Stop()
	var making, pruning sync.WaitGroup
	defer making.Wait()
	defer pruning.Wait()
	round := func() {
		making.Go(func() { d.round(ctx) }) // ends within shotTime
	}
	round()
	pruning.Go(func() { d.prune(ctx) }) // ends within pruneTime
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-shoot.C:
			making.Wait() // a round is over before the next one, or the next one waits
			round()
		case <-look.C:
			d.look(ctx)
		case <-prune.C: // which is longer than pruneTime: the last one is over
			pruning.Go(func() { d.prune(ctx) })
		}
	}
}

// prune forgets old contacts, in a time of its own: none is made later for it.
func (d *deadman) prune(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, pruneTime)
	defer cancel()
	now := d.s.app.now()
	if err := d.reg.PruneShots(ctx, now.Add(-shotsKept), now.Add(-marksKept)); err != nil && !errors.Is(ctx.Err(), context.Canceled) {
		d.s.log.Warn("old contacts of the dead-man's switch stay", "err", err)
	}
}

// round makes one contact at each front, and says that serve is well.
func (d *deadman) round(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, min(shotTime, d.cfg.Every))
	defer cancel()
	if err := d.ready(ctx); err != nil {
		d.s.log.Warn("the dead-man's switch has no tokens yet", "err", err)
		return
	}
	var all sync.WaitGroup
	for i := range d.fronts {
		f, target := &d.fronts[i], d.next(&d.fronts[i])
		all.Go(func() {
			err := d.shoot(ctx, f, target)
			if err != nil && !errors.Is(ctx.Err(), context.Canceled) {
				d.fault.Store(f.Name(), err.Error())
				d.s.log.Warn("the dead-man's switch could not make its contact", "front", f.Name(), "err", err)
				return
			}
			d.fault.Delete(f.Name())
		})
	}
	all.Wait()
	if address := d.cfg.Ping.Reveal(); address != "" && d.calm.Load() && d.s.well(ctx) == nil {
		if err := heartbeat.Ping(ctx, address); err != nil {
			d.s.log.Warn("the heartbeat was not taken", "err", err)
		}
	}
}

// ready registers the tokens that are missing: an address at each domain, a number.
func (d *deadman) ready(ctx context.Context) error {
	have, err := d.reg.DrillTokens(ctx, canary.Deadman)
	if err != nil {
		return err
	}
	d.tokens = have
	at := map[string]bool{}
	for _, t := range d.of(canary.Email) {
		at[domainOf(t.Text)] = true
	}
	var fresh []canary.DrillToken
	for _, domain := range d.core.cfg.Pool.Domains[:min(len(d.core.cfg.Pool.Domains), mostOwners)] {
		if at[domain] {
			continue
		}
		t, ok, err := d.address(ctx, domain)
		if err != nil {
			return err
		}
		if ok {
			fresh = append(fresh, t)
		}
	}
	if len(d.of(canary.Phone)) == 0 {
		fresh = append(fresh, d.number())
	}
	if len(fresh) == 0 {
		return nil
	}
	if err := d.reg.BeginDrill(ctx, canary.Run{ID: canary.Deadman, Route: canary.Muted}, fresh); err != nil {
		return err
	}
	d.tokens = append(d.tokens, fresh...)
	return nil
}

// silentFor is for how long a front has been silent: since the first contact that
// did not come out.
func silentFor(f registry.Front, now time.Time) time.Duration {
	if f.Open.IsZero() {
		return 0
	}
	return now.Sub(f.Open)
}

// look tells of the fronts that are silent, and that those that were are so no more.
func (d *deadman) look(ctx context.Context) {
	now := d.s.app.now()
	read, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	states, err := d.reg.Fronts(read)
	calm := err == nil
	for i := 0; i < len(d.fronts) && err == nil; i++ {
		name := d.fronts[i].Name()
		var list []canary.Notice
		if silent := silentFor(states[name], now); silent >= d.cfg.Silence {
			calm = false
			if now.Sub(d.began) < d.cfg.Every {
				continue // of the time before serve began nothing is known: it has one more turn
			}
			list = append(list, d.notice(name, states[name], min(silent, now.Sub(d.began))))
		}
		err = d.file(read, name, list)
	}
	d.calm.Store(calm && err == nil)
	if ctx.Err() != nil {
		return
	}
	d.past(ctx, err, now)
	if err == nil && !calm {
		d.untried(ctx, now)
	}
}

func (d *deadman) file(ctx context.Context, name string, list []canary.Notice) error {
	_, err := d.reg.FileNotices(ctx, canary.NoticeDeadman, name, list, d.composeTo(func(canary.Notice) []incident.Route {
		if route := secondRoute(d.core.cfg); route != "" {
			return []incident.Route{{Name: route}}
		}
		return nil
	}))
	if was := d.quiet[name]; err == nil && was != (len(list) > 0) {
		d.quiet[name] = !was
		d.s.log.Log(ctx, levelOf(!was), "a front of the dead-man's switch changed", "front", name, "silent", !was)
	}
	d.s.pager.Wake()
	return err
}

func (d *deadman) notice(name string, f registry.Front, silent time.Duration) canary.Notice {
	last := "never since it was configured"
	if !f.Came.IsZero() {
		last = "last at " + f.Came.UTC().Format(time.DateTime)
	}
	text := fmt.Sprintf("front %s is silent for %s: contacts that are made there do not come out at the pager (%s)", name, silent.Round(time.Second), last)
	if why, ok := d.fault.Load(name); ok {
		text += fmt.Sprintf("; the last one could not be made: %s", why)
	}
	return canary.Notice{
		Mark: "silent", Severity: canary.P2, Text: text,
		Next: []string{
			"until this is over a leak that comes in there may page nobody: look at it now",
			"look at the log of serve, and of the edge if it is one's: the ear, the spool, the pull, the pager",
			"'saltmine check' says what does not answer",
		},
	}
}

// secondRoute is the route on which silence is told.
func secondRoute(cfg *conf.Config) string {
	if cfg.Deadman != nil && cfg.Deadman.Route != "" {
		return cfg.Deadman.Route
	}
	for i := range cfg.Routes {
		if cfg.Routes[i].After > 0 {
			return cfg.Routes[i].Name
		}
	}
	if n := len(cfg.Routes); n > 0 {
		return cfg.Routes[min(1, n-1)].Name
	}
	return ""
}

// deadmanMetrics writes how the fronts stand.
func (s *health) deadmanMetrics(ctx context.Context, w io.Writer) error {
	if s.deadman == nil {
		return nil
	}
	states, err := s.reg.Fronts(ctx)
	if err != nil {
		return err
	}
	for name, f := range states {
		came, open := 0.0, 0.0
		if !f.Came.IsZero() {
			came = float64(f.Came.UnixMicro()) / 1e6
		}
		if !f.Open.IsZero() {
			open = max(0, s.now().Sub(f.Open).Seconds())
		}
		metrics.WriteGaugeFloat64(w, fmt.Sprintf("saltmine_deadman_came_timestamp_seconds{front=%q}", name), came)
		metrics.WriteGaugeFloat64(w, fmt.Sprintf("saltmine_deadman_open_seconds{front=%q}", name), open)
	}
	return nil
}

// checkDeadman says how the switch stands, as far as serve has left word.
func (c *core) checkDeadman(ctx context.Context, now time.Time) (what string, err error) {
	what = "dead-man's switch"
	d := c.cfg.Deadman
	if d == nil {
		return what + " (off: there is no section [deadman])", nil
	}
	states, err := c.reg.Fronts(ctx)
	if err != nil {
		return what, err
	}
	var some bool
	core := ""
	if id, err := spool.Identity(c.cfg.Spool.Dir); err == nil { // without a spool nothing was tried yet
		core = coreOf(id)
	}
	for _, f := range fronts(c.cfg, nil, core) {
		if f.Playable() != nil {
			what += "; " + f.Name() + " is out of its reach"
			continue
		}
		some = true
		s, ran := states[f.Name()]
		switch {
		case !ran:
			what += "; " + f.Name() + " not tried yet"
		case silentFor(s, now) >= d.Silence:
			return what, fmt.Errorf("front %s is silent since %s", f.Name(), s.Open.UTC().Format(time.DateTime))
		case now.Sub(s.Came) >= d.Silence+d.Every:
			return what, fmt.Errorf("nothing came out of front %s since %s, and nothing was tried: serve does not run", f.Name(), s.Came.UTC().Format(time.DateTime))
		default:
			what += "; " + f.Name() + " came through at " + s.Came.UTC().Format(time.DateTime)
		}
	}
	if !some {
		return what, fmt.Errorf("it reaches no front: name those of the edges in [deadman]")
	}
	return what, nil
}
