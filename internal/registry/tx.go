package registry

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/go-sql-driver/mysql"
)

// mostTries is how often a transaction is begun that a server takes back for the
// sake of another one.
const mostTries = 5

// inTx runs fn in one transaction and commits when it returns nil. A MySQL server
// takes back one of two transactions that wait for each other, and Galera the later
// of two that changed the same on different nodes: each filing and each act changes
// the end of the evidence log. Such a one is begun again, so fn starts from nothing
// each time.
func (r *Registry) inTx(ctx context.Context, fn func(*sql.Tx) error) error {
	for try := 1; ; try++ {
		err := r.once(ctx, fn)
		if try == mostTries || !takenBack(err) {
			return err
		}
		pause := time.Duration(try) * (5*time.Millisecond + rand.N(20*time.Millisecond)) //nolint:gosec // so that two do not meet again
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}

func (r *Registry) once(ctx context.Context, fn func(*sql.Tx) error) error {
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

// takenBack reports whether nothing stands of a transaction and it may be tried
// again: it was the victim of a deadlock (1213), waited for a lock for too long
// (1205), wanted to change what was changed since it began (1020, newer MariaDB), or
// another node of a Group Replication changed the same before it (3101).
func takenBack(err error) bool {
	fault, ok := errors.AsType[*mysql.MySQLError](err)
	return ok && slices.Contains([]uint16{1020, 1205, 1213, 3101}, fault.Number)
}

// inView runs fn on the registry as it is at one moment, whatever is written meanwhile.
func (r *Registry) inView(ctx context.Context, fn func(*sql.Tx) error) error {
	tx, err := r.db.BeginTx(ctx, &sql.TxOptions{Isolation: r.viewLevel(), ReadOnly: true})
	if err != nil {
		return fmt.Errorf("registry: begin: %w", err)
	}
	return errors.Join(fn(tx), ignoreDone(tx.Rollback()))
}

// viewLevel is what a server must be asked for; SQLite reads one moment anyway.
func (r *Registry) viewLevel() sql.IsolationLevel {
	if r.mysql {
		return sql.LevelRepeatableRead
	}
	return sql.LevelDefault
}

func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}
