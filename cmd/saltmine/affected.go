package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"saltmine/internal/audit/replay"
	"saltmine/internal/canary"
	"saltmine/internal/conf"
	"saltmine/internal/forensics"
	"saltmine/internal/registry"
	"saltmine/seeder/supportdb"
)

// affectedFlags are those of trace --affected.
type affectedFlags struct {
	on                        bool
	incident, extract         string
	out, rows, statement, dsn string
	maxRows                   int
	maxTime                   time.Duration
	dryRun                    bool
}

func (f *affectedFlags) add(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.BoolVar(&f.on, "affected", false, "count the real customers whom EXTRACT, or the incident's first suspect, carried; see --out")
	fl.StringVar(&f.out, "out", "", "of --affected: write those customers to `FILE`, which must not exist, as CSV; this is recorded")
	fl.StringVar(&f.rows, "rows", "", "of --affected: the rows are in `FILE` (CSV with a heading), and nothing is run again")
	fl.StringVar(&f.statement, "statement", "", "of --affected: the statement is in `FILE`, when the log does not have all of it")
	fl.StringVar(&f.dsn, "dsn-file", "", "of --affected: run it on the database that `FILE` names, such as a backup of then that was restored")
	fl.IntVar(&f.maxRows, "max-rows", 1_000_000, "of --affected: give up at more rows")
	fl.DurationVar(&f.maxTime, "max-time", time.Minute, "of --affected: the server ends the statement after this")
	fl.BoolVar(&f.dryRun, "dry-run", false, "of --affected: only show the statement's plan")
}

// check takes in what else the command line says.
func (f *affectedFlags) check(incident, folder, svg string, args []string) error {
	f.incident, f.extract = incident, strings.Join(args, "")
	if !f.on && len(args) > 0 {
		return usage("an extract is named with --affected alone")
	}
	if !f.on {
		if f.dryRun || f.out+f.rows+f.statement+f.dsn != "" {
			return usage("--out, --rows, --statement, --dsn-file and --dry-run go with --affected")
		}
		return nil
	}
	switch {
	case folder+svg != "":
		return usage("--affected goes with neither --scenario nor --svg")
	case incident != "" && f.extract != "":
		return usage("--incident %s and the extract %s are two different things", incident, f.extract)
	case f.rows != "" && (f.statement != "" || f.dryRun):
		return usage("--rows is read: there is no statement to run, and no plan")
	}
	return nil
}

const affectedHelp = `

With --affected the real customers are counted whom an extract carried: EXTRACT, or the
first suspect of --incident. A statement of the log is reduced to its SELECT and run
again in a read-only transaction, with the clock of then, a limit of rows and of time,
on the support database or on a backup (--dsn-file); the server's plan is shown first.
Or the rows that are known to have gone out are read from --rows: by the key, the address
or both, and none is lost: who is a customer no more is listed by the address recorded, and who
signed up later by the database is marked. Canaries and placebos are left out. It says how the database differs from then, and what is assumed.
--out writes the list, for notices. It, and --rows, --statement and --dsn-file, need the role
'forensics' where people are named, and a second person where one has to approve. Each run
is on the evidence log before a row is read.
Without EXTRACT the first suspect must have over 50 %.`

// affectedReport is what trace --affected says. It names no customer.
type affectedReport struct {
	Extract canary.ExtractID `json:"extract"`
	// P is how probable it is that it took part in the leak, by the trace; 0 when it
	// was named.
	P      float64       `json:"p,omitempty"`
	Actor  string        `json:"actor"`
	Taken  canary.Moment `json:"taken"`
	Source string        `json:"source"` // where the rows are from
	Shape  string        `json:"statement,omitempty"`
	Plan   []string      `json:"plan,omitempty"`
	Rows   int           `json:"rows"`
	// Customers are real ones; Gone of them are none any more, and are listed by the
	// addresses that were recorded. Ours were canaries and placebos. Unmatched rows name
	// nobody who is a customer now, and have no address.
	Customers int `json:"customers"`
	Gone      int `json:"gone_since"`
	Ours      int `json:"canaries_left_out"`
	Unmatched int `json:"unmatched_rows"`
	// Later signed up after the extract, by the database, and are left out, unless the rows
	// are Recorded: then they are listed and marked. Changed have changed since.
	Recorded bool     `json:"recorded,omitempty"`
	Later    int      `json:"signed_up_later"`
	Changed  int      `json:"changed_since"`
	Held     int      `json:"canaries_returned_then"`
	Again    int      `json:"of_these_again"`
	Notes    []string `json:"assumptions"`
	Out      string   `json:"out,omitempty"`
	DryRun   bool     `json:"dry_run,omitempty"`
}

