// Package salt makes the copy of a list of customers that one recipient gets:
// the list as it is, with canaries of that copy's own put in between its rows.
// Whoever is contacted at one of them has been read in that copy, so a single
// contact names it.
//
// The list is read once to learn (package study) and once to be written. What
// is written is the input, byte for byte, with whole records inserted at
// offsets; a canary's record is a row of the list with what identifies its
// owner made new (package persona), in the file's own style (package dialect).
//
// Where a canary stands follows from the list's order. Sorted by something that
// counts or by time, it stands between two rows that leave room and gets a
// number and a time from between theirs; sorted by what is made new (a name, an
// address), it is made first and goes where the order wants it; in no order, it
// stands anywhere.
//
// Its one invariant is "registered before released": canaries, tokens,
// placebos and the extract are in the registry before the caller is asked to
// make the copy appear. What is registered for a canary is its record and its
// offset, so a run that was cut off, at any point, writes the same copy again:
//
//	died                             registry                 next run
//	before OpenBatch                 nothing                  begins
//	before all are registered        batch, some intended     mints the rest
//	while writing                    batch, all intended      writes
//	before or in publish             extract too              writes and publishes again
//	after publish                    extract, all intended    the same, with the first time as the earliest
//	before CloseBatch                some planted             the same
//
// It refuses another list under a recipient's name that is in use ([ErrTaken]),
// and a list in whose order a canary cannot stand ([ErrRoom]). Rows of the
// list, addresses and numbers are in no error.
package salt

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"regexp"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/token"
)

var (
	// ErrConfig says that a setting makes no sense.
	ErrConfig = errors.New("setting is not usable")
	// ErrTaken says that another list was released under this name.
	ErrTaken = errors.New("the recipient's name is in use for another release")
	// ErrBegun says that the release was begun with other settings.
	ErrBegun = errors.New("the release was begun with other settings")
	// ErrRoom says that the list has no room for canaries.
	ErrRoom = errors.New("the list has no room for canaries")
	// ErrSample says that the list gives too little to make believable people from.
	ErrSample = errors.New("the list gives too little to learn from")
	// ErrPool says that the pool has too few domains or phone numbers.
	ErrPool = errors.New("pool is too small")
	// ErrChanged says that the list is not the one that was read first.
	ErrChanged = errors.New("the list was changed while it was read")
)

// Ledger is what is needed of the registry for canaries.
type Ledger interface {
	// Intend registers canaries with their tokens and placebos, all in one transaction.
	Intend(ctx context.Context, plantings []canary.Planting) error
	// AmendAll changes plantings, in one transaction.
	AmendAll(ctx context.Context, list []canary.Amendment) error
	// Plantings reads plantings with their tokens.
	Plantings(ctx context.Context, f canary.Filter) ([]canary.Planting, error)
	// KnownAmong gives those of the canonical texts that are registered in any role.
	KnownAmong(ctx context.Context, kind canary.Kind, texts []string) ([]string, error)
}

// Batches is what is needed of the registry for runs.
type Batches interface {
	OpenBatch(ctx context.Context, b canary.Batch) error
	CloseBatch(ctx context.Context, id canary.BatchID, at time.Time) error
	Batch(ctx context.Context, id canary.BatchID) (b canary.Batch, found bool, err error)
}

// Extracts is what is needed of the registry for known extracts.
type Extracts interface {
	// ImportExtracts files extracts; one of an id that is there is replaced.
	ImportExtracts(ctx context.Context, list []canary.Extract) (added int, err error)
	Extracts(ctx context.Context) ([]canary.Extract, error)
}

// Config is what a Salter needs.
type Config struct {
	Ledger   Ledger
	Batches  Batches
	Extracts Extracts
	Domains  []string // owned domains, canonical
	Phones   []string // pool of phone numbers; may be empty
	// PlacebosPerEmail is the number of placebo addresses for each address.
	PlacebosPerEmail int
	// Accept is the blind acceptance rule of the edges.
	Accept func(local, domain string) bool
	// Taken tells which ticket numbers customers have. Nil: nobody can tell, and
	// ticket numbers are written but are no tokens, for one that a customer has
	// would raise false alarms.
	Taken func(ctx context.Context, numbers []string) ([]string, error)
	Now   func() time.Time
	Log   *slog.Logger
}

