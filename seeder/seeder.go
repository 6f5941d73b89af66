// Package seeder puts canaries into a support database, or has the application
// import them, and keeps them there: plan, plant, rotate, verify, withdraw. It
// brings three rooms together: package persona makes believable people, package
// supportdb writes rows, and the registry (behind [Ledger] and [Batches]) knows
// what was planted, where and when.
//
// Its one invariant is "registered before planted": a canary, its tokens and
// its placebos are in the registry (state intended) before a row is inserted,
// a new token is there before an UPDATE is sent, and an end of a window is
// announced before it can come. So whatever dies, and when, nothing stands in
// the support database that the registry does not know. The table of crash
// points is in plant.go.
//
// It refuses to touch a row that is not its own: every UPDATE and DELETE names
// the primary key and a value that we wrote. It refuses to plant what it could
// not take back: tables without transactions, users without DELETE.
//
// It fails with wrapped errors of its rooms and the sentinels below. Every use
// case may be run again after any failure and then finishes what was begun.
package seeder

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/inventory"
	"saltmine/seeder/supportdb"
)

var (
	// ErrPool says that the pool has too few phone numbers, mailboxes or domains.
	ErrPool = errors.New("pool is too small")
	// ErrBatch says that a batch of this id was begun with other settings.
	ErrBatch = errors.New("batch was begun with other settings")
	// ErrSample says that the table gives too little to make believable people from.
	ErrSample = errors.New("the table gives too little to learn from")
	// ErrConfig says that a setting makes no sense.
	ErrConfig = errors.New("setting is not usable")
	// ErrClashes says that again and again what was minted was already in the support database.
	ErrClashes = errors.New("what was minted is already in the support database")
)

// Ledger is what the seeder needs of the registry for canaries.
type Ledger interface {
	// Intend registers canaries with their tokens and placebos, all in one transaction.
	Intend(ctx context.Context, plantings []canary.Planting) error
	// AmendAll changes plantings, all in one transaction.
	AmendAll(ctx context.Context, list []canary.Amendment) error
	// Plantings reads plantings with all their tokens, past and present.
	Plantings(ctx context.Context, f canary.Filter) ([]canary.Planting, error)
	// KnownAmong gives those of the canonical texts that are registered, in any role.
	KnownAmong(ctx context.Context, kind canary.Kind, texts []string) ([]string, error)
}

// Batches is what the seeder needs of the registry for runs of plant.
type Batches interface {
	OpenBatch(ctx context.Context, b canary.Batch) error
	CloseBatch(ctx context.Context, id canary.BatchID, at time.Time) error
	Batch(ctx context.Context, id canary.BatchID) (b canary.Batch, found bool, err error)
	UnfinishedBatches(ctx context.Context) ([]canary.Batch, error)
}

// Config is what a seeder needs.
type Config struct {
	Desk    *supportdb.Desk // the support database through its recipe
	Ledger  Ledger
	Batches Batches
	// Pool reads what tokens are made of, with what it carries now; Rules say
	// when an item may be used.
	Pool  func(context.Context, inventory.Filter) ([]inventory.Item, error)
	Rules inventory.Rules
	Place canary.Place // db:NAME of that support database
	// Accept is the blind acceptance rule of the edges: local part and domain
	// in canonical form. Every address, planted or placebo, passes it.
	Accept func(local, domain string) bool
	// Polled: mailboxes are read by IMAP, so that what arrives there is heard.
	Polled bool
	Now    func() time.Time
	Log    *slog.Logger
}

// Seeder plants, verifies, rotates and withdraws canaries of one place. One
// use case at a time may run on a place; it is not made for concurrent use.
type Seeder struct {
	cfg     Config
	amended time.Duration // spent on changes of the registry
}

// New returns a seeder.
func New(cfg Config) (*Seeder, error) {
	if cfg.Desk == nil || cfg.Ledger == nil || cfg.Batches == nil || cfg.Pool == nil || cfg.Accept == nil || cfg.Now == nil || cfg.Log == nil {
		return nil, fmt.Errorf("seeder: %w: every field of its Config is needed", ErrConfig)
	}
	if _, err := canary.ParsePlace(string(cfg.Place)); err != nil {
		return nil, fmt.Errorf("seeder: %w", err)
	}
	return &Seeder{cfg: cfg}, nil
}

// amend changes plantings in the registry, in one transaction.
func (s *Seeder) amend(ctx context.Context, list ...canary.Amendment) error {
	defer s.amending()()
	return s.cfg.Ledger.AmendAll(ctx, list)
}

// amending counts the time until what it returns is called as spent on changes
// of the registry.
func (s *Seeder) amending() (done func()) {
	at := s.cfg.Now()
	return func() { s.amended += s.cfg.Now().Sub(at) }
}

func (s *Seeder) now() time.Time { return canary.Micro(s.cfg.Now()) }

