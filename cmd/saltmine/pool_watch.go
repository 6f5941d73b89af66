package main

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/inventory"
	"saltmine/internal/inventory/rdap"
	sched "saltmine/seeder/schedule"
)

// poolMonth is how old the check of an item may become. The checks of a pool
// are spread over the month: what is asked about all at once on one day shows
// resolvers and lists that it belongs together.
const poolMonth = 30 * 24 * time.Hour

// poolWatch makes the chore that looks at the pool from outside.
func (s *server) poolWatch() ([]chore, error) {
	if s.cfg.Pool.Check.Schedule == "" {
		return nil, nil
	}
	plan, err := timetable("[pool] check_schedule", s.cfg.Pool.Check.Schedule)
	if err != nil {
		return nil, err
	}
	return []chore{{poolCheckJob + " on schedule", plan, func(ctx context.Context, _ []sched.Tick) error { return s.watchPool(ctx) }}}, nil
}

// watchPool looks at what is due, and files notices about the whole pool.
func (s *server) watchPool(ctx context.Context) error {
	if err := s.importPool(ctx); err != nil {
		return err
	}
	p := poolChecker{now: s.app.now, resolver: net.DefaultResolver, choose: func(all []inventory.Item) []inventory.Item { return dueItems(all, s.app.now()) }}
	how, err := mailboxLogin(s.cfg.Mailbox)
	if err != nil {
		return err
	}
	p.login = how
	if s.cfg.Pool.Check.Registration {
		p.registration = askRegistration(rdap.New(rdap.Config{}))
	}
	checked, err := p.run(ctx, s.core)
	if err != nil {
		return err
	}
	err = s.filePool(ctx, s.app.now())
	s.pager.Wake()
	s.log.Info("pool checked", "items", checked.Checked, "findings", len(checked.Findings))
	return err
}

// dueItems are those that were never looked at, and of those whose last look is
// a month old the oldest, a thirtieth of the pool a day.
func dueItems(all []inventory.Item, now time.Time) []inventory.Item {
	var never, old []inventory.Item
	for _, i := range all {
		switch {
		case i.Check.At.IsZero():
			never = append(never, i)
		case now.Sub(i.Check.At) >= poolMonth:
			old = append(old, i)
		}
	}
	slices.SortFunc(old, func(a, b inventory.Item) int { return a.Check.At.Compare(b.Check.At) })
	return append(never, old[:min(len(old), (len(all)+29)/30)]...)
}

// filePool brings the notices of the pool up to date: what the last checks
// found, and what runs out by now.
func (c *core) filePool(ctx context.Context, now time.Time) error {
	items, err := c.reg.PoolItems(ctx, inventory.Filter{})
	if err != nil {
		return err
	}
	rules := poolRules(c.cfg)
	for n := range items {
		i := &items[n]
		var list []canary.Notice
		if i.Used() > 0 || rules.State(i, now) != inventory.Retired {
			for _, f := range i.Standing(now) {
				list = append(list, c.poolNotice(i, f))
			}
		}
		if _, err := c.reg.FileNotices(ctx, canary.NoticePool, string(i.ID), list, c.compose()); err != nil {
			return err
		}
	}
	return nil
}

// poolNotice tells of an item by its id: whoever reads pages need not learn
// which domains are ours.
func (c *core) poolNotice(i *inventory.Item, f inventory.Finding) canary.Notice {
	hide := func(text string) string {
		if i.Text == "" {
			return text
		}
		return strings.ReplaceAll(text, i.Text, "…")
	}
	return canary.Notice{
		Mark: f.What, Severity: c.cfg.Pool.Check.Severity,
		Text: fmt.Sprintf("%s %s of the pool: %s", i.Kind, i.ID, hide(f.What)),
		Next: []string{hide(f.Do), fmt.Sprintf("'saltmine pool show %s' shows which it is", i.ID)},
	}
}

// stray takes an address or number out of the pool that a stranger contacted
// before it was used, and says so: somebody had it before.
func (s *server) stray(ctx context.Context, target canary.Target, at time.Time) error {
	id, err := s.reg.HeardPoolItem(ctx, target, at)
	if err != nil || id == "" {
		return err
	}
	raised, err := s.reg.RaiseNotice(ctx, canary.Notice{
		// A scope of its own: the next look at the pool does not end it.
		Kind: canary.NoticePool, Scope: string(id) + " stray", Mark: "stray", Severity: s.cfg.Pool.Check.Severity,
		Text: fmt.Sprintf("%s %s of the pool was contacted by a stranger at %s while it soaked, and is retired", target.Kind, id, at.UTC().Format(time.RFC3339)),
		Next: []string{
			"add another in its place: somebody had this one before, or guesses",
			fmt.Sprintf("'saltmine pool show %s' shows which it is", id),
		},
	}, s.compose())
	if raised {
		s.pager.Wake()
	}
	return err
}
