package seeder

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	"saltmine/internal/canary"
	"saltmine/internal/inventory"
	"saltmine/seeder/persona"
)

// placebos makes the control group of one canary: addresses of the same
// grammar on the same owned domain, and mailboxes and numbers that are held
// back. A canary without a phone brings its share of these too: the share is at
// least kept.
func (m *minter) placebos(ctx context.Context, rng *rand.Rand, d *draft, scarce int, p *canary.Planting) (err error) {
	if d.seat.box == nil {
		p.Placebos, err = m.emailPlacebos(ctx, rng, d.who, d.id.Domain)
	} else if err = m.keepBox(d, p); err == nil {
		m.pool.placed++
	}
	if err != nil || !m.withPhone {
		return err
	}
	for range scarce {
		if err := m.keepNumber(d, p); err != nil {
			return err
		}
	}
	return nil
}

// keepBox holds a mailbox back when one is due.
func (m *minter) keepBox(d *draft, p *canary.Planting) error {
	if m.pool.boxPlacebos(1) == 0 {
		return nil
	}
	from := []*outlet{d.seat.at}
	for _, o := range m.pool.outlets {
		if o != d.seat.at && !o.owned {
			from = append(from, o)
		}
	}
	for _, o := range from {
		if box, ok := holdBack(&o.boxes, d.seat.box); ok {
			m.pool.kept++
			return hold(p, &box)
		}
	}
	return fmt.Errorf("%w: no mailbox is left for a placebo", ErrPool)
}

// keepNumber holds a number back: one like the canary's, or else of its country.
func (m *minter) keepNumber(d *draft, p *canary.Planting) error {
	if d.number != nil {
		if number, ok := holdBack(&m.pool.numbers, d.number); ok {
			return hold(p, &number)
		}
	}
	number, ok := m.pool.takePhone(m.l.mix, d.who, true)
	if !ok {
		return fmt.Errorf("%w: no phone number is left for a placebo", ErrPool)
	}
	return hold(p, &number)
}

// hold makes an item a placebo.
func hold(p *canary.Planting, i *inventory.Item) error {
	t, err := placebo(i.Kind.Token(), i.Text)
	p.Placebos, p.Uses = append(p.Placebos, t), append(p.Uses, use(i, t.ID))
	return err
}

// placeboRounds bounds how often addresses are drawn anew because an earlier
// run has registered what was drawn.
const placeboRounds = 500

func (m *minter) emailPlacebos(ctx context.Context, rng *rand.Rand, like persona.Person, domain string) ([]canary.Token, error) {
	var out []canary.Token
	for range placeboRounds {
		missing := m.pool.perEmail - len(out)
		if missing <= 0 {
			return out, nil
		}
		fresh, err := m.freshPlacebos(ctx, rng, like, domain, missing)
		if err != nil {
			return nil, err
		}
		for _, email := range fresh {
			m.emails[email] = true
			t, err := placebo(canary.Email, email)
			if err != nil {
				return nil, err
			}
			out = append(out, t)
		}
	}
	return nil, fmt.Errorf("placebo addresses: %w: too many are registered already", ErrSample)
}

// freshPlacebos draws that many addresses and gives those that are not
// registered yet.
func (m *minter) freshPlacebos(ctx context.Context, rng *rand.Rand, like persona.Person, domain string, n int) ([]string, error) {
	ids, err := m.l.mix.Identities(rng, like, persona.Pool{Domains: []string{domain}, Accept: m.s.cfg.Accept, Usable: func(id persona.Identity) bool {
		return m.s.fits(id) && !m.emails[id.Email()] && !m.pool.landings[id.Email()]
	}}, n)
	if err != nil {
		return nil, fmt.Errorf("placebo addresses: %w: %w", ErrSample, err)
	}
	emails := make([]string, len(ids))
	for i, id := range ids {
		emails[i] = id.Email()
	}
	known, err := m.s.cfg.Ledger.KnownAmong(ctx, canary.Email, emails)
	if err != nil {
		return nil, fmt.Errorf("placebo addresses: %w", err)
	}
	for _, email := range known {
		m.emails[email] = true // it is not drawn again
	}
	return slices.DeleteFunc(emails, func(e string) bool { return slices.Contains(known, e) }), nil
}
