package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

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
	var name, batch, export string
	believable := &cobra.Command{
		Use:   "believable",
		Short: "try to tell the canaries from real customers",
		Long: `Reads random samples of customers and the canaries, and tries to tell them apart
as a thief with an extract or an administrator with a dump would: learned
classifiers, outliers, single conditions, orders of keys and dates, providers.
Prints each attack with its limit and what gives canaries away. Exit code 3 when
an attack succeeds.`,
		Example: "  saltmine selftest believable\n  saltmine selftest believable --rows 50000 --output json\n  saltmine selftest believable --export numbers.csv",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg.Batch = canary.BatchID(batch)
			return a.believable(cmd.Context(), name, export, cfg)
		},
	}
	fl := believable.Flags()
	fl.StringVar(&name, "support", "", "`NAME` of the support database, when there are several")
	fl.StringVar(&batch, "batch", "", "only the canaries of this `BATCH`")
	fl.IntVar(&cfg.Rows, "rows", 20_000, "real customers to compare with; as many again are read to count in, and a table of up to twice as many is read whole")
	fl.BoolVar(&cfg.Quick, "quick", false, "train less: what this refuses would be refused anyway, what it lets pass may not be")
	fl.Uint64Var(&cfg.Seed, "seed", 1, "of the choice of rows and of the learners")
	fl.StringVar(&export, "export", "", "measure nothing, and write the numbers with a label for other tools to `FILE`, and what they mean to FILE.columns; both say which rows are canaries")
	cmd.AddCommand(believable)
	return cmd
}

func (a *app) believable(ctx context.Context, name, export string, cfg seeder.BelieveConfig) (err error) {
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
	cfg.Owned = c.cfg.Pool.Domains
	defer thrifty()()
	step, done := a.progress("reading")
	cfg.Progress = step
	if export != "" {
		err := exportBelievable(ctx, s.seeder, cfg, export)
		done()
		return err
	}
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

// exportBelievable writes two files that only their owner can read and that
// must not exist yet.
func exportBelievable(ctx context.Context, s *seeder.Seeder, cfg seeder.BelieveConfig, name string) (err error) {
	var files [2]*os.File
	for i, n := range []string{name, name + ".columns"} {
		if files[i], err = os.OpenFile(n, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600); err != nil {
			return fmt.Errorf("export: %w", err)
		}
		defer func() { err = errors.Join(err, files[i].Close()) }()
	}
	return s.ExportBelievable(ctx, cfg, files[0], files[1])
}
