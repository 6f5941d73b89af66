package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"saltmine/internal/audit/cover"
	"saltmine/internal/canary"
)

func (a *app) auditHealthCmd() *cobra.Command {
	var pieces bool
	cmd := &cobra.Command{
		Use:   "health",
		Short: "What the audit logs that were read cover, and what is wrong with them",
		Long: `Lists each log that 'audit watch' follows and each file that 'audit import' took: what
time it covers, its longest gaps (an hour and more without an event, which a quiet
night is as well), how often its clock went back, what was not understood and where,
and what went missing. 'saltmine trace' tells the same of the time of an access.
Pieces are listed without their bytes. --pieces gives the beginning of each as well,
with --output json, in base64: it may hold what a customer's record holds.`,
		Example: "  saltmine audit health\n  saltmine audit health --pieces --output json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withCore(cmd.Context(), func(c *core) error { return a.auditHealth(cmd.Context(), c, pieces) })
		},
	}
	cmd.Flags().BoolVar(&pieces, "pieces", false, "also the first bytes of what was not understood")
	return cmd
}

func (a *app) auditHealth(ctx context.Context, c *core, pieces bool) error {
	list, err := c.reg.LogsOf(ctx, "")
	if err != nil {
		return err
	}
	for i := range list {
		for j := range list[i].Pieces {
			if !pieces {
				list[i].Pieces[j].Raw = nil
			}
		}
	}
	if list == nil {
		list = []canary.LogHealth{}
	}
	return a.print(list, func(w io.Writer) error {
		var out []string
		for i := range list {
			out = append(out, healthOf(&list[i])...)
		}
		return lines(w, append(out, fmt.Sprintf("%d logs", len(list))))
	})
}

func healthOf(l *canary.LogHealth) []string {
	how := "imported"
	if l.Followed {
		how = "followed"
	}
	out := []string{cover.Line(l), fmt.Sprintf("  %s, %s at %s, %d events", l.ID, how, l.Place, l.Events)}
	if l.SHA256 != "" {
		out = append(out, fmt.Sprintf("  sha256 %s, %d bytes", l.SHA256, l.Size))
	}
	for _, p := range l.Pieces {
		out = append(out, fmt.Sprintf("  line %d (byte %d): %s (%d bytes)", p.Line, p.Offset, p.Reason, p.Length))
	}
	return out
}
