package supportdb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-sql-driver/mysql"
)

// Settings say how a support database is dealt with.
type Settings struct {
	Load
	// Attributes are what a session says of itself, "name:value" each, besides
	// what the driver says always. Neither may have a comma.
	Attributes []string
	// Zone is that in which the application writes dates without one, in DATETIME
	// and DATE columns; nil is UTC.
	Zone *time.Location
	// Opened hears the server's number of each session before anything is sent in it; one
	// of which it fails is not opened. Nil is nobody. No session is older than an hour
	// when a statement of ours begins, unless it holds a transaction.
	Opened func(ctx context.Context, session uint32) error
}

// Load bounds what reading costs the support database. Whatever it says,
// reading is done by short statements that take no locks, in sessions in which
// the server refuses every change.
type Load struct {
	// RowsPerSecond is how many rows are read a second at most, those that are
	// looked for and not there included; 0 is no limit. A statement's rows are
	// read at once, some hundreds as a rule and never more than 20,000, and then
	// as long a pause is made as they are worth.
	RowsPerSecond int
	// Statement is the time after which the server ends a statement that reads;
	// 0 is DefaultStatement.
	Statement time.Duration
	// Pause waits; nil waits by the machine's clock.
	Pause func(context.Context, time.Duration) error
}

// DefaultStatement is a thousand times what a statement takes on a server that
// is well.
const DefaultStatement = 10 * time.Second

// pace keeps reading below a number of rows a second.
type pace struct {
	perSecond int
	pause     func(context.Context, time.Duration) error

	mu  sync.Mutex
	owe time.Duration
}

func newPace(l Load) *pace {
	if l.Pause == nil {
		l.Pause = sleep
	}
	return &pace{perSecond: l.RowsPerSecond, pause: l.Pause}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// leastPause is what a timer can keep.
const leastPause = 2 * time.Millisecond

// read notes rows that were read.
func (p *pace) read(rows int) {
	if p.perSecond <= 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.owe += time.Duration(rows) * time.Second / time.Duration(p.perSecond)
}

// wait pauses for what was read so far.
func (p *pace) wait(ctx context.Context) error {
	p.mu.Lock()
	owe := p.owe
	if owe < leastPause {
		owe = 0
	}
	p.owe -= owe
	p.mu.Unlock()
	if owe == 0 {
		return nil
	}
	return p.pause(ctx, owe)
}

// newReader makes the pool of the sessions that read.
func newReader(cfg *mysql.Config, limit time.Duration) (*sql.DB, error) {
	if limit <= 0 {
		limit = DefaultStatement
	}
	cfg = cfg.Clone()
	cfg.ReadTimeout = limit + readTimeout // the server ends it first, and says so
	inner, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(reader{inner, limit})
	db.SetMaxOpenConns(maxSessions)
	db.SetConnMaxIdleTime(time.Minute)
	db.SetConnMaxLifetime(sessionLife)
	return db, nil
}

// reader opens sessions in which nothing can be changed and no statement runs
// for long.
type reader struct {
	driver.Connector
	limit time.Duration
}

// Connect opens such a session.
func (r reader) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := r.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	if err := r.prepare(ctx, conn); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// prepare sets the session up. The time limit is MariaDB's variable in seconds
// or MySQL's in milliseconds; what stands in /*M! is read by MariaDB alone, what
// stands in /*!50708 by MySQL from that version on (MariaDB passes over the
// numbers from 50700 to 99999). A reader does not wait long for somebody who
// changes the table's definition either.
func (r reader) prepare(ctx context.Context, conn driver.Conn) error {
	session, ok := conn.(driver.ExecerContext)
	if !ok {
		return driver.ErrSkip
	}
	limits := fmt.Sprintf("SET SESSION /*M!100101 max_statement_time = %.3f, */ /*!50708 max_execution_time = %d, */ lock_wait_timeout = %d",
		r.limit.Seconds(), r.limit.Milliseconds(), 1+r.limit/time.Second)
	for _, s := range []string{"SET SESSION TRANSACTION READ ONLY", limits} {
		if _, err := session.ExecContext(ctx, s, nil); err != nil {
			return fmt.Errorf("prepare a session for reading: %w", err)
		}
	}
	return nil
}
