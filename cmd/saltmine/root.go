package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"saltmine/internal/conf"
	"saltmine/internal/seal"
)

// app is what the subcommands share: the streams, the global flags, and what
// they open.
type app struct {
	stdin          io.Reader
	kept           *os.File // of standard input that is read again; nil: it is not
	stdout, stderr io.Writer
	config         string
	output         string
	verbose        bool
	tokenFile      string // of the person who runs the command
	now            func() time.Time
}

func newRoot(stdin io.Reader, stdout, stderr io.Writer) *cobra.Command {
	return (&app{stdin: stdin, stdout: stdout, stderr: stderr, now: time.Now}).root()
}

// root makes the command line.
func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "saltmine",
		Short: "Canary records for a customer-support database: plant, hear, page, trace",
		Long: `Saltmine puts customers who do not exist into your support database, listens on
every way they can be contacted, pages responders when one is, and traces the
leak to the extract it came from.`,
		Example: `  saltmine demo --once            the whole story on this machine, two minutes
  saltmine init /etc/saltmine     keys and a commented configuration
  saltmine plant --count 500      put canaries into the support database
  saltmine serve                  listen, page
  saltmine trace --incident ID    which extract leaked, and when`,
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			if a.output != "text" && a.output != "json" {
				return usage("--output %q: want text or json", a.output)
			}
			return nil
		},
	}
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usage("%w%s (see: %s --help)", err, meantFlag(cmd, err), cmd.CommandPath())
	})
	flags := root.PersistentFlags()
	flags.StringVar(&a.config, "config", "saltmine.toml", "configuration `FILE`")
	flags.StringVar(&a.output, "output", "text", "how results are printed: `text` or json")
	completes(root, "output", "text", "json")
	flags.BoolVar(&a.verbose, "verbose", false, "log more")
	root.AddCommand(a.initCmd(), a.checkCmd(), a.inspectCmd(), a.recipeCmd(), a.plantCmd(), a.exportFormCmd(), a.adoptCmd(), a.rotateCmd(), a.liveCmd(), a.verifyCmd(), a.withdrawCmd(), a.selftestCmd(), a.poolCmd(), a.noticesCmd(), a.excludeCmd(),
		a.serveCmd(), a.edgeCmd(), a.drillCmd(), a.listCmd(), a.showCmd(), a.incidentsCmd(), a.ackCmd(), a.verdictCmd(), a.respondCmd(), a.actsCmd(), a.approveCmd(), a.approvalsCmd(), a.retentionCmd(), a.redactCmd(), a.holdCmd(), a.pagerCmd(), a.planCmd(), a.traceCmd(), a.evidenceCmd(), a.mailauthCmd(), a.ownCmd(), a.extractsCmd(), a.auditCmd(), a.ticketCmd(), a.scanCmd(), a.agentCmd(), a.demoCmd())
	root.AddCommand(a.backupCmd(), a.restoreCmd(), a.keysCmd())
	root.InitDefaultCompletionCmd()
	mustUse(root)
	return root
}

// mustUse turns cobra's complaints about arguments into wrong use. A command
// that only holds others prints its help, or says which of them was meant.
func mustUse(c *cobra.Command) {
	if c.HasSubCommands() && c.RunE == nil {
		c.Args = meantCommand
		c.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	} else if check := c.Args; check != nil {
		c.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return usage("%w (see: %s --help)", err, cmd.CommandPath())
			}
			return nil
		}
	}
	for _, sub := range c.Commands() {
		mustUse(sub)
	}
}

// meantCommand refuses whatever is no subcommand.
func meantCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return usage("unknown command %q for %q%s (see: %s --help)", args[0], cmd.CommandPath(), didYouMean(cmd, args[0], ""), cmd.CommandPath())
}

// completes tells the shell which values a flag takes. The flag must exist.
func completes(cmd *cobra.Command, flag string, values ...string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)) // it fails for unknown flags alone
}

// meantFlag names the flags that are near to an unknown one.
func meantFlag(cmd *cobra.Command, err error) string {
	type named interface {
		error
		GetSpecifiedName() string
	}
	given, ok := errors.AsType[named](err)
	if !ok || cmd.Flag(given.GetSpecifiedName()) != nil {
		return ""
	}
	flags := &cobra.Command{}                                   // cobra knows what is near among commands alone
	for line := range strings.Lines(cmd.Flags().FlagUsages()) { // "      --count int   how many…"
		if _, rest, ok := strings.Cut(line, "--"); ok {
			name, _, _ := strings.Cut(rest, " ")
			flags.AddCommand(&cobra.Command{Use: name, Run: func(*cobra.Command, []string) {}})
		}
	}
	return didYouMean(flags, given.GetSpecifiedName(), "--")
}

func didYouMean(cmd *cobra.Command, given, prefix string) string {
	if cmd.SuggestionsMinimumDistance <= 0 {
		cmd.SuggestionsMinimumDistance = 2
	}
	near := cmd.SuggestionsFor(given)
	if len(near) == 0 {
		return ""
	}
	return "; did you mean " + prefix + strings.Join(near, " or "+prefix) + "?"
}

func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}

// print gives a result to standard output, as JSON or as text.
func (a *app) print(v any, text func(io.Writer) error) error {
	if a.output == "json" {
		enc := json.NewEncoder(a.stdout)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		if err := enc.Encode(v); err != nil {
			return fmt.Errorf("print: %w", err)
		}
		return nil
	}
	if err := text(a.stdout); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// say tells the person at the terminal something on standard error.
func (a *app) say(format string, args ...any) {
	fmt.Fprintf(a.stderr, format+"\n", args...) //nolint:errcheck // there is nowhere left to complain
}

func (a *app) logger() *slog.Logger {
	level := slog.LevelInfo
	if a.verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(a.stderr, &slog.HandlerOptions{Level: level}))
}

// quietLogger is for commands that talk to a person: only what matters.
func (a *app) quietLogger() *slog.Logger {
	level := slog.LevelWarn
	if a.verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(a.stderr, &slog.HandlerOptions{Level: level}))
}

// load reads the configuration and the keys.
func (a *app) load() (*conf.Config, *seal.Keys, error) {
	cfg, err := a.loadConfig()
	if err != nil {
		return nil, nil, err
	}
	if cfg.Edge != nil {
		return nil, nil, usage("%s is an edge's configuration, which 'saltmine edge' runs: everything else is done on the core", a.config)
	}
	keys, err := loadKeys(cfg)
	if err != nil {
		return nil, nil, err
	}
	return cfg, keys, nil
}

func (a *app) loadConfig() (*conf.Config, error) {
	cfg, err := conf.Load(a.config)
	if err != nil {
		return nil, &exitError{exitUsage, &configError{err}}
	}
	return cfg, nil
}

func loadKeys(cfg *conf.Config) (*seal.Keys, error) {
	keys, err := seal.Load(cfg.Registry.Keys)
	if err != nil {
		return nil, &exitError{exitUsage, &keysError{err}}
	}
	return keys, nil
}
