package mysqlbox

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/dolthub/go-mysql-server/server"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/vitess/go/mysql"
	"github.com/dolthub/vitess/go/sqltypes"
	"github.com/dolthub/vitess/go/vt/proto/query"
)

// handler stands between the wire and the library's handler: it passes every
// statement through the gate, leaves no transaction behind that the client did
// not open, and turns panics into errors. Methods that it does not have are the
// library's.
type handler struct {
	mysql.Handler
	sessions *sessions
	gate     *gate
	log      *slog.Logger

	mu          sync.Mutex
	closed      bool
	connections map[*mysql.Conn]bool
	gone        *sync.Cond // a connection was removed
}

func newHandler(inner mysql.Handler, s *sessions, g *gate, log *slog.Logger) *handler {
	h := &handler{Handler: inner, sessions: s, gate: g, log: log, connections: map[*mysql.Conn]bool{}}
	h.gone = sync.NewCond(&h.mu)
	return h
}

// NewConnection implements mysql.Handler.
func (h *handler) NewConnection(c *mysql.Conn) {
	h.mu.Lock()
	h.connections[c] = true
	late := h.closed
	h.mu.Unlock()
	library.RLock()
	h.Handler.NewConnection(c)
	library.RUnlock()
	if late {
		c.Close()
	}
}

// ConnectionClosed implements mysql.Handler.
func (h *handler) ConnectionClosed(c *mysql.Conn) {
	library.RLock()
	h.Handler.ConnectionClosed(c)
	library.RUnlock()
	h.gate.drop(c.ConnectionID)
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.connections, c)
	h.gone.Broadcast()
}

// shutdown closes all connections and returns when they have ended. The
// listener must be closed already.
func (h *handler) shutdown() {
	close(h.gate.shut)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for c := range h.connections {
		c.Close()
	}
	for len(h.connections) > 0 {
		h.gone.Wait()
	}
}

// ComQuery implements mysql.Handler.
func (h *handler) ComQuery(ctx context.Context, c *mysql.Conn, text string, callback mysql.ResultSpoolFn) error {
	var kept results
	err := h.run(ctx, c, text, func() error { return h.Handler.ComQuery(ctx, c, text, kept.keep) })
	if err != nil {
		return err
	}
	return kept.send(callback)
}

// ComMultiQuery implements mysql.Handler.
func (h *handler) ComMultiQuery(ctx context.Context, c *mysql.Conn, text string, callback mysql.ResultSpoolFn) (rest string, err error) {
	var kept results
	err = h.run(ctx, c, text, func() (err error) {
		rest, err = h.Handler.ComMultiQuery(ctx, c, text, kept.keep)
		return err
	})
	if err != nil {
		return rest, err
	}
	return rest, kept.send(callback)
}

// ComPrepare implements mysql.Handler.
func (h *handler) ComPrepare(ctx context.Context, c *mysql.Conn, text string, prepare *mysql.PrepareData) (fields []*query.Field, err error) {
	err = h.run(ctx, c, "SELECT", func() (err error) { // preparing only reads
		fields, err = h.Handler.ComPrepare(ctx, c, text, prepare)
		return err
	})
	return fields, err
}

// ComStmtExecute implements mysql.Handler.
func (h *handler) ComStmtExecute(ctx context.Context, c *mysql.Conn, prepare *mysql.PrepareData, callback func(*sqltypes.Result) error) error {
	var kept results
	err := h.run(ctx, c, prepare.PrepareStmt, func() error {
		return h.Handler.ComStmtExecute(ctx, c, prepare, func(r *sqltypes.Result) error { return kept.keep(r, false) })
	})
	if err != nil {
		return err
	}
	return kept.send(func(r *sqltypes.Result, _ bool) error { return callback(r) })
}

// ComResetConnection implements mysql.Handler.
func (h *handler) ComResetConnection(c *mysql.Conn) error {
	return h.run(sql.NewEmptyContext(), c, "SELECT", func() error { return h.Handler.ComResetConnection(c) })
}

