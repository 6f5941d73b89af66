package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"saltmine/internal/audit"
	"saltmine/internal/audit/cover"
	"saltmine/internal/audit/replay"
	"saltmine/internal/audit/watch"
	"saltmine/internal/canary"
	"saltmine/internal/conf"
	"saltmine/seeder/supportdb"
)

// importSummary is what audit import says when it keeps reads.
type importSummary struct {
	*auditSummary
	// Canaries are those that ever stood. Statements are those that were worked out by
	// this run, but for the Ignored ones, which are our own or of accounts in ignore; Reads returned canaries or may have, and of
	// Sure ones nothing is open. Kept are the reads that were not kept before.
	Canaries   int `json:"canaries"`
	Statements int `json:"statements"`
	Ignored    int `json:"ignored"`
	Reads      int `json:"reads"`
	Sure       int `json:"sure"`
	Kept       int `json:"kept"`
	// Before counts the events that an earlier run had worked out.
	Before int64 `json:"worked_out_before"`
	// Missing are those of the Reads of which the log has the table, not the statement.
	Missing int `json:"statement_missing,omitempty"`
	// Low are those of the Reads that somebody could have forged, and LowOf how many of
	// whom.
	Low   int            `json:"low_trust,omitempty"`
	LowOf map[string]int `json:"low_trust_of,omitempty"`
	// Checked are changes of our own that stand in the logs when they were made.
	Checked int             `json:"own_changes_checked"`
	Scratch *scratchSummary `json:"scratch,omitempty"`
	Notes   []string        `json:"notes,omitempty"`
}

func (s *importSummary) text(w io.Writer, zone string) error {
	out := []string{fmt.Sprintf("%d statements worked out on %d canaries as they stood then: %d returned canaries or may have, %d of them for sure; %d were not kept before",
		s.Statements, s.Canaries, s.Reads, s.Sure, s.Kept)}
	if s.Ignored > 0 {
		out = append(out, fmt.Sprintf("%d statements were passed over: those of our own sessions, and of the accounts in [[audit]] ignore", s.Ignored))
	}
	if s.Before > 0 {
		out = append(out, fmt.Sprintf("%d events had been worked out by an earlier run (--anew does it again)", s.Before))
	}
	if s.Missing > 0 {
		out = append(out, fmt.Sprintf("%d of these reads are of statements that are not in the logs, which only have that tables of customers were read: every canary that stood there is possible (server_audit_events without QUERY, or lines that are lost)", s.Missing))
	}
	if s.Low > 0 {
		out = append(out, fmt.Sprintf("%d of these reads could have been forged by what a statement or a name says; they are kept as such: %s",
			s.Low, strings.Join(largest(s.LowOf, topUsers), ", ")))
	}
	if s.Scratch != nil {
		out = append(out, s.Scratch.text())
	}
	return errors.Join(s.auditSummary.text(w, zone), lines(w, append(out, s.Notes...)))
}

// importing is one run.
type importing struct {
	app   *app
	core  *core
	place canary.Place
	flags auditFlags
	cfg   audit.Config
	run   *watch.Import
	own   ownChanges
	out   importSummary
	done  int                         // files that were worked out
	ours  map[string][]canary.LogSpan // by file: when our account did something
	// scratch is the server that is asked what is left open; nil without one.
	scratch *supportdb.Scratch
}

// auditImport reads the files twice: what their clocks are worth is known at their end.
func (a *app) auditImport(ctx context.Context, files []string, f auditFlags) (err error) {
	if f.longest < time.Second || f.longest > longest || f.clockError < 0 {
		return usage("--longest is between 1s and 24h, and --clock-error not below 0")
	}
	m := &importing{app: a, flags: f, ours: map[string][]canary.LogSpan{}}
	if m.cfg, err = f.config(a.now()); err != nil {
		return err
	}
	if m.core, err = a.openCore(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.core.close()) }()
	drop, err := a.onDisk(files)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, drop()) }()
	sup, err := a.openSupport(ctx, m.core, f.support)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sup.close()) }()
	if err := m.openScratch(ctx, sup); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.closeScratch(ctx)) }()
	if err := m.begin(ctx, sup); err != nil {
		return err
	}
	fault := m.core.onRecord(ctx, canary.ActAuditImport, string(m.place), false, func() (string, error) {
		err := m.files(ctx, files)
		return m.outcome(), err
	})
	return errors.Join(a.print(&m.out, func(w io.Writer) error { return m.out.text(w, f.zone) }), fault)
}

