package seeder

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"saltmine/internal/canary"
	"saltmine/internal/inventory"
	"saltmine/seeder/persona"
)

// placebos makes the control group of one canary: addresses of the same
// grammar on the same owned domain, or a mailbox that is held back, and a number
// that is, when they are due.
func (m *minter) placebos(ctx context.Context, rng *rand.Rand, d *draft, p *canary.Planting) (err error) {
	if d.seat.box == nil {
		var some []canary.Token
		some, err = m.emailPlacebos(ctx, rng, d.who, d.id.Domain)
		p.Placebos = append(p.Placebos, some...)
	} else {
		err = m.keepBox(d.seat.at, d.seat.box, p)
	}
	if err != nil || d.number == nil {
		return err
	}
	return m.keepNumber(d.number, p)
}

// keepBox counts a mailbox that a canary gets, and holds others back that are
// due: of the same provider, if it has any to spare.
func (m *minter) keepBox(at *outlet, box *inventory.Item, p *canary.Planting) error {
	m.pool.boxes.place(box)
	from := []*outlet{at}
	for _, o := range m.pool.outlets {
		if o != at && !o.owned {
			from = append(from, o)
		}
	}
	slices.SortStableFunc(from, func(a, b *outlet) int { return b.spare() - a.spare() })
	for range m.pool.due(m.pool.boxes, 0) {
		if !slices.ContainsFunc(from, func(o *outlet) bool { return m.keep(&o.boxes, box, &m.pool.boxes, p) }) {
			return fmt.Errorf("%w: no mailbox is left for a placebo that was in no row before%s", ErrPool, m.pool.waiting(inventory.Mailbox, inventory.Seed))
		}
	}
	return nil
}

// keepNumber is keepBox for numbers.
func (m *minter) keepNumber(number *inventory.Item, p *canary.Planting) error {
	m.pool.phones.place(number)
	for range m.pool.due(m.pool.phones, 0) {
		if !m.keep(&m.pool.numbers, number, &m.pool.phones, p) {
			return fmt.Errorf("%w: no phone number is left for a placebo that was in no row before%s", ErrPool, m.pool.waiting(inventory.Phone))
		}
	}
	return nil
}

// keep makes an item of a list a placebo.
func (m *minter) keep(list *[]inventory.Item, like *inventory.Item, t *tally, p *canary.Planting) bool {
	i, ok := holdBack(list, like)
	if !ok {
		return false
	}
	t.kept++
	id := canary.TokenID(canary.NewID("t"))
	p.Placebos = append(p.Placebos, canary.Token{ID: id, Kind: i.Kind.Token(), Role: canary.RolePlacebo, Text: i.Text})
	p.Uses = append(p.Uses, use(&i, id))
	return true
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
		if errors.Is(err, persona.ErrVariety) && like.Widen() {
			err = nil // nearly all addresses of these people are in use; others have more
		}
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
// registered yet. Some come with [persona.ErrVariety] too.
func (m *minter) freshPlacebos(ctx context.Context, rng *rand.Rand, like persona.Person, domain string, n int) ([]string, error) {
	if m.control == nil {
		m.control = m.l.mix.Placebos(rng, m.s.cfg.Accept)
	}
	at, _ := m.s.cfg.Desk.Fact("email")
	column := m.s.cfg.Desk.Column(at)
	emails, err := m.control.Draw(like, domain, n, func(email string) bool {
		return column.Holds(email) && !m.emails[email] && !m.pool.landings[email]
	})
	if err != nil {
		err = fmt.Errorf("placebo addresses: %w: %w", ErrSample, err)
	}
	known, fault := m.s.cfg.Ledger.KnownAmong(ctx, canary.Email, emails)
	if fault != nil {
		return nil, fmt.Errorf("placebo addresses: %w", fault)
	}
	return slices.DeleteFunc(emails, func(e string) bool { return slices.Contains(known, e) }), err
}
