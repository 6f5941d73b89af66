package supportdb

import (
	"context"
	"crypto/rand"
	"database/sql"
	"database/sql/driver"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

// ErrScratch says that a server cannot be used to try statements on.
var ErrScratch = errors.New("the scratch server cannot be used")

// ScratchName begins the names of the databases that are made on scratch servers.
const ScratchName = "saltmine_scratch_"

// ScratchKey is the column that numbers rows in a scratch database.
const ScratchKey = "saltmine_key"

// Scratch is a database of our own on a server beside the support database, for statements
// of others. It has the support database's tables, without keys and checks, with the
// rows that it is given.
type Scratch struct {
	support *DB
	name    string
	admin   *sql.DB
	read    *sql.DB
	owner   *sql.Conn // it holds the lock that tells a database in use from one that was left
	conn    *sql.Conn
	mariadb bool
	set     []string // so that a session is as one of the support database is
	tables  map[string]*scratchTable
	held    []scratchRow
}

// OpenScratch makes a database on the server of a dsn, whose own database is not touched,
// and removes those that runs left which were killed.
func (d *DB) OpenScratch(ctx context.Context, dsn string, limit time.Duration) (s *Scratch, err error) {
	cfg, err := parseServer(dsn)
	if err != nil {
		return nil, err
	}
	cfg.DBName = ""
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, fmt.Errorf("%w: %w: the connection settings contradict one another", ErrScratch, ErrDSN)
	}
	random := make([]byte, 8)
	rand.Read(random)
	s = &Scratch{support: d, name: ScratchName + hex.EncodeToString(random), admin: sql.OpenDB(connector), tables: map[string]*scratchTable{}}
	if err := s.open(ctx, cfg, limit); err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %w", ErrScratch, err), s.Close(context.WithoutCancel(ctx)))
	}
	return s, nil
}

func (s *Scratch) open(ctx context.Context, cfg *mysql.Config, limit time.Duration) (err error) {
	if err := s.compare(ctx); err != nil {
		return err
	}
	if s.owner, err = s.admin.Conn(ctx); err != nil {
		return classify(err)
	}
	if _, err := s.owner.ExecContext(ctx, "SET SESSION wait_timeout = 2147483"); err != nil {
		return classify(err)
	}
	if _, err := s.lock(ctx, s.name); err != nil {
		return err
	}
	if err := s.sweep(ctx); err != nil {
		return err
	}
	for _, do := range []string{"DROP DATABASE IF EXISTS " + quote(s.name), "CREATE DATABASE " + quote(s.name)} {
		if _, err := s.owner.ExecContext(ctx, do); err != nil {
			return s.denied(err)
		}
	}
	cfg = cfg.Clone()
	cfg.DBName = s.name
	if s.read, err = newReader(cfg, limit); err != nil {
		return err
	}
	if s.conn, err = s.read.Conn(ctx); err != nil {
		return classify(err)
	}
	return s.alike(ctx)
}

// denied says which rights are missing.
func (s *Scratch) denied(err error) error {
	if told, ok := errors.AsType[*mysql.MySQLError](err); ok && (told.Number == 1044 || told.Number == 1045 || told.Number == 1142) {
		return fmt.Errorf("%w: run GRANT SELECT, INSERT, CREATE, DROP ON `saltmine\\_scratch\\_%%`.* for its user", ErrPrivilege)
	}
	return classify(err)
}

// compare refuses the support database's own server, and one that is of another kind.
func (s *Scratch) compare(ctx context.Context) error {
	var theirs, ours [2]string
	const who = "SELECT VERSION(), CONCAT_WS('|', @@hostname, @@port, @@datadir)"
	if err := s.support.read.QueryRowContext(ctx, who).Scan(&theirs[0], &theirs[1]); err != nil {
		return classify(err)
	}
	if err := s.admin.QueryRowContext(ctx, who).Scan(&ours[0], &ours[1]); err != nil {
		return classify(err)
	}
	if theirs[1] == ours[1] {
		return errors.New("it is the server of the support database: name another one")
	}
	var n int
	if err := s.admin.QueryRowContext(ctx, "SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE LOWER(SCHEMA_NAME) = LOWER(?)", s.support.name).Scan(&n); err != nil {
		return classify(err)
	}
	if n > 0 {
		return fmt.Errorf("it has a database %s, as the support database is called: it may be a copy that is in use; name a server without", s.support.name)
	}
	if kind(theirs[0]) != kind(ours[0]) {
		return fmt.Errorf("it runs %s and the support database %s: a statement may mean something else there", ours[0], theirs[0])
	}
	s.mariadb = strings.HasPrefix(kind(ours[0]), "mariadb")
	return nil
}

