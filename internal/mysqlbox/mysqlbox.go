// Package mysqlbox is a MySQL server inside the process: go-mysql-server with
// its tables in memory, listening on a TCP port, spoken to with any MySQL
// client. The demo's support database lives in it, and the replay of logged
// queries.
//
// It refuses to be more than that: nothing is kept when the box is closed, no
// file is read or written (LOAD_FILE, INTO OUTFILE and LOAD DATA INFILE are
// shut), one account exists, and a password is made up if none is given.
//
// The invariant it adds to the library: a committed change is never lost. The
// library's sessions write whole tables back at COMMIT, so that of two open
// transactions the later one silently undoes the earlier. Here one transaction
// is open at a time; a second one, or a change outside of it, waits, and gets
// error 1205 (lock wait timeout) after Config.LockWait. Plain reads do not wait:
// they see what is committed. A client that opens a second transaction while it
// holds one therefore waits for itself, and fails with 1205.
//
// What differs from MariaDB, beside speed:
//
//   - version() says 8.0.31; information_schema is MySQL 8's, with column names
//     in capitals;
//   - isolation is a snapshot of each table as first touched; no savepoints;
//     FOR UPDATE locks nothing; DDL commits, as it does there;
//   - UNIQUE tells "A@x" from "a@x"; WHERE does so too, unless the table says
//     DEFAULT CHARSET=utf8mb4 or the column has a _ci collation;
//   - an id that was rolled back is given out again by AUTO_INCREMENT;
//   - every statement that changes a table sorts it and its indexes: at 4,000 rows
//     with one index some 10 ms for a new row and 100 ms for an UPDATE of an old
//     one. Load by the thousand rows per INSERT, with indexes and foreign keys
//     made first; a hundred thousand rows are too many;
//   - results are collected before the first row is sent;
//   - error 1062 names the value but not the key, with SQLSTATE HY000;
//   - a composite primary key (1, 11) collides with (11, 1) within one statement.
//
// The library logs through loggers of the whole process; the first box silences
// them, because they print queries. A panic of the library ends the statement
// with error 1105 and its transaction, not the process.
package mysqlbox

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"github.com/dolthub/go-mysql-server"
	"github.com/dolthub/go-mysql-server/memory"
	"github.com/dolthub/go-mysql-server/server"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/mysql"
	"github.com/dolthub/vitess/go/vt/log"
	"github.com/sirupsen/logrus"
)

// Config says how the box is reached. The zero Config is usable: a free port
// of 127.0.0.1, a database "support", a made-up password.
type Config struct {
	Listen   string        // host:port; "127.0.0.1:0" if empty
	Database string        // "support" if empty
	User     string        // "support" if empty; has all rights
	Password string        // random if empty
	LockWait time.Duration // how long a transaction waits for another; 10 s if 0
	Log      *slog.Logger  // nothing if nil
}

// Box is a running server.
type Box struct {
	cfg     Config
	engine  *sqle.Engine
	server  *server.Server
	handler *handler
	served  chan struct{}
	closing sync.Once
}

// Start listens and serves until [Box.Close].
func Start(cfg Config) (*Box, error) {
	cfg = cfg.withDefaults()
	provider := memory.NewDBProvider(newDatabase(cfg.Database))
	engine, err := newEngine(provider)
	if err != nil {
		return nil, err
	}
	b := &Box{cfg: cfg, engine: engine, served: make(chan struct{})}
	accounts := b.engine.Analyzer.Catalog.MySQLDb
	editor := accounts.Editor()
	accounts.AddSuperUser(editor, cfg.User, "%", cfg.Password)
	editor.Close()

	// The library's own listener shares the port with whoever asks.
	listener, err := net.Listen("tcp", cfg.Listen) //nolint:noctx // a local port is had or not, at once
	if err != nil {
		return nil, fmt.Errorf("embedded database: listen on %s: %w", cfg.Listen, err)
	}
	b.server, err = server.NewServer(server.Config{
		Listener: listener, Protocol: "tcp", Address: listener.Addr().String(), MaxConnections: 200,
		MaxLoggedQueryLen: -1,
		Options:           []server.Option{b.wrap},
	}, b.engine, sql.NewContext, memory.NewSessionBuilder(provider), nil)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("embedded database: %w", err), listener.Close())
	}
	go func() { // ends when Close has closed the listener
		defer close(b.served)
		if err := b.server.Start(); err != nil {
			cfg.Log.Error("embedded database stopped serving", "error", err)
		}
	}()
	return b, nil
}

func (c Config) withDefaults() Config {
	fill := func(field *string, value string) {
		if *field == "" {
			*field = value
		}
	}
	fill(&c.Listen, "127.0.0.1:0")
	fill(&c.Database, "support")
	fill(&c.User, "support")
	fill(&c.Password, rand.Text())
	if c.LockWait <= 0 {
		c.LockWait = 10 * time.Second
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

func newDatabase(name string) *memory.Database {
	db := memory.NewDatabase(name)
	db.EnablePrimaryKeyIndexes()
	return db
}

func (b *Box) wrap(e *sqle.Engine, sm *server.SessionManager, inner mysql.Handler) (*sqle.Engine, *server.SessionManager, mysql.Handler) {
	b.handler = newHandler(inner, &sessions{manager: sm}, newGate(b.cfg.LockWait), b.cfg.Log)
	return e, sm, b.handler
}

// Addr returns where the box listens, as host:port.
func (b *Box) Addr() string { return b.server.Listener.Addr().String() }

// DSN returns the data source name for github.com/go-sql-driver/mysql, with the
// password in it, parsed times and interpolated parameters.
func (b *Box) DSN() string {
	return fmt.Sprintf("%s:%s@tcp(%s)/%s?parseTime=true&interpolateParams=true",
		b.cfg.User, b.cfg.Password, b.Addr(), b.cfg.Database)
}

// Close ends the connections and the server, and drops the data. It may be
// called again.
func (b *Box) Close() error {
	var err error
	b.closing.Do(func() {
		err = b.server.Close()
		<-b.served
		b.handler.shutdown()
		// The background threads end by the cancellation of their context.
		if stopped := b.engine.Close(); !errors.Is(stopped, context.Canceled) {
			err = errors.Join(err, stopped)
		}
	})
	if err != nil {
		return fmt.Errorf("embedded database: close: %w", err)
	}
	return nil
}

// library guards what the library keeps once for the whole process: variables
// that a new engine sets anew and running ones use, and loggers. A box starts
// with it locked, statements run with it read-locked.
var library struct { //nolint:gochecknoglobals // because what it guards is
	sync.RWMutex
	silent bool
}

// newEngine makes an engine that neither speaks nor touches files.
func newEngine(provider sql.DatabaseProvider) (*sqle.Engine, error) {
	library.Lock()
	defer library.Unlock()
	if !library.silent {
		logrus.SetOutput(io.Discard)
		logrus.SetLevel(logrus.PanicLevel)
		nothing, nothingf := func(...any) {}, func(string, ...any) {}
		log.Info, log.Warning, log.Error = nothing, nothing, nothing
		log.Infof, log.Warningf, log.Errorf = nothingf, nothingf, nothingf
		library.silent = true
	}
	engine := sqle.NewDefault(provider)
	// No file is under a directory that is none.
	if err := sql.SystemVariables.AssignValues(map[string]any{"secure_file_priv": os.DevNull}); err != nil {
		return nil, fmt.Errorf("embedded database: secure_file_priv: %w", err)
	}
	return engine, nil
}
