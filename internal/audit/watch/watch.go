// Package watch is the read-time tripwire: it follows the log of a support
// database, works out which canaries each statement returned (package replay), and
// opens an incident when an account is given more of them than it or its peers
// usually are (package tripwire).
//
// Canaries are read again and again as they stand. A statement is replayed on the
// rows of its moment: what two looks saw the same stood between them, what differs
// changed at some time between. What was before the first look is what the registry
// remembers of the rows ([Config.Past]).
//
// Of each hour of an account the different canaries are counted: whoever opens one
// customer twenty times has read one. A LIMIT makes each canary that it may have
// given count as its share, and the same statement again in that hour counts
// nothing. What could not be worked out (a statement that was cut off, a procedure)
// counts apart: alone it leads to a note at most.
//
// Everything that follows from a piece of the log is committed with the place in
// it, so after a crash nothing counts twice. What a statement could have forged (all of
// a general or a slow log) is filed as such, and counts apart, too. It names accounts,
// never a canary.
package watch

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"

	"saltmine/internal/audit"
	"saltmine/internal/audit/replay"
	"saltmine/internal/canary"
)

// Source is a log that is followed.
type Source interface {
	Next() (*audit.Event, error) // io.EOF: no more for now
	State() audit.State
	Lost() bool
}

// Store keeps what was found out.
type Store interface {
	FileReads(ctx context.Context, b canary.ReadBatch) error
	ReaderOf(place canary.Place, account string) canary.ReaderID
	ReadID(place canary.Place, digest [32]byte) string
	ReadsSince(ctx context.Context, place canary.Place, since time.Time) ([]canary.Read, error)
	ReadHours(ctx context.Context, place canary.Place, since time.Time) ([]canary.ReadHour, error)
	ReadSums(ctx context.Context, place canary.Place, before time.Time) (map[canary.ReaderID]canary.ReadSums, error)
	ReaderStanding(ctx context.Context, reader canary.ReaderID) (canary.Incident, error)
	Copies(ctx context.Context, place canary.Place) ([]canary.Copy, error)
	Sessions(ctx context.Context, place canary.Place, since time.Time) ([]canary.Session, error)
}

// Config is what a watch needs.
type Config struct {
	Place canary.Place
	Log   Source
	Look  func(ctx context.Context) (replay.Look, error)
	// Past looks at all that ever stood. Without it, what was before the first look is
	// taken to have stood as it did then, and is only possible.
	Past  func(ctx context.Context) (replay.Look, error)
	Store Store
	// Ignored tells accounts that are known to read everything; what the seeder did in
	// sessions of its own is ignored besides.
	Ignored func(user, host string) bool
	Feed    replay.FeedConfig
	Now     func() time.Time
	Logger  *slog.Logger
	// Scratch has a server hold rows of tables, to be asked what replay leaves open; of an
	// [Import] alone. Nil is none.
	Scratch func(ctx context.Context, tables []replay.Table, rows []replay.Row) (replay.Server, error)
	// Health is what was kept of the log, with its id, place and name; without an id,
	// nothing is kept of what the log shows of itself.
	Health canary.LogHealth
	// Sum is the SHA-256 that the log's bytes go through as they are read (see
	// [audit.Config]), and Act who puts it on the evidence log; nil is nobody.
	Sum hash.Hash
	Act *canary.Act
	// Own is our own account in the log, user@host.
	Own string
	// Tell is told of a part that went missing, nil for none, and of statements by which
	// the database logs less. It may be told the same again. Nil is nobody.
	Tell func(ctx context.Context, lost *canary.LogLoss, off []canary.LogSwitch) error
}

// Report says what one pass did.
type Report struct {
	Events     int   `json:"events"`
	Statements int   `json:"statements"`
	Faults     int   `json:"malformed"`
	Reads      int   `json:"reads"` // statements that returned canaries, or may have
	Lost       bool  `json:"lost,omitempty"`
	Incidents  int   `json:"incidents"` // opened, or made more urgent
	More       bool  `json:"-"`         // there may be more to read
	Bytes      int64 `json:"-"`
}

func (r *Report) nothing() bool { return r.Events == 0 && r.Faults == 0 && !r.Lost }

// Bounds of one pass.
const (
	passEvents = 5000
	passBytes  = 32 << 20
	toldFaults = 5 // of a pass
	// mostWaiting are the statements waited for of which tables were read: more are taken
	// for not in the log.
	mostWaiting = 2000
	day         = 24 * time.Hour
)

