package replay

import (
	"maps"
	"slices"
	"time"

	"saltmine/internal/audit"
	"saltmine/internal/canary"
)

// Orphan is a statement of which the log has that it read tables, and not its text: nobody
// asked the server to log it, or its line was lost.
type Orphan struct {
	Event     audit.Event // the first of those that say so
	Statement Statement
}

// maxOrphans bounds those that nobody has taken.
const maxOrphans = 100_000

// Orphans gives the orphans that were found since the last time.
func (f *Feed) Orphans() []Orphan {
	list := f.orphans
	f.orphans = nil
	return list
}

// Settle gives up waiting for the statements of tables that were read so long before a
// time that these would have ended.
func (f *Feed) Settle(now time.Time) {
	for _, at := range f.sessions {
		for _, n := range slices.Sorted(maps.Keys(at.tables)) {
			if began := at.tables[n].first.At; began.Add(f.cfg.Longest + f.cfg.Slack).Before(now) {
				f.orphan(at, n)
			}
		}
	}
}

// End gives up waiting for any statement: there is no more of the log.
func (f *Feed) End() {
	for _, at := range f.sessions {
		f.leave(at)
	}
}

// leave gives up waiting for a session's statements.
func (f *Feed) leave(at *session) {
	for _, n := range slices.Sorted(maps.Keys(at.tables)) {
		f.orphan(at, n)
	}
}

// orphan makes an orphan of what was read by the statement of some number.
func (f *Feed) orphan(at *session, n uint64) {
	t := at.tables[n]
	delete(at.tables, n)
	if len(t.reads) == 0 || len(f.orphans) >= maxOrphans {
		return
	}
	e := &t.first
	s := Statement{Database: e.Database, Missing: true, Doubt: true, Sent: audit.Unknown, Reads: t.reads, Writes: t.writes}
	f.date(&s, at, e)
	f.orphans = append(f.orphans, Orphan{*e, s})
}

// date says when a statement began, and of which moment the rows are that it saw.
func (f *Feed) date(out *Statement, at *session, e *audit.Event) {
	if e.At.IsZero() {
		out.Began, out.Saw = anyTime(), anyTime()
		return
	}
	latest := e.At.Add(e.Precision + f.cfg.Slack)
	out.Began = canary.Between(e.At.Add(-f.cfg.Slack-f.cfg.Longest), latest)
	out.Saw = canary.Between(out.Began.Earliest, latest.Add(f.cfg.Longest))
	if !at.snapshot.IsZero() && at.snapshot.Before(e.At) {
		out.Saw.Earliest = canary.Micro(at.snapshot.Add(-f.cfg.Slack))
	}
}
