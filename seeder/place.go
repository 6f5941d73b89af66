package seeder

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"saltmine/seeder/recipe"
	"saltmine/seeder/supportdb"
)

// place gives the rows of a draft keys that the tables have passed over, and
// prepares the move of the dates. It is errDonor when a row finds no slot of
// its time, or a ticket no number.
func (h *history) place(ctx context.Context, c *composer) error {
	image := &c.d.image
	c.past = &past{rng: c.rng, start: c.d.start, now: c.d.end, shifts: map[int]time.Duration{}, opened: map[int]time.Time{}, pauses: map[int]pause{}, bends: map[int]float64{}, moved: map[time.Time]time.Time{}}
	c.past.bends[0] = 2*c.rng.Float64() - 1
	c.past.signedUp, _ = h.s.signedUp(&c.d.donor.Image)
	desk := h.s.cfg.Desk
	desk.Give(image, image.Customer(), c.d.slot.Key)
	for _, n := range image.Tickets() {
		if err := h.placeTicket(ctx, c, n); err != nil {
			return err
		}
	}
	for n := range image.Items {
		p := desk.Part(image.Items[n].Part)
		if p.Name == recipe.CustomerPart || p.Name == recipe.TicketPart || !p.Counted() {
			continue
		}
		at, ok := desk.DateOf(p, &image.Items[n].Row)
		if !ok {
			return errDonor
		}
		slot, found, err := h.near(ctx, p, c.at(n, at))
		if err != nil {
			return err
		}
		if !found {
			return errDonor
		}
		desk.Give(image, n, slot.Key)
	}
	return nil
}

func (h *history) placeTicket(ctx context.Context, c *composer, n int) error {
	desk, image := h.s.cfg.Desk, &c.d.image
	p := desk.Part(recipe.TicketPart)
	old, ok := desk.DateOf(p, &image.Items[n].Row)
	if !ok {
		return errDonor
	}
	at := c.past.base(old)
	if p.Counted() {
		slot, found, err := h.ticketSlot(ctx, c.past, old)
		if err != nil {
			return err
		}
		if !found {
			return errDonor
		}
		desk.Give(image, n, slot.Key)
		at = c.past.clamp(h.within(p, slot))
		if c.d.numbers[n], err = h.number(ctx, slot, at); err != nil {
			return err
		}
	}
	if h.running && c.d.numbers[n] == "" {
		return errDonor
	}
	c.past.shifts[n], c.past.opened[n], c.past.bends[n] = at.Sub(old), old, 2*c.rng.Float64()-1
	c.past.pauses[n] = c.past.pauseOf(h.datesOf(image, n, old), at.Sub(old))
	for k := range image.Items {
		if image.Under(k, n) {
			h.note(c.past, desk.Part(image.Items[k].Part), &image.Items[k].Row, n)
		}
	}
	return nil
}

// cut takes from a slot what is too early for a donor's ticket of some date: it
// comes no sooner after the sign-up than the donor's did, but for some minutes. It
// reports whether anything is left.
func (p *past) cut(slot *supportdb.Slot, t time.Time) bool {
	first := p.start.Add(min(max(t.Sub(p.signedUp), 0), jitter/2))
	if slot.After.Before(first) {
		slot.After = first
	}
	return !slot.Before.Before(first)
}

// ticketSlot looks for a slot near some days to which a ticket could be moved:
// if the first had to have one, customers with many tickets would be left out.
// What of the slot would be too early is cut off.
func (h *history) ticketSlot(ctx context.Context, to *past, old time.Time) (slot supportdb.Slot, found bool, err error) {
	const tries = 8
	p := h.s.cfg.Desk.Part(recipe.TicketPart)
	for range tries {
		slot, found, err = h.near(ctx, p, to.base(old))
		if err != nil {
			return slot, false, err
		}
		if found && to.cut(&slot, old) {
			return slot, true, nil
		}
	}
	return slot, false, nil
}

// datesOf lists the dates of the rows under a ticket from a date on, in order.
func (h *history) datesOf(image *supportdb.Image, ticket int, from time.Time) []time.Time {
	out := []time.Time{from}
	for k := range image.Items {
		p := h.s.cfg.Desk.Part(image.Items[k].Part)
		for i := range p.Table.Columns {
			col := &p.Table.Columns[i]
			if !image.Under(k, ticket) || !p.IsTime(col) {
				continue
			}
			if t, ok := p.ParseTime(col.Name, image.Items[k].Row.Get(col.Name)); ok && t.After(from) {
				out = append(out, t)
			}
		}
	}
	slices.SortFunc(out, time.Time.Compare)
	return out
}

// note remembers where a ticket's dates go: the customer's row often has the same.
func (h *history) note(to *past, p *supportdb.Part, row *supportdb.Row, ticket int) {
	for i := range p.Table.Columns {
		col := &p.Table.Columns[i]
		if !p.IsTime(col) {
			continue
		}
		if t, ok := p.ParseTime(col.Name, row.Get(col.Name)); ok {
			to.moved[t] = to.ofTicket(ticket, t)
		}
	}
}

// errNoRoom says that the tables have passed over too few keys.
var errNoRoom = errors.New("no key that the tables have passed over is left")

// pastDrafts makes drafts in the table's past, in the order of their keys. With
// an error come those that were made.
func (m *minter) pastDrafts(ctx context.Context, rng *rand.Rand, n int) ([]*draft, error) {
	out := make([]*draft, n)
	for i := range out {
		m.turn(i)
		var err error
		if out[i], err = m.draftPast(ctx, rng); err != nil {
			return out[:i], err
		}
	}
	slices.SortFunc(out, func(a, b *draft) int { return cmp.Compare(a.slot.Key, b.slot.Key) })
	return out, nil
}

// draftPast makes a draft in the next slot of the table's past, of a donor who
// signed up about then.
func (m *minter) draftPast(ctx context.Context, rng *rand.Rand) (*draft, error) {
	const donors = 12 // for one slot
	for {
		slot, at, ok := m.l.past.next()
		if !ok {
			return nil, fmt.Errorf("%w: %w", ErrSample, errNoRoom)
		}
		for range donors {
			donor := &m.l.donors[m.l.past.donor(at, m.chooser())]
			facts := m.s.cfg.Desk.Facts(&donor.Image)
			d := &draft{donor: *donor, who: person(&facts), start: at, end: m.l.present, slot: &slot, numbers: map[int]string{}}
			ready, err := m.finish(ctx, rng, d, false)
			if ready || err != nil {
				return d, err
			}
		}
		m.l.past.giveBack(slot)
	}
}
