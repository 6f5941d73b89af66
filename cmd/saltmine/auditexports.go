package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"saltmine/internal/audit"
	"saltmine/internal/canary"
)

// exportFlags are those of audit import --exports.
type exportFlags struct {
	on       bool
	place    string
	segments map[string]string // key: column
	id       string
	only     []string
}

const exportsHelp = `

Tables of reports and exports (csv, jsonl) are no statements. With --exports each of their
lines becomes an extract, as 'saltmine extracts import' takes them, and counts in 'saltmine
trace': who (user, or else account), when, and how many rows, by --column; of --place, or of
the support database; of the segment that --segment says: country=land takes the value of
the column land for the key country, and an empty one restricts nothing. An extract counts as
one of all its segment: name every column that narrows it. --only names the operations that
are exports, if the table has others. The same line imported again is the same extract; with
another --column it may be another, so name a column that counts them with --id, if there is
one: then the newest of an id holds. What is no extract is told with its line: one without
a name, one that failed, one of no rows. --dry-run says what would be kept.`

func (f *exportFlags) add(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.BoolVar(&f.on, "exports", false, "take the lines of csv and jsonl files as extracts")
	fl.StringVar(&f.place, "place", "", "of --exports: what they were taken from, `db:NAME` or copy:NAME (default the support database)")
	fl.StringToStringVar(&f.segments, "segment", nil, "of --exports: which column says what part of the table it was: `KEY=COLUMN`,…")
	fl.StringVar(&f.id, "id", "", "of --exports: the `COLUMN` with a number or name that no other line of the log has")
	fl.StringSliceVar(&f.only, "only", nil, "of --exports: the `OPERATIONS` that are exports (default all)")
}

func (f *exportFlags) check(cmd *cobra.Command) error {
	if f.on {
		for _, name := range []string{"anew", "replay-dsn", "longest"} {
			if cmd.Flags().Changed(name) {
				return usage("--%s goes with statements, and not with --exports", name)
			}
		}
		return nil
	}
	if f.place+f.id != "" || len(f.segments)+len(f.only) > 0 {
		return usage("--place, --segment, --id and --only go with --exports")
	}
	return nil
}

// exportSummary is what audit import --exports says.
type exportSummary struct {
	*auditSummary
	Place canary.Place `json:"place,omitempty"`
	// Extracts are different ones; New of them were not known, the others are replaced.
	Extracts int `json:"extracts"`
	New      int `json:"new"`
	Actors   int `json:"actors"`
	// Uncounted have no number of rows. Empty hold no canary that ever stood in their place.
	Uncounted int            `json:"without_rows"`
	Empty     int            `json:"of_no_canary"`
	Left      map[string]int `json:"not_taken"` // by why
	Shown     []leftLine     `json:"not_taken_lines"`
	Notes     []string       `json:"notes,omitempty"`
	DryRun    bool           `json:"dry_run,omitempty"`
}

// leftLine is a line that became no extract.
type leftLine struct {
	File string `json:"file"`
	Line int64  `json:"line"`
	Why  string `json:"why"`
}

func (s *exportSummary) text(w io.Writer, zone string) error {
	out := []string{fmt.Sprintf("%d extracts of %d actors: %d new, %d replaced", s.Extracts, s.Actors, s.New, s.Extracts-s.New)}
	if s.DryRun {
		out[0] = fmt.Sprintf("%d extracts of %d actors; nothing is kept: --dry-run", s.Extracts, s.Actors)
	}
	if s.Uncounted > 0 {
		out = append(out, fmt.Sprintf("%d of them have no number of rows", s.Uncounted))
	}
	if s.Empty > 0 {
		out = append(out, fmt.Sprintf("%d of them hold no canary that ever stood in %s, by --segment: a trace suspects them of nothing", s.Empty, s.Place))
	}
	for _, why := range slices.Sorted(maps.Keys(s.Left)) {
		out = append(out, fmt.Sprintf("NOT TAKEN: %d lines: %s", s.Left[why], why))
	}
	for _, l := range s.Shown {
		out = append(out, fmt.Sprintf("  %s, line %d: %s", l.File, l.Line, l.Why))
	}
	return errors.Join(s.auditSummary.text(w, zone), lines(w, append(out, s.Notes...)))
}

