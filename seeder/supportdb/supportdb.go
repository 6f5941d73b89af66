// Package supportdb speaks to the support database: the company's own MySQL or
// MariaDB in which the canaries are planted. It finds its way in a schema
// ([DB.Inspect]), checks a recipe against it ([DB.Use]), samples customers
// with bounded load, inserts a canary with its tickets in one transaction,
// changes an e-mail address or a phone number in place, reads back, deletes.
//
// It refuses to guess: a table or column that a recipe names and the schema
// does not have is an error that says which one is near; a privilege that is
// missing is found before the first row is written, with the GRANT that gives
// it; views, tables whose rows cannot be told apart and triggers that the recipe
// does not allow are refused. In tables without transactions it writes row by
// row, notes each, and takes back what is not whole. It knows nothing of tokens,
// of the registry or of what a believable person is.
//
// Its one invariant: a row is only ever changed or deleted by its primary key
// together with a value that we wrote into it (or, where a run died before the
// key was noted, by all that we wrote into it), so a row of a real customer
// cannot be touched even when every number in the registry were wrong.
//
// It fails with the errors of errors.go. After [ErrUnknownOutcome] the caller
// has to look; nothing in here is ever tried twice. No error text holds a
// password or a value of a row.
//
// Values travel as the text in which the server gives them ([Value]), dates
// and numbers too, so that what is copied from a donor arrives byte for byte
// as it was. Sessions run in UTC.
package supportdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

// DB is an open support database. It is safe for concurrent use.
type DB struct {
	sql  *sql.DB
	read *sql.DB // its sessions can change nothing
	pace *pace
	name string // of the schema
	zone *time.Location
}

// Timeouts of a session. A statement of ours touches few rows; one that takes
// longer than readTimeout is a fault.
const (
	dialTimeout  = 10 * time.Second
	readTimeout  = 60 * time.Second
	writeTimeout = 30 * time.Second
	maxSessions  = 4
	sessionLife  = time.Hour
)

// sqlMode is the mode of our sessions, whatever the server's is: a value that
// a column cannot hold is an error and never cut, texts are escaped with
// backslashes, an empty text is no NULL, and dates that the table already has
// (zero dates, the 31st of June) may be copied.
const sqlMode = "'STRICT_ALL_TABLES,ALLOW_INVALID_DATES,NO_ENGINE_SUBSTITUTION'"

// Open connects and makes sure that the server answers. The dsn is in the
// driver's form, user:password@tcp(host:3306)/database, or a URL,
// mysql://user:password@host:3306/database.
func Open(ctx context.Context, dsn string) (*DB, error) { return OpenWith(ctx, dsn, Settings{}) }

// OpenWith is Open with settings, such as bounds on the load that reading makes.
func OpenWith(ctx context.Context, dsn string, with Settings) (*DB, error) {
	cfg, err := parseDSN(dsn)
	if err != nil {
		return nil, err
	}
	if len(with.Attributes) > 0 {
		cfg.ConnectionAttributes = strings.Join(with.Attributes, ",")
	}
	if with.Opened != nil {
		cfg.DialFunc = noted(with.Opened)
	}
	connector, err := mysql.NewConnector(cfg)
	read, also := newReader(cfg, with.Statement)
	if err != nil || also != nil {
		return nil, fmt.Errorf("open support database: %w: the connection settings contradict one another", ErrDSN)
	}
	db := &DB{sql: sql.OpenDB(connector), read: read, pace: newPace(with.Load), name: cfg.DBName, zone: with.Zone}
	if db.zone == nil {
		db.zone = time.UTC
	}
	db.sql.SetMaxOpenConns(maxSessions)
	db.sql.SetConnMaxIdleTime(time.Minute)
	db.sql.SetConnMaxLifetime(sessionLife)
	if err := db.sql.PingContext(ctx); err != nil {
		_ = db.Close() // nothing was sent; the first error is the one to report
		return nil, fmt.Errorf("open support database: %w", classify(err))
	}
	return db, nil
}