// run executes one statement of a connection.
func (h *handler) run(ctx context.Context, c *mysql.Conn, text string, do func() error) (err error) {
	if err := h.gate.enter(ctx, c.ConnectionID, isRead(text) && !h.manual(ctx, c)); err != nil {
		return err
	}
	open := false
	library.RLock()
	defer library.RUnlock()
	defer func() { h.gate.leave(c.ConnectionID, open) }()
	defer func() {
		if r := recover(); r != nil {
			// The value is not logged: it may quote a row.
			h.log.Error("embedded database panicked", "type", fmt.Sprintf("%T", r), "stack", string(debug.Stack()))
			open = false
			err = mysql.NewSQLError(mysql.ERUnknownError, mysql.SSUnknownSQLState, "internal error of the embedded database")
			if undone := h.sessions.abandon(ctx, c); undone != nil {
				h.log.Error("transaction not rolled back", "error", undone)
			}
		}
	}()
	err = do()
	open, settled := h.sessions.settle(ctx, c)
	if err == nil {
		err = settled
	}
	return err
}

// manual is asked before the statement's turn, so it locks for itself.
func (h *handler) manual(ctx context.Context, c *mysql.Conn) bool {
	library.RLock()
	defer library.RUnlock()
	return h.sessions.manual(ctx, c)
}

// isRead tells by its first word whether a statement changes nothing. Every
// other statement waits for its turn to change something.
func isRead(text string) bool {
	text = strings.TrimLeft(text, " \t\r\n(")
	for strings.HasPrefix(text, "/*") {
		_, after, found := strings.Cut(text, "*/")
		if !found {
			return false
		}
		text = strings.TrimLeft(after, " \t\r\n(")
	}
	end := strings.IndexFunc(text, func(r rune) bool { return (r|0x20) < 'a' || (r|0x20) > 'z' })
	if end < 0 {
		end = len(text)
	}
	switch strings.ToUpper(text[:end]) {
	case "SELECT", "SHOW", "DESCRIBE", "DESC", "EXPLAIN", "SET", "USE":
		return true
	}
	return false
}

// sessions looks into the library's sessions.
type sessions struct{ manager *server.SessionManager }

// manual reports whether the session holds a transaction open or will with its
// next statement.
func (s *sessions) manual(ctx context.Context, c *mysql.Conn) bool {
	in, err := s.manager.NewContextWithQuery(ctx, c, "")
	if err != nil {
		return true
	}
	automatic, err := plan.IsSessionAutocommit(in)
	return err != nil || !automatic || in.GetIgnoreAutoCommit()
}

// settle reports whether the client has a transaction open. A transaction that
// the library began for one statement and left behind when that failed is
// rolled back: it would write its old picture of the tables back at the next
// commit.
func (s *sessions) settle(ctx context.Context, c *mysql.Conn) (open bool, err error) {
	in, err := s.manager.NewContextWithQuery(ctx, c, "")
	if err != nil {
		return false, fmt.Errorf("session: %w", err)
	}
	if in.GetTransaction() == nil {
		return false, nil
	}
	if s.manual(ctx, c) {
		return true, nil
	}
	return false, s.abandon(ctx, c)
}

// abandon rolls back whatever is open.
func (s *sessions) abandon(ctx context.Context, c *mysql.Conn) error {
	in, err := s.manager.NewContextWithQuery(ctx, c, "")
	if err != nil {
		return fmt.Errorf("session: %w", err)
	}
	if session, ok := in.Session.(sql.TransactionSession); ok {
		if err := session.Rollback(in, in.GetTransaction()); err != nil {
			return fmt.Errorf("roll back: %w", err)
		}
	}
	in.SetTransaction(nil)
	in.SetIgnoreAutoCommit(false)
	return nil
}

// results collects what a statement returns, so that a client that is slow to
// read does not hold the gate. The library reuses the rows' memory: they are
// copied.
type results []func(mysql.ResultSpoolFn) error

func (rs *results) keep(r *sqltypes.Result, more bool) error {
	own := r.Copy()
	own.Info = r.Info
	*rs = append(*rs, func(to mysql.ResultSpoolFn) error { return to(own, more) })
	return nil
}

func (rs results) send(to mysql.ResultSpoolFn) error {
	for _, deliver := range rs {
		if err := deliver(to); err != nil {
			return err
		}
	}
	return nil
}
