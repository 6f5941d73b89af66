package witness

import (
	"context"
	"log/slog"
	"time"
)

// Outside is one witness.
type Outside struct {
	Name string
	// Send hands over a note, and returns soon after ctx ends.
	Send func(ctx context.Context, line []byte) error
}

// Config is what a keeper needs. All fields must be set.
type Config struct {
	Head   func(ctx context.Context) (count int64, link string, err error)
	Signer Signer
	// Silent is told of a witness that takes nothing, since when, each time that it is
	// tried again; and with the zero time, once, that it is not silent.
	Silent func(ctx context.Context, name string, since time.Time)
	Now    func() time.Time
	Log    *slog.Logger
}

const (
	every    = 30 * time.Second // so that a note is there within a minute
	sendTime = 20 * time.Second
	again    = time.Hour // a note of what has not changed
	silent   = time.Hour
)

// Keeper tells one witness. Make one with New and run it once.
type Keeper struct {
	cfg   Config
	to    Outside
	told  Note      // that the witness took last
	tried time.Time // since when it takes nothing; zero while it does
	known bool      // it is not silent, and that was said
}

// New returns a keeper.
func New(cfg Config, to Outside) *Keeper { return &Keeper{cfg: cfg, to: to} }

// Run looks at the log, at once and then every half minute, until ctx ends.
func (k *Keeper) Run(ctx context.Context) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		k.look(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (k *Keeper) look(ctx context.Context) {
	now := k.cfg.Now()
	count, link, err := k.cfg.Head(ctx)
	if err != nil {
		if ctx.Err() == nil {
			k.cfg.Log.Error("the end of the evidence log cannot be read", "witness", k.to.Name, "err", err)
		}
		return
	}
	if count == k.told.Count && link == k.told.Link && now.Sub(k.told.At).Abs() < again && k.tried.IsZero() {
		return
	}
	k.tell(ctx, Note{At: now.UTC().Truncate(time.Microsecond), Count: count, Link: link}, now)
}

// tell hands over a note, and says when the witness is silent, or is not any more.
func (k *Keeper) tell(ctx context.Context, n Note, now time.Time) {
	switch err := k.send(ctx, n); {
	case ctx.Err() != nil:
		return // it is unknown; the next start tells again
	case err == nil:
		k.told, k.tried = n, time.Time{}
		if !k.known {
			k.known = true
			k.cfg.Silent(ctx, k.to.Name, time.Time{})
		}
	default:
		if k.tried.IsZero() {
			k.tried = now
		}
		if now.Sub(k.tried) >= silent {
			k.known = false
			k.cfg.Silent(ctx, k.to.Name, k.tried)
		}
		k.cfg.Log.Warn("a witness has not taken the end of the evidence log, and is tried again", "witness", k.to.Name, "since", k.tried, "err", err)
	}
}

func (k *Keeper) send(ctx context.Context, n Note) error {
	line, err := Sign(n, k.cfg.Signer)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, sendTime)
	defer cancel()
	return k.to.Send(ctx, line)
}
