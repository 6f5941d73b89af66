package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"saltmine/internal/canary"
)

func (a *app) incidentsCmd() *cobra.Command {
	var limit *rowLimit
	cmd := &cobra.Command{
		Use: "incidents", Aliases: []string{"incident"}, Short: "List incidents, newest first", Args: cobra.NoArgs,
		Example: "  saltmine incidents --output json\n  saltmine incidents show i_4g3v0kx2m1c8w5pq",
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			c, err := a.openCore(cmd.Context())
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, c.close()) }()
			list, err := c.reg.Incidents(cmd.Context(), limit.oneMore())
			if err != nil {
				return err
			}
			list = newest(a, list, limit)
			return a.print(list, func(w io.Writer) error { return printIncidents(w, list) })
		},
	}
	limit = limited(cmd, 50)
	cmd.AddCommand(a.incidentCmd(), a.mergeCmd(), a.splitCmd())
	return cmd
}

func printIncidents(w io.Writer, list []canary.Incident) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(w, "no incidents")
		return err
	}
	for i := range list {
		if err := printIncident(w, &list[i]); err != nil {
			return err
		}
	}
	return nil
}

func printIncident(w io.Writer, inc *canary.Incident) error {
	_, err := fmt.Fprintf(w, "%s  %s  %s  opened %s  %d canaries  %d contacts  %d beside  %s\n", inc.Severity, inc.ID, inc.Place,
		inc.Opened.Format(time.RFC3339), inc.Canaries, inc.Contacts, inc.Support, cmp.Or(string(inc.Verdict), mergedInto(inc), "open"))
	return err
}

func mergedInto(inc *canary.Incident) string {
	if inc.Merged == "" {
		return ""
	}
	return "merged into " + string(inc.Merged)
}

// shownIncident is one incident with what joined it by its author.
type shownIncident struct {
	canary.Incident
	Joined []canary.Joined `json:"joined"`
}

// joinedShown bounds what is shown of it: the newest.
const joinedShown = 200

func (a *app) incidentCmd() *cobra.Command {
	return &cobra.Command{
		Use: "show INCIDENT", Short: "Show one incident: its reasons, and what joined it by its author", Args: cobra.ExactArgs(1),
		Example: "  saltmine incidents show i_4g3v0kx2m1c8w5pq",
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			c, err := a.openCore(cmd.Context())
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, c.close()) }()
			inc, err := c.reg.Incident(cmd.Context(), canary.IncidentID(args[0]))
			if err != nil {
				return err
			}
			joined, err := c.reg.JoinedTo(cmd.Context(), inc.ID, joinedShown)
			if err != nil {
				return err
			}
			return a.print(shownIncident{inc, slices.Concat([]canary.Joined{}, joined)}, func(w io.Writer) error { return printShown(w, &inc, joined) })
		},
	}
}

func printShown(w io.Writer, inc *canary.Incident, joined []canary.Joined) error {
	if err := printIncident(w, inc); err != nil {
		return err
	}
	for _, why := range inc.Reasons {
		if _, err := fmt.Fprintf(w, "  %s\n", why); err != nil {
			return err
		}
	}
	for _, r := range joined {
		if _, err := fmt.Fprintf(w, "%s %s  at %s  %s\n", r.Channel, r.Contact, r.At.Format(time.RFC3339), r.Why); err != nil {
			return err
		}
	}
	return nil
}
