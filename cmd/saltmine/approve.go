package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"saltmine/internal/canary"
	"saltmine/internal/conf"
	"saltmine/internal/people"
	"saltmine/internal/registry"
)

// bypass is what a second person's approval is not.
const bypass = `Who asks and who approves is told by their tokens of the people file of [api]. This
holds between people who reach Saltmine; whoever can read the keys and the database,
or write the configuration, as root can, needs nobody's approval.`

// request is one use of a command that a second person may have to approve.
type request struct {
	what  string
	args  []string
	roles []people.Role // of who may ask
}

// asked is what a command line asks for: the command, its flags in order, its
// arguments. How it is printed, and who asks, is no part of it.
func asked(cmd *cobra.Command, args []string, roles ...people.Role) request {
	_, what, _ := strings.Cut(cmd.CommandPath(), " ")
	q := request{what: what, roles: roles}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if !slices.Contains([]string{"token-file", "output", "config", "verbose"}, f.Name) {
			q.args = append(q.args, "--"+f.Name+"="+f.Value.String())
		}
	})
	q.args = append(q.args, args...)
	return q
}

// tokenFlag lets a command be told who runs it.
func (a *app) tokenFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&a.tokenFile, "token-file", "", "`FILE` with your token, of the people file of [api]; wanted where a second person has to approve")
}

// person is whose token the file holds; nil without one.
func (a *app) person(c *core) (*people.Person, error) {
	if a.tokenFile == "" {
		return nil, nil //nolint:nilnil // nobody said who they are
	}
	token, err := conf.ReadSecret(a.tokenFile)
	if err != nil {
		return nil, &exitError{exitUsage, err}
	}
	if c.cfg.API == nil || len(c.cfg.API.People) == 0 {
		return nil, usage("--token-file: nobody is named: there is no people_file in [api]")
	}
	who := doorOf(c.cfg.API, a.now).Person(token.Reveal())
	if who == nil {
		return nil, usage("--token-file: the token is nobody's of the people file of [api]")
	}
	return who, nil
}

// may says as whom something is done, and under which approval. Where a second
// person has to approve and none has, it asks for that and fails.
func (a *app) may(ctx context.Context, c *core, q request) (registry.By, error) {
	by := here()
	who, err := a.person(c)
	if err != nil {
		return by, err
	}
	if who != nil {
		by.Who = who.Name
	}
	switch {
	case who != nil && !who.Has(q.roles...):
		return by, fmt.Errorf("%s has not the role %s", who.Name, roleWords(q.roles))
	case !c.cfg.NeedsSecond():
		return by, nil
	case who == nil:
		return by, usage("a second person has to approve this: say who you are with --token-file")
	}
	got, err := c.reg.Ask(ctx, by, q.what, q.args, c.cfg.Approval.Valid)
	if err != nil {
		return by, err
	}
	if got.State != canary.ApprovalGiven {
		return by, fmt.Errorf("%w yet: it is asked for as %s until %s", registry.ErrNotApproved, got.ID, got.Until.Format(time.RFC3339))
	}
	by.Approval = got.ID
	return by, nil
}

func roleWords(list []people.Role) string {
	words := make([]string, len(list))
	for i, r := range list {
		words[i] = string(r)
	}
	return strings.Join(words, " or ")
}

func (a *app) approveCmd() *cobra.Command {
	var refuse bool
	cmd := &cobra.Command{
		Use:   "approve ID",
		Short: "Approve, as the second person, what another one asked for",
		Long: `Lets who asked do exactly what they asked for, once, until its time is over. It takes
the role forensics or auditor, and never the person who asked. --refuse says no, also
of what was approved and not used yet; it takes the same role, or to have asked. Asking, approving, refusing and using are each on
the evidence log. See 'saltmine approvals'.

` + bypass,
		Example: "  saltmine approve a_abcdefghijklmnop --token-file dana.token\n  saltmine approve a_abcdefghijklmnop --refuse --token-file dana.token",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withCore(cmd.Context(), func(c *core) error {
				return a.approve(cmd.Context(), c, canary.ApprovalID(args[0]), !refuse)
			})
		},
	}
	cmd.Flags().BoolVar(&refuse, "refuse", false, "say no")
	a.tokenFlag(cmd)
	return cmd
}

func (a *app) approve(ctx context.Context, c *core, id canary.ApprovalID, yes bool) error {
	who, err := a.person(c)
	switch {
	case err != nil:
		return err
	case who == nil:
		return usage("--token-file is wanted: the file with your token, of the people file of [api]")
	case !who.Has(people.Seconds()...) && (yes || !c.askedBy(ctx, id, who)):
		return fmt.Errorf("%s has not the role %s", who.Name, roleWords(people.Seconds()))
	}
	got, err := c.reg.Decide(ctx, id, yes, registry.By{Who: who.Name, Via: "cli"})
	if err != nil {
		return err
	}
	return a.print(got, func(w io.Writer) error { return lines(w, []string{approvalLine(&got)}) })
}

// askedBy reports whether a request is a person's own, as far as that can be read.
func (c *core) askedBy(ctx context.Context, id canary.ApprovalID, who *people.Person) bool {
	a, err := c.reg.Approval(ctx, id)
	return err == nil && a.Who == who.Name
}

func approvalLine(r *canary.Approval) string {
	line := fmt.Sprintf("%s  %-8s  %s (%s)  until %s  %s", r.ID, r.State, r.Who, r.Via, r.Until.Format(time.RFC3339), strings.Join(append([]string{r.What}, r.Args...), " "))
	if r.By != "" {
		line += "  by " + r.By
	}
	return line
}

func (a *app) approvalsCmd() *cobra.Command {
	var all bool
	var limit *rowLimit
	cmd := &cobra.Command{
		Use:   "approvals",
		Short: "What waits for a second person's approval",
		Long: `Lists the requests that are open, the newest first: who asked, for what exactly, and
until when that is good. With --all those that were used, refused or ran out too.

` + bypass,
		Example: "  saltmine approvals\n  saltmine approvals --all --output json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withCore(cmd.Context(), func(c *core) error {
				list, err := c.reg.Approvals(cmd.Context(), registry.ApprovalFilter{Open: !all, Limit: limit.oneMore()})
				if err != nil {
					return err
				}
				list = newest(a, list, limit)
				return a.print(list, func(w io.Writer) error {
					out := []string{}
					for i := range list {
						out = append(out, approvalLine(&list[i]))
					}
					if len(out) == 0 {
						out = []string{"nothing waits for an approval"}
					}
					return lines(w, out)
				})
			})
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "also those that are over")
	limit = limited(cmd, actsShown)
	return cmd
}

// checkApproval is a line of check: whoever asks must have somebody who can approve.
func checkApproval(cfg *conf.Config) (what string, err error) {
	const line = "second person"
	if !cfg.NeedsSecond() {
		if cfg.API != nil && len(cfg.API.People) > 1 {
			return line + " (switched off: who may open identities does so alone)", nil
		}
		return line + " (not wanted)", nil
	}
	var able []string
	for _, p := range cfg.API.People {
		for _, r := range people.Seconds() {
			if slices.Contains(p.Roles, string(r)) && !slices.Contains(able, p.Name) {
				able = append(able, p.Name)
			}
		}
	}
	switch len(able) {
	case 0:
		return line, fmt.Errorf("nobody in the people file of [api] has the role %s: what needs an approval cannot be done", roleWords(people.Seconds()))
	case 1:
		return fmt.Sprintf("%s (only %s can approve, so nobody can what %s asks for)", line, able[0], able[0]), nil
	}
	return fmt.Sprintf("%s (%d can approve)", line, len(able)), nil
}
