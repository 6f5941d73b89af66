package seeder

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"

	"saltmine/internal/canary"
	"saltmine/internal/inventory"
	"saltmine/seeder/persona"
	"saltmine/seeder/supportdb"
)

// change is one planned rotation.
type change struct {
	next     canary.DatedToken
	placebos []canary.Token
	uses     []canary.Use
	rows     []byte // the image after it
	changes  []supportdb.Change
	life     []byte // remembers what stood before it
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
	changes, image, held := r.changes(c, r.s.fact(&c.row.Image, r.word), supportdb.Text(drawn.stored))
	rows, err := image.Encode()
	if err != nil {
		return change{}, err
	}
	uses := drawn.held.Uses
	if drawn.item != nil {
		uses = append(uses, use(drawn.item, next.ID))
	}
	life, err := remembering(c.p, r.cfg.Kind, held)
	return change{next: next, placebos: drawn.held.Placebos, uses: uses, rows: rows, changes: changes, life: life}, err
}

// remembering is the life of a canary that remembers what its rows held until the
// token of a kind leaves them.
func remembering(p *canary.Planting, kind canary.Kind, held []was) ([]byte, error) {
	l, err := decodeLife(p.Life)
	if err != nil {
		return nil, err
	}
	old, _ := current(p, kind)
	for _, w := range held {
		w.With = old.ID
		l.Was = append(l.Was, w)
	}
	l.forget(p)
	return l.encode()
}

// changes are the rows that change with the value: the one that holds it, rows
// of the customer whose text columns hold the same, columns by which tickets
// hang on it, and the date of the last change. It also gives the image after it, and
// what the columns hold before.
func (r *rotation) changes(c *subject, old, value supportdb.Value) ([]supportdb.Change, supportdb.Image, []was) {
	desk, image := r.s.cfg.Desk, c.image.Clone()
	at, _ := desk.Fact(r.word)
	holder := image.At(image.Customer(), at.Part)
	var out []supportdb.Change
	var held []was
	for n := range image.Items {
		row := desk.Stands(&image, c.keys, n, c.row)
		if row == nil {
			continue
		}
		set, guard := r.settings(&image, n, row, spelling{old, value, at.Column, n == holder})
		if len(set.Columns) == 0 {
			continue
		}
		for i, column := range set.Columns {
			held = append(held, was{Item: n, Column: column, Value: row.Get(column)})
			if v := image.Items[n].Row.Get(column); !v.Tied() {
				image.Items[n].Row.Set(column, set.Values[i])
			}
		}
		out = append(out, supportdb.Change{Part: image.Items[n].Part, Key: c.keys.Rows[n], Guard: guard, Old: row.Get(guard), Set: set})
	}
	return out, image, held
}

// spelling is a value on its way into a row.
type spelling struct {
	old, value supportdb.Value
	column     string // of the fact
	holder     bool   // the row holds the fact
}

// spelledIn reports whether a text column holds the old value.
func (v *spelling) spelledIn(c *supportdb.Column, row *supportdb.Row) bool {
	return c.IsText() && !c.Generated && !v.old.IsNull() && supportdb.SameText(row.Get(c.Name).Text(), v.old.Text())
}

// settings are the columns of one row that change, and the one that has to
// hold its old value still.
func (r *rotation) settings(i *supportdb.Image, n int, row *supportdb.Row, v spelling) (set supportdb.Row, guard string) {
	desk := r.s.cfg.Desk
	p := desk.Part(i.Items[n].Part)
	updated, _ := desk.Fact("updated")
	own := !i.OfTicket(n)
	for at := range p.Table.Columns {
		c := &p.Table.Columns[at]
		_, link := p.Link[c.Name]
		same := (own || link) && v.spelledIn(c, row)
		switch {
		case v.holder && c.Name == v.column:
			set.Set(c.Name, v.value)
			guard = c.Name
		case p.Name == updated.Part && c.Name == updated.Column:
			set.Set(c.Name, p.FormatTime(c, r.s.now()))
		case same && capitals(row.Get(c.Name).Text()):
			set.Set(c.Name, supportdb.Text(strings.ToUpper(v.value.Text())))
		case same:
			set.Set(c.Name, v.value)
		}
	}
	if guard == "" {
		guard = p.Key[0]
	}
	return set, guard
}