// PlantConfig says what to plant.
type PlantConfig struct {
	Batch   canary.BatchID // the same id again resumes the run
	Count   int            // canaries that stand when the batch is done; 0: as it was begun
	Segment canary.Segment // only rows like these; empty is the whole table
	// Strata are columns, or words of the recipe's segments, over whose values
	// the canaries are spread in proportion to the rows; Weights change the
	// proportions. A batch that is resumed keeps what it was begun with.
	Strata  []string
	Weights []Weight
	// Seed makes the run repeatable on the same table; nil draws one.
	Seed []byte
	// PlacebosPerEmail is the number of placebo addresses for each address, 0 means 99.
	PlacebosPerEmail int
	// PlacebosPerScarce is the share of placebos for each phone and ticket
	// token, rounded up over the run; 0 means 0.1.
	PlacebosPerScarce float64
	// Bulk inserts many canaries in one transaction.
	Bulk bool
	// With names kinds of tokens, phone and ticket, that every canary is to have.
	// Otherwise canaries lack them as often as customers do.
	With []canary.Kind
	// Dates says when canaries have signed up; empty is DatesAuto.
	Dates Dates
	// Over lets the canaries arrive in this span, among the real sign-ups: a run
	// inserts those whose time has come. 0 is at once, or as the batch was begun.
	Over time.Duration
	form bool // for the application's own import: registered, not inserted
	// Gate says how the batch is judged before it is planted.
	Gate GateConfig
	// DryRun writes nothing anywhere and returns the statements.
	DryRun   bool
	Progress func(done, total int) // may be nil
	Learning func(done, total int) // before that, while customers are read; may be nil
}

// Dates says where in time canaries are put.
type Dates string

// In the past a canary takes a key that the table has passed over, with dates
// like its neighbours': in an extract it is as old as everybody. Of now it comes
// behind the newest row.
const (
	DatesAuto Dates = ""     // the past if there is room in it, else now
	DatesPast Dates = "past" // or it fails
	DatesNow  Dates = "now"
)

// PlantReport says what a run of plant did. Addresses are not in it; only a
// dry run shows statements, of canaries that will never exist.
type PlantReport struct {
	Batch    canary.BatchID `json:"batch"`
	Asked    int            `json:"asked"`
	Live     int            `json:"live"`     // planted or verified now
	Inserted int            `json:"inserted"` // by this run
	Adopted  int            `json:"adopted"`  // found inserted by a run that was cut off
	// Retired counts canaries that were registered and never inserted, because
	// a row of somebody else has their e-mail address or their number, or because
	// the server refuses their rows.
	Retired  int                 `json:"retired"`
	Placebos map[canary.Kind]int `json:"placebos"`        // minted by this run
	Dates    Dates               `json:"dates,omitempty"` // where this run put them
	Over     *Progress           `json:"over,omitempty"`  // of a batch that is planted over a span
	Pool     *PoolReport         `json:"pool,omitempty"`  // how well the addresses hide; nil when nothing was missing
	Strata   []StratumReport     `json:"strata,omitempty"`
	Gate     GateReport          `json:"gate"`
	Warnings []string            `json:"warnings,omitempty"`
	// Seconds is the time that this run took, by what was done: learn, mint,
	// register, insert (into the support database) and amend (what the registry
	// knows of the inserted rows, half of it before each COMMIT).
	Seconds map[string]float64 `json:"seconds,omitempty"`
	// Statements are the exact statements of a dry run, the first canaries in
	// full; More counts the canaries whose statements are not shown.
	Statements []string `json:"statements,omitempty"`
	More       int      `json:"more,omitempty"`
}

// Problem is what a finding found.
type Problem string

// The problems.
const (
	// Deleted: the customer row, or a ticket, is gone or marked as deleted.
	Deleted Problem = "deleted"
	// Merged: the row is gone, or its tickets are, and its tickets or its address
	// belong to another customer: somebody made one row of two.
	Merged Problem = "merged"
	// Edited: a value is not the registered one.
	Edited Problem = "edited"
	// Masked: a value was replaced by a pattern, as jobs that anonymise do.
	Masked Problem = "masked"
	// Restored: an old value stands again, or a row that was withdrawn or had
	// vanished: the support database, or a part of it, was restored from a backup.
	Restored Problem = "restored"
	// Duplicate: the e-mail address stands in another row too.
	Duplicate Problem = "duplicate"
	// Held: rows of others depend on it, so it was not deleted.
	Held Problem = "held"
	// Missing: the application's import has not brought it, or not yet.
	Missing Problem = "missing"
)

// Finding is one thing that is not as it was planted.
type Finding struct {
	Canary  canary.ID   `json:"canary"`
	Problem Problem     `json:"problem"`
	Kind    canary.Kind `json:"kind,omitempty"`   // of the token that it is about
	Column  string      `json:"column,omitempty"` // or the column
	// Vanished is set when the whole canary went since it was seen last.
	Vanished bool `json:"vanished,omitempty"`
	// Seen is when what vanished was seen last.
	Seen   time.Time `json:"last_seen,omitzero"`
	Detail string    `json:"detail,omitempty"`
}
