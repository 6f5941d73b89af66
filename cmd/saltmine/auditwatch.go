package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"saltmine/internal/audit"
	"saltmine/internal/audit/follow"
	"saltmine/internal/audit/replay"
	"saltmine/internal/audit/watch"
	"saltmine/internal/canary"
	"saltmine/internal/conf"
	"saltmine/internal/registry"
)

func (a *app) auditWatchCmd() *cobra.Command {
	var once bool
	cmd := &cobra.Command{
		Use:   "watch [NAME]...",
		Short: "Follow audit logs, and page when an account reads customers in bulk",
		Long: `Follows the logs of the [[audit]] sections, or those that are named, across their
rotations, and works out which canaries each statement returned. An account that is
given far more of them than it or its peers usually are makes an incident while it
reads: who, when, about how many customers, how sure. serve sends the page.

Where it is in a log is kept in the registry: stopped or killed, it goes on there and
counts nothing twice. A log that it meets for the first time is read from its
beginning, and what it holds is judged like what comes. What an account read until a
day before is the measure of what is usual. Rows that LIMIT gave, and statements that
the log cut off, count for less. Accounts that read everything by design (backups) go
into ignore, or are judged noise once.

A notice is paged when a part of a log went missing, and when a statement in it has the
database log less (auditing switched off, plugin removed, accounts left out).
'saltmine audit health' says what was kept of each log.`,
		Example: `  saltmine audit watch
  saltmine audit watch --once db1     # what is there now, and end`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.auditWatch(cmd.Context(), args, once) },
	}
	cmd.Flags().BoolVar(&once, "once", false, "read what is there now, print what was done, and end")
	return cmd
}

func (a *app) auditWatch(ctx context.Context, names []string, once bool) (err error) {
	c, err := a.openCore(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	logs, err := chooseLogs(c.cfg, names)
	if err != nil {
		return err
	}
	log := a.logger()
	reports := make([]watchReport, len(logs))
	g, ctx := errgroup.WithContext(ctx)
	for i, l := range logs {
		g.Go(func() error {
			f := &follower{app: a, core: c, cfg: l, log: log.With("audit", l.Name)}
			reports[i].Log = l.Name
			if once {
				return f.session(ctx, &reports[i].Report, true)
			}
			return f.run(ctx)
		})
	}
	if err := g.Wait(); err != nil || !once {
		return err
	}
	return a.print(reports, func(w io.Writer) error {
		var out []string
		for _, r := range reports {
			out = append(out, r.text()...)
		}
		return lines(w, out)
	})
}

func chooseLogs(cfg *conf.Config, names []string) ([]*conf.Audit, error) {
	var known []string
	var list []*conf.Audit
	for i := range cfg.Audits {
		l := &cfg.Audits[i]
		known = append(known, l.Name)
		if l.Format != "" && !slices.Contains(audit.Formats(), audit.Format(l.Format)) {
			return nil, usage("[[audit]] %s: format %q is not known: see saltmine audit import --help", l.Name, l.Format)
		}
		if len(names) == 0 || slices.Contains(names, l.Name) {
			list = append(list, l)
		}
	}
	if len(known) == 0 {
		return nil, usage("the configuration names no audit log: add a section [[audit]] with file = \"/var/log/mysql/server_audit.log\"")
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return nil, usage("there is no [[audit]] named %q; there is %s", name, strings.Join(known, ", "))
		}
	}
	return list, nil
}

// watchReport is what audit watch --once says of a log.
type watchReport struct {
	Log string `json:"log"`
	watch.Report
}

func (r *watchReport) text() []string {
	out := []string{fmt.Sprintf("%s: %d events, %d statements of accounts that are watched, %d of which returned canaries or may have", r.Log, r.Events, r.Statements, r.Reads)}
	if r.Faults > 0 {
		out = append(out, fmt.Sprintf("  %d pieces could not be read: saltmine audit import --dry-run FILE says where", r.Faults))
	}
	if r.Lost {
		out = append(out, "  a part of the log is missing: the file that was read last is gone, or was cut off in place")
	}
	if r.Incidents > 0 {
		out = append(out, fmt.Sprintf("  %d incidents opened or raised: saltmine incidents", r.Incidents))
	}
	return out
}

