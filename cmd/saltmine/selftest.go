package main

import (
	"context"
	"errors"
	"io"

	"github.com/spf13/cobra"

	"saltmine/internal/canary"
	"saltmine/seeder"
	"saltmine/seeder/gate"
)

func (a *app) selftestCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "selftest",
		Short:   "measure whether what stands would hold",
		Long:    "Measures Saltmine's own work as an adversary would.",
		Example: "  saltmine selftest believable",
	}
	var cfg seeder.BelieveConfig
	var name, batch string
	believable := &cobra.Command{
		Use:   "believable",
		Short: "try to tell the canaries from real customers",
		Long: `Reads a random sample of customers and all canaries, and tries to tell them apart
as a thief with an extract or an administrator with a dump would: learned
classifiers, outliers, single conditions, orders of keys and dates, providers.
Prints each attack with its limit and what gives canaries away. Exit code 3 when
an attack succeeds.`,
		Example: "  saltmine selftest believable\n  saltmine selftest believable --rows 50000 --output json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.believable(cmd.Context(), name, batch, cfg)
		},
	}
	fl := believable.Flags()
	fl.StringVar(&name, "support", "", "`NAME` of the support database, when there are several")
	fl.StringVar(&batch, "batch", "", "only the canaries of this `BATCH`")
	fl.IntVar(&cfg.Rows, "rows", 20_000, "real customers to compare with")
	fl.Uint64Var(&cfg.Seed, "seed", 1, "of the choice of rows and of the learners")
	cmd.AddCommand(believable)
	return cmd
}

func (a *app) believable(ctx context.Context, name, batch string, cfg seeder.BelieveConfig) (err error) {
	c, err := a.openCore(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	s, err := a.openSupport(ctx, c, name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	cfg.Batch, cfg.Owned = canary.BatchID(batch), c.cfg.Pool.Domains
	step, done := a.progress("reading")
	cfg.Progress = step
	report, err := s.seeder.Believable(ctx, cfg)
	done()
	if err != nil {
		return err
	}
	err = a.print(report, func(w io.Writer) error {
		_, err := io.WriteString(w, report.Text())
		return err
	})
	if err == nil && report.Verdict == gate.Failed {
		err = &exitError{code: exitFound}
	}
	return err
}
