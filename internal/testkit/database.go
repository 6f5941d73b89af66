package testkit

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"saltmine/internal/helpdesk"
)

const adminName = "testkit"

// randomName is lower-case: names of databases are files.
func randomName(prefix string) string { return prefix + strings.ToLower(rand.Text()[:14]) }

// Database makes an empty database for one test and drops it when the test
// ends. The data source name has all rights on it, parseTime=true and
// interpolateParams=true (as planting needs), and db is open on it.
func (s *Server) Database(tb testing.TB) (dsn string, db *sql.DB) {
	tb.Helper()
	name := randomName("t_")
	ctx := context.WithoutCancel(tb.Context())
	if err := s.admin(ctx, "CREATE DATABASE "+name+" CHARACTER SET utf8mb4"); err != nil {
		tb.Fatal(err)
	}
	// A server that the test left stopped has nothing to drop from.
	tb.Cleanup(func() { s.admin(ctx, "DROP DATABASE IF EXISTS "+name) }) //nolint:errcheck // see above
	dsn = s.dsn(adminName, s.password, name)
	return dsn, open(tb, dsn)
}

// User makes an account for the database that dsn names, with the given rights
// ("SELECT", "SELECT, INSERT"; none if empty) and returns its data source name.
func (s *Server) User(tb testing.TB, dsn, rights string) string {
	tb.Helper()
	of, err := mysql.ParseDSN(dsn)
	if err != nil {
		tb.Fatalf("user of a database: %v", err)
	}
	name, password := randomName("u_"), randomName("")
	statements := []string{fmt.Sprintf("CREATE USER %s@'127.0.0.1' IDENTIFIED BY '%s'", name, password)}
	if rights != "" {
		statements = append(statements, fmt.Sprintf("GRANT %s ON `%s`.* TO %s@'127.0.0.1'", rights, of.DBName, name))
	}
	ctx := context.WithoutCancel(tb.Context())
	if err := s.admin(ctx, statements...); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { s.admin(ctx, "DROP USER IF EXISTS "+name+"@'127.0.0.1'") }) //nolint:errcheck // the server may be stopped
	return s.dsn(name, password, of.DBName)
}

// Addr is where the server listens, as host:port.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

func (s *Server) dsn(user, password, database string) string {
	c := mysql.NewConfig()
	c.User, c.Passwd, c.Net, c.Addr, c.DBName = user, password, "tcp", s.Addr(), database
	c.ParseTime, c.InterpolateParams, c.Timeout = true, true, 10*time.Second
	return c.FormatDSN()
}

func open(tb testing.TB, dsn string) *sql.DB {
	tb.Helper()
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { db.Close() }) //nolint:errcheck // the test is over
	return db
}

// admit makes the administrator's account for TCP. The root account of a new
// server has no password and comes in by the socket.
func (s *Server) admit(ctx context.Context) error {
	c := mysql.NewConfig()
	c.User, c.Net, c.Addr = "root", "unix", s.socket()
	return execOn(ctx, c.FormatDSN(),
		fmt.Sprintf("CREATE USER %s@'127.0.0.1' IDENTIFIED BY '%s'", adminName, s.password),
		fmt.Sprintf("GRANT ALL ON *.* TO %s@'127.0.0.1' WITH GRANT OPTION", adminName))
}

func (s *Server) admin(ctx context.Context, statements ...string) error {
	return execOn(ctx, s.dsn(adminName, s.password, ""), statements...)
}

// execOn runs statements one after the other on one connection.
func execOn(ctx context.Context, dsn string, statements ...string) error {
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		return fmt.Errorf("mariadb: %w", err)
	}
	defer db.Close() //nolint:errcheck // nothing is held
	db.SetMaxOpenConns(1)
	for _, text := range statements {
		if _, err := db.ExecContext(ctx, text); err != nil {
			return fmt.Errorf("mariadb: %.30s…: %w", text, err)
		}
	}
	return nil
}

// desks are the loaded help desks that are copied for each test: the name of a
// database by configuration.
type desks struct {
	mu     sync.Mutex
	loaded map[helpdesk.Config]string
}

// HelpDesk is [Server.Database] with the customers and tickets of cfg in it.
// Each configuration is made once per server and then copied, which is several
// times faster.
func (s *Server) HelpDesk(tb testing.TB, cfg helpdesk.Config) (dsn string, db *sql.DB) {
	tb.Helper()
	ctx := context.WithoutCancel(tb.Context())
	from, err := s.template(ctx, cfg)
	if err != nil {
		tb.Fatal(err)
	}
	dsn, db = s.Database(tb)
	statements := append(helpdesk.Schema(),
		"SET foreign_key_checks = 0, unique_checks = 0", // they held in the template
		"INSERT INTO customers SELECT * FROM "+from+".customers",
		"INSERT INTO tickets SELECT * FROM "+from+".tickets")
	if err := execOn(ctx, dsn, statements...); err != nil {
		tb.Fatal(err)
	}
	return dsn, db
}

// template returns the database that holds cfg, loaded now if need be.
func (s *Server) template(ctx context.Context, cfg helpdesk.Config) (string, error) {
	s.desks.mu.Lock()
	defer s.desks.mu.Unlock()
	if name, ok := s.desks.loaded[cfg]; ok {
		return name, nil
	}
	name := randomName("desk_")
	if err := s.admin(ctx, "CREATE DATABASE "+name+" CHARACTER SET utf8mb4"); err != nil {
		return "", err
	}
	db, err := sql.Open("mysql", s.dsn(adminName, s.password, name))
	if err != nil {
		return "", fmt.Errorf("mariadb: %w", err)
	}
	defer db.Close() //nolint:errcheck // nothing is held
	if err := helpdesk.Load(ctx, db, cfg, nil); err != nil {
		return "", err
	}
	if s.desks.loaded == nil {
		s.desks.loaded = map[helpdesk.Config]string{}
	}
	s.desks.loaded[cfg] = name
	return name, nil
}
