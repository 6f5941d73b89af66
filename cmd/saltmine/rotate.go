package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"saltmine/internal/canary"
	"saltmine/internal/people"
	"saltmine/internal/registry"
	"saltmine/seeder"
)

func (a *app) rotateCmd() *cobra.Command {
	var kind, name string
	var count int
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "rotate",
		Short: "Change e-mail addresses or phone numbers of canaries in place",
		Long: `Changes the oldest tokens of planted canaries, as a customer would change his
address: the row, its id and its tickets stay. Old tokens are listened to for
years; when they are contacted, their windows date the copy that leaked.
'saltmine serve' does this on the schedule of [rotate], canary after canary, at
most change_rate_max times as often as customers do; --dry-run also says what
comes next, and how that compares.`,
		Example: "  saltmine rotate --count 3 --dry-run\n  saltmine rotate --kind phone --count 1",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if kind != string(canary.Email) && kind != string(canary.Phone) {
				return usage("--kind %q: want email or phone", kind)
			}
			if count < 1 {
				return usage("--count: want 1 or more")
			}
			return a.change(cmd.Context(), name, func(ctx context.Context, c *core, s *support) (any, func(io.Writer) error, error) {
				if err := a.recordShown(ctx, c, dryRun, nil, asked(cmd, args, people.Forensics, people.Seeder)); err != nil {
					return nil, nil, err
				}
				rc, err := rotateConfig(ctx, c, seeder.RotateConfig{Kind: canary.Kind(kind), Count: count, DryRun: dryRun})
				if err != nil {
					return nil, nil, err
				}
				var r seeder.RotateReport
				err = c.onRecord(ctx, canary.ActRotate, string(s.place), dryRun, func() (string, error) {
					r, err = s.seeder.Rotate(ctx, rc)
					return fmt.Sprintf("%d %s", r.Rotated, kind), err
				})
				if err != nil || !dryRun {
					return r, func(w io.Writer) error { return printRotated(w, &r) }, err
				}
				t, err := c.upcoming(ctx, s, a.now())
				return rotateTrial{r, t}, func(w io.Writer) error { return errors.Join(printRotated(w, &r), t.print(w)) }, err
			})
		},
	}
	cmd.Flags().StringVar(&kind, "kind", "email", "what to change: `email` or phone")
	completes(cmd, "kind", string(canary.Email), string(canary.Phone))
	cmd.Flags().IntVar(&count, "count", 1, "at most so many canaries")
	cmd.Flags().StringVar(&name, "support", "", "`NAME` of the support database, when there are several")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "show the SQL, write nothing")
	a.tokenFlag(cmd)
	return cmd
}

