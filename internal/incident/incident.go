// Package incident takes contacts in from a spool and turns them into
// incidents and pages: it opens each record, matches it to tokens, decides how
// much it weighs and which incident it belongs to, and writes what responders
// are told.
//
// The rules (rules.go) are pure: they see a contact, what it says, what the
// registry knows of its targets and the incidents that stand open, and take
// the time as an argument. Everything that follows from one group of spooled
// records is committed as one outcome together with the spool's position.
//
// What a contact says is searched for tokens that it was not aimed at (package
// mention), behind the page, by a [Searcher]: strangers can make it long. Before the
// page the beginning of what reached a token is compared with the token's record.
//
// What comes later of a call (a transcript, a recording) may name the call alone. It is
// filed as it came, and weighed as if it named the numbers with which the call began.
//
// A dialogue may be recorded in parts (canary.Contact.Open). While only the
// parts written ahead are known the contact is pending and makes no incident;
// its closing record takes their place. A dialogue that was cut off (the ear
// was killed) is closed as a probe after [Config.CutOff].
//
// The rules: one incident for each place and 72 hours, or longer where the same author
// comes back, known by number, address or words on whatever channel (kin.go); P1 to P4 as the design
// says; an origin that contacted placebos before makes nothing but P4, unless it
// names facts that stand together in one record. How often placebos of the same
// domain or block are contacted says what one message weighs, and how many are a
// crowd (rates.go). A page goes to a route once for each incident, and again when
// what was told as P3 or P4 rises, or it becomes more urgent than was acknowledged.
//
// Drills have tokens of their own, which count nowhere. A contact is a drill's only
// when it carries a mark that a core made for it, fresh and once (drill.go).
//
// Help-desk agents may be the insiders who look for canaries. What each looks up
// is remembered, and a run of it opens an incident of its own, whose place is the
// agent and whose evidence are the look-ups.
//
// How it fails: a registry or spool that is down is tried again with growing
// pauses, nothing is acknowledged meanwhile. A record that does not open, or
// holds no contact, is filed as it is, unverified, and logged as an error.
package incident

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/spool"
)

// Source is a spool to take contacts from.
type Source interface {
	// Read returns up to limit durable records from a cursor on.
	Read(ctx context.Context, from spool.Cursor, limit int) ([]spool.Record, error)
	// Wait returns when there is a record from the cursor on.
	Wait(ctx context.Context, from spool.Cursor) error
	// Ack allows the spool to forget everything before upTo.
	Ack(ctx context.Context, upTo spool.Cursor) error
}

// Finder is what the registry knows.
type Finder interface {
	Match(ctx context.Context, targets []canary.Target) ([]canary.Match, error)
	Filed(ctx context.Context, ids []canary.ContactID) (map[canary.ContactID]bool, error)
	PlaceboHits(ctx context.Context, origin string, since time.Time) (int, error)
	Queries(ctx context.Context, domain string, from, until time.Time) ([]canary.ContactID, error)
}

// Filer is where outcomes go.
type Filer interface {
	Position(ctx context.Context, spool string) (string, error)
	Board(ctx context.Context, since time.Time) ([]canary.Standing, error)
	// Standings gives those of some incidents that are open.
	Standings(ctx context.Context, ids []canary.IncidentID) ([]canary.Standing, error)
	Pending(ctx context.Context, spool string, before time.Time, limit int) ([]canary.Contact, error)
	Commit(ctx context.Context, o canary.Outcome) error
}

// Blinder makes blind indexes.
type Blinder interface {
	BlindDomain(domain string) string
	BlindOrigin(origin string) string
	Stratum(kind canary.Kind, text string) string
	BlindClue(trait canary.Trait, text string) int64
}

// Rates tells how much is planted, and how often placebos are contacted.
type Rates interface {
	// Heard gives what is known of a cell, for any moment from then on.
	Heard(ctx context.Context, cell canary.Cell, from time.Time) (canary.Heard, error)
	// Pooled gives what is known of all cells of a channel and kind at a moment.
	Pooled(ctx context.Context, channel canary.Channel, kind canary.Kind, at time.Time) (canary.Pooled, error)
	// Registered gives how many planted tokens were registered, and when.
	Registered(ctx context.Context) ([]canary.Registered, error)
}

// Route is where pages can go.
type Route struct {
	Name string
	Min  canary.Severity // pages at least as urgent go there
	// After holds a page back, see [canary.Delivery]; Within is how long each step
	// waits for a route before it to accept.
	After, Within time.Duration
	Log           bool // no person is told there, see [canary.Delivery]
}