// onDisk keeps standard input, which is read twice, in a file without a name.
func (a *app) onDisk(files []string) (drop func() error, err error) {
	if !slices.Contains(files, "-") {
		return func() error { return nil }, nil
	}
	f, err := os.CreateTemp("", "saltmine-log-")
	if err != nil {
		return nil, fmt.Errorf("keep standard input: %w", err)
	}
	err = os.Remove(f.Name()) // so that nothing of it stays behind, however this ends
	if err == nil {
		_, err = io.Copy(f, a.stdin)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("keep standard input: %w", err), f.Close())
	}
	a.kept = f
	return f.Close, nil
}

// begin looks at the canaries' past.
func (m *importing) begin(ctx context.Context, sup *support) (err error) {
	m.place = sup.place
	ignored := func(user, host string) bool {
		return slices.ContainsFunc(m.core.cfg.Audits, func(l conf.Audit) bool {
			return (l.Support == "" || l.Support == sup.name) && l.Ignored(user, host)
		})
	}
	m.run, err = watch.NewImport(ctx, watch.Config{
		Place: sup.place, Store: m.core.reg, Ignored: ignored, Past: sup.seeder.Past, Now: m.app.now, Logger: m.app.logger(), Scratch: m.filler(),
		Feed: replay.FeedConfig{Zone: m.cfg.Zone, Slack: m.flags.clockError, Longest: m.flags.longest},
	}, m.flags.anew)
	if err != nil {
		return err
	}
	m.out.Canaries = m.run.Canaries()
	m.own.account = m.run.Account()
	return m.own.learn(ctx, m.core.reg, sup.place)
}

// files reads all files for what they are worth, and then for what they say.
func (m *importing) files(ctx context.Context, files []string) error {
	total, fault := m.app.readLogs(ctx, m.cfg, files, m.flags, m.see)
	m.out.auditSummary = total
	if ctx.Err() != nil {
		return fault
	}
	if err := m.timely(total); err != nil {
		return errors.Join(err, fault)
	}
	before, err := m.core.reg.CountReads(ctx, m.place)
	if err != nil {
		return errors.Join(err, fault)
	}
	list := slices.Clone(total.Files)
	slices.SortStableFunc(list, func(a, b *logSummary) int { return firstOf(a).Compare(firstOf(b)) })
	for _, one := range list {
		if one.Health == nil {
			continue // it could not be opened, as is said
		}
		if err := m.file(ctx, one); err != nil {
			fault = errors.Join(fault, err)
			break
		}
	}
	if fault == nil {
		m.run.End()
		fault = m.run.Commit(ctx, canary.AuditLog{})
	}
	after, err := m.core.reg.CountReads(ctx, m.place)
	m.out.Kept = after - before
	m.out.Statements, m.out.Ignored, m.out.Reads, m.out.Sure = m.run.Statements, m.run.Ignored, m.run.Reads, m.run.Sure
	m.out.Missing = m.run.Missing
	m.out.Low, m.out.LowOf = m.run.Low, m.run.LowOf
	m.tellScratch()
	return errors.Join(fault, err)
}

// see takes in an event of the first reading.
func (m *importing) see(e *audit.Event) {
	m.own.see(e)
	if e.User+"@"+e.Host == m.own.account {
		m.ours[e.Where.File] = cover.AddOwn(m.ours[e.Where.File], e)
	}
}

func firstOf(s *logSummary) time.Time {
	if s.Health == nil {
		return time.Time{}
	}
	return s.Health.First
}

// timely refuses logs whose times cannot be right.
func (m *importing) timely(total *auditSummary) error {
	off, checked := m.own.offset()
	m.out.Checked = checked
	const sure = 3
	if checked >= sure && off.Abs() > m.flags.clockError+2*time.Second {
		whole := off.Round(15 * time.Minute)
		hint := fmt.Sprintf("the log's clock is %s off: give --clock-error %s", off.Round(time.Second), (off.Abs() + time.Second).Round(time.Second))
		if whole != 0 && (off-whole).Abs() <= time.Minute {
			hint = "--zone " + m.flags.zone + " is not the zone of the log"
		}
		return fmt.Errorf("%d changes that the seeder made stand in the logs %s from when they were made; %s. Nothing was kept", checked, signed(off), hint)
	}
	if checked < sure {
		m.out.Notes = append(m.out.Notes, "the logs show too few of our own changes to tell by them that their times, and --zone, are right: it is assumed")
	}
	for _, one := range total.Files {
		if late := firstOf(one); one.Health != nil && one.Health.Last.After(m.app.now().Add(m.flags.clockError+time.Minute)) {
			return fmt.Errorf("%s has times that lie ahead (from %s to %s): --zone %s is not its zone, or its clock is wrong. Nothing was kept",
				one.File, late.Format(time.RFC3339), one.Health.Last.Format(time.RFC3339), m.flags.zone)
		}
	}
	return nil
}

