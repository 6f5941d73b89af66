package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"saltmine/internal/canary"
	"saltmine/internal/incident"
	"saltmine/internal/registry"
)

// noticesShown is how many notices are listed where nobody says.
const noticesShown = 500

func (a *app) noticesCmd() *cobra.Command {
	var all bool
	var limit *rowLimit
	var read []string
	cmd := &cobra.Command{
		Use:   "notices",
		Short: "What somebody should know of: vanished canaries, domains that run out",
		Long: `Notices are about what is no contact: canaries that vanished or were changed, pool
items that run out or are found at fault, mailboxes that cannot be read, callers that ask about too many customers.
Each is raised and paged once, and listed until somebody acknowledges it.`,
		Example: "  saltmine notices\n  saltmine notices --ack n_w6fb2ftmloh7ikju",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withCore(cmd.Context(), func(c *core) error {
				for _, id := range read {
					if err := c.reg.AcknowledgeNotice(cmd.Context(), canary.NoticeID(id), here()); err != nil {
						return err
					}
				}
				list, err := c.reg.Notices(cmd.Context(), registry.NoticeFilter{Unread: !all, Limit: limit.oneMore()})
				if err != nil {
					return err
				}
				list = newest(a, list, limit)
				return a.print(list, func(w io.Writer) error { return printNotices(w, list) })
			})
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "also those that were acknowledged")
	limit = limited(cmd, noticesShown)
	cmd.Flags().StringSliceVar(&read, "ack", nil, "acknowledge the notices with these `IDS`: somebody has read them")
	return cmd
}

// withCore opens the core for one thing.
func (a *app) withCore(ctx context.Context, fn func(*core) error) (err error) {
	c, err := a.openCore(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	return fn(c)
}

func printNotices(w io.Writer, list []canary.Notice) error {
	var out []string
	for _, n := range list {
		state := ""
		if !n.Over.IsZero() {
			state = "; over since " + n.Over.Format(time.DateTime)
		}
		if !n.Acknowledged.IsZero() {
			state += fmt.Sprintf("; read by %s %s", n.Who, n.Acknowledged.Format(time.DateTime))
		}
		out = append(out, fmt.Sprintf("%s  %s  %s  %s%s", n.ID, n.Severity, n.Raised.Format(time.DateTime), n.Text, state))
		for _, do := range n.Next {
			out = append(out, "    "+do)
		}
	}
	return lines(w, append(out, fmt.Sprintf("%d notices", len(list))))
}

// compose writes the pages of notices for the configured routes.
func (c *core) compose() registry.Compose {
	return c.composeTo(func(n canary.Notice) []incident.Route {
		return slices.DeleteFunc(steps(c.cfg), func(r incident.Route) bool { return !n.Severity.Reaches(r.Min) })
	})
}

// composeTo is compose for chosen routes.
func (c *core) composeTo(routes func(canary.Notice) []incident.Route) registry.Compose {
	return func(n canary.Notice) (canary.Page, []canary.Delivery) {
		p := canary.Page{
			ID: canary.PageID(canary.NewID("p")), Notice: n.ID, Severity: n.Severity, At: n.Raised, Reasons: []string{n.Text}, Next: n.Next,
			Summary:   shorten(fmt.Sprintf("%s notice: %s", n.Severity, n.Text), maxSummary),
			Proves:    "What was found when it was looked for.",
			ProvesNot: "Who did it or why, or that anything leaked.",
		}
		if place, err := canary.ParsePlace(n.Scope); err == nil {
			p.Place = place
		}
		if c.cfg.API != nil {
			p.Link = c.cfg.API.PublicURL + "/notices"
		}
		return p, incident.Deliveries(p.ID, routes(n))
	}
}

// maxSummary is what a page's summary may have of characters.
const maxSummary = 200

func shorten(text string, most int) string {
	if r := []rune(text); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return text
}
