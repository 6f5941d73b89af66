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
	"syscall"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/pressly/goose/v3"
	"modernc.org/sqlite" // the driver of the default database
)

//go:embed migrations/*.sql
var migrations embed.FS

var errMigrating = errors.New("another process has been making the registry's tables for a minute; try again")

const (
	migrateLimit = time.Minute
	// minPacket is canary.MaxRaw with room for what sealing and quoting add.
	minPacket = 80 << 20
)

// openSQLite makes the file and its tables under a lock beside it: turning on
// WAL and making tables both fail when another process does the same. The lock
// is the kernel's and ends with the process; its file stays, empty.
func (r *Registry) openSQLite(ctx context.Context, path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Clean(path)+".migrate", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // closing lets go of the lock
	if err := waitLock(ctx, f); err != nil {
		return fmt.Errorf("wait for another process that opens the registry: %w", err)
	}
	if r.db, err = newSQLite(ctx, path); err != nil {
		return err
	}
	if err := r.migrate(ctx); err != nil {
		return errors.Join(err, r.db.Close())
	}
	return nil
}

// waitLock takes the lock on a file. The kernel's own waiting cannot be ended by ctx.
func waitLock(ctx context.Context, f *os.File) error {
	ctx, cancel := context.WithTimeout(ctx, migrateLimit)
	defer cancel()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-again.C:
		}
	}
}

func newSQLite(ctx context.Context, path string) (*sql.DB, error) {
	f, err := os.OpenFile(filepath.Clean(path), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	q := url.Values{"_txlock": {"immediate"}, "_pragma": {
		"busy_timeout(20000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(ON)", "secure_delete(ON)",
		// For planting, which changes thousands of pages at once: what a statement
		// would undo is kept in memory (and off the disk), 32 MiB of pages are, and
		// as much is gathered in the WAL before it goes into the file.
		"temp_store(MEMORY)", "cache_size(-32768)", "wal_autocheckpoint(8000)",
	}}
	connector, err := sqlite.NewConnector("file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode())
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(preparer{connector})
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

func (r *Registry) openMySQL(ctx context.Context, dsn string) error {
	db, name, err := newMySQL(ctx, dsn)
	if err != nil {
		return err
	}
	r.db = db
	if err := r.prepareMySQL(ctx, name); err != nil {
		return errors.Join(err, db.Close())
	}
	return nil
}

// prepareMySQL checks the server and makes the tables, under a lock because
// MySQL makes tables outside of transactions.
func (r *Registry) prepareMySQL(ctx context.Context, name string) error {
	if err := checkPacket(ctx, r.db); err != nil {
		return err
	}
	unlock, err := r.lock(ctx, "saltmine migrate "+name, migrateLimit, errMigrating)
	if err != nil {
		return err
	}
	defer unlock()
	return r.migrate(ctx)
}

// checkPacket refuses a server that would break off the connection on a large
// contact: the spool would come to a stop before it, days or months later.
func checkPacket(ctx context.Context, db *sql.DB) error {
	var have int64
	if err := db.QueryRowContext(ctx, "SELECT @@max_allowed_packet").Scan(&have); err != nil {
		return fmt.Errorf("read max_allowed_packet: %w", err)
	}
	if have < minPacket {
		return fmt.Errorf("the server takes statements of %d bytes, and a contact with its evidence may need %d: run SET GLOBAL max_allowed_packet = 134217728 on it and set max_allowed_packet=128M in its configuration", have, minPacket)
	}
	return nil
}

func newMySQL(ctx context.Context, dsn string) (db *sql.DB, name string, err error) {
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		// The driver's message may repeat the DSN, and with it the password.
		return nil, "", errors.New("the mysql DSN cannot be read: want user:password@tcp(host:port)/name")
	}
	cfg.ParseTime, cfg.Loc, cfg.InterpolateParams = true, time.UTC, true
	cfg.MaxAllowedPacket = 0        // as the server says
	cfg.Logger = &mysql.NopLogger{} // its errors come back, it need not print them too
	if cfg.Timeout == 0 {
		cfg.Timeout = 10 * time.Second
	}
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, "", err
	}
	db = sql.OpenDB(connector)
	db.SetConnMaxLifetime(3 * time.Minute)
	db.SetMaxOpenConns(16)
	if err := db.PingContext(ctx); err != nil {
		return nil, "", errors.Join(err, db.Close())
	}
	return db, cfg.DBName, nil
}

func (r *Registry) migrate(ctx context.Context) error {
	p, err := r.tables()
	if err == nil {
		_, err = p.Up(ctx)
	}
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	return nil
}

// tables knows the migrations, from which the tables come.
func (r *Registry) tables() (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	dialect := goose.DialectSQLite3
	if r.mysql {
		dialect = goose.DialectMySQL
	}
	return goose.NewProvider(dialect, r.db, files, goose.WithSlog(slog.New(slog.DiscardHandler)))
}
