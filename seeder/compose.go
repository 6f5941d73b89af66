package seeder

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"saltmine/internal/inventory"
	"saltmine/seeder/persona"
	"saltmine/seeder/persona/column"
	"saltmine/seeder/recipe"
	"saltmine/seeder/supportdb"
)

// errDonor says that a donor has something of its own in a column that can
// neither be copied nor left empty; the next one is taken.
var errDonor = errors.New("donor cannot be copied")

// donorError says in which column.
type donorError struct{ where string }

func (e *donorError) Error() string { return errDonor.Error() + ": " + e.where }
func (e *donorError) Unwrap() error { return errDonor }

func unfit(p *supportdb.Part, col *supportdb.Column) error {
	return &donorError{p.Table.Name + "." + col.Name}
}

// draft is a canary on its way to being registered.
type draft struct {
	donor supportdb.Record
	leads *supportdb.Record // the donor with what is still to come; nil where that is not known
	who   persona.Person    // the donor
	id    persona.Identity
	seat  seat
	// number is the pool's, phone its text in E.164; nil and empty for none.
	number *inventory.Item
	phone  string
	start  time.Time
	end    time.Time
	image  supportdb.Image
	times  []time.Time // of the tickets
	// Of a draft in the table's past: the customer's slot, and the tickets' numbers
	// by the number of the row.
	slot    *supportdb.Slot
	numbers map[int]string
	// move gives the canary's date for a donor's, where a life goes on: then only
	// some of the donor's rows are copied.
	move func(time.Time) time.Time
}

// compose makes the rows of a draft: what the recipe names is made new or moved
// in time, the rest is the donor's, without anything that identifies the donor.
func (s *Seeder) compose(ctx context.Context, rng *rand.Rand, l *lessons, d *draft) error {
	c := composer{s: s, rng: rng, l: l, d: d, renamed: map[string]string{}, redone: map[string]string{}}
	c.timeline = s.timelineOf(&d.donor.Image, d.start, d.end)
	if d.phone != "" {
		c.phone = persona.FormatPhone(d.who.Phone, d.phone)
	}
	c.scrub = persona.NewScrub(d.who, d.id, c.phone)
	d.image = s.cfg.Desk.Plan(&d.donor)
	if d.slot != nil {
		if err := l.past.place(ctx, &c); err != nil {
			return err
		}
	}
	c.learnIDs()
	for n := range d.image.Items {
		if err := c.item(ctx, n); err != nil {
			return err
		}
		c.sums(n)
	}
	if !c.keepsAcross() {
		return errDonor
	}
	if err := c.identity(); err != nil {
		return err
	}
	if err := s.holds(&d.image); err != nil {
		return err
	}
	d.times = s.ticketTimes(&d.image)
	return nil
}

// ticketTimes are the dates of an image's tickets, in its order.
func (s *Seeder) ticketTimes(i *supportdb.Image) []time.Time {
	at, _ := s.cfg.Desk.TicketFact("created")
	var out []time.Time
	for _, n := range i.Tickets() {
		t, _ := s.cfg.Desk.Part(at.Part).ParseTime(at.Column, i.Get(n, at))
		out = append(out, t)
	}
	return out
}

// timelineOf prepares the move of an image's dates to a sign-up at start.
func (s *Seeder) timelineOf(i *supportdb.Image, start, end time.Time) persona.Timeline {
	signedUp, _ := s.signedUp(i)
	var events []time.Time
	for n := range i.Items {
		p := s.cfg.Desk.Part(i.Items[n].Part)
		for at := range p.Table.Columns {
			if c := &p.Table.Columns[at]; p.IsTime(c) {
				if t, ok := p.ParseTime(c.Name, i.Items[n].Row.Get(c.Name)); ok {
					events = append(events, t)
				}
			}
		}
	}
	return persona.NewTimeline(signedUp, s.now(), start, end, events)
}

// composer holds what is needed to write one draft's rows.
type composer struct {
	s        *Seeder
	rng      *rand.Rand
	l        *lessons
	d        *draft
	timeline persona.Timeline
	scrub    *persona.Scrub
	phone    string            // as it will be stored
	renamed  map[string]string // message ids of the donor's mails
	redone   map[string]string // texts of the donor's and what became of them
	past     *past             // nil for a sign-up of now
	was      supportdb.Row     // the donor's row of which the canary's is being made
}

