package mysqlbox

import (
	"context"
	"time"

	"github.com/dolthub/vitess/go/mysql"
)

// gate lets one statement run at a time, and one connection have a transaction
// open. Others may read meanwhile.
type gate struct {
	wait time.Duration
	shut chan struct{} // closed at shutdown
	turn chan struct{} // holds one token; who takes it may run, and owns the fields below

	owner uint32        // the connection that has the open transaction
	freed chan struct{} // nil without an owner; closed when it ends
}

func newGate(wait time.Duration) *gate {
	g := &gate{wait: wait, shut: make(chan struct{}), turn: make(chan struct{}, 1)}
	g.turn <- struct{}{}
	return g
}

// enter waits until a statement of the connection may run. After nil, leave or
// drop must follow.
func (g *gate) enter(ctx context.Context, connection uint32, reads bool) error {
	limit := time.NewTimer(g.wait)
	defer limit.Stop()
	for {
		if err := g.await(ctx, limit, g.turn); err != nil {
			return err
		}
		if g.freed == nil || g.owner == connection || reads {
			return nil
		}
		freed := g.freed
		g.turn <- struct{}{}
		if err := g.await(ctx, limit, freed); err != nil {
			return err
		}
	}
}

func (g *gate) await(ctx context.Context, limit *time.Timer, what <-chan struct{}) error {
	select {
	case <-g.shut:
		return mysql.NewSQLError(mysql.ERServerShutdown, mysql.SSUnknownSQLState, "Server shutdown in progress")
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-limit.C:
		return mysql.NewSQLError(mysql.ERLockWaitTimeout, mysql.SSUnknownSQLState, "Lock wait timeout exceeded; try restarting transaction")
	case <-what:
		return nil
	}
}

// leave ends the statement. open says whether the connection now has a
// transaction open.
func (g *gate) leave(connection uint32, open bool) {
	switch {
	case open && g.freed == nil:
		g.owner, g.freed = connection, make(chan struct{})
	case !open:
		g.release(connection)
	}
	g.turn <- struct{}{}
}

// drop is for a connection that is gone: its transaction is, too.
func (g *gate) drop(connection uint32) {
	<-g.turn
	g.leave(connection, false)
}

func (g *gate) release(connection uint32) {
	if g.freed != nil && g.owner == connection {
		close(g.freed)
		g.freed = nil
	}
}
