package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"saltmine/internal/canary"
	"saltmine/internal/conf"
	"saltmine/internal/people"
	"saltmine/internal/registry"
	sched "saltmine/seeder/schedule"
)

// shredded is what giving up is and is not.
const shredded = `What is given up is what the contact said and whom it came from: its key and the salt
of its leaf on the evidence log are destroyed. When, how and on which token it came
stays, and so does the leaf: 'saltmine acts --verify' still proves the log, and says
who gave it up, when and why. Backups of before still hold the contact, and its key too
unless that is in a keys file of its own ('saltmine backup --keys'), of which only the
newest is to be kept; binary logs hold both: let them run out within the same time.`

// shredAtOnce bounds one transaction.
const shredAtOnce = 200

func keepRules(cfg *conf.Config) []registry.Keep {
	if cfg.Retention == nil {
		return nil
	}
	var rules []registry.Keep
	for _, k := range cfg.Retention.Keep {
		rules = append(rules, registry.Keep{Channel: k.Channel, Country: k.Country, For: k.For})
	}
	return rules
}

func (a *app) retentionCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "retention", Short: "How long what contacts said is kept", Example: "  saltmine retention run --dry-run"}
	var dryRun bool
	run := &cobra.Command{
		Use:   "run",
		Short: "Give up the content of contacts whose time is over",
		Long: `Gives up what the rules of [retention] say is over, as 'saltmine serve' does on its
schedule. Contacts of an incident without a verdict are kept, and what 'saltmine hold'
keeps.

` + shredded,
		Example: "  saltmine retention run --dry-run\n  saltmine retention run",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withCore(cmd.Context(), func(c *core) error {
				if len(keepRules(c.cfg)) == 0 {
					return usage("there is no rule: add [[retention.keep]] with channel, country and for")
				}
				list, err := c.retain(cmd.Context(), here(), dryRun)
				if err != nil {
					return err
				}
				return a.print(list, func(w io.Writer) error { return lines(w, retainedLines(list, dryRun)) })
			})
		},
	}
	run.Flags().BoolVar(&dryRun, "dry-run", false, "say how many, change nothing")
	cmd.AddCommand(run)
	return cmd
}

// retain gives up what is over, piece by piece, and what an earlier run that was cut
// off left in the journal, also when nothing is over.
func (c *core) retain(ctx context.Context, by registry.By, dryRun bool) ([]registry.Due, error) {
	list, err := c.reg.DueContacts(ctx, keepRules(c.cfg))
	if err != nil || dryRun {
		return list, err
	}
	return list, errors.Join(c.giveUp(ctx, by, list), c.reg.EmptyJournal(ctx))
}

func (c *core) giveUp(ctx context.Context, by registry.By, list []registry.Due) error {
	for i := range list {
		due := &list[i]
		for len(due.Free) > 0 {
			part := due.Free[:min(shredAtOnce, len(due.Free))]
			_, err := c.reg.Shred(ctx, by, "kept for "+asDays(due.For), part...)
			if errors.Is(err, registry.ErrHeld) {
				return fmt.Errorf("something was held meanwhile, the rest is for the next run: %w", err)
			}
			if err != nil {
				return err
			}
			due.Free = due.Free[len(part):]
		}
	}
	return nil
}

func asDays(d time.Duration) string {
	const day = 24 * time.Hour
	if d%day == 0 {
		return fmt.Sprintf("%d days", d/day)
	}
	return d.String()
}

func retainedLines(list []registry.Due, dryRun bool) []string {
	word := map[bool]string{true: "would be given up", false: "given up"}[dryRun]
	var out []string
	for _, d := range list {
		out = append(out, fmt.Sprintf("%-7s %-2s  %d %s, %d kept by a hold or an open incident", d.Channel, d.Country, d.Count, word, d.Held))
	}
	if len(out) == 0 {
		out = []string{"nothing is over"}
	}
	return out
}

// retaining is the chore of [retention].
func (s *server) retaining() ([]chore, error) {
	if s.cfg.Retention == nil || s.cfg.Retention.Schedule == "" || len(s.cfg.Retention.Keep) == 0 {
		return nil, nil
	}
	plan, err := timetable("[retention] schedule", s.cfg.Retention.Schedule)
	if err != nil {
		return nil, err
	}
	return []chore{{name: "retention", plan: plan, run: func(ctx context.Context, _ []sched.Tick) error {
		list, err := s.retain(ctx, registry.By{Who: "-", Via: "retention"}, false)
		for _, d := range list {
			if n := d.Count - len(d.Free); n > 0 {
				s.log.Info("contacts were given up", "part", "retention", "channel", d.Channel, "country", d.Country, "contacts", n)
			}
		}
		return err
	}}}, nil
}

