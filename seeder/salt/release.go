package salt

import (
	"context"
	"fmt"
	"slices"
	"time"

	"saltmine/internal/canary"
)

// Release makes the copy known. It registers the extract, has publish make the
// copy appear where the recipient can have it, and then marks the canaries as
// planted: their windows begin, and the extract was taken, while publish ran.
// After a run that was cut off, publish may have been called before; it must
// not mind.
func (c *Copy) Release(ctx context.Context, publish func() error) error {
	if err := c.release(ctx, publish); err != nil {
		return fmt.Errorf("release to %s: %w", c.order.To, err)
	}
	return nil
}

func (c *Copy) release(ctx context.Context, publish func() error) error {
	if c.again() {
		return publish()
	}
	before, err := c.begun(ctx)
	if err != nil {
		return err
	}
	if err := c.known(ctx, canary.Between(before, c.later(before))); err != nil {
		return err
	}
	if err := publish(); err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx) // it is out
	taken := canary.Between(before, c.later(before))
	if err := c.known(ctx, taken); err != nil {
		return err
	}
	if err := c.plant(ctx, taken); err != nil {
		return err
	}
	if err := c.s.cfg.Batches.CloseBatch(ctx, c.batch.ID, c.s.now()); err != nil {
		return fmt.Errorf("close the release: %w", err)
	}
	c.report.Released = taken.Latest
	c.s.cfg.Log.InfoContext(ctx, "copy released", "place", c.batch.Place, "canaries", len(c.pieces), "rows", c.file.Rows)
	return nil
}

// again reports whether the copy was released before: it is written again, and
// nothing is registered.
func (c *Copy) again() bool { return !c.batch.Closed.IsZero() }

// begun is the earliest time at which the copy may have appeared: a run that
// was cut off may have published it.
func (c *Copy) begun(ctx context.Context) (time.Time, error) {
	list, err := c.s.cfg.Extracts.Extracts(ctx)
	if err != nil {
		return time.Time{}, fmt.Errorf("read the extracts: %w", err)
	}
	now := c.s.now()
	i := slices.IndexFunc(list, func(e canary.Extract) bool { return e.ID == c.order.extract() })
	if i >= 0 && list[i].Taken.Earliest.Before(now) {
		return list[i].Taken.Earliest, nil
	}
	return now, nil
}

// later is now, where the clock was not set back.
func (c *Copy) later(before time.Time) time.Time {
	if now := c.s.now(); now.After(before) {
		return now
	}
	return before
}

// known registers the copy as an extract that its recipient took.
func (c *Copy) known(ctx context.Context, taken canary.Moment) error {
	e := canary.Extract{
		ID: c.order.extract(), Actor: c.order.To, Taken: taken, Place: c.order.Place(),
		Held: make([]canary.ID, len(c.pieces)), Rows: c.file.Rows + int64(len(c.pieces)),
	}
	for i := range c.pieces {
		e.Held[i] = c.pieces[i].planting.ID
	}
	if _, err := c.s.cfg.Extracts.ImportExtracts(ctx, []canary.Extract{e}); err != nil {
		return fmt.Errorf("register the extract: %w", err)
	}
	return nil
}

// plant begins the windows of the canaries.
func (c *Copy) plant(ctx context.Context, from canary.Moment) error {
	var list []canary.Amendment
	for i := range c.pieces {
		p := &c.pieces[i].planting
		if p.State != canary.Intended {
			continue
		}
		a := canary.Amendment{Canary: p.ID, State: canary.Planted, Windows: map[canary.TokenID]canary.Window{}}
		for _, t := range p.Tokens {
			t.Window.From = from
			a.Windows[t.ID] = t.Window
		}
		list = append(list, a)
	}
	for some := range slices.Chunk(list, amendedAtOnce) {
		if err := c.s.cfg.Ledger.AmendAll(ctx, some); err != nil {
			return fmt.Errorf("mark canaries as planted: %w", err)
		}
	}
	return nil
}

// amendedAtOnce bounds one transaction.
const amendedAtOnce = 500
