// Package registry is the core's database: canaries and their tokens, batches,
// contacts, incidents, pages, extracts. It runs on SQLite (the default) and on
// anything that speaks MySQL; every statement is plain enough for both.
//
// What could identify a canary is sealed (package seal) before it reaches the
// database: names, token texts, row images, primary keys, windows, and every
// contact with its evidence. Tokens are found through a keyed blind index. A
// copy of the database without the keys therefore shows how many canaries and
// contacts there are and when contacts came, and no name, address, number or
// ticket. Associated data binds each sealed field to its row.
//
// The invariant: what belongs together is written in one transaction. A
// planting and all its tokens and placebos; an intake's contacts, hits,
// incidents, pages and the spool position behind them. A reader never sees
// half of one, and a crash leaves none.
//
// Times are stored as microseconds since 1970 UTC, 0 for "not". On SQLite the
// journal is WAL with synchronous=FULL, set and read back on every connection:
// a commit that was acknowledged survives a power cut. Faults of the database
// come back wrapped; a sealed field that does not open is [seal.ErrOpen].
package registry

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver of the default database

	"saltmine/internal/seal"
)

//go:embed migrations/*.sql
var migrations embed.FS

// ErrNotFound is returned when the thing asked for is not in the registry.
var ErrNotFound = errors.New("not in the registry")

// Config is what a registry needs.
type Config struct {
	// DSN is "sqlite:PATH" or "mysql://user:password@tcp(host:port)/name".
	DSN   string
	Vault *seal.Vault
	Now   func() time.Time
	Log   *slog.Logger
}

// Registry is an open registry. It is safe for concurrent use, and several
// processes may have the same one open.
type Registry struct {
	db    *sql.DB
	vault *seal.Vault
	now   func() time.Time
	mysql bool
}

// Open opens the registry, making an empty SQLite file (mode 0600) where there
// is none, and brings its tables up to date. A registry in which a batch was
// registered with other keys is not opened: the error is [seal.ErrOpen].
func Open(ctx context.Context, cfg Config) (*Registry, error) {
	r := &Registry{vault: cfg.Vault, now: cfg.Now}
	var err error
	switch scheme, rest, _ := strings.Cut(cfg.DSN, ":"); scheme {
	case "sqlite":
		r.db, err = openSQLite(ctx, rest)
	case "mysql":
		r.mysql = true
		r.db, err = openMySQL(ctx, strings.TrimPrefix(rest, "//"))
	default:
		return nil, fmt.Errorf("registry: unknown database %q: want sqlite:PATH or mysql://…", scheme)
	}
	if err != nil {
		return nil, fmt.Errorf("registry: %w", err)
	}
	if err := r.migrate(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("registry: %w", err), r.db.Close())
	}
	if err := r.checkKeys(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("registry: %w", err), r.db.Close())
	}
	return r, nil
}

// checkKeys opens one sealed thing, where there is one. With the keys of
// another registry every read of the blind index would find nothing, and new
// canaries would be sealed apart from the old: no row of them may be written.
func (r *Registry) checkKeys(ctx context.Context) error {
	_, err := r.scanBatch(r.db.QueryRowContext(ctx, "SELECT id, opened, closed, sealed FROM batches LIMIT 1"))
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
}

// Close closes the registry.
func (r *Registry) Close() error { return r.db.Close() }

// Ping reports whether the registry answers.
func (r *Registry) Ping(ctx context.Context) error { return r.db.PingContext(ctx) }

func openSQLite(ctx context.Context, path string) (*sql.DB, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Clean(path), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	q := url.Values{"_txlock": {"immediate"}, "_pragma": {"busy_timeout(20000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(ON)"}}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+q.Encode())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(4)
	if err := checkDurable(ctx, db); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// checkDurable reads back what the connection was told: a build or a mount
// that cannot do WAL with full synchronisation must not hold evidence.
func checkDurable(ctx context.Context, db *sql.DB) error {
	var journal string
	var sync int
	if err := db.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&journal); err != nil {
		return fmt.Errorf("read journal mode: %w", err)
	}
	if err := db.QueryRowContext(ctx, "PRAGMA synchronous").Scan(&sync); err != nil {
		return fmt.Errorf("read synchronous: %w", err)
	}
	if journal != "wal" || sync != 2 {
		return fmt.Errorf("the file system does not allow durable commits (journal_mode %s, synchronous %d; want wal, 2)", journal, sync)
	}
	return nil
}

func openMySQL(ctx context.Context, dsn string) (*sql.DB, error) {
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		// The driver's message may repeat the DSN, and with it the password.
		return nil, errors.New("the mysql DSN cannot be read: want user:password@tcp(host:port)/name")
	}
	cfg.ParseTime, cfg.Loc, cfg.InterpolateParams = true, time.UTC, true
	if cfg.Timeout == 0 {
		cfg.Timeout = 10 * time.Second
	}
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(connector)
	db.SetConnMaxLifetime(3 * time.Minute)
	db.SetMaxOpenConns(16)
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

func (r *Registry) migrate(ctx context.Context) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	dialect := goose.DialectSQLite3
	if r.mysql {
		dialect = goose.DialectMySQL
	}
	p, err := goose.NewProvider(dialect, r.db, files, goose.WithSlog(slog.New(slog.DiscardHandler)))
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	return nil
}

// inTx runs fn in one transaction and commits when it returns nil.
func (r *Registry) inTx(ctx context.Context, fn func(*sql.Tx) error) error {
	tx, err := r.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("registry: begin: %w", err)
	}
	if err := fn(tx); err != nil {
		return errors.Join(err, ignoreDone(tx.Rollback()))
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("registry: commit: %w", err)
	}
	return nil
}

func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}

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

// Lock takes a lock by name that lasts until unlock or until the connection
// ends; busy is returned when somebody else holds it. On MySQL alone.
func (r *Registry) Lock(ctx context.Context, name string, busy error) (unlock func(), err error) {
	conn, err := r.db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("registry: lock: %w", err)
	}
	var got sql.NullInt64
	if err := conn.QueryRowContext(ctx, "SELECT GET_LOCK(?, 0)", name).Scan(&got); err != nil {
		return nil, errors.Join(fmt.Errorf("registry: lock: %w", err), conn.Close())
	}
	if got.Int64 != 1 {
		return nil, errors.Join(busy, conn.Close())
	}
	return func() {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		// A lock that cannot be given back ends with its connection.
		conn.ExecContext(last, "DO RELEASE_LOCK(?)", name) //nolint:errcheck // see above
		conn.Close()                                       //nolint:errcheck // see above
	}, nil
}