// change opens a support database for one change, holding its lock.
func (a *app) change(ctx context.Context, name string, do func(context.Context, *core, *support) (any, func(io.Writer) error, error)) (err error) {
	c, err := a.openCore(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	s, err := a.openSupport(ctx, c, name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	unlock, err := c.lock(ctx, s.place)
	if err != nil {
		return err
	}
	defer unlock()
	result, text, err := do(ctx, c, s)
	if err != nil {
		return err
	}
	return a.print(result, text)
}

// rotateTrial is what a dry run prints.
type rotateTrial struct {
	seeder.RotateReport
	Timetable upcoming `json:"timetable"`
}

// rotateConfig adds to a choice how many placebos new tokens have, and brings
// the pool up to date.
func rotateConfig(ctx context.Context, c *core, rc seeder.RotateConfig) (seeder.RotateConfig, error) {
	rc.PlacebosPerEmail = c.cfg.Pool.PlacebosPerEmail
	return rc, c.importPool(ctx)
}

func printRotated(w io.Writer, r *seeder.RotateReport) error {
	if err := lines(w, r.Statements); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "%d changed, %d finished from an earlier run, %d placebos minted\n", r.Rotated, r.Finished, r.Placebos)
	if r.Waiting > 0 && err == nil {
		_, err = fmt.Fprintf(w, "%d wait: nothing in the pool is free that could take the place of their token (%s)\n", r.Waiting, cmp.Or(r.WaitsFor, "add to the pool"))
	}
	return errors.Join(err, printFindings(w, r.Findings))
}

func printFindings(w io.Writer, list []seeder.Finding) error {
	for _, f := range list {
		if _, err := fmt.Fprintf(w, "%s  %s  %s%s  %s\n", f.Canary, f.Problem, f.Kind, f.Column, f.Detail); err != nil {
			return err
		}
	}
	return nil
}

func printNotes(w io.Writer, notes []string) error {
	for _, n := range notes {
		if _, err := fmt.Fprintf(w, "note: %s\n", n); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) withdrawCmd() *cobra.Command {
	var name, batch string
	var all, dryRun bool
	cmd := &cobra.Command{
		Use:   "withdraw [CANARY...]",
		Short: "Delete canaries from the support database; they stay registered",
		Long: `Deletes by recorded primary keys, and only rows that still hold our address. The
tokens are listened to for years after. --dry-run shows addresses of canaries,
and that is recorded.`,
		Example: "  saltmine withdraw --batch spring --dry-run\n  saltmine withdraw c_abcdefghijklmnop",
		RunE: func(cmd *cobra.Command, args []string) error {
			wc := seeder.WithdrawConfig{Batch: canary.BatchID(batch), All: all, DryRun: dryRun}
			for _, id := range args {
				wc.IDs = append(wc.IDs, canary.ID(id))
			}
			if batch == "" && len(args) == 0 && !all {
				return usage("say which: canary ids, --batch NAME, or --all")
			}
			return a.change(cmd.Context(), name, func(ctx context.Context, c *core, s *support) (any, func(io.Writer) error, error) {
				if err := c.known(ctx, s.place, wc.Batch, wc.IDs); err != nil {
					return nil, nil, err
				}
				if err := a.recordShown(ctx, c, dryRun, wc.IDs, asked(cmd, args, people.Forensics, people.Seeder)); err != nil {
					return nil, nil, err
				}
				step, done := a.progress("withdrawing")
				wc.Progress = step
				var r seeder.WithdrawReport
				about := string(wc.Batch) // else of the whole place
				if len(wc.IDs) == 1 {
					about = string(wc.IDs[0])
				}
				err := c.onRecord(ctx, canary.ActWithdraw, cmp.Or(about, string(s.place)), dryRun, func() (_ string, err error) {
					r, err = s.seeder.Withdraw(ctx, wc)
					return fmt.Sprintf("%d withdrawn, %d gone", r.Withdrawn, r.Gone), err
				})
				done()
				return r, func(w io.Writer) error {
					if err := lines(w, r.Statements); err != nil {
						return err
					}
					_, err := fmt.Fprintf(w, "%d withdrawn, %d were gone already, %d were never inserted\n", r.Withdrawn, r.Gone, r.Never)
					return errors.Join(err, printFindings(w, r.Findings), printNotes(w, r.Notes))
				}, err
			})
		},
	}
	cmd.Flags().StringVar(&name, "support", "", "`NAME` of the support database, when there are several")
	cmd.Flags().StringVar(&batch, "batch", "", "all canaries of this `BATCH`")
	cmd.Flags().BoolVar(&all, "all", false, "all canaries of the support database")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "show the SQL, write nothing")
	a.tokenFlag(cmd)
	return cmd
}

// recordShown records that the statements of a dry run are about to show the
// addresses of planted canaries, which a second person may have to approve; "*"
// stands for all of them.
func (a *app) recordShown(ctx context.Context, c *core, dryRun bool, ids []canary.ID, q request) error {
	if !dryRun {
		return nil
	}
	if len(ids) == 0 {
		ids = []canary.ID{"*"}
	}
	by, err := a.may(ctx, c, q)
	if err != nil {
		return err
	}
	return c.reg.Reveal(ctx, by, ids...)
}

// known fails for a batch or a canary that is not registered at the place: a
// misspelt name would otherwise choose nothing and look like success.
func (c *core) known(ctx context.Context, place canary.Place, batch canary.BatchID, ids []canary.ID) error {
	if batch != "" {
		b, found, err := c.reg.Batch(ctx, batch)
		if err != nil {
			return err
		}
		if !found || b.Place != place {
			return fmt.Errorf("batch %s in %s: %w", batch, place, registry.ErrNotFound)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	list, err := c.reg.Plantings(ctx, canary.Filter{Place: place, IDs: ids})
	if err != nil {
		return err
	}
	for _, id := range ids {
		if !slices.ContainsFunc(list, func(p canary.Planting) bool { return p.ID == id }) {
			return fmt.Errorf("canary %s in %s: %w", id, place, registry.ErrNotFound)
		}
	}
	return nil
}