// Text prints the report for a person.
func (r *affectedReport) Text(w io.Writer) error {
	out := []string{fmt.Sprintf("Extract %s of %s, taken between %s and %s", r.Extract, r.Actor, r.Taken.Earliest.Format(time.RFC3339), r.Taken.Latest.Format(time.RFC3339)), "rows: " + r.Source}
	if r.P > 0 {
		out[0] += ", which took part in the leak with " + forensics.Percent(r.P)
	}
	if r.Shape != "" {
		out = append(out, "statement, without its values: "+r.Shape)
	}
	for _, line := range r.Plan {
		out = append(out, "plan: "+line)
	}
	if !r.DryRun {
		later := fmt.Sprintf(", %d who signed up later", r.Later)
		if r.Recorded {
			later = ""
		}
		out = append(out, fmt.Sprintf("%d rows, %d real customers; left out: %d canaries and placebos%s; %d rows name no customer of now", r.Rows, r.Customers, r.Ours, later, r.Unmatched))
	}
	for _, n := range r.Notes {
		out = append(out, "assumed: "+n)
	}
	if r.Out != "" {
		out = append(out, "written to "+r.Out)
	}
	return lines(w, out)
}

// affecting is one run.
type affecting struct {
	app   *app
	core  *core
	flags affectedFlags
	place canary.Place   // whose customers it asks about
	zone  *time.Location // of the session of then, as far as that is known
	desk  *supportdb.Desk
	db    *supportdb.DB
	read  *canary.Read
	out   affectedReport
	found gathered
}

func (a *app) affected(ctx context.Context, c *core, f affectedFlags, q request) (err error) {
	m := &affecting{app: a, core: c, flags: f}
	if f.maxRows < 1 || f.maxTime < time.Second {
		return usage("--max-rows is 1 or more, and --max-time 1s or more")
	}
	place, err := m.choose(ctx)
	if err != nil {
		return err
	}
	by, err := m.permitted(ctx, q)
	if err != nil {
		return err
	}
	done, err := m.open(ctx, place)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	act := canary.Act{What: canary.ActAffected, About: string(m.out.Extract), Outcome: "begun"}
	if f.dryRun {
		act.Outcome = "begun, for the plan alone"
	}
	if err := c.reg.RecordUnder(ctx, by, act); err != nil {
		return err
	}
	if err := m.gather(ctx); err != nil {
		return err
	}
	if !m.out.DryRun {
		if err := m.settle(ctx, by); err != nil {
			return err
		}
	}
	return a.print(&m.out, m.out.Text)
}

// permitted asks before anything is read. Counts alone of what the log has are everybody's
// who may trace; counts of rows of one's own choice tell which of them are canaries.
func (m *affecting) permitted(ctx context.Context, q request) (registry.By, error) {
	switch {
	case m.flags.out+m.flags.rows+m.flags.statement+m.flags.dsn == "":
		return here(), nil
	case m.flags.out == "":
		return m.app.may(ctx, m.core, q)
	}
	if _, err := os.Lstat(m.flags.out); err == nil {
		return registry.By{}, usage("--out %s exists: name another file", m.flags.out)
	}
	return m.app.may(ctx, m.core, q)
}

func (m *affecting) note(format string, args ...any) {
	m.out.Notes = append(m.out.Notes, fmt.Sprintf(format, args...))
}

