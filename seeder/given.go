package seeder

import (
	"context"
	"errors"
	"math/rand/v2"

	"saltmine/seeder/persona"
)

// given makes the person whom a mailbox suits. A mailbox whose address nobody
// of this table can have is left out from now on.
func (m *minter) given(ctx context.Context, rng *rand.Rand, d *draft) error {
	box := d.seat.box
	born := d.who.Born
	d.who.Born = m.l.mix.Birth(rng, box.Text, d.who)
	id, _, err := m.l.mix.Fit(rng, box.Text, persona.Person{Full: box.Name}, []persona.Person{d.who})
	switch {
	case errors.Is(err, persona.ErrVariety):
		if m.misfits[box.ID]++; m.misfits[box.ID] >= misfits {
			return m.unusable(d)
		}
		return errDonor
	case errors.Is(err, persona.ErrAddress):
		return m.unusable(d)
	case err != nil:
		return err
	}
	if d.who.Born == born { // no year of the address
		d.who.Born = m.l.mix.BornAs(rng, d.who, id.First)
	}
	taken, err := m.stands(ctx, id.Email())
	if err != nil {
		return err
	}
	if d.id = id; taken || !m.s.fits(id) {
		return m.unusable(d)
	}
	if box.Reading.Host != "" {
		m.polled[box.ID] = true
	}
	return nil
}

// unusable takes a mailbox out of the run, and gives out the seats anew. The
// error is errDonor, so that another donor is taken.
func (m *minter) unusable(d *draft) error {
	d.seat.box = nil
	m.pool.unfit++
	m.pool.giveBack(&d.seat)
	if err := m.pool.allot(m.l.mix, m.pool.seats()); err != nil {
		return err
	}
	return errDonor
}

// dry says what follows when no address could be made at an owned domain:
// another donor is to be taken and, when it was not the first, another domain.
func (m *minter) dry(d *draft, err error) error {
	const enough = 3
	if !errors.Is(err, persona.ErrVariety) {
		return m.noAddress(err)
	}
	o := d.seat.at
	if o.dry++; o.dry < enough {
		return errDonor
	}
	if len(m.pool.ownDomains()) < 2 {
		return m.noAddress(err)
	}
	m.pool.giveBack(&d.seat)
	o.minted = 0
	if fault := m.pool.allot(m.l.mix, m.pool.seats()); fault != nil {
		return errors.Join(fault, m.noAddress(err))
	}
	return errDonor
}
