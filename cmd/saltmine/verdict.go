package main

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"saltmine/internal/canary"
)

func (a *app) verdictCmd() *cobra.Command {
	verdicts := []string{string(canary.Leak), string(canary.Noise), string(canary.Own), string(canary.Drill)}
	return &cobra.Command{
		Use:   "verdict INCIDENT leak|noise|own|drill",
		Short: "Close an incident with what it was found to be",
		Long: `Sets the verdict of an incident. Later contacts on the same place open a new
incident, which pages again.`,
		Example:           "  saltmine verdict i_abcdefghijklmnop leak",
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: cobra.FixedCompletions(verdicts, cobra.ShellCompDirectiveNoFileComp),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if !slices.Contains(verdicts, args[1]) {
				return usage("verdict %q: want leak, noise, own or drill", args[1])
			}
			c, err := a.openCore(cmd.Context())
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, c.close()) }()
			id := canary.IncidentID(args[0])
			if err := c.reg.SetVerdict(cmd.Context(), id, canary.Verdict(args[1]), here()); err != nil {
				return err
			}
			inc, err := c.reg.Incident(cmd.Context(), id)
			if err != nil {
				return err
			}
			return a.print(inc, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "%s is closed: %s\n", inc.ID, inc.Verdict)
				return err
			})
		},
	}
}
