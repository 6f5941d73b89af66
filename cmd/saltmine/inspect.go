package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
)

func (a *app) inspectCmd() *cobra.Command {
	var name, write string
	cmd := &cobra.Command{
		Use:   "inspect",
		Short: "Read the support database's schema and propose a recipe",
		Long: `Reads information_schema and a few rows, writes nothing, and proposes a recipe:
which tables and columns make a customer with tickets. Read it before you plant;
what Saltmine is not sure of stands in comments.`,
		Example: "  saltmine inspect\n  saltmine inspect --write recipe.toml",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.inspect(cmd.Context(), name, write) },
	}
	cmd.Flags().StringVar(&name, "support", "", "`NAME` of the support database, when there are several")
	cmd.Flags().StringVar(&write, "write", "", "write the recipe to `FILE`, which must not exist")
	return cmd
}

func (a *app) inspect(ctx context.Context, name, write string) (err error) {
	cfg, err := a.loadConfig()
	if err != nil {
		return err
	}
	name, sc, err := chooseSupport(cfg, name)
	if err != nil {
		return err
	}
	db, err := openDatabase(ctx, sc, nil)
	if err != nil {
		return fmt.Errorf("[support.%s]: %w", name, err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	p, err := db.Inspect(ctx)
	if err != nil {
		return fmt.Errorf("[support.%s]: %w", name, err)
	}
	if write != "" {
		if err := writeNew(write, p.Text); err != nil {
			return err
		}
		a.say("wrote %s: read it, then set recipe = %q in [support.%s]", write, write, name)
	}
	return a.print(p, func(w io.Writer) error {
		if write != "" {
			return lines(w, p.Doubts)
		}
		_, err := io.WriteString(w, p.Text)
		return err
	})
}

// writeNew writes a file that must not exist yet, for its owner alone.
func writeNew(name, text string) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("write: %w", err)
	}
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}