// value is a new address or number: the form to store, the form to register,
// the pool item that it is, and its placebos.
type value struct {
	stored, canon string
	item          *inventory.Item // nil for an address on an owned domain
	held          canary.Planting // its placebos, and what they are
}

// newValue draws an address or a number for the person that the row is.
func (r *rotation) newValue(ctx context.Context, c *subject, ordinal int) (value, error) {
	rng := source(r.m.batch.Seed, "rotate "+string(c.p.ID), ordinal)
	facts := r.s.cfg.Desk.Facts(&c.row.Image)
	who := person(&facts)
	if r.cfg.Kind == canary.Email {
		return r.newEmail(ctx, rng, who)
	}
	number, ok := r.m.pool.takePhone(r.m.l.mix, who, true)
	if !ok {
		return value{}, errNothingFree
	}
	v := value{stored: persona.FormatPhone(who.Phone, number.Text), canon: number.Text, item: &number}
	return v, r.m.keepNumber(&number, &v.held)
}

// newEmail draws an address where the present one is: another mailbox at the
// same provider, if there is one that the name may have, or else at another; or
// an address on an owned domain.
func (r *rotation) newEmail(ctx context.Context, rng *rand.Rand, who persona.Person) (value, error) {
	p := r.m.pool
	if at := p.boxesOf(who.Email); at != nil {
		box, from := p.boxOfName(rng, r.m.l.mix, at, &who)
		if box == nil {
			return value{}, errNothingFree
		}
		v := value{stored: box.Text, canon: box.Text, item: box}
		return v, r.m.keepBox(from, box, &v.held)
	}
	o := p.ownDomain(rng, &who)
	if o == nil {
		return value{}, errNothingFree
	}
	id, err := r.address(ctx, rng, who, o.domain)
	if err != nil {
		return value{}, err
	}
	o.held, o.room = o.held+1, o.room-1
	placebos, err := r.m.emailPlacebos(ctx, rng, who, id.Domain)
	return value{stored: id.Written, canon: id.Email(), held: canary.Planting{Placebos: placebos}}, err
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
		stands, wanted := r.s.fact(&c.row.Image, r.word), r.s.fact(&c.image, r.word)
		if supportdb.SameText(stands.Text(), wanted.Text()) {
			r.report.Finished++
			return r.stamp(ctx, p.ID, old, next, settled(next.Window.From.Earliest, now))
		}
		if !represents(r.cfg.Kind, old.Text, stands.Text()) {
			return r.lost(ctx, c, old, next)
		}
		changes, _, _ := r.changes(c, stands, wanted)
		err = r.s.cfg.Desk.Update(ctx, changes...)
		switch {
		case err == nil:
			r.report.Finished++
			return r.stamp(ctx, p.ID, old, next, settled(now, r.s.now()))
		case errors.Is(err, supportdb.ErrDuplicate):
			at, _ := r.s.cfg.Desk.Fact(r.word)
			c.image.Set(c.image.Customer(), at, stands)
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
	if err := r.s.amend(ctx, a); err != nil {
		return fmt.Errorf("close: %w", err)
	}
	return nil
}

// address draws a new address on a domain, that no row and no registered token has.
func (r *rotation) address(ctx context.Context, rng *rand.Rand, who persona.Person, domain string) (persona.Identity, error) {
	for range 20 {
		var failed error
		id, err := r.m.l.mix.Address(rng, who, persona.Pool{Domains: []string{domain}, Accept: r.s.cfg.Accept, Usable: func(id persona.Identity) bool {
			return r.s.fits(id) && r.m.fresh(ctx, id.Email(), &failed)
		}})
		if err = errors.Join(failed, err); err != nil {
			return persona.Identity{}, fmt.Errorf("%w: %w", ErrSample, err)
		}
		r.m.emails[id.Email()] = true
		at, _ := r.s.cfg.Desk.Fact(r.word)
		taken, err := r.s.cfg.Desk.Taken(ctx, at, []string{id.Email()})
		if err != nil || len(taken) == 0 {
			return id, err
		}
	}
	return persona.Identity{}, fmt.Errorf("draw an address: %w", ErrClashes)
}