// Close ends all sessions.
func (d *DB) Close() error {
	if err := errors.Join(d.sql.Close(), d.read.Close()); err != nil {
		return fmt.Errorf("close support database: %w", err)
	}
	return nil
}

// Name is the name of the schema.
func (d *DB) Name() string { return d.name }

func parseDSN(dsn string) (*mysql.Config, error) {
	cfg, err := parseServer(dsn)
	if err == nil && cfg.DBName == "" {
		return nil, fmt.Errorf("open support database: %w: it names no database (…/database at its end)", ErrDSN)
	}
	return cfg, err
}

// parseServer is parseDSN of one that may name no database.
func parseServer(dsn string) (*mysql.Config, error) {
	dsn = strings.TrimSpace(dsn)
	if strings.HasPrefix(dsn, "mysql://") {
		var err error
		if dsn, err = fromURL(dsn); err != nil {
			return nil, err
		}
	}
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		// The driver's own text may quote a part of the DSN, and so the password.
		return nil, fmt.Errorf("open support database: %w: want user:password@tcp(host:3306)/database or mysql://user:password@host:3306/database", ErrDSN)
	}
	cfg.InterpolateParams = true // statements look like an application's, not prepared ones
	cfg.ParseTime = false        // dates are copied as the text they are
	cfg.Loc = time.UTC
	cfg.MultiStatements = false
	cfg.AllowAllFiles = false
	cfg.ClientFoundRows = true // an UPDATE reports the rows that matched
	cfg.Timeout, cfg.ReadTimeout, cfg.WriteTimeout = dialTimeout, readTimeout, writeTimeout
	cfg.Logger = &mysql.NopLogger{}
	if cfg.Params == nil {
		cfg.Params = map[string]string{}
	}
	// Over what the dsn says: rows are to arrive as they are meant.
	cfg.Params["time_zone"] = "'+00:00'"
	cfg.Params["sql_mode"] = sqlMode
	cfg.Params["autocommit"] = "1"
	cfg.Params["foreign_key_checks"] = "1"
	cfg.Params["unique_checks"] = "1"
	cfg.Params["sql_safe_updates"] = "0"   // ours name keys; what is only asked ("WHERE 1 = 0") does not
	cfg.Params["lock_wait_timeout"] = "50" // seconds: an ALTER TABLE holds us up, and not for a day
	cfg.MaxAllowedPacket = 0               // the server's own
	if err := cfg.Apply(mysql.Charset("utf8mb4", "")); err != nil {
		return nil, fmt.Errorf("open support database: %w", err)
	}
	return cfg, nil
}

// fromURL turns a mysql:// URL into the driver's form.
func fromURL(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil { // its text would show the password
		return "", fmt.Errorf("open support database: %w: not a URL (is a character of the password not percent-encoded?)", ErrDSN)
	}
	cfg := mysql.NewConfig()
	cfg.User = u.User.Username()
	cfg.Passwd, _ = u.User.Password()
	cfg.Net, cfg.Addr = "tcp", u.Host
	if u.Port() == "" {
		cfg.Addr = u.Host + ":3306"
	}
	cfg.DBName = strings.TrimPrefix(u.Path, "/")
	dsn := cfg.FormatDSN()
	if u.RawQuery == "" {
		return dsn, nil
	}
	if strings.Contains(dsn, "?") {
		return dsn + "&" + u.RawQuery, nil
	}
	return dsn + "?" + u.RawQuery, nil
}

// inTx runs do in a transaction. An error of do rolls back; a COMMIT whose
// answer was lost is ErrUnknownOutcome.
func (d *DB) inTx(ctx context.Context, do func(tx *sql.Tx) error) error {
	tx, err := d.sql.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", classify(err))
	}
	defer func() { _ = tx.Rollback() }() // after a COMMIT it does nothing
	if err := do(tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", committed(err))
	}
	return nil
}

// quote writes an identifier between backticks.
func quote(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

func quoteAll(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = quote(n)
	}
	return strings.Join(quoted, ", ")
}

// marks gives n placeholders: "?, ?, ?".
func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }
