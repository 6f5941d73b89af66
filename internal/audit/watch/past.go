package watch

import (
	"context"
	"fmt"
	"time"

	"saltmine/internal/audit"
	"saltmine/internal/audit/replay"
	"saltmine/internal/canary"
)

// Import works out statements of logs that were written long ago, on the canaries'
// rows as they stood then. It files the reads that following the log would have filed,
// under the same ids; it counts no hours and opens no incident: what was usual then, and
// whom to wake about it, is nobody's question any more.
type Import struct {
	w     *Watch
	batch canary.ReadBatch
	// Statements are those of accounts that are not ignored, Reads those that returned
	// canaries or may have, Sure those of which nothing is open, Low those that somebody
	// could have forged, and LowOf how many of each of the first accounts.
	// Missing are reads of tables whose statement is not in the log.
	Statements, Ignored, Reads, Sure, Low, Missing int
	LowOf                                          map[string]int
	// Asked are the statements that a scratch server was asked about, Answered those that it
	// took. Found are the pairs that it made returned, Cleared those that it excluded.
	Asked, Answered, Found, Cleared int
	last                            time.Time
	failed                          error          // of the scratch server
	refused                         map[string]int // by the shape of statements
}

// NewImport looks at the canaries' past. With anew, what was filed of the same
// statements before is replaced.
func NewImport(ctx context.Context, cfg Config, anew bool) (*Import, error) {
	w := newWatch(cfg, canary.AuditLog{})
	if err := w.lookBack(ctx); err != nil {
		return nil, err
	}
	if err := w.copies(ctx); err != nil {
		return nil, err
	}
	if err := w.ours(ctx, time.Time{}); err != nil {
		return nil, err
	}
	m := &Import{w: w, batch: canary.ReadBatch{Place: cfg.Place, Anew: anew}, refused: map[string]int{}, LowOf: map[string]int{}}
	if cfg.Scratch == nil {
		return m, nil
	}
	server, err := cfg.Scratch(ctx, w.album.schema.Tables, w.album.list)
	if err != nil {
		return nil, err
	}
	w.refine = func(s *replay.Statement, r *replay.Result) { m.ask(ctx, server, s, r) }
	return m, nil
}

// maxRefused is how often the scratch server may refuse statements that look the same, or
// take too long about them.
const maxRefused = 3

// ask asks the scratch server about what is open. One that fails ends the import before
// anything is filed that it would have told more of.
func (m *Import) ask(ctx context.Context, server replay.Server, s *replay.Statement, r *replay.Result) {
	if m.failed != nil || m.refused[r.Shape] >= maxRefused {
		return
	}
	returned, open := len(r.Returned), len(r.Possible)
	asked, answered, err := m.w.album.replayer.Refine(ctx, s, r, server)
	if m.failed = err; asked {
		m.Asked++
	}
	if asked && !answered && len(m.refused) < maxTexts {
		m.refused[r.Shape]++
	}
	if answered {
		m.Answered++
		m.Found += len(r.Returned) - returned
		m.Cleared += open - len(r.Possible) - (len(r.Returned) - returned)
	}
}

// Canaries is how many ever stood.
func (m *Import) Canaries() int { return m.w.album.canaries }

// Doubt says how far the times of the events to come may be off.
func (m *Import) Doubt(slack time.Duration) {
	m.w.cfg.Feed.Slack = slack
	m.w.feed.Doubt(slack)
}

// From names what the events to come are read from; see [canary.Read].
func (m *Import) From(source string) { m.w.span.ID = source }

// Account is the seeder's own, in the server's logs: user@host.
func (m *Import) Account() string { return m.w.album.account }

// Pass takes in an event that was worked out before: only what it changes for those
// after it counts.
func (m *Import) Pass(e *audit.Event) {
	if s, ok := m.w.hear(e); ok {
		m.w.album.replayer.Follow(&s)
	}
}

// Add works out an event.
func (m *Import) Add(e *audit.Event) {
	if m.w.passedOver(e) && e.Kind == audit.Query {
		m.Ignored++
	}
	s, ok := m.w.hear(e)
	if ok {
		m.take(e, &s)
	}
	m.orphans()
	if hour := e.At.Truncate(time.Hour); hour.After(m.last) {
		m.last = hour
		m.w.feed.Settle(e.At)
		m.forget()
	}
}

// End works out what is left when all files were read.
func (m *Import) End() {
	m.w.feed.End()
	m.orphans()
}

// orphans works out what was read by statements that are not in the log.
func (m *Import) orphans() {
	list := m.w.feed.Orphans()
	for i := range list {
		before := m.Reads
		m.take(&list[i].Event, &list[i].Statement)
		m.Missing += m.Reads - before
	}
}

func (m *Import) take(e *audit.Event, s *replay.Statement) {
	before := len(m.batch.Reads)
	if !m.w.take(e, s, &m.batch) {
		return
	}
	m.Statements++
	if len(m.batch.Reads) > before {
		m.Reads++
		if r := &m.batch.Reads[before]; r.Low {
			m.Low++
			m.low(r.Account)
		} else if len(r.Possible) == 0 {
			m.Sure++
		}
	} else if m.batch.Anew {
		m.batch.Gone = append(m.batch.Gone, m.w.cfg.Store.ReadID(m.w.cfg.Place, e.Digest()))
	}
}

// mostLow bounds the accounts of which it is told that their reads could be forged.
const mostLow = 1000

func (m *Import) low(account string) {
	if _, known := m.LowOf[account]; known || len(m.LowOf) < mostLow {
		m.LowOf[account]++
	}
}

// forget drops the hours well before the one that is read.
func (m *Import) forget() {
	for key := range m.w.hours {
		if key.hour.Before(m.last.Add(-day)) {
			delete(m.w.hours, key)
		}
	}
}

// Commit files what was worked out since the last time, with the place in the log.
func (m *Import) Commit(ctx context.Context, log canary.AuditLog) error {
	if m.failed != nil {
		return fmt.Errorf("ask the scratch server: %w; the next run goes on here", m.failed)
	}
	m.batch.Log, m.batch.Copies = log, m.w.album.replayer.Copies()
	err := m.w.cfg.Store.FileReads(ctx, m.batch)
	m.batch.Reads, m.batch.Gone = nil, nil
	return err
}

// Waiting is how many reads are not filed yet.
func (m *Import) Waiting() int { return len(m.batch.Reads) + len(m.batch.Gone) }
