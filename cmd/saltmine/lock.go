package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/conf"
)

// errBusy says that another process is planting, rotating or withdrawing.
var errBusy = errors.New("another saltmine is changing this support database; wait until it is done")

// What serve changes by itself takes a moment; a command that comes in between waits
// for it.
const (
	lockTries = 30
	lockPause = 100 * time.Millisecond
)

// lock makes this process the only one that changes a support database: two
// plants at once would each see the other's half.
func (c *core) lock(ctx context.Context, place canary.Place) (unlock func(), err error) {
	for range lockTries {
		if unlock, err = c.lockNamed(ctx, string(place), errBusy); !errors.Is(err, errBusy) {
			return unlock, err
		}
		if pause(ctx, lockPause) != nil {
			break
		}
	}
	return nil, err
}

// lockNamed takes a lock of this registry, or fails with busy. The kernel lets
// go of the lock when the process dies, however it dies. With a registry on
// MySQL the lock is the server's (GET_LOCK), so that it holds between machines.
func (c *core) lockNamed(ctx context.Context, name string, busy error) (unlock func(), err error) {
	if c.cfg.Registry.Source.Engine == conf.MySQL {
		return c.reg.Lock(ctx, "saltmine "+name, busy)
	}
	f, err := os.OpenFile(c.cfg.Registry.Source.Path+"."+strings.NewReplacer(":", "-", " ", "-").Replace(name)+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(busy, f.Close())
	}
	// A child that is being started has the file open until it runs its program,
	// so that closing alone would not let go of the lock at once.
	return func() {
		_ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN)
		_ = f.Close() // nothing was written
	}, nil
}
