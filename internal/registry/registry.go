// Package registry is the core's database: canaries and their tokens, batches,
// contacts, incidents, pages, extracts. It runs on SQLite (the default) and on
// anything that speaks MySQL; every statement is plain enough for both.
//
// What could identify a canary is sealed (package seal) before it reaches the
// database: names, token texts, row images, primary keys, windows, and every
// contact with its evidence. Tokens and placebos are found through a keyed
// blind index. A copy of the database without the keys therefore shows how many
// canaries and contacts there are and when contacts came, and no name, address,
// number or ticket. Associated data binds each sealed field to its row.
//
// The invariant: what belongs together is written in one transaction. A
// planting and all its tokens and placebos; an intake's contacts, hits,
// incidents, pages and the spool position behind them. A reader never sees
// half of one, and a crash leaves none.
//
// Times are stored as microseconds since 1970 UTC, 0 for "not". On SQLite the
// journal is WAL with synchronous=FULL, set and read back on every connection:
// a commit that was acknowledged survives a power cut. Faults of the database
// come back wrapped; a MySQL server that could not take in the largest contact is
// refused when it is opened; a sealed field that does not open is [seal.ErrOpen].
package registry

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"saltmine/internal/inventory"
	"saltmine/internal/seal"
)

// ErrNotFound is returned when the thing asked for is not in the registry.
var ErrNotFound = errors.New("not in the registry")

// Config is what a registry needs.
type Config struct {
	// DSN is "sqlite:PATH" or "mysql://user:password@tcp(host:port)/name".
	DSN   string
	Vault *seal.Vault
	Now   func() time.Time
	Log   *slog.Logger // nil: nothing is logged
	// Pool is how long pool items soak and rest; zero: not at all.
	Pool inventory.Rules
}

// Registry is an open registry. It is safe for concurrent use, and several
// processes may have the same one open.
type Registry struct {
	db    *sql.DB
	vault *seal.Vault
	now   func() time.Time
	log   *slog.Logger
	rules inventory.Rules
	mysql bool
}

// Open opens the registry, making an empty SQLite file (mode 0600) where there
// is none, and brings its tables up to date; of several processes that do so at
// once, one makes the tables and the others wait, a minute at most. A registry in which a batch was
// registered with other keys is not opened: the error is [seal.ErrOpen]; nor is one whose
// first master key is missing: [ErrFirstKey].
func Open(ctx context.Context, cfg Config) (*Registry, error) {
	r := &Registry{vault: cfg.Vault, now: cfg.Now, log: cfg.Log, rules: cfg.Pool}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	var err error
	switch scheme, rest, _ := strings.Cut(cfg.DSN, ":"); scheme {
	case "sqlite":
		err = r.openSQLite(ctx, rest)
	case "mysql":
		r.mysql = true
		err = r.openMySQL(ctx, strings.TrimPrefix(rest, "//"))
	default:
		return nil, fmt.Errorf("registry: unknown database %q: want sqlite:PATH or mysql://…", scheme)
	}
	if err != nil {
		return nil, fmt.Errorf("registry: %w", err)
	}
	if err := errors.Join(r.checkKeys(ctx), r.beginActs(ctx)); err != nil {
		return nil, errors.Join(fmt.Errorf("registry: %w", err), r.db.Close())
	}
	return r, nil
}

// checkKeys opens one sealed thing, where there is one. With the keys of
// another registry every read of the blind index would find nothing, and new
// canaries would be sealed apart from the old: no row of them may be written.
func (r *Registry) checkKeys(ctx context.Context) error { return r.checkKeysIn(ctx, r.db) }

func (r *Registry) checkKeysIn(ctx context.Context, q querier) error {
	_, err := r.scanBatch(q.QueryRowContext(ctx, "SELECT id, opened, closed, sealed FROM batches LIMIT 1"))
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	return r.checkIndex(ctx, q)
}

// Close closes the registry.
func (r *Registry) Close() error { return r.db.Close() }

// Ping reports whether the registry answers.
func (r *Registry) Ping(ctx context.Context) error { return r.db.PingContext(ctx) }

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMicro(n).UTC()
}

func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?,", n), ",") }
