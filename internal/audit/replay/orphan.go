package replay

import (
	"cmp"
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

// Waiting is a statement of which the log has told tables by now, and no text.
type Waiting struct {
	First  audit.Event `json:"first"` // that tells of one
	Reads  []string    `json:"reads,omitempty"`
	Writes []string    `json:"writes,omitempty"`
	More   bool        `json:"more,omitempty"` // than are held
}

// Waiting gives the statements that are waited for, at most so many: of more the first are
// given up. Who goes on with the log later hands them to [Feed.Wait].
func (f *Feed) Waiting(most int) []Waiting {
	var list []Waiting
	for _, at := range f.sessions {
		for _, t := range at.tables {
			list = append(list, Waiting{t.first, t.reads, t.writes, t.more})
		}
	}
	slices.SortFunc(list, func(x, y Waiting) int {
		a, b := &x.First, &y.First
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Server, b.Server), cmp.Compare(a.Connection, b.Connection), cmp.Compare(a.Sequence, b.Sequence))
	})
	for len(list) > most {
		e := &list[0].First
		f.orphan(f.sessions[sessionID{e.Server, e.Connection}], e.Sequence)
		list = list[1:]
	}
	return list
}

// Wait goes on to wait for statements.
func (f *Feed) Wait(list []Waiting) {
	for i := range list {
		w := &list[i]
		f.session(sessionID{w.First.Server, w.First.Connection}).tables[w.First.Sequence] = &touched{w.Reads, w.Writes, w.First, w.More}
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
	s := Statement{Database: e.Database, Missing: true, Doubt: true, Sent: audit.Unknown, Reads: t.reads, Writes: t.writes, Anything: t.more}
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
