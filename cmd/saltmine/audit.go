package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"saltmine/internal/audit"
)

func (a *app) auditCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "audit",
		Short:   "Read the audit logs of the support database",
		Example: "  saltmine audit import --dry-run /var/log/mysql/server_audit.log",
	}
	cmd.AddCommand(a.auditImportCmd(), a.auditWatchCmd(), a.auditHealthCmd())
	return cmd
}

// auditFlags are the flags of audit import.
type auditFlags struct {
	format, zone string
	textLimit    int
	columns      map[string]string
	malformed    string
	dryRun, anew bool
	support      string
	clockError   time.Duration
	longest      time.Duration
	scratch      string // a file with a DSN
	exports      exportFlags
}

func (a *app) auditImportCmd() *cobra.Command {
	var f auditFlags
	cmd := &cobra.Command{
		Use:   "import FILE...",
		Short: "Work out which canaries the statements of old logs returned, and keep it",
		Long: `Reads logs of MariaDB, MySQL, Percona, Aurora, RDS and ProxySQL, and tables of
reports and exports (CSV, JSON lines), gzip and zstd too, and says what they hold:
events by kind and user, from when to when, what could not be read and where, and
what the logs show of their own gaps. '-' is standard input. No statement is printed.

The format is told by the first bytes. What CloudWatch exports of RDS's and Aurora's audit
log is read as it is: events in JSON, or lines behind CloudWatch's own time. server_audit writes the server's own time
without a zone: give --zone, or it is read as UTC. Statements are cut at the
server's server_audit_query_log_limit without a mark: give it as --text-limit. What
is prepared on the server is logged with ? for its values, unless general_log is ON
(log_output may be NONE).

Each statement is replayed on the canaries' rows as they stood then, by what the
registry remembers of plantings, rotations and withdrawals. What it returned, or may
have (what a column held is not known, a row changed about then), is kept, and counts in
'saltmine trace' as what 'audit watch' finds does. The same statement is kept once,
from whatever file, with all that any run was sure of; a run that was killed goes on where it was. Files are taken in the
order of their first times, so name all that a log was rotated to. --anew works out
again what was kept before, when a zone was wrong for example. No hours are counted
and nobody is woken. What a general or slow log tells could be forged by whoever sends a
statement: it is kept, and 'trace' says so.

--replay-dsn names a file (mode 0600) with the DSN of a scratch server of the same
product and version as the support database's, and not that one. What our own replay
leaves open (a function it does not know, dialect that it does not parse) is run there on
the canaries' rows as they stood, in a database of its own that is dropped at the end:
only SELECTs of one table, read-only, with the clock, zone and sql_mode of then. What looks
at other rows (LIMIT, joins, sums) stays open, and so does what that server refuses.

The changes that the seeder itself made are in the log too, and when is known: where
the log has them at other times nothing is kept, and it is said by how much.
--dry-run only says what the files hold, and needs no configuration.` + exportsHelp,
		Example: `  saltmine audit import --zone Europe/Berlin /var/log/mysql/server_audit.log*
  saltmine audit import --dry-run --format csv --column at=started,user=agent,layout='02.01.2006 15:04' exports.csv
  saltmine audit import --exports --column at=run_at,user=employee --segment country=land reports.jsonl`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.exports.check(cmd); err != nil {
				return err
			}
			if f.exports.on {
				return a.auditExports(cmd.Context(), args, f)
			}
			if f.dryRun {
				return a.auditLook(cmd.Context(), args, f)
			}
			return a.auditImport(cmd.Context(), args, f)
		},
	}
	f.add(cmd)
	f.exports.add(cmd)
	return cmd
}

func (f *auditFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	var names []string
	for _, format := range audit.Formats() {
		names = append(names, string(format))
	}
	flags.StringVar(&f.format, "format", "", "`FORMAT` of the files, if their first bytes do not tell: "+strings.Join(names, ", "))
	completes(cmd, "format", names...)
	flags.StringVar(&f.zone, "zone", "UTC", "time `ZONE` of times without one: Europe/Berlin, +02:00")
	flags.IntVar(&f.textLimit, "text-limit", 1024, "the server's server_audit_query_log_limit, in `BYTES`")
	flags.StringToStringVar(&f.columns, "column", nil, "where csv and jsonl files hold what: at=NAME,user=NAME,rows=NAME…, and layout=LAYOUT of the time")
	flags.StringVar(&f.malformed, "malformed", "", "write what could not be read to `FILE`, which is made, as JSON lines")
	flags.BoolVar(&f.dryRun, "dry-run", false, "only say what the files hold")
	flags.BoolVar(&f.anew, "anew", false, "work out again what was kept of these files before")
	flags.StringVar(&f.scratch, "replay-dsn", "", "run what replay leaves open on the scratch server that `FILE` names: mysql://user:pass@host:3306/")
	flags.StringVar(&f.support, "support", "", "`NAME` of the [support.NAME] whose logs they are")
	flags.DurationVar(&f.clockError, "clock-error", 2*time.Second, "how far the log's clock may be from ours")
	flags.DurationVar(&f.longest, "longest", time.Hour, "how long a statement may have run before or after its time in the log, up to 24h")
}