// exporting is one run.
type exporting struct {
	app   *app
	core  *core // nil for a dry run
	flags auditFlags
	keys  []string // of segments, in the order of their columns
	out   exportSummary
	list  map[string][]canary.Extract // by file
	known map[canary.ExtractID]bool
	who   map[string]bool
}

// auditExports makes extracts of the lines of tables.
func (a *app) auditExports(ctx context.Context, files []string, f auditFlags) (err error) {
	m := &exporting{app: a, flags: f, list: map[string][]canary.Extract{}, known: map[canary.ExtractID]bool{}, who: map[string]bool{}}
	m.out.Left, m.out.Shown, m.out.DryRun = map[string]int{}, []leftLine{}, f.dryRun
	cfg, err := m.columns()
	if err != nil {
		return err
	}
	if !f.dryRun {
		if m.core, err = a.openCore(ctx); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, m.core.close()) }()
	}
	if m.out.Place, err = m.place(); err != nil {
		return err
	}
	drop, err := a.onDisk(files)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, drop()) }()
	total, fault := a.readLogs(ctx, cfg, files, f, m.take)
	m.out.auditSummary, m.out.Extracts, m.out.Actors = total, len(m.known), len(m.who)
	if !f.dryRun && ctx.Err() == nil {
		fault = errors.Join(fault, m.keep(ctx, total))
	}
	return errors.Join(a.print(&m.out, func(w io.Writer) error { return m.out.text(w, f.zone) }), fault)
}

// columns asks the reader for what segments and ids are told by.
func (m *exporting) columns() (audit.Config, error) {
	cfg, err := m.flags.config(m.app.now())
	if err != nil {
		return cfg, err
	}
	m.keys = slices.Sorted(maps.Keys(m.flags.exports.segments))
	for _, key := range m.keys {
		column := m.flags.exports.segments[key]
		if _, err := canary.ParseSegment(key + "=x"); err != nil || column == "" {
			return cfg, usage("--segment %s=%s: want KEY=COLUMN, such as country=land", key, column)
		}
		cfg.Columns.More = append(cfg.Columns.More, column)
	}
	cfg.Columns.More = append(cfg.Columns.More, m.flags.exports.id)
	return cfg, nil
}

func (m *exporting) place() (canary.Place, error) {
	if text := m.flags.exports.place; text != "" {
		place, err := canary.ParsePlace(text)
		if err != nil {
			return "", usage("--place: %w", err)
		}
		return place, nil
	}
	if m.core == nil {
		return "db:unnamed", nil // a dry run needs no configuration
	}
	name, _, err := chooseSupport(m.core.cfg, m.flags.support)
	return canary.Place("db:" + name), err
}

// take makes an extract of an event, or tells why it is none.
func (m *exporting) take(e *audit.Event) {
	x, why := m.extract(e)
	if why == "" {
		if err := x.Validate(); err != nil {
			why = strings.TrimPrefix(err.Error(), "extract "+string(x.ID)+": ")
		}
	}
	if why != "" {
		if m.out.Left[why]++; len(m.out.Shown) < maxFaults {
			m.out.Shown = append(m.out.Shown, leftLine{e.Where.File, e.Where.Line, why})
		}
		return
	}
	if m.known[x.ID] && m.flags.exports.id == "" {
		return // the same line, in another file
	}
	m.known[x.ID], m.who[x.Actor] = true, true
	if x.Rows == 0 {
		m.out.Uncounted++
	}
	m.list[e.Where.File] = append(m.list[e.Where.File], x)
}

// extract reads what an event says of an extract.
func (m *exporting) extract(e *audit.Event) (x canary.Extract, why string) {
	if why := m.left(e); why != "" {
		return x, why
	}
	x = canary.Extract{
		ID: m.id(e), Actor: cmp.Or(e.User, e.Account), Place: m.out.Place, Rows: max(e.RowsSent, 0),
		Taken: canary.Between(e.At.Add(-m.flags.clockError), e.At.Add(e.Precision+m.flags.clockError)),
	}
	if x.ID == "" {
		return x, "its column of --id is empty"
	}
	pairs := map[string]string{}
	for i, key := range m.keys {
		switch v := e.More[i]; {
		case strings.ContainsAny(v, ",="):
			return x, "the column of --segment " + key + " has more than a value"
		case v != "":
			pairs[key] = v
		}
	}
	x.Segment = canary.MakeSegment(pairs)
	return x, ""
}

