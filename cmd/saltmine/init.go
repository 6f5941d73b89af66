package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"saltmine/internal/conf"
	"saltmine/internal/seal"
)

func (a *app) initCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "init DIR",
		Short: "Make keys and a commented configuration",
		Long: `Makes DIR with keys/ (readable by you alone) and a commented saltmine.toml.
Nothing that is already there is overwritten. Back up keys/ apart from the
registry: without them nobody can open it, and neither can you.`,
		Example: "  saltmine init /etc/saltmine\n  cd /etc/saltmine && saltmine check",
		Args:    cobra.ExactArgs(1),
		RunE:    func(_ *cobra.Command, args []string) error { return a.initDir(args[0]) },
	}
}

func (a *app) initDir(dir string) error {
	file := filepath.Join(dir, "saltmine.toml")
	if _, err := os.Lstat(file); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("init: %s is already there and is not overwritten", file)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("init: %w", err)
	}
	if err := seal.Generate(filepath.Join(dir, "keys")); err != nil {
		return fmt.Errorf("init: %w", err)
	}
	if err := os.WriteFile(file, []byte(conf.Example()), 0o600); err != nil {
		return fmt.Errorf("init: %w", err)
	}
	made := map[string]string{"config": file, "keys": filepath.Join(dir, "keys")}
	return a.print(made, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, `made %s
made %s (back it up, apart from the registry)
next: set [pool] domains and [support.main], then
  cd %s && saltmine check
`, file, made["keys"]+string(filepath.Separator), dir)
		return err
	})
}
