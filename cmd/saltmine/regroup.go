package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"saltmine/internal/canary"
)

func (a *app) mergeCmd() *cobra.Command {
	return &cobra.Command{
		Use: "merge INTO INCIDENT", Short: "Say that two incidents are one leak", Args: cobra.ExactArgs(2),
		Long: `Puts the contacts of the second incident to the first, and all that comes for its
place. The first is as urgent as the more urgent of both, and is paged where it was
not; the routes that were told of the second are told that it is closed. Split takes
it back.`,
		Example: "  saltmine incidents merge i_4g3v0kx2m1c8w5pq i_9d2v0kx2m1c8w5pq",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withCore(cmd.Context(), func(c *core) error {
				into, from := canary.IncidentID(args[0]), canary.IncidentID(args[1])
				if err := c.reg.Merge(cmd.Context(), into, from, here()); err != nil {
					return err
				}
				return a.regrouped(cmd, c, into, fmt.Sprintf("%s is merged into %s", from, into))
			})
		},
	}
}

func (a *app) splitCmd() *cobra.Command {
	return &cobra.Command{
		Use: "split INCIDENT [CONTACT...]", Short: "Take back a merge, or make contacts an incident of their own", Args: cobra.MinimumNArgs(1),
		Long: `Takes a merged incident out of the one that it was merged into: what was moved goes
back, and what has come since stays. With contacts, takes these out of an incident:
they make one of their own, as urgent as that, which you are at.`,
		Example: "  saltmine incidents split i_9d2v0kx2m1c8w5pq\n  saltmine incidents split i_4g3v0kx2m1c8w5pq k_4g3v0kx2m1c8w5pq",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withCore(cmd.Context(), func(c *core) error {
				var contacts []canary.ContactID
				for _, id := range args[1:] {
					contacts = append(contacts, canary.ContactID(id))
				}
				out, err := c.reg.Split(cmd.Context(), canary.IncidentID(args[0]), contacts, here())
				if err != nil {
					return err
				}
				return a.regrouped(cmd, c, out, fmt.Sprintf("%s stands by itself", out))
			})
		},
	}
}

// regrouped prints an incident after its contacts were put together anew.
func (a *app) regrouped(cmd *cobra.Command, c *core, id canary.IncidentID, what string) error {
	inc, err := c.reg.Incident(cmd.Context(), id)
	if err != nil {
		return err
	}
	return a.print(inc, func(w io.Writer) error {
		if _, err := fmt.Fprintln(w, what); err != nil {
			return err
		}
		return printIncident(w, &inc)
	})
}