// left is why an event is no extract.
func (m *exporting) left(e *audit.Event) string {
	const succeeded = 200 // and what follows it, where the code is that of a web server
	switch only := m.flags.exports.only; {
	case e.Kind != audit.Export && len(only) == 0:
		return "it is a " + string(e.Kind) + ", and no export"
	case len(only) > 0 && !slices.ContainsFunc(only, func(op string) bool { return strings.EqualFold(op, e.Op) }):
		return "its operation is not in --only"
	case len(e.More) != len(m.keys)+1:
		return "it is a " + string(e.Kind) + " of a log of statements, and no line of a table"
	case cmp.Or(e.User, e.Account) == "":
		return "it names nobody: say with --column user=NAME where"
	case e.At.After(m.app.now().Add(m.flags.clockError)):
		return "its time lies ahead: is --zone " + m.flags.zone + " right?"
	case e.Code != audit.Unknown && e.Code != 0 && e.Code/100 != succeeded/100:
		return fmt.Sprintf("it failed, by its outcome %d", e.Code) // 1 is a word that says so
	case e.RowsSent == 0:
		return "it carried no rows"
	}
	return ""
}

// id names the extract: by what the log says, or by the line, under a key.
func (m *exporting) id(e *audit.Event) canary.ExtractID {
	if m.flags.exports.id != "" {
		if own := e.More[len(e.More)-1]; own != "" {
			if m.flags.exports.place != "" { // which has numbers of its own
				own = string(m.out.Place) + ":" + own
			}
			return canary.ExtractID("export:" + own)
		}
		return ""
	}
	digest := lineOf(e)
	if m.core == nil {
		return canary.ExtractID(fmt.Sprintf("export:%x", digest[:8]))
	}
	const length = 16
	id := m.core.reg.ReadID(m.out.Place, digest)
	return canary.ExtractID("export:" + id[:min(len(id), length)])
}

// lineOf names a line by all that is told of it, and not by what lines are beside it.
func lineOf(e *audit.Event) [sha256.Size]byte {
	one := *e
	one.Repeat = 0
	digest := one.Digest()
	h := sha256.New()
	h.Write(digest[:])
	for _, text := range e.More {
		fmt.Fprintf(h, "%d %s ", len(text), text) //nolint:errcheck // a hash takes all
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// keep imports the extracts, file by file: the evidence log has the hash of each.
func (m *exporting) keep(ctx context.Context, total *auditSummary) error {
	if err := m.compare(ctx); err != nil {
		return err
	}
	for _, one := range total.Files {
		list := m.list[one.File]
		if len(list) == 0 {
			continue
		}
		delete(m.list, one.File) // it may be named twice
		sum, err := m.sum(one.File)
		if err != nil {
			return err
		}
		added, err := m.core.reg.ImportExtractsFrom(ctx, list, sum, here())
		if err != nil {
			return fmt.Errorf("import %s: %w", one.File, err)
		}
		m.out.New += added
	}
	return nil
}

func (m *exporting) sum(name string) (string, error) {
	in, _, err := m.app.openLog(name)
	if err != nil {
		return "", err
	}
	defer in.Close() //nolint:errcheck // it was only read
	h := sha256.New()
	if _, err := io.Copy(h, in); err != nil {
		return "", fmt.Errorf("read %s: %w", name, err)
	}
	return fmt.Sprintf("%x", h.Sum(nil)), nil
}

// compare counts the extracts of segments in which no canary ever stood: a value that is
// written otherwise than the recipe has it names nobody.
func (m *exporting) compare(ctx context.Context) error {
	all, err := m.core.reg.Plantings(ctx, canary.Filter{Place: m.out.Place})
	if err != nil {
		return err
	}
	if len(all) == 0 {
		m.out.Notes = append(m.out.Notes, fmt.Sprintf("no canary ever stood in %s", m.out.Place))
	}
	met := map[canary.Segment]bool{}
	for i := range all {
		met[all[i].Segment] = true
	}
	judged := map[canary.Segment]bool{}
	for _, list := range m.list {
		for i := range list {
			of := list[i].Segment
			some, done := judged[of]
			if !done {
				some = slices.ContainsFunc(slices.Collect(maps.Keys(met)), of.Covers)
				judged[of] = some
			}
			if !some {
				m.out.Empty++
			}
		}
	}
	return nil
}