// Watch follows one log.
type Watch struct {
	cfg    Config
	log    canary.AuditLog
	feed   *replay.Feed
	album  album
	own    own
	hours  map[hourOf]*tally
	since  time.Time // from when on the hours of the log are held; zero at first
	usual  usual
	seen   seen
	span   span
	ending bool // the last commit
	unkept bool // what our own reads showed of the log, which goes with the next commit
	// refine asks a scratch server; nil without one.
	refine func(s *replay.Statement, r *replay.Result)
}

// New makes a Watch that goes on where the store says; the source has to stand there.
func New(cfg Config, log canary.AuditLog) (*Watch, error) {
	w := newWatch(cfg, log)
	return w, w.resume()
}

func newWatch(cfg Config, log canary.AuditLog) *Watch {
	return &Watch{cfg: cfg, log: log, feed: replay.NewFeed(cfg.Feed), hours: map[hourOf]*tally{}}
}

// passedOver reports whether an event is of somebody who reads everything by design. What
// is not recognisably so counts.
func (w *Watch) passedOver(e *audit.Event) bool {
	return w.cfg.Ignored(e.User, e.Host) || w.own.did(e, w.cfg.Feed.Slack)
}

// Pass reads what is there, up to a bound, and commits what follows from it. After
// an error the Watch is of no more use: another is to be made of what is kept.
func (w *Watch) Pass(ctx context.Context) (Report, error) {
	var r Report
	events, err := w.read(&r)
	if err != nil {
		return r, err
	}
	if r.nothing() && !w.unkept && !w.span.due(w.cfg.Now()) {
		return r, nil
	}
	oldest := w.oldest(events)
	if err := w.prepare(ctx, events, oldest); err != nil {
		return r, err
	}
	batch := canary.ReadBatch{Log: w.log, Place: w.cfg.Place}
	if r.Statements, err = w.seeAll(ctx, events, &batch); err != nil {
		return r, err
	}
	r.Reads = len(batch.Reads)
	w.span.count(&r, w.cfg.Now())
	if err := w.judge(ctx, &batch); err != nil {
		return r, err
	}
	r.Incidents = len(batch.Page)
	if err := w.close(ctx, batch, r.Lost); err != nil {
		return r, err
	}
	w.forget(oldest.Add(-day - time.Hour))
	return r, nil
}

// prepare takes in what has to be known of the time of some events.
func (w *Watch) prepare(ctx context.Context, events []audit.Event, oldest time.Time) error {
	if err := w.remember(ctx, oldest.Add(-day).Truncate(time.Hour)); err != nil {
		return err
	}
	if err := w.look(ctx, events, oldest.Add(-2*day)); err != nil {
		return err
	}
	if err := w.copies(ctx); err != nil {
		return err
	}
	return w.ours(ctx, oldest) // those that looked are among them
}

// seeAll takes in events, and counts the statements of accounts that are watched.
func (w *Watch) seeAll(ctx context.Context, events []audit.Event, batch *canary.ReadBatch) (n int, err error) {
	for i := range events {
		statement, err := w.see(ctx, &events[i], batch)
		if err != nil {
			return n, err
		}
		if statement {
			n++
		}
	}
	w.feed.Settle(newest(events))
	w.feed.Waiting(mostWaiting)
	orphans := w.feed.Orphans()
	for i := range orphans {
		if err := w.reach(ctx, &orphans[i].Statement); err != nil {
			return n, err
		}
		if w.take(&orphans[i].Event, &orphans[i].Statement, batch) {
			n++
		}
	}
	return n, nil
}

// newest is when the last of some events was.
func newest(events []audit.Event) (last time.Time) {
	for i := range events {
		if at := events[i].At; at.After(last) {
			last = at
		}
	}
	return last
}

// read takes events out of the log; they outlive the next one.
func (w *Watch) read(r *Report) (events []audit.Event, err error) {
	for r.Events+r.Faults < passEvents && r.Bytes < passBytes {
		e, err := w.cfg.Log.Next()
		if errors.Is(err, io.EOF) {
			r.Lost = w.lost()
			return events, nil
		}
		if fault, bad := errors.AsType[*audit.Fault](err); bad {
			w.fault(fault)
			if r.Faults++; r.Faults <= toldFaults {
				w.cfg.Logger.Warn("a piece of the audit log could not be read", "where", fault.Where.String(), "bytes", fault.Length, "why", fault.Reason)
			}
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read the audit log: %w", err)
		}
		w.note(e)
		r.Events++
		r.Bytes += int64(len(e.Text))
		events = append(events, *e.Clone())
	}
	r.Lost, r.More = w.lost(), true
	return events, nil
}