// kind is the product and its major version: "mariadb 10.11".
func kind(version string) string {
	product := "mysql "
	if strings.Contains(strings.ToLower(version), "mariadb") {
		product = "mariadb "
	}
	return product + regexp.MustCompile(`^[0-9]+\.[0-9]+`).FindString(strings.TrimPrefix(version, "5.5.5-"))
}

func (s *Scratch) lock(ctx context.Context, name string) (got bool, err error) {
	err = s.owner.QueryRowContext(ctx, "SELECT COALESCE(GET_LOCK(?, 0), 0)", name).Scan(&got)
	return got, classify(err)
}

// sweep drops the databases that nobody uses any more.
func (s *Scratch) sweep(ctx context.Context) error {
	left, err := s.left(ctx)
	if err != nil {
		return err
	}
	for _, name := range left {
		free, err := s.lock(ctx, name)
		if err != nil {
			return err
		}
		if !free {
			continue
		}
		if _, err := s.owner.ExecContext(ctx, "DROP DATABASE IF EXISTS "+quote(name)); err != nil {
			return s.denied(err)
		}
		if _, err := s.owner.ExecContext(ctx, "DO RELEASE_LOCK(?)", name); err != nil {
			return classify(err)
		}
	}
	return nil
}

// left are the scratch databases of the server, but ours, which is not made yet.
func (s *Scratch) left(ctx context.Context) (list []string, err error) {
	rows, err := s.admin.QueryContext(ctx, "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA")
	if err != nil {
		return nil, classify(err)
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	ours := regexp.MustCompile("^" + ScratchName + "[0-9a-f]{16}$")
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, classify(err)
		}
		if ours.MatchString(name) {
			list = append(list, name)
		}
	}
	return list, classify(rows.Err())
}

// alike reads how sessions of the support database begin, and has ours begin like that.
func (s *Scratch) alike(ctx context.Context) error {
	const settings = "'sql_mode', 'lc_time_names', 'default_week_format', 'div_precision_increment', 'old_mode', 'default_regex_flags', 'block_encryption_mode'"
	rows, err := s.support.read.QueryContext(ctx, "SHOW GLOBAL VARIABLES WHERE Variable_name IN ("+settings+")")
	if err != nil {
		return classify(err)
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	for rows.Next() {
		var name, value string
		if err := rows.Scan(&name, &value); err != nil {
			return classify(err)
		}
		if value == "" || strings.Trim(value, "0123456789") != "" {
			value = "'" + strings.ReplaceAll(value, "'", "''") + "'"
		}
		s.set = append(s.set, name+" = "+value)
	}
	if err := rows.Err(); err != nil {
		return classify(err)
	}
	slices.Sort(s.set)
	_, err = s.conn.ExecContext(ctx, "SET SESSION "+strings.Join(s.set, ", "))
	return classify(err)
}

// Name is that of the database.
func (s *Scratch) Name() string { return s.name }

// closing is how long dropping may take.
const closing = 30 * time.Second

// Close drops the database.
func (s *Scratch) Close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closing)
	defer cancel()
	var failed []error
	if s.conn != nil {
		_ = s.conn.Raw(func(any) error { return driver.ErrBadConn }) // the session is set as no other is
		_ = s.conn.Close()
	}
	if s.read != nil {
		failed = append(failed, s.read.Close())
		_, err := s.admin.ExecContext(ctx, "DROP DATABASE IF EXISTS "+quote(s.name))
		failed = append(failed, classify(err))
	}
	if s.owner != nil {
		failed = append(failed, s.owner.Close())
	}
	if err := errors.Join(append(failed, s.admin.Close())...); err != nil {
		return fmt.Errorf("drop the scratch database %s (the next run does): %w", s.name, err)
	}
	return nil
}