// item changes one row from the donor's to the canary's.
func (c *composer) item(ctx context.Context, n int) error {
	it := &c.d.image.Items[n]
	p := c.s.cfg.Desk.Part(it.Part)
	fresh := c.redraw(n)
	c.was = supportdb.Row{Columns: it.Row.Columns, Values: slices.Clone(it.Row.Values)}
	for i, name := range it.Row.Columns {
		v := it.Row.Values[i]
		if _, fixed := p.Set[name]; fixed || v.R != nil || c.isFact(n, name) {
			continue
		}
		if len(p.Key) == 1 && p.Key[0] == name && !p.Counted() {
			key, err := c.key(p)
			if err != nil {
				return err
			}
			it.Row.Values[i] = supportdb.Text(key)
			continue
		}
		col, _ := p.Table.Column(name)
		if col.Auto {
			continue // a slot
		}
		v, err := c.pieces(ctx, place{n, p, col}, v, fresh)
		if err != nil {
			return err
		}
		it.Row.Values[i] = v
	}
	if !c.ordered(p, &it.Row) {
		return errDonor
	}
	return nil
}

// key makes a key that the server does not give, of the form of those that are there.
func (c *composer) key(p *supportdb.Part) (string, error) {
	shape := c.l.keys[p.Name]
	if shape == nil {
		return supportdb.NewUUID(c.rng), nil
	}
	return shape.Draw(c.rng, func(string) bool { return false })
}

// isFact reports whether a column of a row holds what identity and number put there.
func (c *composer) isFact(n int, column string) bool {
	desk, i := c.s.cfg.Desk, &c.d.image
	for _, word := range []string{"email", "phone", "name", "first_name", "last_name"} {
		if at, ok := desk.Fact(word); ok && at.Column == column && i.At(i.Customer(), at.Part) == n {
			return true
		}
	}
	at, _ := desk.TicketFact("number")
	return at.Part == i.Items[n].Part && at.Column == column
}

// identity puts the facts of the canary into its rows. The number of a ticket
// is drawn later, for all tickets of a group together.
func (c *composer) identity() error {
	desk, i := c.s.cfg.Desk, &c.d.image
	phone := supportdb.Null()
	if c.phone != "" {
		phone = supportdb.Text(c.phone)
	}
	for _, f := range []struct {
		word string
		v    supportdb.Value
	}{
		{"email", supportdb.Text(c.d.id.Written)}, {"first_name", supportdb.Text(c.d.id.First)}, {"last_name", supportdb.Text(c.d.id.Last)},
		{"name", supportdb.Text(c.d.id.Full)}, {"phone", phone},
	} {
		at, named := desk.Fact(f.word)
		if !named || i.At(i.Customer(), at.Part) < 0 {
			continue
		}
		if f.v.IsNull() && !desk.Column(at).Nullable {
			f.v = supportdb.Text("")
		}
		i.Set(i.Customer(), at, f.v)
	}
	if c.phone != "" && c.d.move == nil && c.s.fact(i, "phone").Text() != c.phone {
		at, _ := desk.Fact("phone")
		return unfit(desk.Part(at.Part), desk.Column(at)) // there is no row that could hold it
	}
	if at, ok := desk.TicketFact("subject"); ok {
		for _, n := range i.Tickets() {
			was := i.Get(n, at)
			is := c.subject(c.subjectOf(n, at), was)
			i.Set(n, at, is)
			rewrite(i, n, was.Text(), is.Text())
		}
	}
	return nil
}

// subjectOf is the donor's subject of a ticket: both have their tickets in the
// order of the dates.
func (c *composer) subjectOf(n int, at recipe.Place) supportdb.Value {
	k := slices.Index(c.d.image.Tickets(), n)
	donor := &c.d.donor
	tickets := donor.Tickets()
	created, _ := c.s.cfg.Desk.TicketFact("created")
	slices.SortStableFunc(tickets, func(a, b int) int {
		return strings.Compare(donor.Get(a, created).Text(), donor.Get(b, created).Text())
	})
	return donor.Get(tickets[k], at)
}