// Config is what an intake needs. All fields but CutOff, Wake, Judge, Judging,
// Known, Searching, Senders, Signed, Turn, Stray, Variants, Unmet, Alike, Call, Marked, Looker,
// Rates, FalsePages and Written must be set.
type Config struct {
	Name   string // of the spool, in the registry
	Source Source
	Open   func(sealed []byte) ([]byte, error) // opens what the ears sealed
	Finder Finder
	Filer  Filer
	Blind  Blinder
	Routes []Route
	Link   func(canary.IncidentID) string // where the console shows an incident
	Wake   func()                         // called after pages were written
	// Judge has the senders of mails that reached a planted token looked at, when
	// the outcome is committed; Judging is then called.
	Judge   bool
	Judging func()
	// Known gives those of some canonical texts that are registered: what contacts
	// say is searched for them, by a [Searcher] when the outcome is committed;
	// Searching is then called. Nil: only what contacts were aimed at counts.
	Known     func(ctx context.Context, kind canary.Kind, texts []string) ([]string, error)
	Searching func()
	// Turn is held while an outcome is worked out and committed: those who share it
	// do not open two incidents for one leak. Nil is one's own.
	Turn *sync.Mutex
	// Senders are the company's own; Signed says what is proved of a mail's coming
	// from some domains. It is asked while a page waits. Nil: all mail is strangers'.
	Senders []Sender
	Signed  func(ctx context.Context, c *canary.Contact, domains []string) Claim
	// Stray is told what was contacted without being a token: an address or a
	// number of the pool may be among it that is not in use yet. It is told of a
	// contact before that is filed, and again after a crash in between.
	Stray func(ctx context.Context, target canary.Target, at time.Time) error
	// Variants gives the tokens that targets are one letter off; nil: none.
	Variants func(ctx context.Context, targets []canary.Target) ([]canary.Match, error)
	// Unmet gives those of many targets that meet nothing; nil: each is looked up.
	Unmet func(ctx context.Context, targets []canary.Target) (map[canary.Target]bool, error)
	// Alike gives the contacts of a time that have one of some clues. Nil: what people
	// report is joined to nothing.
	Alike func(ctx context.Context, clues []int64, from, until time.Time) ([]canary.Alike, error)
	// Call gives a filed contact, nil when there is none: what a call began with.
	Call func(ctx context.Context, id canary.ContactID) (*canary.Contact, error)
	// Marked finds the shot of a drill whose mark for a target a text is. Nil: no
	// contact is a drill's.
	Marked func(ctx context.Context, target, mark string) (canary.Shot, bool, error)
	// Looker gives what is remembered of an agent's look-ups. Nil for a spool whose
	// contacts may be forged: a seized edge could name any number of agents.
	Looker func(ctx context.Context, agent string) (canary.Looker, error)
	// Rates tells of the placebos: with it severity follows their rate. Nil: a contact
	// weighs the same however much noise there is.
	Rates Rates
	// FalsePages is how many pages a year by one contact each, on 10,000 tokens, are
	// accepted of noise; 0 is 0.5. A fifth as many are accepted of crowds.
	FalsePages float64
	// Written counts the pages of incidents written since a time: those of P1 and
	// P2, and the others. With it people get ten an hour at most; nil is no limit.
	Written func(ctx context.Context, since time.Time) (urgent, note int, err error)
	Now     func() time.Time
	Log     *slog.Logger
	// Began gives the time, by the ears' clock, at which the ears of the spool
	// opened last, as far as that is known: a dialogue from before it is cut off.
	// Nil is when the intake was made, for ears of the same process.
	Began func() time.Time
	// CutOff is how long after its last part an unclosed dialogue counts as cut
	// off; 0 is 35 minutes, more than the longest session of an ear.
	CutOff time.Duration
}

// Intake takes contacts in. One is to run for each spool.
type Intake struct {
	cfg   Config
	taken int // records, since it was made
	// looked is when it was last looked for pages that there was no room for.
	looked time.Time
}

// New returns an intake. It is to be made before the ears of its spool open:
// a dialogue heard before that belongs to an earlier process and is cut off.
func New(cfg Config) *Intake {
	if cfg.CutOff == 0 {
		cfg.CutOff = 35 * time.Minute
	}
	if cfg.Wake == nil {
		cfg.Wake = func() {}
	}
	if cfg.Judging == nil {
		cfg.Judging = func() {}
	}
	if cfg.Searching == nil {
		cfg.Searching = func() {}
	}
	if cfg.Turn == nil {
		cfg.Turn = new(sync.Mutex)
	}
	if cfg.Stray == nil {
		cfg.Stray = func(context.Context, canary.Target, time.Time) error { return nil }
	}
	if cfg.Began == nil {
		made := cfg.Now()
		cfg.Began = func() time.Time { return made }
	}
	return &Intake{cfg: cfg}
}

const groupSize = 256

// Run takes contacts in until ctx ends. Dialogues left open by an earlier
// process of the ears are closed as soon as the spool has been drained.
func (in *Intake) Run(ctx context.Context) error {
	if err := in.retry(ctx, in.drainAndClose); err != nil {
		return stopped(ctx, err)
	}
	for {
		if err := in.retry(ctx, in.waitAndDrain); err != nil {
			return stopped(ctx, err)
		}
	}
}

// stopped makes the end of ctx a clean end.
func stopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil //nolint:nilerr // the end that was asked for
	}
	return err
}

