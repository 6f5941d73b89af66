package seeder

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"saltmine/seeder/persona"
	"saltmine/seeder/supportdb"
)

// errDonor says that a donor has something of its own in a column that can
// neither be copied nor left empty; the next one is taken.
var errDonor = errors.New("donor cannot be copied")

// draft is a canary on its way to being registered.
type draft struct {
	donor supportdb.Donor
	who   persona.Person // the donor
	id    persona.Identity
	phone string // E.164, empty for none
	start time.Time
	end   time.Time
	image supportdb.Image
	times []time.Time // of the tickets
}

// compose makes the rows of a draft: what the recipe names is made new or moved
// in time, the rest is the donor's, without anything that identifies the donor.
func (s *Seeder) compose(ctx context.Context, rng *rand.Rand, l *lessons, d *draft) error {
	c := composer{s: s, rng: rng, l: l, d: d}
	c.timeline = s.timelineOf(d)
	if d.phone != "" {
		c.phone = persona.FormatPhone(d.who.Phone, d.phone)
	}
	c.scrub = persona.NewScrub(d.who, d.id, c.phone)
	customer, err := c.customer(ctx)
	if err != nil {
		return err
	}
	d.image = supportdb.Image{Customer: customer}
	for i := range d.donor.Tickets {
		ticket, err := c.ticket(ctx, &d.donor.Tickets[i])
		if err != nil {
			return err
		}
		d.image.Tickets = append(d.image.Tickets, ticket)
	}
	s.order(d)
	return nil
}

// order puts the tickets in the order of their dates, so that their keys will
// be, and notes the dates.
func (s *Seeder) order(d *draft) {
	created := s.cfg.Desk.Recipe().Ticket.Created
	at := func(r supportdb.Row) time.Time {
		t, _ := supportdb.ParseTime(r.Get(created))
		return t
	}
	slices.SortStableFunc(d.image.Tickets, func(a, b supportdb.Row) int { return at(a).Compare(at(b)) })
	d.times = d.times[:0]
	for _, t := range d.image.Tickets {
		d.times = append(d.times, at(t))
	}
}

func (s *Seeder) timelineOf(d *draft) persona.Timeline {
	signedUp, _ := supportdb.ParseTime(d.donor.Customer.Get(s.cfg.Desk.Recipe().Customer.Created))
	var events []time.Time
	collect := func(t *supportdb.Table, r *supportdb.Row) {
		for i := range t.Columns {
			if !t.Columns[i].IsTime() {
				continue
			}
			if at, ok := supportdb.ParseTime(r.Get(t.Columns[i].Name)); ok {
				events = append(events, at)
			}
		}
	}
	collect(s.cfg.Desk.Customer(), &d.donor.Customer)
	for i := range d.donor.Tickets {
		collect(s.cfg.Desk.Ticket(), &d.donor.Tickets[i])
	}
	return persona.NewTimeline(signedUp, s.now(), d.start, d.end, events)
}

// composer holds what is needed to write one draft's rows.
type composer struct {
	s        *Seeder
	rng      *rand.Rand
	l        *lessons
	d        *draft
	timeline persona.Timeline
	scrub    *persona.Scrub
	phone    string // as it will be stored
}

func (c *composer) customer(ctx context.Context) (supportdb.Row, error) {
	r, t := c.s.cfg.Desk.Recipe().Customer, c.s.cfg.Desk.Customer()
	made := map[string]supportdb.Value{
		r.Email: supportdb.Text(c.d.id.Email()), r.FirstName: supportdb.Text(c.d.id.First), r.LastName: supportdb.Text(c.d.id.Last),
		r.Name: supportdb.Text(c.d.id.Full), r.Key: supportdb.Text(supportdb.NewUUID(c.rng)), r.Phone: supportdb.Null(),
	}
	if c.phone != "" {
		made[r.Phone] = supportdb.Text(c.phone)
	}
	return c.row(ctx, t, &c.d.donor.Customer, made)
}

