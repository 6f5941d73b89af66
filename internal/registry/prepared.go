package registry

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
)

// SQLite reads and plans the text of a statement anew each time that it is run, which
// takes longer than most of ours take to run. So each connection keeps those that it
// has prepared. A MySQL server would want a round trip for each and keep it on its
// side: there the driver puts values into the text.

// Bounds of what a connection keeps.
const (
	mostPrepared = 200
	longestKept  = 4 << 10 // bytes: of statements with many values hardly two are alike
)

// sqliteConn is what the driver's connections can do.
type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// sqliteStmt is what its statements can do.
type sqliteStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// preparer makes connections that keep what they prepare.
type preparer struct{ driver.Connector }

// Connect opens a connection.
func (p preparer) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := p.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	conn, ok := c.(sqliteConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("sqlite: a connection is a %T", c), c.Close())
	}
	return &prepared{sqliteConn: conn, idle: map[string]sqliteStmt{}}, nil
}

// prepared is a connection with the statements that wait to be run again. One that
// runs is not among them: its rows may be read while the same text is run within.
type prepared struct {
	sqliteConn
	idle   map[string]sqliteStmt
	closed bool
}

// ExecContext runs a statement that gives no rows.
func (p *prepared) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if !keepable(query) {
		return p.sqliteConn.ExecContext(ctx, query, args)
	}
	s, err := p.take(ctx, query)
	if err != nil {
		return nil, err
	}
	res, err := s.ExecContext(ctx, args)
	return res, errors.Join(err, p.put(query, s, err))
}

// QueryContext runs a statement that gives rows.
func (p *prepared) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if !keepable(query) {
		return p.sqliteConn.QueryContext(ctx, query, args)
	}
	s, err := p.take(ctx, query)
	if err != nil {
		return nil, err
	}
	rows, err := s.QueryContext(ctx, args)
	if err != nil {
		return nil, errors.Join(err, p.put(query, s, err))
	}
	return &preparedRows{rows, func(err error) error { return p.put(query, s, err) }}, nil
}

// Close closes the connection and what it keeps.
func (p *prepared) Close() error {
	p.closed = true
	var list []error
	for _, s := range p.idle {
		list = append(list, s.Close())
	}
	clear(p.idle)
	return errors.Join(append(list, p.sqliteConn.Close())...)
}

// keepable reports whether a statement is worth keeping: it is run often, and no
// PRAGMA and no script.
func keepable(query string) bool {
	verb, _, _ := strings.Cut(query, " ")
	switch verb {
	case "SELECT", "INSERT", "UPDATE", "DELETE":
		return len(query) <= longestKept && !strings.Contains(query, ";")
	}
	return false
}

func (p *prepared) take(ctx context.Context, query string) (sqliteStmt, error) {
	if s, ok := p.idle[query]; ok {
		delete(p.idle, query)
		return s, nil
	}
	made, err := p.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	s, ok := made.(sqliteStmt)
	if !ok {
		return nil, errors.Join(fmt.Errorf("sqlite: a statement is a %T", made), made.Close())
	}
	return s, nil
}

// put keeps a statement after its run, unless that failed. Where there are many, any
// other one makes room.
func (p *prepared) put(query string, s sqliteStmt, failed error) error {
	if _, twice := p.idle[query]; failed != nil || p.closed || twice {
		return s.Close()
	}
	var err error
	for old, o := range p.idle {
		if len(p.idle) < mostPrepared {
			break
		}
		delete(p.idle, old)
		err = o.Close()
	}
	p.idle[query] = s
	return err
}

// preparedRows gives its statement back when it has been read.
type preparedRows struct {
	driver.Rows
	done func(err error) error
}

// Close ends the reading.
func (r *preparedRows) Close() error {
	err := r.Rows.Close()
	return errors.Join(err, r.done(err))
}