// follower watches one log.
type follower struct {
	app  *app
	core *core
	cfg  *conf.Audit
	log  *slog.Logger
	// listened is when it was looked last whether the log has what we read.
	listened time.Time
}

// run watches until ctx ends. After a fault it begins anew from what is kept, with
// growing pauses.
func (f *follower) run(ctx context.Context) error {
	const shortest, most = time.Second, time.Minute
	for pause := shortest; ; pause = min(2*pause, most) {
		began := f.app.now()
		err := f.session(ctx, &watch.Report{}, false)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the end that was asked for
		}
		if _, wrong := errors.AsType[*exitError](err); wrong {
			return err
		}
		f.log.Warn("the audit log will be tried again", "err", err)
		if f.app.now().Sub(began) > most {
			pause = shortest
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

// session watches until a fault, or until there is no more.
func (f *follower) session(ctx context.Context, total *watch.Report, once bool) (err error) {
	sup, err := f.app.openSupport(ctx, f.core, f.cfg.Support)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sup.close()) }()
	kept, err := f.core.reg.AuditLog(ctx, f.cfg.Name)
	if err != nil {
		return err
	}
	zone, err := time.LoadLocation(f.cfg.TimeZone)
	if err != nil {
		return fmt.Errorf("[[audit]] %s: %w", f.cfg.Name, err)
	}
	sum := sha256.New()
	source, err := f.open(kept.State, zone, sum)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	own, err := sup.db.Account(ctx)
	if err != nil {
		return err
	}
	health, act, err := f.standing(ctx, sup.place)
	if err != nil {
		return err
	}
	w, err := watch.New(watch.Config{
		Health: health, Act: &act, Sum: sum, Tell: f.tell, Own: own,
		Place: sup.place, Log: source, Store: f.core.reg, Ignored: f.cfg.Ignored, Look: sup.seeder.Look, Past: sup.seeder.Past,
		Feed: replay.FeedConfig{Zone: zone, Slack: f.cfg.ClockError, Longest: f.cfg.Longest}, Now: f.app.now, Logger: f.log,
	}, kept)
	if err != nil {
		return err
	}
	if err := f.passes(ctx, w, total, once); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordLimit)
	defer cancel()
	return w.End(ctx)
}

// standing is what is kept of the log, and by whom what was read goes upon the evidence log.
func (f *follower) standing(ctx context.Context, place canary.Place) (h canary.LogHealth, act canary.Act, err error) {
	id := f.core.reg.LogID(place, "watch|"+f.cfg.Name)
	if h, err = f.core.reg.LogHealth(ctx, id); err != nil {
		return h, act, err
	}
	h.ID, h.Place, h.Log, h.Followed = id, place, f.cfg.Name, true
	by := here()
	return h, canary.Act{Who: by.Who, Via: by.Via, What: canary.ActAuditWatch}, nil
}

// open opens the log where it was left.
func (f *follower) open(kept []byte, zone *time.Location, sum io.Writer) (*follow.Log, error) {
	state, err := watch.DecodeState(kept)
	if err != nil {
		return nil, err
	}
	source, err := follow.Open(f.cfg.File, audit.Config{Format: audit.Format(f.cfg.Format), Zone: zone, Now: f.app.now(), TextLimit: f.cfg.TextLimit, Sum: sum}, state)
	if err == nil {
		f.log.Info("following", "file", f.cfg.File, "offset", state.Offset)
	}
	return source, err
}

// passes looks for more again and again.
func (f *follower) passes(ctx context.Context, w *watch.Watch, total *watch.Report, once bool) error {
	for {
		r, err := w.Pass(ctx)
		if err != nil {
			return err
		}
		add(total, r)
		if r.Lost {
			f.log.Warn("a part of the audit log is missing: the file that was read last is gone, or was cut off in place")
		}
		if err := f.listen(ctx, w, r.More); err != nil {
			return err
		}
		if r.More {
			continue
		}
		if once {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(f.cfg.Every):
		}
	}
}

func add(total *watch.Report, r watch.Report) {
	total.Events += r.Events
	total.Statements += r.Statements
	total.Faults += r.Faults
	total.Reads += r.Reads
	total.Incidents += r.Incidents
	total.Lost = total.Lost || r.Lost
}

var _ watch.Store = (*registry.Registry)(nil)