func (c *composer) ticket(ctx context.Context, donor *supportdb.Row) (supportdb.Row, error) {
	r, t := c.s.cfg.Desk.Recipe().Ticket, c.s.cfg.Desk.Ticket()
	// The number is drawn later, for all tickets of a group together.
	made := map[string]supportdb.Value{r.Key: supportdb.Text(supportdb.NewUUID(c.rng)), r.Number: supportdb.Null()}
	row, err := c.row(ctx, t, donor, made)
	if err != nil {
		return row, err
	}
	if r.Subject != "" {
		row.Set(r.Subject, c.subject(donor.Get(r.Subject), row.Get(r.Subject)))
	}
	return withoutColumn(row, r.Customer), nil
}

func withoutColumn(r supportdb.Row, column string) supportdb.Row {
	out := supportdb.Row{}
	for i, name := range r.Columns {
		if name != column {
			out.Set(name, r.Values[i])
		}
	}
	return out
}

// row writes a row in the table's own order of columns.
func (c *composer) row(ctx context.Context, t *supportdb.Table, donor *supportdb.Row, made map[string]supportdb.Value) (supportdb.Row, error) {
	delete(made, "")
	row := supportdb.Row{}
	for i := range t.Columns {
		col := &t.Columns[i]
		if col.Auto || col.Generated {
			continue
		}
		v, ok := made[col.Name]
		if !ok {
			var err error
			if v, err = c.plain(ctx, t, col, donor.Get(col.Name)); err != nil {
				return row, err
			}
		}
		row.Set(col.Name, v)
	}
	return row, nil
}

// plain gives the value of a column that is not identity.
func (c *composer) plain(ctx context.Context, t *supportdb.Table, col *supportdb.Column, v supportdb.Value) (supportdb.Value, error) {
	m := c.l.makers[makerOf(t, col)]
	switch {
	case v.IsNull(), m != nil && m.null:
		return supportdb.Null(), nil
	case m != nil:
		return c.make(ctx, m, t, col)
	case col.IsTime(), col.Type == "date":
		return c.moved(col, v), nil
	case col.IsText(), col.Type == "json":
		return c.scrubbed(col, v)
	}
	return v, nil
}

// moved moves a date. What is no date (zero dates) stays; a day that lies
// before the sign-up (a birthday) too.
func (c *composer) moved(col *supportdb.Column, v supportdb.Value) supportdb.Value {
	at, ok := supportdb.ParseTime(v)
	if !ok {
		return v
	}
	signedUp, _ := supportdb.ParseTime(c.d.donor.Customer.Get(c.s.cfg.Desk.Recipe().Customer.Created))
	if col.Type == "date" && at.Before(signedUp.Truncate(24*time.Hour)) {
		return v
	}
	return col.FormatTime(c.timeline.Move(at))
}

func (c *composer) scrubbed(col *supportdb.Column, v supportdb.Value) (supportdb.Value, error) {
	text, clean := c.scrub.Text(v.Text())
	// A value that is a phone number as a whole is somebody's.
	clean = clean && (!persona.LooksPhone(text) || text == c.phone)
	clean = clean && (col.MaxLen == 0 || utf8.RuneCountInString(text) <= col.MaxLen)
	switch {
	case clean:
		return supportdb.Text(text), nil
	case col.Nullable:
		return supportdb.Null(), nil
	}
	return supportdb.Value{}, errDonor
}

// subject keeps a subject that others have too, and takes another common one
// of the same language where the donor's is the donor's alone.
func (c *composer) subject(donors, scrubbed supportdb.Value) supportdb.Value {
	counts := c.l.subjects[c.d.who.Language+"\x00"+c.d.who.Country]
	if donors.IsNull() || counts[donors.Text()] > 1 {
		return scrubbed
	}
	var common []string
	for text, n := range counts {
		if n > 1 && strings.TrimSpace(text) != "" {
			common = append(common, text)
		}
	}
	if len(common) == 0 {
		return scrubbed
	}
	slices.Sort(common)
	return supportdb.Text(common[c.rng.IntN(len(common))])
}
