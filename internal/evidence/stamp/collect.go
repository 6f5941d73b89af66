package stamp

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// Source is one who is asked.
type Source struct {
	Name  string
	Kind  Kind
	Every time.Duration // at most so often
	// take gets a stamp of a checkpoint; last is the one before it.
	take func(ctx context.Context, checkpoint []byte, size int64, last Stamp) (proof []byte, pending bool, err error)
	// upgrade gets what a pending one lacks; nil where nothing is ever pending.
	upgrade func(ctx context.Context, s *Stamp) (changed bool, err error)
	// Check says whether it could be asked.
	Check func(ctx context.Context) error
}

// FromAuthority is a source that is a time stamping authority.
func FromAuthority(name string, every time.Duration, a *Authority) Source {
	s := Source{Name: name, Kind: TSA, Every: every}
	s.take = func(ctx context.Context, checkpoint []byte, _ int64, _ Stamp) ([]byte, bool, error) {
		answer, _, err := a.Stamp(ctx, checkpoint)
		return answer, false, err
	}
	s.Check = func(ctx context.Context) error {
		_, _, err := a.Stamp(ctx, []byte("saltmine check\n"))
		return err
	}
	return s
}

// FromCalendars is a source that is all calendars together.
func FromCalendars(name string, every time.Duration, c *Calendars) Source {
	s := Source{Name: name, Kind: OTS, Every: every}
	s.take = func(ctx context.Context, checkpoint []byte, _ int64, _ Stamp) ([]byte, bool, error) {
		p, err := c.Submit(ctx, checkpoint)
		if p == nil {
			return nil, false, err
		}
		proof := p.Encode()
		_, err = CheckProof(proof, checkpoint) // one calendar of several is enough
		return proof, true, err
	}
	s.upgrade = func(ctx context.Context, s *Stamp) (bool, error) {
		p, err := ParseProof(s.Proof)
		if err != nil {
			return false, err
		}
		changed, pending, err := c.Upgrade(ctx, p)
		if !changed {
			return false, err
		}
		proof := p.Encode()
		if _, err := CheckProof(proof, s.Checkpoint); err != nil {
			return false, err
		}
		s.Proof, s.Pending = proof, pending
		return true, err
	}
	s.Check = func(ctx context.Context) error {
		_, err := c.Submit(ctx, []byte("saltmine check\n"))
		return err
	}
	return s
}

// CheckProof reads a detached proof and verifies it for a message.
func CheckProof(file, message []byte) ([]Attested, error) {
	p, err := ParseProof(file)
	if err != nil {
		return nil, err
	}
	return p.Verify(message)
}

// FromWitness is a source that is a witness.
func FromWitness(name string, every time.Duration, w *Witness, prove Prover) Source {
	s := Source{Name: name, Kind: Cosignature, Every: every}
	s.take = func(ctx context.Context, checkpoint []byte, size int64, last Stamp) ([]byte, bool, error) {
		c, err := w.Add(ctx, checkpoint, last.Size, size, prove)
		return []byte(c.Line), false, err
	}
	s.Check = func(ctx context.Context) error {
		ask := call{http.MethodPost, strings.TrimRight(w.URL, "/") + "/add-checkpoint", "text/plain; charset=utf-8", "*/*", []byte("old 0\n\n"), maxAnswer}
		status, _, _, err := ask.do(ctx, w.Client)
		if err == nil && status >= http.StatusInternalServerError {
			err = fmt.Errorf("the witness answers with status %d", status)
		}
		return err
	}
	return s
}

// Verify checks a stamp of its checkpoint again, as it was checked when it was taken,
// and says what it proves. Of a kind that needs nothing of them, roots and witnesses may
// be nil.
func (s *Stamp) Verify(roots *x509.CertPool, witness *Cosigner) (string, error) {
	switch s.Kind {
	case TSA:
		t, err := VerifyToken(s.Proof, s.Checkpoint, roots)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("%s (%s) says that it was there at %s", s.Source, t.Signer.Subject, t.Time.Format(time.RFC3339Nano)), nil
	case OTS:
		list, err := CheckProof(s.Proof, s.Checkpoint)
		if err != nil {
			return "", err
		}
		for _, a := range list {
			if a.Bitcoin > 0 {
				return fmt.Sprintf("it was there before block %d of Bitcoin, if that has the Merkle root %s", a.Bitcoin, a.Root), nil
			}
		}
		return "a calendar has promised to have it attested, and nothing attests it yet", nil
	case Cosignature:
		list, err := Cosignatures(append(append([]byte(nil), s.Checkpoint...), s.Proof...), witness)
		if err == nil && len(list) == 0 {
			err = falsely("the witness has not signed it")
		}
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("%s saw the log grow to it at %s", list[0].Witness, list[0].Time.Format(time.RFC3339)), nil
	}
	return "", falsely("a stamp of kind %q is not known", s.Kind)
}

// Config is what a collector needs. All fields must be set.
type Config struct {
	// Latest gives the newest checkpoint, and how many acts it is of; none is nil.
	Latest func(ctx context.Context) (checkpoint []byte, size int64, err error)
	// Last gives the newest stamp of a source, by the size of the log; the zero Stamp is none.
	Last func(ctx context.Context, source string) (Stamp, error)
	// Keep keeps a stamp, or what became of one of the same source and size.
	Keep func(ctx context.Context, s Stamp) error
	// Pending gives a source's stamps that are.
	Pending func(ctx context.Context, source string) ([]Stamp, error)
	// Silent is told of a source that has stamped nothing for a day though there was
	// something to stamp, since when, each time that it is tried again; and with the zero
	// time, once, that it is not silent.
	Silent func(ctx context.Context, source string, since time.Time)
	Now    func() time.Time
	Log    *slog.Logger
}

