package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"saltmine/internal/canary"
	"saltmine/internal/conf"
	"saltmine/internal/people"
	"saltmine/internal/registry"
)

// responsesShown is how many are listed where nobody says.
const responsesShown = 200

func (a *app) respondCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "respond",
		Short: "What is done about incidents by [[response]]: list it, say yes or no to it, try it",
		Long: `A rule of [[response]] runs a command or tells a webhook about an incident that fits
it, once. 'serve' does it; these commands show what was done, let a person say yes to
what waits for one, and show what would be done.

A rule that is taken out of the configuration ends when serve starts: what is due by it
is not done, and put back it passes the incidents that came meanwhile. So cores of one
registry have the same rules.

Each step is on the evidence log. What was begun and cut off, as by a crash, becomes
"unknown": it is told to a person and never begun again by itself.`,
		Example: "  saltmine respond list\n  saltmine respond confirm r_0123456789abcdef",
	}
	cmd.AddCommand(a.respondListCmd(), a.respondShowCmd(), a.respondConfirmCmd(), a.respondTryCmd())
	return cmd
}

func (a *app) respondListCmd() *cobra.Command {
	var open bool
	var limit *rowLimit
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "What was done about incidents, and what waits, the newest first",
		Long:    "Lists the responses, the newest first: what waits for a person, is due, was begun, done or\nrefused, failed, or is not known to have been done.",
		Example: "  saltmine respond list --open\n  saltmine respond list --output json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withCore(cmd.Context(), func(c *core) error {
				f := registry.ResponseFilter{Limit: limit.oneMore()}
				if open {
					f.States = []canary.ResponseState{canary.ResponseWaiting, canary.ResponseFailed, canary.ResponseUnknown}
				}
				list, err := c.reg.Responses(cmd.Context(), f)
				if err != nil {
					return err
				}
				list = newest(a, list, limit)
				return a.print(list, func(w io.Writer) error {
					out := []string{}
					for i := range list {
						out = append(out, responseLine(&list[i]))
					}
					return lines(w, append(out, fmt.Sprintf("%d responses", len(list))))
				})
			})
		},
	}
	cmd.Flags().BoolVar(&open, "open", false, "only what a person should look at")
	limit = limited(cmd, responsesShown)
	return cmd
}

func responseLine(r *canary.Response) string {
	return strings.TrimRight(fmt.Sprintf("%s  %-8s  %s  %s  %s  %s", r.ID, r.State, r.Raised.Format(time.DateTime), r.Rule, r.Incident, strings.ReplaceAll(r.Outcome, "\n", " ")), " ")
}

func (a *app) respondShowCmd() *cobra.Command {
	return &cobra.Command{
		Use:     "show ID",
		Short:   "One response: what it was given, what came of it, what it said",
		Long:    "Shows a response with the facts that it was given and the beginning of its output.",
		Example: "  saltmine respond show r_0123456789abcdef",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withCore(cmd.Context(), func(c *core) error {
				r, err := c.reg.Response(cmd.Context(), canary.ResponseID(args[0]))
				if err != nil {
					return err
				}
				return a.print(r, func(w io.Writer) error { return printResponse(w, &r) })
			})
		},
	}
}

func printResponse(w io.Writer, r *canary.Response) error {
	out := []string{responseLine(r)}
	if r.By != "" {
		out = append(out, "decided by "+r.By)
	}
	if !r.Begun.IsZero() {
		out = append(out, fmt.Sprintf("begun %s, attempt %d", r.Begun.Format(time.DateTime), r.Attempts))
	}
	if len(r.Facts) > 0 {
		out = append(out, "given: "+string(r.Facts))
	}
	if r.OutputBytes > 0 {
		out = append(out, fmt.Sprintf("said, of %d bytes:", r.OutputBytes))
		for line := range strings.Lines(r.Output) {
			out = append(out, "  "+strings.TrimRight(line, "\n"))
		}
	}
	return lines(w, out)
}