func (a *app) redactCmd() *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:   "redact CONTACT... --reason TEXT",
		Short: "Give up what a contact said and whom it came from, on request",
		Long: `For callers and writers who were wrong here and ask for it. A call has several
contacts, for example one of its recording: name all of them. While its incident has
no verdict, or a hold keeps it, nothing is given up. Where a second person has to
approve, that is asked for first: evidence is destroyed.

` + shredded,
		Example: "  saltmine redact k_twilio-0123456789abcdef --reason 'wrong number, asked on 3 May'",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkReason(reason); err != nil {
				return err
			}
			return a.withCore(cmd.Context(), func(c *core) error {
				by, err := a.may(cmd.Context(), c, asked(cmd, args, people.Forensics, people.Responder))
				if err != nil {
					return err
				}
				var ids []canary.ContactID
				for _, id := range args {
					ids = append(ids, canary.ContactID(id))
				}
				n, err := c.reg.Shred(cmd.Context(), by, reason, ids...)
				if err != nil {
					return err
				}
				journal := c.reg.EmptyJournal(cmd.Context())
				before := max(len(ids)-n, 0) // with a report goes how its reporter can be reached
				return errors.Join(a.print(map[string]int{"redacted": n, "before": before}, func(w io.Writer) error {
					return lines(w, []string{fmt.Sprintf("%d redacted, %d were before", n, before)})
				}), journal)
			})
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "`TEXT` for the evidence log; name nobody in it")
	a.tokenFlag(cmd)
	return cmd
}

func (a *app) holdCmd() *cobra.Command {
	var reason string
	var end bool
	cmd := &cobra.Command{
		Use:   "hold [ID]",
		Short: "Keep a contact, or an incident's contacts, whatever retention says",
		Long: `Puts a hold on an incident (i_…) or a contact (k_…): its content is not given up
until the hold is ended. Incidents without a verdict are kept without one; the verdict
leak puts one. Ending a hold may want a second person's approval. Without an ID the holds are listed.`,
		Example: "  saltmine hold i_abcdefghijklmnop --reason 'case 4711 of the police'\n  saltmine hold i_abcdefghijklmnop --end\n  saltmine hold",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 && !end {
				if err := checkReason(reason); err != nil {
					return err
				}
			}
			return a.withCore(cmd.Context(), func(c *core) error {
				if len(args) == 1 {
					if err := a.hold(cmd, c, args, end, reason); err != nil {
						return err
					}
				}
				list, err := c.reg.Holds(cmd.Context())
				if err != nil {
					return err
				}
				return a.print(list, func(w io.Writer) error { return lines(w, holdLines(list)) })
			})
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "`TEXT` that is kept with it; name nobody in it")
	cmd.Flags().BoolVar(&end, "end", false, "end the hold")
	a.tokenFlag(cmd)
	return cmd
}

// checkReason sees that a reason is there, and not so long that the evidence log
// would cut it, or the approval's name behind it.
func checkReason(reason string) error {
	const most = 150
	switch {
	case reason == "":
		return usage("--reason TEXT is wanted: it goes on the evidence log")
	case len(reason) > most:
		return usage("--reason TEXT has %d bytes: at most %d go on the evidence log", len(reason), most)
	}
	return nil
}

func (a *app) hold(cmd *cobra.Command, c *core, args []string, end bool, reason string) error {
	if !end {
		by := here()
		who, err := a.person(c)
		if err != nil {
			return err
		}
		if who != nil {
			by.Who = who.Name
		}
		return c.reg.PutHold(cmd.Context(), args[0], reason, by)
	}
	by, err := a.may(cmd.Context(), c, asked(cmd, args, people.Forensics, people.Responder))
	if err != nil {
		return err
	}
	return c.reg.EndHold(cmd.Context(), args[0], by)
}

func holdLines(list []registry.Hold) []string {
	out := []string{}
	for _, h := range list {
		out = append(out, fmt.Sprintf("%s  since %s  %s  %s", h.About, h.Since.Format(time.RFC3339), h.Who, h.Reason))
	}
	if len(out) == 0 {
		out = []string{"no holds; incidents without a verdict are kept anyway"}
	}
	return out
}
