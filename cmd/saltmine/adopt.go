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

func (a *app) adoptCmd() *cobra.Command {
	var name, batch string
	cmd := &cobra.Command{
		Use:   "adopt --batch NAME",
		Short: "Find canaries that the application has imported, and register their rows",
		Long: `Looks for the canaries of a batch that 'saltmine export-form' has written, by their
addresses, and registers the rows that they have now: keys, ticket numbers, and
windows that begin between the export and now. Run it soon after the import: the
sooner, the narrower are these. It changes nothing in the support database.

Exit code 3 when something is not as in the form. Each finding has one word:

  missing    no row has the address (yet), or tickets are lacking
  edited     the import has changed, or dropped, a value
  duplicate  several rows have the address
  restored   it was given up before it was imported, and stands now

Run it again after more was imported; tickets that came later are registered too.`,
		Example: "  saltmine adopt --batch spring",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if batch == "" {
				return usage("--batch NAME is wanted: which forms")
			}
			found := 0
			err := a.change(cmd.Context(), name, func(ctx context.Context, c *core, s *support) (any, func(io.Writer) error, error) {
				if err := c.known(ctx, s.place, canary.BatchID(batch), nil); err != nil {
					return nil, nil, err
				}
				r, err := s.seeder.Adopt(ctx, canary.BatchID(batch))
				found = len(r.Findings)
				return r, func(w io.Writer) error { return printAdopted(w, &r) }, err
			})
			if errors.Is(err, seeder.ErrConfig) {
				return &exitError{exitUsage, err}
			}
			if err == nil && found > 0 {
				return &exitError{code: exitFound}
			}
			return err
		},
	}
	cmd.Flags().StringVar(&name, "support", "", "`NAME` of the support database, when there are several")
	cmd.Flags().StringVar(&batch, "batch", "", "`NAME` of the batch that was exported")
	return cmd
}

func printAdopted(w io.Writer, r *seeder.AdoptReport) error {
	_, err := fmt.Fprintf(w, "batch %s: %d canaries stand, %d of them found now, with %d tickets; %d wait for the import\n", r.Batch, r.Live, r.Adopted, r.Tickets, r.Waiting)
	return errors.Join(err, printFindings(w, r.Findings))
}