func signed(d time.Duration) string {
	if d > 0 {
		return "+" + d.Round(time.Second).String()
	}
	return d.Round(time.Second).String()
}

// importEvery is how many events are worked out between two commits.
const importEvery = 20_000

// file works out the statements of one file.
func (m *importing) file(ctx context.Context, one *logSummary) error {
	m.trust(one)
	file, size, err := m.app.openLog(one.File)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // it was only read
	in := newHashed(file)
	cfg := m.cfg
	cfg.File = one.File
	r, err := audit.Open(in, cfg)
	if err != nil {
		return err //nolint:wrapcheck // it names the file
	}
	defer r.Close()
	before, id := m.counts(), m.core.reg.LogID(m.place, "import|"+r.State().Head)
	m.run.From(id)
	log, done, err := m.standing(ctx, r)
	if err != nil {
		return err
	}
	step, end := m.app.progress("import " + one.File + " (MB)")
	defer end()
	whole := int64(-1) // where what may be half of a record begins
	for n := 1; ; n++ {
		e, err := r.Next()
		if fault, bad := errors.AsType[*audit.Fault](err); bad {
			whole = fault.Where.Offset
			continue // it was told of
		}
		if err != nil {
			if err := errors.Join(m.commit(ctx, &log, r, whole), unlessCut(err)); err != nil {
				return err
			}
			m.done++
			return m.keep(ctx, one, id, in, m.counts().since(before))
		}
		whole = -1
		m.take(e, done)
		if n%importEvery != 0 && m.run.Waiting() < importEvery/10 {
			continue
		}
		if err := m.commit(ctx, &log, r, whole); err != nil {
			return err
		}
		step(int(r.Progress()>>20), int(size>>20))
		if ctx.Err() != nil {
			return fmt.Errorf("import %s: %w; the next run goes on here", one.File, context.Cause(ctx))
		}
	}
}

// trust says how far a file's times may be off: as far as its clock went back.
func (m *importing) trust(one *logSummary) {
	slack := m.flags.clockError
	if back := one.Health.Back; back != nil {
		slack += back.Length()
		m.out.Notes = append(m.out.Notes, fmt.Sprintf("%s: its clock went back by %s: its times are taken to be off by as much", one.File, back.Length()))
	}
	m.run.Doubt(slack)
}

func (m *importing) take(e *audit.Event, done int64) {
	if e.Where.Offset < done {
		m.out.Before++
		m.run.Pass(e)
		return
	}
	m.run.Add(e)
}

// unlessCut passes over what the first reading has told of already.
func unlessCut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, audit.ErrCut) {
		return nil
	}
	return err
}

// imported is how far a file has been worked out.
type imported struct {
	Offset int64 `json:"offset"`
}

// standing finds how far a file was worked out by earlier runs. It is known by its first
// bytes, under whatever name, with what it is read by.
func (m *importing) standing(ctx context.Context, r *audit.Reader) (log canary.AuditLog, done int64, err error) {
	s := r.State()
	digest := sha256.Sum256(fmt.Appendf(nil, "%s|%s|%s|%d|%v|%s|%s", s.Head, s.Format, m.flags.zone, m.flags.textLimit, m.flags.columns, m.flags.clockError, m.flags.longest))
	log, err = m.core.reg.AuditLog(ctx, "import "+m.core.reg.ReadID(m.place, digest))
	if err != nil || log.State == nil || m.flags.anew {
		return log, 0, err
	}
	var state imported
	if err := json.Unmarshal(log.State, &state); err != nil {
		return log, 0, fmt.Errorf("how far the file was read: %w", err)
	}
	return log, state.Offset, nil
}

// commit files what was worked out, with the place in the file: before what could not be
// read last, since there may be more of it in another copy of the file.
func (m *importing) commit(ctx context.Context, log *canary.AuditLog, r *audit.Reader, whole int64) (err error) {
	offset := r.State().Offset
	if whole >= 0 {
		offset = whole
	}
	if log.State, err = json.Marshal(imported{offset}); err != nil {
		return fmt.Errorf("keep the place in the log: %w", err)
	}
	if err := m.run.Commit(context.WithoutCancel(ctx), *log); err != nil {
		return err
	}
	log.Version++
	return nil
}