// open opens the support database, or what is to stand for it. A copy that was released
// has no database of its own: its customers are those of the only one.
func (m *affecting) open(ctx context.Context, place canary.Place) (done func() error, err error) {
	name, _ := strings.CutPrefix(string(place), "db:")
	if !strings.HasPrefix(string(place), "db:") {
		name = ""
	}
	name, sc, err := chooseSupport(m.core.cfg, name)
	if err != nil {
		return nil, err
	}
	m.place = canary.Place("db:" + name)
	if m.zone, err = m.zoneOf(name, sc.TimeZone); err != nil {
		return nil, err
	}
	r, err := loadRecipe(sc.Recipe)
	if err != nil {
		return nil, &exitError{exitUsage, err}
	}
	if m.flags.dsn != "" {
		dsn, err := conf.ReadSecret(m.flags.dsn)
		if err != nil {
			return nil, &exitError{exitUsage, err}
		}
		if sc.Source, err = conf.ParseSource(dsn.Reveal(), "."); err != nil {
			return nil, &exitError{exitUsage, fmt.Errorf("--dsn-file: %w", err)}
		}
	}
	sc.StatementTimeMax = m.flags.maxTime
	opened := m.core.notes(m.place)
	if m.flags.dsn != "" {
		opened = nil // another server
	}
	if m.db, err = openDatabase(ctx, sc, opened); err != nil {
		return nil, err
	}
	if m.desk, err = m.db.Use(ctx, r); err != nil {
		return nil, errors.Join(err, m.db.Close())
	}
	return m.db.Close, nil
}

// gather reads the rows.
func (m *affecting) gather(ctx context.Context) error {
	if m.flags.rows != "" {
		m.out.Source, m.out.Recorded = "recorded, in "+m.flags.rows, true
		return m.found.readFile(m.flags.rows, m.desk, m.flags.maxRows)
	}
	text, err := m.text()
	if err != nil {
		return err
	}
	var keys []replay.Key
	for _, k := range m.desk.KeyColumns() {
		keys = append(keys, replay.Key{Table: k[0], Column: k[1]})
	}
	reduced, err := replay.Reduce(text, keys)
	if err != nil {
		return err
	}
	m.assume(&reduced)
	m.found.keyed = reduced.Key != (replay.Key{})
	err = m.db.Rerun(ctx, supportdb.Rerun{Text: reduced.Text, At: m.at().In(m.zone), Rows: m.flags.maxRows, Plan: m.plan, Each: m.found.row})
	switch {
	case errors.Is(err, errOnlyPlan):
		return nil
	case errors.Is(err, supportdb.ErrRows):
		return fmt.Errorf("%w: --max-rows %d", err, m.flags.maxRows)
	}
	return err
}

var errOnlyPlan = errors.New("only the plan was asked for")

// plan shows the plan before a row is read.
func (m *affecting) plan(list []string) error {
	m.out.Plan = list
	if m.flags.dryRun {
		m.out.DryRun = true
		return errOnlyPlan
	}
	for _, line := range list {
		fmt.Fprintln(m.app.stderr, "plan: "+line) //nolint:errcheck // it is for whoever looks on
	}
	return nil
}

// at is the clock of then.
func (m *affecting) at() time.Time {
	if m.read == nil {
		return m.out.Taken.Latest
	}
	return m.read.At
}

func (m *affecting) text() (string, error) {
	switch {
	case m.flags.statement != "":
		b, err := os.ReadFile(m.flags.statement)
		if err != nil {
			return "", fmt.Errorf("read the statement: %w", err)
		}
		m.note("the statement is that of %s", m.flags.statement)
		return strings.TrimSuffix(strings.TrimSpace(string(b)), ";"), nil
	case m.read == nil:
		return "", usage("of extract %s no statement is known: give its rows with --rows FILE, or the statement with --statement FILE", m.out.Extract)
	case m.read.Text == "":
		return "", usage("the log does not have all of the statement (%s): give it with --statement FILE, or its rows with --rows FILE", m.read.Where)
	}
	return m.read.Text, nil
}

// assume says what has to hold for the rows of now to be those of then.
func (m *affecting) assume(r *replay.Reduced) {
	m.out.Source = "its statement, run again on " + m.db.Name()
	if m.flags.dsn != "" {
		m.out.Source += " of --dsn-file"
	}
	now := m.app.now()
	m.note("the rows are those of %s, %s after it was logged: customers who changed or went since then may be missing, and others too many", now.UTC().Format(time.RFC3339), now.Sub(m.at()).Round(time.Minute))
	m.note("its session had the server's time zone, taken to be %s, %s from UTC at the time", m.zone, m.at().In(m.zone).Format("-07:00"))
	if r.Limited {
		m.note("a LIMIT chose among the rows: it may choose others now")
	}
	if r.Key == (replay.Key{}) {
		m.note("its rows have no key: customers are told by their e-mail addresses")
	}
}