// retry runs fn until it succeeds or ctx ends. The pauses grow as long as nothing
// is taken in: a line that breaks after every megabyte still brings megabytes.
func (in *Intake) retry(ctx context.Context, fn func(context.Context) error) error {
	const shortest, longest = 100 * time.Millisecond, 10 * time.Second
	for pause := shortest; ; pause = min(pause*2, longest) {
		before := in.taken
		err := fn(ctx)
		if in.taken > before {
			pause = shortest
		}
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		in.cfg.Log.Warn("intake will be tried again", "spool", in.cfg.Name, "err", err)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

func (in *Intake) waitAndDrain(ctx context.Context) error {
	from, err := in.position(ctx)
	if err != nil {
		return err
	}
	waiting, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := in.cfg.Source.Wait(waiting, from); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return in.drainAndClose(ctx)
}

// drainAndClose takes everything in and closes what nobody can go on with.
func (in *Intake) drainAndClose(ctx context.Context) error {
	before := in.cfg.Now().Add(-in.cfg.CutOff)
	// What the spool holds from before a start that is known now lies before
	// that in it, and is all taken in once the spool has been drained.
	if began := in.cfg.Began(); began.After(before) {
		before = began
	}
	if err := in.Drain(ctx); err != nil {
		return err
	}
	if err := in.CloseCutOff(ctx, before); err != nil {
		return err
	}
	if now := in.cfg.Now(); now.Sub(in.looked).Abs() >= time.Minute {
		in.looked = now
		return in.PageHeld(ctx)
	}
	return nil
}

func (in *Intake) position(ctx context.Context) (spool.Cursor, error) {
	text, err := in.cfg.Filer.Position(ctx, in.cfg.Name)
	if err != nil || text == "" {
		return 0, err
	}
	return spool.ParseCursor(text)
}

// Drain takes in everything that is in the spool now.
func (in *Intake) Drain(ctx context.Context) error {
	for {
		n, err := in.step(ctx)
		if err != nil || n == 0 {
			return err
		}
	}
}

// step takes in one group of records and returns how many there were.
func (in *Intake) step(ctx context.Context) (int, error) {
	from, err := in.position(ctx)
	if err != nil {
		return 0, err
	}
	// What was committed before a crash may not have been acknowledged.
	if err := in.cfg.Source.Ack(ctx, from); errors.Is(err, spool.ErrAhead) {
		return 1, in.rewind(ctx, from)
	} else if err != nil {
		return 0, fmt.Errorf("acknowledge to the spool: %w", err)
	}
	records, err := in.cfg.Source.Read(ctx, from, groupSize)
	if err != nil {
		return 0, fmt.Errorf("read the spool: %w", err)
	}
	if len(records) == 0 {
		return 0, nil
	}
	contacts := make([]canary.Contact, len(records))
	for i, rec := range records {
		contacts[i] = in.open(rec)
	}
	to := records[len(records)-1].Next
	o := canary.Outcome{Spool: in.cfg.Name, From: cursorText(from), To: cursorText(to)}
	if err := in.settle(ctx, contacts, o); err != nil {
		return 0, err
	}
	in.taken += len(records)
	return len(records), in.cfg.Source.Ack(ctx, to)
}

// rewind begins again at the beginning of a spool that is older than the
// registry (it was restored from a backup): its new records have numbers that
// the registry has seen already. Contacts that are filed are dropped by their ids.
func (in *Intake) rewind(ctx context.Context, from spool.Cursor) error {
	in.cfg.Log.Error("the spool is older than the registry and is read again from its beginning", "spool", in.cfg.Name, "position", from.String())
	return in.cfg.Filer.Commit(ctx, canary.Outcome{Spool: in.cfg.Name, From: cursorText(from)})
}

// settle works out and commits what follows from the contacts.
func (in *Intake) settle(ctx context.Context, contacts []canary.Contact, o canary.Outcome) error {
	in.cfg.Turn.Lock()
	defer in.cfg.Turn.Unlock()
	w, err := in.begin(ctx, contacts, o)
	if err != nil {
		return err
	}
	if err := w.findUnmet(ctx, contacts); err != nil {
		return err
	}
	for i := range contacts {
		if err := w.take(ctx, contacts[i]); err != nil {
			return fmt.Errorf("take in %s: %w", contacts[i].ID, err)
		}
	}
	return in.finish(ctx, w)
}

// finish commits what was worked out, and wakes those who go on with it.
func (in *Intake) finish(ctx context.Context, w *work) error {
	if err := w.finish(ctx); err != nil {
		return err
	}
	if err := in.cfg.Filer.Commit(ctx, w.out); err != nil {
		return err
	}
	for _, inc := range w.out.Incidents {
		in.cfg.Log.Info("incident changed", "incident", inc.ID, "severity", inc.Severity.String(), "contacts", inc.Contacts, "canaries", inc.Canaries)
	}
	if len(w.out.Deliveries) > 0 {
		in.cfg.Wake()
	}
	waits := func(what func(canary.Entry) bool) bool { return slices.ContainsFunc(w.out.Entries, what) }
	if len(w.out.Judge) > 0 || waits(func(e canary.Entry) bool { return e.Judge }) {
		in.cfg.Judging() // after the pages
	}
	if waits(func(e canary.Entry) bool { return e.Search }) {
		in.cfg.Searching()
	}
	return nil
}
