package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"saltmine/internal/canary"
	"saltmine/internal/people"
	"saltmine/seeder"
	sched "saltmine/seeder/schedule"
)

func (a *app) liveCmd() *cobra.Command {
	var name string
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "live [CANARY...]",
		Short: "Let what happened in customers' lives happen to canaries too",
		Long: `Every canary follows a real customer who had its age some time ago: when that
customer opened a ticket, so does the canary, with a new number; replies, states
and dates of changes come as they came. Canaries change as often as customers of
their age do, which a comparison of two backups would show otherwise. A ticket
that somebody else has changed is left alone and reported.
'saltmine serve' does this on the schedule of [life]. --dry-run shows what would
be written to canaries, and that is recorded.`,
		Example: "  saltmine live --dry-run\n  saltmine live",
		RunE: func(cmd *cobra.Command, args []string) error {
			lc := seeder.LiveConfig{DryRun: dryRun}
			for _, id := range args {
				lc.IDs = append(lc.IDs, canary.ID(id))
			}
			return a.change(cmd.Context(), name, func(ctx context.Context, c *core, s *support) (any, func(io.Writer) error, error) {
				if err := c.known(ctx, s.place, "", lc.IDs); err != nil {
					return nil, nil, err
				}
				if err := a.recordShown(ctx, c, dryRun, lc.IDs, asked(cmd, args, people.Forensics, people.Seeder)); err != nil {
					return nil, nil, err
				}
				step, done := a.progress("living")
				lc.Progress = step
				r, err := s.seeder.Live(ctx, lc)
				done()
				return r, func(w io.Writer) error { return printLived(w, &r) }, err
			})
		},
	}
	cmd.Flags().StringVar(&name, "support", "", "`NAME` of the support database, when there are several")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "show the SQL, write nothing")
	a.tokenFlag(cmd)
	return cmd
}

func printLived(w io.Writer, r *seeder.LiveReport) error {
	if err := lines(w, r.Statements); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "%d canaries, %d changed: %d tickets opened, %d rows inserted, %d rows changed, %d steps finished from an earlier run\n",
		r.Looked, r.Changed, r.Tickets, r.Rows, r.Updates, r.Finished)
	if r.Alone > 0 && err == nil {
		_, err = fmt.Fprintf(w, "note: %d canaries are older than every customer who was looked at: nobody leads their lives on\n", r.Alone)
	}
	return errors.Join(err, printFindings(w, r.Findings))
}

// living makes the chores by which canaries arrive and live on, two for each
// support database.
func (s *server) living() ([]chore, error) {
	var list []chore
	for _, c := range []struct {
		what, setting, text string
		run                 func(context.Context, string) error
	}{
		{"arrivals", "[life] arrivals", s.cfg.Life.Arrivals, s.arrive},
		{"life", "[life] schedule", s.cfg.Life.Schedule, s.live},
	} {
		if c.text == "" {
			continue
		}
		plan, err := timetable(c.setting, c.text)
		if err != nil {
			return nil, err
		}
		for _, name := range slices.Sorted(maps.Keys(s.cfg.Support)) {
			list = append(list, chore{c.what + " " + name, plan, func(ctx context.Context, _ []sched.Tick) error { return c.run(ctx, name) }})
		}
	}
	return list, nil
}

// arrive inserts the canaries of batches over a span whose time has come. The
// support database is opened only when there is one.
func (s *server) arrive(ctx context.Context, name string) error {
	place, err := canary.ParsePlace("db:" + name)
	if err != nil {
		return err
	}
	list, err := arrivingBatches(ctx, s.reg, s.app.now())
	if err != nil {
		return err
	}
	list = slices.DeleteFunc(list, func(b arriving) bool { return b.Place != place || b.Due == 0 && b.Next.After(s.app.now()) })
	if len(list) == 0 {
		return nil
	}
	return s.changing(ctx, name, func(sup *support) error {
		if err := s.importPool(ctx); err != nil {
			return err
		}
		for _, b := range list {
			report, err := sup.seeder.Plant(ctx, seeder.PlantConfig{Batch: b.ID, PlacebosPerEmail: s.cfg.Pool.PlacebosPerEmail})
			if err != nil {
				return err
			}
			s.log.Info("canaries arrived", "part", "arrivals", "support", name, "batch", b.ID, "inserted", report.Inserted, "live", report.Live, "of", report.Asked)
		}
		return nil
	})
}

// live lets the canaries of a support database live on.
func (s *server) live(ctx context.Context, name string) error {
	place, err := canary.ParsePlace("db:" + name)
	if err != nil {
		return err
	}
	some, err := s.reg.Plantings(ctx, canary.Filter{Place: place, States: []canary.State{canary.Planted, canary.Verified}, Limit: 1})
	if err != nil || len(some) == 0 {
		return err
	}
	return s.changing(ctx, name, func(sup *support) error {
		r, err := sup.seeder.Live(ctx, seeder.LiveConfig{})
		if r.Changed+r.Finished+len(r.Findings) > 0 {
			s.log.Info("canaries lived on", "part", "life", "support", name, "changed", r.Changed, "tickets", r.Tickets, "rows", r.Rows, "updates", r.Updates, "finished", r.Finished, "findings", len(r.Findings))
		}
		return err
	})
}

// changing opens a support database for a chore, holding its lock.
func (s *server) changing(ctx context.Context, name string, do func(*support) error) (err error) {
	sup, err := s.app.openSupport(ctx, s.core, name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sup.close()) }()
	unlock, err := s.lock(ctx, sup.place)
	if err != nil {
		return err
	}
	defer unlock()
	return do(sup)
}
