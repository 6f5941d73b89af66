package seeder

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"saltmine/internal/canary"
	"saltmine/seeder/persona"
	"saltmine/seeder/supportdb"
)

// change is one planned rotation.
type change struct {
	next     canary.DatedToken
	placebos []canary.Token
	rows     []byte // the image after it
	change   supportdb.Change
}

// plan draws the new value and its placebos, and writes the UPDATE.
func (r *rotation) plan(ctx context.Context, c *subject, ordinal int) (change, error) {
	drawn, err := r.newValue(ctx, c, ordinal)
	if err != nil {
		return change{}, err
	}
	next, err := r.s.planted(r.cfg.Kind, c.p.ID, drawn.canon, r.s.now())
	if err != nil {
		return change{}, err
	}
	old := c.row.Customer.Get(r.column)
	set := r.settings(&c.row.Customer, old, supportdb.Text(drawn.stored))
	image := supportdb.Image{Customer: c.image.Customer.Clone(), Tickets: c.image.Tickets}
	for i, column := range set.Columns {
		image.Customer.Set(column, set.Values[i])
	}
	rows, err := image.Encode()
	if err != nil {
		return change{}, err
	}
	return change{next: next, placebos: drawn.placebos, rows: rows, change: supportdb.Change{Key: c.keys.Customer, Guard: r.column, Old: old, Set: set}}, nil
}

// settings are the columns that change with the value: the one itself, text
// columns that hold the same, and the date of the last change.
func (r *rotation) settings(row *supportdb.Row, old, value supportdb.Value) supportdb.Row {
	table, recipe := r.s.cfg.Desk.Customer(), r.s.cfg.Desk.Recipe().Customer
	var set supportdb.Row
	for i := range table.Columns {
		col := &table.Columns[i]
		switch {
		case col.Name == r.column:
			set.Set(col.Name, value)
		case col.Name == recipe.Updated:
			set.Set(col.Name, col.FormatTime(r.s.now()))
		case col.IsText() && !col.Generated && supportdb.SameText(row.Get(col.Name).Text(), old.Text()):
			set.Set(col.Name, value)
		}
	}
	return set
}

// value is a new address or number: the form to store, the form to register,
// and its placebos.
type value struct {
	stored, canon string
	placebos      []canary.Token
}

// newValue draws an address or a number for the person that the row is.
func (r *rotation) newValue(ctx context.Context, c *subject, ordinal int) (value, error) {
	rng := source(r.m.batch.Seed, "rotate "+string(c.p.ID), ordinal)
	who := r.s.person(&c.row.Customer)
	if r.cfg.Kind == canary.Email {
		id, err := r.address(ctx, rng, who)
		if err != nil {
			return value{}, err
		}
		placebos, err := r.m.emailPlacebos(ctx, rng, who, id.Domain)
		return value{id.Email(), id.Email(), placebos}, err
	}
	number, ok := r.m.pool.takePhone(r.m.l.mix, who, true)
	if !ok {
		return value{}, fmt.Errorf("%w: no phone number is left", ErrPool)
	}
	v := value{stored: persona.FormatPhone(who.Phone, number), canon: number}
	for range r.m.pool.placebosFor(ordinal) {
		spare, ok := r.m.pool.takePhone(r.m.l.mix, who, true)
		if !ok {
			return value{}, fmt.Errorf("%w: no phone number is left for a placebo", ErrPool)
		}
		t, err := placebo(canary.Phone, spare)
		if err != nil {
			return value{}, err
		}
		v.placebos = append(v.placebos, t)
	}
	return v, nil
}

// finishAll brings rotations of earlier runs to an end.
func (r *rotation) finishAll(ctx context.Context, begun []canary.Planting) error {
	for i := range begun {
		if r.cfg.DryRun {
			continue
		}
		if err := r.finish(ctx, &begun[i]); err != nil {
			return fmt.Errorf("canary %s: %w", begun[i].ID, err)
		}
	}
	return nil
}

// finish reads the row and does what is left of an announced rotation.
func (r *rotation) finish(ctx context.Context, p *canary.Planting) error {
	old, next, pending := unfinished(p, r.cfg.Kind)
	if !pending {
		return nil
	}
	for range lostAnswers {
		found, err := r.s.subjects(ctx, []canary.Planting{*p})
		if err != nil {
			return err
		}
		c := &found[0]
		now := r.s.now()
		if c.row == nil {
			return r.lost(ctx, c, old, next)
		}
		stands := c.row.Customer.Get(r.column)
		wanted := c.image.Customer.Get(r.column)
		if supportdb.SameText(stands.Text(), wanted.Text()) {
			r.report.Finished++
			return r.stamp(ctx, p.ID, old, next, settled(next.Window.From.Earliest, now))
		}
		if !represents(r.cfg.Kind, old.Text, stands.Text()) {
			return r.lost(ctx, c, old, next)
		}
		err = r.s.cfg.Desk.Update(ctx, supportdb.Change{Key: c.keys.Customer, Guard: r.column, Old: stands, Set: r.settings(&c.row.Customer, stands, wanted)})
		switch {
		case err == nil:
			r.report.Finished++
			return r.stamp(ctx, p.ID, old, next, settled(now, r.s.now()))
		case errors.Is(err, supportdb.ErrDuplicate):
			c.image.Customer.Set(r.column, stands)
			old.Window.Until = canary.Moment{}
			return r.cancel(ctx, c, old, next)
		case !errors.Is(err, supportdb.ErrUnknownOutcome) && !errors.Is(err, supportdb.ErrStale):
			return err
		}
	}
	return fmt.Errorf("%w, %d times in a row", supportdb.ErrUnknownOutcome, lostAnswers)
}

// lost ends a rotation whose row was deleted or changed by somebody else: the
// new value never came, the old one went at a time between its beginning and now.
func (r *rotation) lost(ctx context.Context, c *subject, old, next canary.DatedToken) error {
	r.find(c)
	old.Window.Until = settled(old.Window.From.Earliest, r.s.now())
	a := canary.Amendment{Canary: c.p.ID, Windows: map[canary.TokenID]canary.Window{old.ID: old.Window, next.ID: never(next.Window)}}
	if err := r.s.cfg.Ledger.Amend(ctx, a); err != nil {
		return fmt.Errorf("close: %w", err)
	}
	return nil
}

// address draws a new address that no row and no registered token has.
func (r *rotation) address(ctx context.Context, rng *rand.Rand, who persona.Person) (persona.Identity, error) {
	for range 20 {
		var failed error
		id, err := r.m.l.mix.Address(rng, who, persona.Pool{Domains: r.m.pool.domains, Accept: r.s.cfg.Accept, Usable: func(id persona.Identity) bool {
			return r.s.fits(id) && r.m.fresh(ctx, id.Email(), &failed)
		}})
		if err = errors.Join(failed, err); err != nil {
			return persona.Identity{}, fmt.Errorf("%w: %w", ErrSample, err)
		}
		r.m.emails[id.Email()] = true
		taken, err := r.s.cfg.Desk.Taken(ctx, r.s.cfg.Desk.Customer(), r.column, []string{id.Email()})
		if err != nil || len(taken) == 0 {
			return id, err
		}
	}
	return persona.Identity{}, fmt.Errorf("draw an address: %w", ErrClashes)
}