// place is a column of the n-th row of an image.
type place struct {
	n   int
	p   *supportdb.Part
	col *supportdb.Column
}

// pieces is plain for a text in which keys of the record stand.
func (c *composer) pieces(ctx context.Context, at place, v supportdb.Value, fresh map[string]column.Value) (supportdb.Value, error) {
	if v.F == nil {
		return c.plain(ctx, at, v, fresh)
	}
	out := supportdb.Value{F: slices.Clone(v.F)}
	for i, piece := range out.F {
		if piece.R != nil {
			continue
		}
		text, clean := c.prose(piece.Text())
		if !clean {
			return v, unfit(at.p, at.col)
		}
		out.F[i] = supportdb.Text(text)
	}
	return out, nil
}

// plain gives the value of a column that is not identity.
func (c *composer) plain(ctx context.Context, at place, v supportdb.Value, fresh map[string]column.Value) (supportdb.Value, error) {
	m := c.l.makers[makerOf(at.p, at.col)]
	switch {
	case v.IsNull(), m != nil && m.null:
		return supportdb.Null(), nil
	case supportdb.SameText(v.Text(), c.d.who.Email):
		return c.address(at, v)
	case m != nil:
		return c.make(ctx, m, at)
	case at.p.IsTime(at.col), at.col.Type == "date" && !c.beforeSignUp(at, v):
		made := c.moved(at.n, at.p, at.col, v)
		if c.crosses(at, v, made) {
			return v, unfit(at.p, at.col)
		}
		return made, nil
	case v.B != nil:
		return c.bytes(at.p, at.col, v)
	}
	if own, done := c.own(at.n, at.col, v, fresh); done {
		return own, nil
	}
	if isProse(at.col) {
		return c.scrubbed(at.p, at.col, v)
	}
	return v, nil
}

// address is the canary's in a further column that holds the donor's: typed as
// in the first where the donor's are typed alike.
func (c *composer) address(at place, v supportdb.Value) (supportdb.Value, error) {
	out, err := c.scrubbed(at.p, at.col, v)
	if err == nil && v.Text() == c.d.who.Email && supportdb.SameText(out.Text(), c.d.id.Email()) {
		out = supportdb.Text(c.d.id.Written)
	}
	return out, err
}

// beforeSignUp reports whether a day lies before the donor's sign-up: a birthday.
func (c *composer) beforeSignUp(at place, v supportdb.Value) bool {
	t, ok := at.p.ParseTime(at.col.Name, v)
	signedUp, _ := c.s.signedUp(&c.d.donor.Image)
	return ok && t.Before(signedUp.Truncate(24*time.Hour))
}

// bytes copies bytes that others have too; who knows what the rest shows.
func (c *composer) bytes(p *supportdb.Part, col *supportdb.Column, v supportdb.Value) (supportdb.Value, error) {
	switch {
	case c.l.common(p.Name, col.Name, v):
		return v, nil
	case col.Nullable:
		return supportdb.Null(), nil
	}
	return v, unfit(p, col)
}

// moved moves a date. What is no date (zero dates) stays.
func (c *composer) moved(n int, p *supportdb.Part, col *supportdb.Column, v supportdb.Value) supportdb.Value {
	at, ok := p.ParseTime(col.Name, v)
	if !ok {
		return v
	}
	return p.FormatTime(col, c.date(n, p, col, at))
}

func (c *composer) scrubbed(p *supportdb.Part, col *supportdb.Column, v supportdb.Value) (supportdb.Value, error) {
	text, clean := c.prose(v.Text())
	// A value that is a phone number as a whole is somebody's.
	clean = clean && (!persona.LooksPhone(text) || text == c.phone)
	clean = clean && (col.MaxLen == 0 || utf8.RuneCountInString(text) <= col.MaxLen)
	switch {
	case clean && capitals(v.Text()) && strings.EqualFold(v.Text(), c.d.who.Email):
		return supportdb.Text(strings.ToUpper(text)), nil
	case clean:
		return supportdb.Text(text), nil
	case col.Nullable:
		return supportdb.Null(), nil
	}
	return supportdb.Value{}, unfit(p, col)
}

// capitals reports whether a text has letters, none of them small.
func capitals(text string) bool {
	return text == strings.ToUpper(text) && text != strings.ToLower(text)
}