func (a *app) respondConfirmCmd() *cobra.Command {
	var refuse bool
	cmd := &cobra.Command{
		Use:   "confirm ID",
		Short: "Say yes, or no, to a response that waits, failed or is unknown",
		Long: `Lets 'serve' do what waits for a person, or do again what failed or is not known to
have been done. --refuse says no, also to what is due and rests: it is not done, and not
asked about any more. A yes is refused where the rule is a dry run now, or is not
configured any more. Where [approval] wants a second person, both take two: ask, let another approve, and ask again.

` + bypass,
		Example: "  saltmine respond confirm r_0123456789abcdef\n  saltmine respond confirm r_0123456789abcdef --refuse",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withCore(cmd.Context(), func(c *core) error {
				id := canary.ResponseID(args[0])
				r, err := c.reg.Response(cmd.Context(), id)
				if err == nil && !r.Open() && (!refuse || r.State != canary.ResponseDue) {
					err = fmt.Errorf("response %s: %w", id, registry.ErrNotOpen)
				}
				if err == nil && !refuse {
					err = confirmable(c.cfg, &r)
				}
				if err != nil {
					return err
				}
				by, err := a.may(cmd.Context(), c, asked(cmd, args, people.Responder, people.Forensics))
				if err != nil {
					return err
				}
				if r, err = c.reg.DecideResponse(cmd.Context(), id, !refuse, by); err != nil {
					return err
				}
				return a.print(r, func(w io.Writer) error { return lines(w, []string{responseLine(&r)}) })
			})
		},
	}
	cmd.Flags().BoolVar(&refuse, "refuse", false, "say no")
	a.tokenFlag(cmd)
	return cmd
}

// confirmable reports why a yes to a response would lead to nothing.
func confirmable(cfg *conf.Config, r *canary.Response) error {
	at := slices.IndexFunc(cfg.Responses, func(c conf.Response) bool { return c.Name == r.Rule })
	switch {
	case at < 0:
		return fmt.Errorf("response %s: no [[response]] is called %q any more, so nothing would be done; --refuse says no to it", r.ID, r.Rule)
	case cfg.Responses[at].DryRun:
		return fmt.Errorf("response %s: the rule %q is a dry run now, so nothing would be done: set dry_run = false and start serve anew first, or say --refuse", r.ID, r.Rule)
	}
	return nil
}

// tried is what a rule would do.
type tried struct {
	Rule  string          `json:"rule"`
	How   string          `json:"how"`
	Does  string          `json:"does"`
	Facts json.RawMessage `json:"facts"`
}

func (a *app) respondTryCmd() *cobra.Command {
	var id string
	cmd := &cobra.Command{
		Use:     "try NAME",
		Short:   "Show what a rule would do about an incident, and what it would be given; nothing is done",
		Long:    "Shows what a rule of [[response]] would run or tell, and the facts that it would be given\nabout an incident, the newest where none is named. Nothing is done and nothing written down.",
		Example: "  saltmine respond try suspend --incident i_abcdefghijklmnop",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withCore(cmd.Context(), func(c *core) error {
				at := slices.IndexFunc(c.cfg.Responses, func(r conf.Response) bool { return r.Name == args[0] })
				if at < 0 {
					return usage("no [[response]] is called %q", args[0])
				}
				t, err := a.try(cmd.Context(), c, &c.cfg.Responses[at], canary.IncidentID(id))
				if err != nil {
					return err
				}
				return a.print(t, func(w io.Writer) error {
					return lines(w, []string{fmt.Sprintf("%s (%s) would do: %s", t.Rule, t.How, t.Does), "and be given: " + string(t.Facts)})
				})
			})
		},
	}
	cmd.Flags().StringVar(&id, "incident", "", "`ID` of the incident")
	return cmd
}

func (a *app) try(ctx context.Context, c *core, r *conf.Response, id canary.IncidentID) (t tried, err error) {
	rule, _, err := newRule(r, a.now)
	if err != nil {
		return t, err
	}
	inc, err := pickIncident(ctx, c.reg, id)
	if err != nil {
		return t, err
	}
	link := ""
	if c.cfg.API != nil {
		link = c.cfg.API.PublicURL + "/incidents/" + string(inc.ID)
	}
	f, err := c.factsOf(ctx, &inc, link, a.now())
	if err != nil {
		return t, err
	}
	f.Type, f.ID, f.Rule, f.On, f.At = "response", c.reg.ResponseID(rule.Name, inc.ID), rule.Name, rule.On, canary.Micro(a.now())
	t = tried{Rule: rule.Name, How: howDone(r), Does: rule.What}
	t.Facts, err = json.Marshal(f)
	return t, err
}