// config checks the flags.
func (f auditFlags) config(now time.Time) (audit.Config, error) {
	cfg := audit.Config{Format: audit.Format(f.format), TextLimit: f.textLimit, Now: now}
	if f.format != "" && !slices.Contains(audit.Formats(), cfg.Format) {
		return cfg, usage("--format %q is not known: see saltmine audit import --help", f.format)
	}
	if f.textLimit <= 0 {
		return cfg, usage("--text-limit %d: want the number of bytes of server_audit_query_log_limit", f.textLimit)
	}
	for key, name := range f.columns {
		if err := cfg.Columns.Set(key, name); err != nil {
			return cfg, usage("--column: %w", err)
		}
	}
	var err error
	if cfg.Zone, err = parseZone(f.zone); err != nil {
		return cfg, usage("--zone: %w", err)
	}
	return cfg, nil
}

// parseZone reads a name, or an offset such as +02:00. The zone of this machine,
// Local, says nothing of the server's.
func parseZone(s string) (*time.Location, error) {
	if t, err := time.Parse("-07:00", s); err == nil {
		_, offset := t.Zone()
		return time.FixedZone(s, offset), nil
	}
	zone, err := time.LoadLocation(s)
	if err != nil || s == "" || s == "Local" {
		return nil, fmt.Errorf("%q is no time zone: want one such as Europe/Berlin, UTC or +02:00", s)
	}
	return zone, nil
}

// auditLook says what files hold.
func (a *app) auditLook(ctx context.Context, files []string, f auditFlags) error {
	cfg, err := f.config(a.now())
	if err != nil {
		return err
	}
	total, fault := a.readLogs(ctx, cfg, files, f, func(*audit.Event) {})
	return errors.Join(a.print(total, func(w io.Writer) error { return total.text(w, f.zone) }), fault)
}

// readLogs reads the files one after the other, and shows their events. One that cannot
// be read does not keep the others from being read.
func (a *app) readLogs(ctx context.Context, cfg audit.Config, files []string, f auditFlags, show func(*audit.Event)) (total *auditSummary, err error) {
	total = &auditSummary{seen: map[uint64]struct{}{}, several: len(files) > 1}
	var faults *json.Encoder
	if f.malformed != "" {
		out, err := os.OpenFile(f.malformed, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return total, fmt.Errorf("make the file for malformed lines: %w", err)
		}
		defer func() { err = errors.Join(err, out.Close()) }()
		faults = json.NewEncoder(out)
	}
	var failed []error
	for _, name := range files {
		cfg.File = name
		one, err := a.readLog(ctx, cfg, total, faults, show)
		if err != nil {
			one.Error = err.Error()
			failed = append(failed, err)
		}
		total.Files = append(total.Files, one)
		if ctx.Err() != nil {
			break
		}
	}
	return total, errors.Join(failed...)
}

// readLog reads one file.
func (a *app) readLog(ctx context.Context, cfg audit.Config, total *auditSummary, faults *json.Encoder, show func(*audit.Event)) (*logSummary, error) {
	one := newLogSummary(cfg.File)
	in, size, err := a.openLog(cfg.File)
	if err != nil {
		return one, err
	}
	defer in.Close() //nolint:errcheck // it was only read
	r, err := audit.Open(in, cfg)
	if errors.Is(err, audit.ErrWrapped) {
		return one, fmt.Errorf("%w (jq -r '.events[].message')", err)
	}
	if errors.Is(err, audit.ErrFormat) {
		return one, fmt.Errorf("%w; name it with --format", err)
	}
	if err != nil {
		return one, err //nolint:wrapcheck // it names the file
	}
	defer r.Close()
	one.begin(r.Format())
	step, done := a.progress(cfg.File + " (MB)")
	defer done()
	for n := 0; ; n++ {
		e, err := r.Next()
		if fault, ok := errors.AsType[*audit.Fault](err); ok {
			if err := one.fault(fault, faults); err != nil {
				return one, err
			}
			continue
		}
		if err != nil {
			one.end(r)
			return one, unlessEnd(err)
		}
		one.see(e)
		total.count(e)
		show(e)
		if n%(1<<14) == 0 {
			if ctx.Err() != nil {
				return one, fmt.Errorf("read %s: %w", cfg.File, context.Cause(ctx))
			}
			step(int(r.Progress()>>20), int(size>>20))
		}
	}
}

func unlessEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// openLog opens a file, or standard input.
func (a *app) openLog(name string) (in io.ReadCloser, size int64, err error) {
	if name == "-" && a.kept != nil {
		info, err := a.kept.Stat()
		if err != nil {
			return nil, 0, fmt.Errorf("read standard input again: %w", err)
		}
		return io.NopCloser(io.NewSectionReader(a.kept, 0, info.Size())), info.Size(), nil
	}
	if name == "-" {
		return io.NopCloser(a.stdin), 0, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, 0, fmt.Errorf("read %s: %w", name, err)
	}
	if info, err := f.Stat(); err == nil {
		size = info.Size()
	}
	return f, size, nil
}
