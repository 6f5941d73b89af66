package seeder

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"saltmine/internal/canary"
	"saltmine/seeder/supportdb"
)

// undo is a value that a step has overwritten in an image.
type undo struct {
	Item   int             `json:"item"`
	Column string          `json:"column"`
	Value  supportdb.Value `json:"value"`
}

// look reads the rows again after an answer that says little, and settles.
func (r *liveRun) look(ctx context.Context, c *living) error {
	fresh, err := r.s.again(ctx, c.p.ID)
	if err != nil {
		return err
	}
	found, err := r.s.subjects(ctx, []canary.Planting{*fresh})
	if err != nil {
		return err
	}
	c.subject = found[0]
	if c.row == nil {
		return nil // the next run says so
	}
	return r.settle(ctx, c)
}

// settle ends a step that was announced: the rows say whether it was taken.
func (r *liveRun) settle(ctx context.Context, c *living) error {
	r.report.Finished++
	if r.committed(c) {
		announced := r.s.now()
		for _, t := range coming(c.p) {
			if !t.Window.From.Come() && t.Window.From.Earliest.Before(announced) {
				announced = t.Window.From.Earliest
			}
		}
		return r.stamp(ctx, c, settled(announced, r.s.now()))
	}
	return r.takeBack(ctx, c)
}

// committed reports whether the rows are those of the step.
func (r *liveRun) committed(c *living) bool {
	if n := c.life.Stands; len(c.image.Items) > n {
		return len(c.keys.Rows) == len(c.image.Items) && r.s.cfg.Desk.Stands(&c.image, c.keys, n, c.row) != nil
	}
	return !slices.ContainsFunc(c.life.Undo, func(u undo) bool {
		row, is := r.s.cfg.Desk.Stands(&c.image, c.keys, u.Item, c.row), c.image.Items[u.Item].Row.Get(u.Column)
		return row == nil || !row.Get(u.Column).Equal(is)
	})
}

// stamp registers that a step was taken.
func (r *liveRun) stamp(ctx context.Context, c *living, at canary.Moment) error {
	for _, u := range c.life.Undo {
		c.life.Was = append(slices.Clip(c.life.Was), was{Item: u.Item, Column: u.Column, Value: u.Value, At: at})
	}
	for n := c.life.Stands; n < len(c.image.Items); n++ {
		c.life.Came = append(slices.Clip(c.life.Came), came{n, at})
	}
	c.life.forget(c.p)
	c.life.Pending, c.life.Undo, c.life.Stands = false, nil, len(c.image.Items)
	encoded, err := c.life.encode()
	if err != nil {
		return err
	}
	a := canary.Amendment{Canary: c.p.ID, Life: encoded, Windows: begun(coming(c.p), at)}
	if err := r.s.amend(ctx, a); err != nil {
		return fmt.Errorf("stamp: %w", err)
	}
	return nil
}

// takeBack makes the registry forget a step that was not taken. Its ticket
// numbers stay registered: they never came.
func (r *liveRun) takeBack(ctx context.Context, c *living) error {
	c.life.takeBack(&c.image)
	windows := map[canary.TokenID]canary.Window{}
	for _, t := range coming(c.p) {
		if !t.Window.From.Come() {
			windows[t.ID] = never(t.Window)
		}
	}
	tickets := c.image.Tickets()
	c.keys.Rows = c.keys.Rows[:min(len(c.keys.Rows), c.life.Stands)]
	c.keys.Numbers = c.keys.Numbers[:min(len(c.keys.Numbers), len(tickets))]
	rows, err := c.image.Encode()
	keys, err2 := c.keys.Encode()
	encoded, err3 := c.life.encode()
	if err := errors.Join(err, err2, err3); err != nil {
		return err
	}
	if err := r.s.amend(ctx, canary.Amendment{Canary: c.p.ID, Rows: rows, Keys: keys, Life: encoded, Windows: windows}); err != nil {
		return fmt.Errorf("take back: %w", err)
	}
	fresh, err := r.s.again(ctx, c.p.ID)
	if err == nil {
		c.p = fresh
	}
	return err
}

// takeBack undoes a step in an image and in the life.
func (l *life) takeBack(i *supportdb.Image) {
	for _, u := range l.Undo {
		i.Items[u.Item].Row.Set(u.Column, u.Value)
	}
	i.Items = i.Items[:l.Stands]
	for f := range l.Follows {
		for n := range l.Follows[f].Rows {
			if n >= l.Stands {
				delete(l.Follows[f].Rows, n)
			}
		}
	}
	l.Pending, l.Undo, l.Until = false, nil, l.Since
}
