package mailbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"time"

	"saltmine/internal/inventory/login"
)

// box is one mailbox being read.
type box struct {
	ear     *Ear
	account Account
	stop    context.CancelFunc
	log     *slog.Logger

	// Owned by run.
	kept    time.Time // the last reading that is on record
	rounds  int       // of this visit
	strikes int       // faults in a row; a visit that lasts ends them

	mu    sync.Mutex
	good  time.Time // when it was read last; zero before that is known
	fault error     // of the last visit
	tries int       // faults since it was read last
}

// keepEvery is how exact the record is of when a mailbox was read last.
const keepEvery = 5 * time.Minute

// run visits the mailbox until ctx ends.
func (b *box) run(ctx context.Context) {
	for ctx.Err() == nil {
		if b.kept.IsZero() {
			at, err := b.ear.lastRead(ctx, b.account.ID)
			if err != nil && ctx.Err() == nil {
				b.log.WarnContext(ctx, "not known when the mailbox was read last", "err", err)
			}
			b.kept = at
			b.mu.Lock()
			b.good = at
			b.mu.Unlock()
		}
		pause(ctx, b.after(ctx, b.turn(ctx)))
	}
}

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// turn visits the mailbox once it is its turn.
func (b *box) turn(ctx context.Context) (err error) {
	u, err := b.ear.turns.take(ctx)
	if err != nil {
		return err
	}
	defer u.end()
	defer func() {
		if v := recover(); v != nil { // what it says may show what a server sent
			b.log.ErrorContext(ctx, "reading the mailbox broke off", "kind", fmt.Sprintf("%T", v), "stack", string(debug.Stack()))
			err = login.ErrProtocol
		}
	}()
	return b.visit(ctx, u)
}

// errOver ends a visit that may begin again at once.
var errOver = errors.New("the connection is to be made anew")

// after notes how a visit ended and gives the time until the next.
func (b *box) after(ctx context.Context, err error) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case ctx.Err() != nil:
		return 0
	case errors.Is(err, errOver):
		return 0
	case err == nil:
		return scattered(b.ear.cfg.Poll)
	}
	b.ear.failed.Add(1)
	b.fault = err
	b.tries++
	b.strikes++
	t := b.ear.cfg.Times
	wait := min(t.Pause<<min(b.strikes-1, 10), 100*t.Pause)
	if errors.Is(err, login.ErrDenied) {
		wait = min(t.Denied<<min(b.strikes-1, 10), 12*t.Denied)
	}
	wait = scattered(wait)
	b.log.WarnContext(ctx, "mailbox will be read again", "err", err, "tries", b.tries, "after", wait.Round(time.Millisecond).String())
	return wait
}

// scattered gives a time between three and five quarters of d, so that many do
// not come at once.
func scattered(d time.Duration) time.Duration {
	return d*3/4 + rand.N(d/2+1) //nolint:gosec // nobody gains by guessing it
}

// read notes that all that was there has been read.
func (b *box) read(ctx context.Context) {
	now := b.ear.cfg.Now()
	if b.rounds++; b.rounds > 1 {
		b.strikes = 0 // a server that ends every connection at once is not asked for ever
	}
	b.mu.Lock()
	b.good, b.fault, b.tries = now, nil, 0
	b.mu.Unlock()
	if now.Sub(b.kept).Abs() < keepEvery {
		return
	}
	if err := b.ear.keepRead(ctx, b.account.ID, now); err != nil {
		b.log.WarnContext(ctx, "not kept when the mailbox was read", "err", err)
		return
	}
	b.kept = now
}