const (
	lookEvery    = 15 * time.Second
	upgradeEvery = time.Hour
	shortest     = time.Minute // until a source that failed is asked again
	longest      = time.Hour
	silence      = 24 * time.Hour
	wholeTime    = 2 * time.Minute // for one source, calendars one after another
)

// Collector asks one source, for as long as it runs.
type Collector struct {
	cfg     Config
	from    Source
	last    Stamp
	read    bool // last was
	failing time.Time
	pause   time.Duration
	next    time.Time // not before
	upgrade time.Time // when pending ones were last looked at
	known   bool      // that it is not silent, and that was said

	taken, failed atomic.Uint64
	newest        atomic.Int64 // when the last stamp was taken, in seconds since 1970
}

// NewCollector returns a collector.
func NewCollector(cfg Config, from Source) *Collector { return &Collector{cfg: cfg, from: from} }

// Stats are what metrics tell.
type Stats struct {
	Source        string
	Taken, Failed uint64
	Last          int64 // when the newest stamp was taken, in seconds since 1970; 0 is never
}

// Stats may be asked for at any time.
func (c *Collector) Stats() Stats {
	return Stats{c.from.Name, c.taken.Load(), c.failed.Load(), c.newest.Load()}
}

// Run asks until ctx ends.
func (c *Collector) Run(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		if err := c.Look(ctx); err != nil && ctx.Err() == nil {
			c.cfg.Log.Error("stamps of the evidence log cannot be read or kept; it is tried again", "source", c.from.Name, "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Look asks for what is due now. An error is one of our own; that the source fails is
// logged and tried again.
func (c *Collector) Look(ctx context.Context) error {
	if !c.read {
		last, err := c.cfg.Last(ctx, c.from.Name)
		if err != nil {
			return err
		}
		c.last, c.read = last, true
		if !last.Made.IsZero() {
			c.newest.Store(last.Made.Unix())
		}
	}
	return errors.Join(c.stamp(ctx), c.upgradeAll(ctx))
}

func (c *Collector) stamp(ctx context.Context) error {
	now := c.cfg.Now()
	if now.Before(c.next) || !c.last.Made.IsZero() && now.Sub(c.last.Made).Abs() < c.from.Every {
		return nil
	}
	note, size, err := c.cfg.Latest(ctx)
	if err != nil || note == nil || size <= c.last.Size && !c.last.Made.IsZero() {
		return err
	}
	asked, cancel := context.WithTimeout(ctx, wholeTime)
	proof, pending, err := c.from.take(asked, note, size, c.last)
	cancel()
	if ctx.Err() != nil {
		return nil //nolint:nilerr // it is asked again after the next start
	}
	if err != nil {
		c.fail(ctx, now, err)
		return nil
	}
	s := Stamp{c.from.Name, c.from.Kind, size, now.UTC().Truncate(time.Microsecond), pending, note, proof}
	if err := c.cfg.Keep(ctx, s); err != nil {
		return err
	}
	c.last, c.failing, c.pause, c.next = s, time.Time{}, 0, time.Time{}
	c.taken.Add(1)
	c.newest.Store(now.Unix())
	c.cfg.Log.Info("the evidence log was stamped", "source", c.from.Name, "acts", size, "pending", pending)
	if !c.known {
		c.known = true
		c.cfg.Silent(ctx, c.from.Name, time.Time{})
	}
	return nil
}

func (c *Collector) fail(ctx context.Context, now time.Time, err error) {
	c.failed.Add(1)
	if c.failing.IsZero() {
		c.failing = now
		if last := c.last.Made; !last.IsZero() && last.Add(c.from.Every).Before(now) {
			c.failing = last.Add(c.from.Every) // it failed before the last start, too
		}
	}
	c.pause = min(max(2*c.pause, shortest), longest)
	c.next = now.Add(c.pause)
	c.cfg.Log.Warn("the evidence log was not stamped, and the source is asked again", "source", c.from.Name, "since", c.failing, "again", c.pause.String(), "err", err)
	if now.Sub(c.failing) >= silence {
		c.known = false
		c.cfg.Silent(ctx, c.from.Name, c.failing)
	}
}

// upgradeAll asks for what was promised. What fails is asked for again, for good.
func (c *Collector) upgradeAll(ctx context.Context) error {
	now := c.cfg.Now()
	if c.from.upgrade == nil || now.Sub(c.upgrade).Abs() < upgradeEvery {
		return nil
	}
	c.upgrade = now
	list, err := c.cfg.Pending(ctx, c.from.Name)
	if err != nil {
		return err
	}
	for i := range list {
		changed, err := c.from.upgrade(ctx, &list[i])
		if err != nil && ctx.Err() == nil {
			c.cfg.Log.Warn("what was promised for the evidence log could not be asked for", "source", c.from.Name, "acts", list[i].Size, "err", err)
		}
		if changed {
			if err := c.cfg.Keep(ctx, list[i]); err != nil {
				return err
			}
			c.cfg.Log.Info("a stamp of the evidence log has come to more", "source", c.from.Name, "acts", list[i].Size, "pending", list[i].Pending)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return nil //nolint:nilerr // a calendar's faults were logged
}
