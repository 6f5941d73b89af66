package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"saltmine/internal/canary"
	"saltmine/seeder"
)

func (a *app) verifyCmd() *cobra.Command {
	var name, batch string
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Read every planted canary back and compare it with the registry",
		Long: `Exit code 3 when a canary is not as it was planted. Each finding has one word:

  deleted    the row or a ticket is gone, or marked as deleted
  merged     the row is gone, and its tickets or its address are another customer's
  edited     a value is not the registered one
  masked     a pattern stands in place of a value, as jobs that anonymise leave it
  restored   an old value, or a row that was withdrawn, stands again: from a backup
  duplicate  another row has the address too

Nothing is changed in the support database. The registry follows what was found:
windows of what vanished end between the last time that it was seen and now.
'saltmine serve' does this on the schedule of [verify]; run it also after the
support database was restarted, which may have lost commits, or restored.`,
		Example: "  saltmine verify && echo all there",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			found := 0
			step, done := a.progress("verifying")
			err := a.change(cmd.Context(), name, func(ctx context.Context, c *core, s *support) (any, func(io.Writer) error, error) {
				if err := c.known(ctx, s.place, canary.BatchID(batch), nil); err != nil {
					return nil, nil, err
				}
				r, err := c.verifyOnce(ctx, s, seeder.VerifyConfig{Batch: canary.BatchID(batch), Progress: step})
				done()
				found = len(r.Findings)
				return r, func(w io.Writer) error {
					return printVerified(w, r)
				}, err
			})
			if err == nil && found > 0 {
				return &exitError{code: exitFound}
			}
			return err
		},
	}
	cmd.Flags().StringVar(&name, "support", "", "`NAME` of the support database, when there are several")
	cmd.Flags().StringVar(&batch, "batch", "", "only canaries of this `BATCH`")
	return cmd
}

func printVerified(w io.Writer, r seeder.VerifyReport) error {
	text := fmt.Sprintf("%d checked, %d as planted, %d findings", r.Checked, r.Verified, len(r.Findings))
	if r.Vanished > 0 {
		text += fmt.Sprintf("; %d vanished and are retired", r.Vanished)
	}
	if r.Restored > 0 {
		text += fmt.Sprintf("; %d stand again", r.Restored)
	}
	_, err := fmt.Fprintln(w, text)
	return errors.Join(err, printFindings(w, r.Findings))
}
