package registry

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Lock takes a lock by name that lasts until unlock or until the connection
// ends; busy is returned when somebody else holds it. On MySQL alone. The
// connection is kept from idling out; should it end all the same, the lock is
// gone, which is logged as an error.
func (r *Registry) Lock(ctx context.Context, name string, busy error) (unlock func(), err error) {
	return r.lock(ctx, name, 0, busy)
}

func (r *Registry) lock(ctx context.Context, name string, wait time.Duration, busy error) (unlock func(), err error) {
	name = lockName(name)
	conn, err := r.db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("registry: lock: %w", err)
	}
	var got sql.NullInt64
	var idle int64
	if err := conn.QueryRowContext(ctx, "SELECT GET_LOCK(?, ?), @@wait_timeout", name, int(wait.Seconds())).Scan(&got, &idle); err != nil {
		return nil, errors.Join(fmt.Errorf("registry: lock: %w", err), conn.Close())
	}
	if got.Int64 != 1 {
		return nil, errors.Join(busy, conn.Close())
	}
	beat, stop := context.WithCancel(context.WithoutCancel(ctx))
	var pings sync.WaitGroup
	pings.Go(func() { r.keepAlive(beat, conn, time.Duration(idle)*time.Second) }) // ends with unlock
	return func() {
		stop()
		pings.Wait()
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		// A lock that cannot be given back ends with its connection.
		conn.ExecContext(last, "DO RELEASE_LOCK(?)", name) //nolint:errcheck // see above
		conn.Close()                                       //nolint:errcheck // see above
	}, nil
}

// lockName fits a name into the 64 characters that MySQL allows.
func lockName(name string) string {
	if len(name) <= 64 {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return "saltmine " + hex.EncodeToString(sum[:20])
}

// keepAlive pings every minute, and more often where the server ends idle
// connections sooner.
func (r *Registry) keepAlive(ctx context.Context, conn *sql.Conn, idle time.Duration) {
	beat := time.NewTicker(max(min(time.Minute, idle/3), 10*time.Millisecond))
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
		}
		// Not with ctx: a ping that is broken off ends the connection.
		ping, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		err := conn.PingContext(ping)
		cancel()
		if err != nil {
			r.log.ErrorContext(ctx, "lock in the registry is lost, its connection has ended", "error", err)
			return
		}
	}
}