// Salter makes copies. One release at a time may run for a recipient.
type Salter struct {
	cfg     Config
	domains map[string]bool
}

// New returns a salter.
func New(cfg Config) (*Salter, error) {
	if cfg.Ledger == nil || cfg.Batches == nil || cfg.Extracts == nil || cfg.Accept == nil || cfg.Now == nil || cfg.Log == nil {
		return nil, fmt.Errorf("salt: %w: a field of its Config is missing", ErrConfig)
	}
	if len(cfg.Domains) == 0 {
		return nil, fmt.Errorf("salt: %w: no domain to make e-mail addresses on", ErrPool)
	}
	s := &Salter{cfg: cfg, domains: map[string]bool{}}
	for _, d := range cfg.Domains {
		canon, err := token.Domain(d)
		if err != nil {
			return nil, fmt.Errorf("salt: %w: domain %q: %w", ErrConfig, d, err)
		}
		s.domains[canon] = true
	}
	return s, nil
}

func (s *Salter) now() time.Time { return canary.Micro(s.cfg.Now()) }

// Stage is what a release is doing.
type Stage string

// The stages, in order.
const (
	Reading     Stage = "reading"
	Registering Stage = "registering"
	Writing     Stage = "writing"
)

// Order is one release that is asked for.
type Order struct {
	To       string  // the recipient's name, as in copy:NAME
	Canaries int     // how many, see Needed
	MaxShare float64 // at most such a share of the rows
	Phones   int     // at most so many numbers of the pool; negative is as many as fit
	Seed     []byte  // 32 bytes, makes the run repeatable; nil draws them
	// Open opens the list. It is called for each reading.
	Open     func() (io.ReadCloser, error)
	Progress func(stage Stage, done, total int64) // may be nil
}

// nameForm leaves room for "copy." in the id of the batch.
var nameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,58}$`)

// Validate reports what makes the order unusable.
func (o *Order) Validate() error {
	switch {
	case !nameForm.MatchString(o.To):
		return fmt.Errorf("%w: recipient %q: want 1 to 59 letters, digits, '.', '_' and '-'", ErrConfig, o.To)
	case o.Canaries < 1 || o.Canaries > maxCanaries:
		return fmt.Errorf("%w: %d canaries: want 1 to %d", ErrConfig, o.Canaries, maxCanaries)
	case o.MaxShare <= 0 || o.MaxShare > 0.5:
		return fmt.Errorf("%w: a share of %g of the rows: want more than 0 and at most 0.5", ErrConfig, o.MaxShare)
	case o.Seed != nil && len(o.Seed) != seedBytes:
		return fmt.Errorf("%w: a seed of %d bytes, %d wanted", ErrConfig, len(o.Seed), seedBytes)
	}
	return nil
}

// Place is the copy as a place.
func (o *Order) Place() canary.Place { return canary.Place("copy:" + o.To) }

func (o *Order) batch() canary.BatchID     { return canary.BatchID("copy." + o.To) }
func (o *Order) extract() canary.ExtractID { return canary.ExtractID(o.Place()) }

func (o *Order) tell(stage Stage, done, total int64) {
	if o.Progress != nil {
		o.Progress(stage, done, total)
	}
}

// Bounds.
const (
	maxCanaries = 10_000
	seedBytes   = 32
	groupSize   = 16 // canaries that are registered together
)

// source gives the randomness of one step of a release: the same for the same
// seed and step.
func source(seed []byte, step string, n int) *rand.Rand {
	h := sha256.New()
	h.Write(binary.BigEndian.AppendUint64([]byte(step+"\x00"), uint64(max(n, 0)))) // not negative
	h.Write(seed)
	return rand.New(rand.NewChaCha8([32]byte(h.Sum(nil)))) //nolint:gosec // repeatable on purpose: names, not keys
}
