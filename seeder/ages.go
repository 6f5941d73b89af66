package seeder

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"saltmine/internal/audit/replay"
	"saltmine/internal/canary"
	"saltmine/seeder/recipe"
	"saltmine/seeder/supportdb"
)

// was is what a column of a canary's row held until a moment: At, or when the token
// With left the row.
type was struct {
	Item   int             `json:"item"`
	Column string          `json:"column"`
	Value  supportdb.Value `json:"value"`
	With   canary.TokenID  `json:"with,omitempty"`
	At     canary.Moment   `json:"at,omitzero"`
}

// came is when a row came that was not there from the beginning.
type came struct {
	Item int           `json:"item"`
	At   canary.Moment `json:"at"`
}

// mostWas bounds how much a life remembers; what is forgotten is not known.
const mostWas = 400

// forget drops the oldest of what a life remembers.
func (l *life) forget(p *canary.Planting) {
	for len(l.Was) > mostWas {
		if at := l.Was[0].until(p).Latest; at.After(l.Dim) {
			l.Dim = at
		}
		l.Was = l.Was[1:]
	}
}

// until is when a column ceased to hold what it held; zero when it was taken back.
func (w *was) until(p *canary.Planting) canary.Moment {
	for i := range p.Tokens {
		if p.Tokens[i].ID == w.With {
			return p.Tokens[i].Window.Until
		}
	}
	return w.At
}

// Past is a look at all that ever stood: every version of every row that the registry
// knows of, with when it stood. What a column held is said to be unknown where it is not
// what was written, or where that is not remembered. Rows that stand are read; of those
// that are gone, what was written stands for what they held.
func (s *Seeder) Past(ctx context.Context) (replay.Look, error) {
	l := replay.Look{Planted: map[canary.ID]canary.Moment{}}
	if err := s.past(ctx, &l); err != nil {
		return l, fmt.Errorf("look at the canaries' past: %w", err)
	}
	return l, nil
}

func (s *Seeder) past(ctx context.Context, l *replay.Look) error {
	customers, err := s.frame(ctx, l)
	if err != nil {
		return err
	}
	all, err := s.cfg.Ledger.Plantings(ctx, canary.Filter{Place: s.cfg.Place})
	if err != nil {
		return fmt.Errorf("read the registry: %w", err)
	}
	// A row that was never about to be committed never stood.
	all = slices.DeleteFunc(all, func(p canary.Planting) bool { return p.Keys == nil })
	l.Before = s.now()
	stands := 0
	for group := range slices.Chunk(all, checkGroup) {
		found, err := s.subjects(ctx, group)
		if err != nil {
			return err
		}
		now := s.now()
		for i := range found {
			a := ages{s: s, c: &found[i], out: l, before: l.Before, now: now}
			if err := a.add(); err != nil {
				return fmt.Errorf("canary %s: %w", found[i].p.ID, err)
			}
			if found[i].row != nil {
				stands++
			}
		}
	}
	l.After = s.now()
	l.Each = max(1, float64(customers)/float64(max(1, stands)))
	return nil
}

// ages are the versions of one canary's rows.
type ages struct {
	s           *Seeder
	c           *subject
	out         *replay.Look
	before, now time.Time // its rows were read between them
	life        life
	stood       canary.Window
}

func (a *ages) add() (err error) {
	if a.life, err = decodeLife(a.c.p.Life); err != nil {
		return err
	}
	var ever bool
	if a.stood, ever = a.span(); !ever {
		return nil
	}
	a.out.Planted[a.c.p.ID] = a.stood.From
	known := map[*supportdb.Row]bool{}
	for n := range a.c.image.Items {
		if n >= len(a.c.keys.Rows) {
			break
		}
		var row *supportdb.Row
		if a.c.row != nil {
			row = a.s.cfg.Desk.Stands(&a.c.image, a.c.keys, n, a.c.row)
			known[row] = true
		}
		a.item(n, row)
	}
	if a.c.row == nil {
		return nil
	}
	for i := range a.c.row.Items { // others have hung them on it, at some time
		it := &a.c.row.Items[i]
		if known[&it.Row] {
			continue
		}
		p := a.s.cfg.Desk.Part(it.Part)
		v := a.version(p, strings.Join(p.KeyOf(&it.Row), "\x00"))
		v.Window.From = canary.Between(a.stood.From.Earliest, a.before)
		for k := range p.Table.Columns {
			v.Values[k] = textOf(it.Row.Get(p.Table.Columns[k].Name))
		}
		a.out.Rows = append(a.out.Rows, v)
	}
	return nil
}