// look looks at the canaries when something happened since the last look. The first time
// all that ever stood is taken in; later, versions that ended before some time are
// forgotten when others come.
func (w *Watch) look(ctx context.Context, events []audit.Event, forget time.Time) error {
	newest := time.Time{}
	for i := range events {
		if end := events[i].At.Add(events[i].Precision + w.cfg.Feed.Slack); end.After(newest) {
			newest = end
		}
	}
	if w.album.replayer != nil && newest.Before(w.album.looked) {
		return nil
	}
	if w.album.replayer == nil && w.cfg.Past != nil {
		return w.lookBack(ctx)
	}
	v, err := w.cfg.Look(ctx)
	if err != nil {
		return err
	}
	return w.album.add(&v, forget)
}

// lookBack takes in all of the canaries' past.
func (w *Watch) lookBack(ctx context.Context) error {
	v, err := w.cfg.Past(ctx)
	if err != nil {
		return err
	}
	return w.album.begin(&v)
}

// see takes in one event. A statement that may have seen rows which were forgotten has the
// past taken in again.
func (w *Watch) see(ctx context.Context, e *audit.Event, batch *canary.ReadBatch) (statement bool, err error) {
	s, ok := w.hear(e)
	if !ok {
		return false, nil
	}
	if err := w.reach(ctx, &s); err != nil {
		return false, err
	}
	return w.take(e, &s, batch), nil
}

// hear takes in an event; ok is true when it is a statement.
func (w *Watch) hear(e *audit.Event) (s replay.Statement, ok bool) {
	w.own.see(e, w.cfg.Feed.Slack)
	return w.feed.Add(e)
}

// take works out one statement. It is false for one of an account that is not watched.
func (w *Watch) take(e *audit.Event, s *replay.Statement, batch *canary.ReadBatch) bool {
	if w.passedOver(e) {
		w.album.replayer.Follow(s) // tables that it makes may be read by others
		return false
	}
	account := accountOf(e)
	t := newTally(hourOf{reader: w.cfg.Store.ReaderOf(w.cfg.Place, account)}) // of no hour, when the log does not tell
	if !e.At.IsZero() {
		t = w.tally(t.reader, e.At)
	}
	t.account = account
	t.statements++
	result := w.album.replayer.Replay(s)
	if w.refine != nil && !s.Missing {
		w.refine(s, &result)
	}
	if len(result.Returned)+len(result.Possible) == 0 {
		return true
	}
	read := w.readOf(e, s, &result, t)
	if read.Share > 0 && !t.fresh(e.Text) {
		return true // it gives what it gave before
	}
	t.count(&read)
	if s.Saw.Earliest.Before(w.album.first) {
		// They count as they did all the same, after a restart too.
		read.Likely = append(read.Likely, read.Returned...)
		read.Possible, read.Returned = append(read.Possible, read.Returned...), nil
		read.Why = "nobody had looked at the canaries then"
	}
	batch.Reads = append(batch.Reads, read)
	return true
}

// readOf is what a statement did.
func (w *Watch) readOf(e *audit.Event, s *replay.Statement, result *replay.Result, t *tally) canary.Read {
	read := canary.Read{
		ID: w.cfg.Store.ReadID(w.cfg.Place, e.Digest()), Place: w.cfg.Place, Reader: t.reader, Account: t.account, At: e.At, Taken: s.Began, Low: e.Low,
		Returned: result.Returned, Possible: result.Possible, Why: result.Why, Shape: short(result.Shape, maxShape), CopyTo: short(result.CopyTo, maxName),
		Where: e.Where.String(), Source: w.span.ID,
	}
	if text := string(e.Text); !e.Truncated && len(text) <= maxText && utf8.ValidString(text) {
		read.Text = text
	}
	w.album.share(&read, s, result)
	read.Rows = w.album.sent(&read, s, result)
	if read.Guess && !e.At.IsZero() {
		now := *s
		now.Saw = canary.Between(e.At.Add(-w.cfg.Feed.Slack), e.At.Add(e.Precision+w.cfg.Feed.Slack))
		read.Likely = w.album.replayer.Replay(&now).Returned
	}
	return read
}

// accountOf names an account as people write it.
func accountOf(e *audit.Event) string {
	host, user := e.Host, e.User
	if host == "" {
		host = "?"
	}
	return short(strings.ToValidUTF8(user, "?"), maxName) + "@" + short(strings.ToValidUTF8(host, "?"), maxName)
}

const (
	maxName  = 100
	maxShape = 4000
	maxText  = 16 << 10
)

func short(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}