// span is when the canary stood; false if it never did.
func (a *ages) span() (w canary.Window, ever bool) {
	var until canary.Moment
	w.From, until, ever = a.tokens()
	w.Place = a.c.p.Place
	retired := a.c.p.State == canary.Retired
	switch {
	case !ever:
	case a.c.row != nil && retired: // it came back: when it was away is not known
		w.From = canary.Between(w.From.Earliest, a.now)
	case a.c.row != nil:
	case !until.Come(): // somebody has deleted it
		since := a.c.p.Seen
		if since.Before(w.From.Earliest) {
			since = w.From.Earliest
		}
		w.Until = canary.Between(since, a.now)
	default:
		w.Until = until
	}
	return w, ever
}

// tokens are when the first of the canary's tokens came and the last one went; one that
// has not gone is the last.
func (a *ages) tokens() (from, until canary.Moment, ever bool) {
	open := false
	for _, t := range a.c.p.Tokens {
		if t.Window.Never() || t.Window.From.IsZero() {
			continue
		}
		if !ever || t.Window.From.Earliest.Before(from.Earliest) {
			from = t.Window.From
		}
		ever, open = true, open || !t.Window.Until.Come()
		if t.Window.Until.Latest.After(until.Latest) {
			until = t.Window.Until
		}
	}
	if open {
		until = canary.Moment{}
	}
	return from, until, ever
}

func (a *ages) version(p *supportdb.Part, key string) replay.Row {
	return replay.Row{
		Canary: a.c.p.ID, Table: p.Table.Name, Key: key, Window: a.stood,
		Values: make([]*string, len(p.Table.Columns)), Unknown: make([]bool, len(p.Table.Columns)),
	}
}

// turn is a change of some columns of a row.
type turn struct {
	at   canary.Moment
	list []was
}

// item adds the versions of one row, of which row is how it stands; nil when it does not.
func (a *ages) item(n int, row *supportdb.Row) {
	p := a.s.cfg.Desk.Part(a.c.image.Items[n].Part)
	last := a.version(p, strings.Join(a.c.keys.Rows[n], "\x00"))
	for _, one := range a.life.Came {
		if one.Item == n {
			last.Window.From = one.At
		}
	}
	if row == nil && a.c.row != nil {
		last.Window.Until = canary.Between(last.Window.From.Earliest, a.now) // this row alone is gone
	}
	drifted := a.fill(n, p, row, &last)
	versions := a.back(p, last, a.turns(n, row))
	if row != nil && drifted != nil {
		versions = a.altered(versions, drifted)
	}
	a.out.Rows = append(a.out.Rows, a.dim(p, n, versions)...)
}

// fill gives the newest version its values, and tells which are not those that were written.
func (a *ages) fill(n int, p *supportdb.Part, row *supportdb.Row, v *replay.Row) (drifted []int) {
	written := &a.c.image.Items[n].Row
	for k := range p.Table.Columns {
		c := &p.Table.Columns[k]
		value := a.c.image.Get(n, recipe.Place{Part: p.Name, Column: c.Name})
		telling := written.Has(c.Name) && !c.OnUpdate && !c.Generated && !value.Tied()
		switch {
		case row != nil:
			v.Values[k] = textOf(row.Get(c.Name))
			if telling && !value.Equal(row.Get(c.Name)) {
				drifted = append(drifted, k)
			}
		case a.keyed(n, p, c.Name) != nil:
			v.Values[k] = a.keyed(n, p, c.Name)
		case telling:
			v.Values[k] = textOf(value)
		default:
			v.Unknown[k] = true
		}
	}
	return drifted
}

// keyed is the row's key, or that of the row that it hangs on, in the columns that hold
// them; nil for other columns.
func (a *ages) keyed(n int, p *supportdb.Part, column string) *string {
	if at := slices.Index(p.Key, column); at >= 0 {
		return &a.c.keys.Rows[n][at]
	}
	of := a.c.image.Items[n].Of
	target, link := p.Link[column]
	if !link || of < 0 || of >= len(a.c.keys.Rows) {
		return nil
	}
	at := slices.Index(a.s.cfg.Desk.Part(a.c.image.Items[of].Part).Key, target)
	if at < 0 {
		return nil
	}
	return &a.c.keys.Rows[of][at]
}

func textOf(v supportdb.Value) *string {
	if v.IsNull() {
		return nil
	}
	text := v.Text()
	return &text
}

// turns are the changes of a row that are remembered, the newest first.
func (a *ages) turns(n int, row *supportdb.Row) (out []turn) {
	list := slices.Clone(a.life.Was)
	if a.life.Pending {
		for _, u := range a.life.Undo {
			list = append(list, was{Item: u.Item, Column: u.Column, Value: u.Value, At: canary.After(a.life.Since)})
		}
	}
	for _, w := range list {
		if w.Item != n {
			continue
		}
		at := w.until(a.c.p)
		if at.IsZero() {
			continue // it was taken back
		}
		if !at.Come() { // announced: the row tells whether it came
			if row != nil && row.Get(w.Column).Equal(w.Value) {
				continue
			}
			at = canary.Between(at.Earliest, a.now)
		}
		i := slices.IndexFunc(out, func(t turn) bool { return t.at == at })
		if i < 0 {
			i, out = len(out), append(out, turn{at: at})
		}
		out[i].list = append(out[i].list, w)
	}
	slices.SortStableFunc(out, func(x, y turn) int { return y.at.Earliest.Compare(x.at.Earliest) })
	return out
}

// back goes back from the newest version by the changes, and gives all, the oldest first.
func (a *ages) back(p *supportdb.Part, last replay.Row, turns []turn) []replay.Row {
	out := []replay.Row{last}
	for _, t := range turns {
		newer := &out[len(out)-1]
		older := *newer
		older.Values, older.Unknown = slices.Clone(newer.Values), slices.Clone(newer.Unknown)
		for k := range p.Table.Columns {
			if c := &p.Table.Columns[k]; c.OnUpdate || c.Generated {
				older.Values[k], older.Unknown[k] = nil, true
			}
		}
		for _, w := range t.list {
			k := slices.IndexFunc(p.Table.Columns, func(c supportdb.Column) bool { return c.Name == w.Column })
			if k < 0 {
				continue
			}
			older.Values[k], older.Unknown[k] = textOf(w.Value), w.Value.Tied()
		}
		older.Window.Until, newer.Window.From = t.at, t.at
		out = append(out, older)
	}
	slices.Reverse(out)
	return out
}

// altered makes unknown, up to when it was read, what others have changed at some time.
func (a *ages) altered(versions []replay.Row, columns []int) []replay.Row {
	now := versions[len(versions)-1]
	now.Window.From = canary.At(a.before)
	versions[len(versions)-1].Window.Until = now.Window.From
	for i := range versions {
		v := &versions[i]
		v.Values, v.Unknown = slices.Clone(v.Values), slices.Clone(v.Unknown)
		for _, k := range columns {
			v.Values[k], v.Unknown[k] = nil, true
		}
	}
	return append(versions, now)
}

// dim makes unknown what stood before the life remembers anything, but for keys.
func (a *ages) dim(p *supportdb.Part, n int, versions []replay.Row) []replay.Row {
	first := versions[0]
	if a.life.Dim.IsZero() || !a.life.Dim.After(first.Window.From.Earliest) {
		return versions
	}
	versions = slices.DeleteFunc(versions, func(v replay.Row) bool {
		return v.Window.Until.Come() && !v.Window.Until.Latest.After(a.life.Dim)
	})
	first.Window.Until = canary.At(a.life.Dim)
	first.Values, first.Unknown = slices.Clone(first.Values), slices.Clone(first.Unknown)
	for k := range p.Table.Columns {
		if a.keyed(n, p, p.Table.Columns[k].Name) == nil {
			first.Values[k], first.Unknown[k] = nil, true
		}
	}
	if len(versions) > 0 {
		versions[0].Window.From = first.Window.Until
	}
	return append([]replay.Row{first}, versions...)
}
