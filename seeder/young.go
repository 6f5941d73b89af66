package seeder

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"saltmine/seeder/recipe"
	"saltmine/seeder/supportdb"
)

// young knows what customers and tickets are like that were made a moment ago:
// what a donor's rows were like in the donor's first days stands nowhere any more.
type young struct {
	s   *Seeder
	rng *rand.Rand
	// first holds, by part and column, the value with which all rows begin.
	first map[recipe.Place]supportdb.Value
	// begins holds the columns of dates that begin as the row's own date.
	begins map[recipe.Place]bool
	// states are those of the youngest tickets.
	states []supportdb.Value
}

// Bounds of learning how rows begin.
const (
	youngRows  = 400
	leastYoung = 30              // untouched rows, or nothing is learned of them
	untouched  = 2 * time.Minute // from the row's date to that of its last change
	youngShare = 0.97            // of them have the value
	youngest   = 24 * time.Hour
	fewYoung   = 8 // tickets whose state says what that of the next may be
)

// learnYoung reads the newest rows of customers and tickets.
func (s *Seeder) learnYoung(ctx context.Context, rng *rand.Rand) (*young, error) {
	y := &young{s: s, rng: rng, first: map[recipe.Place]supportdb.Value{}, begins: map[recipe.Place]bool{}}
	for _, name := range []string{recipe.CustomerPart, recipe.TicketPart} {
		p := s.cfg.Desk.Part(name)
		rows, err := s.cfg.Desk.Latest(ctx, p, youngRows)
		if err != nil {
			return nil, err
		}
		fresh := slices.DeleteFunc(slices.Clone(rows), func(r supportdb.Row) bool { return !s.isUntouched(p, &r) })
		if at, ok := s.cfg.Desk.TicketFact("status"); ok && at.Part == name {
			y.learnStates(p, at.Column, rows, fresh)
		}
		if len(fresh) < leastYoung {
			continue
		}
		named := s.namedColumns(p)
		for i := range p.Table.Columns {
			if c := &p.Table.Columns[i]; !c.Auto && !c.Generated && !named[c.Name] {
				y.learnColumn(p, c, fresh)
			}
		}
	}
	return y, nil
}

// learnStates takes the states of the tickets of the last day, or else of those
// that nobody has touched, or else of the newest.
func (y *young) learnStates(p *supportdb.Part, column string, rows, fresh []supportdb.Row) {
	last := slices.DeleteFunc(slices.Clone(rows), func(r supportdb.Row) bool {
		made, ok := y.s.cfg.Desk.DateOf(p, &r)
		return !ok || y.s.now().Sub(made) > youngest
	})
	for _, from := range [][]supportdb.Row{last, fresh, rows[:min(len(rows), fewYoung)]} {
		if len(from) >= min(fewYoung, len(rows)) && len(y.states) == 0 {
			for i := range from {
				y.states = append(y.states, from[i].Get(column))
			}
		}
	}
}

// isUntouched reports whether a row has not been changed since it was made.
func (s *Seeder) isUntouched(p *supportdb.Part, r *supportdb.Row) bool {
	made, ok := s.cfg.Desk.DateOf(p, r)
	if !ok {
		return false
	}
	if changed, dated := s.updated(p, r); dated {
		return changed.Sub(made).Abs() <= untouched
	}
	return s.now().Sub(made) < youngest
}

// updated is the date of a row's last change, where the recipe names one in
// the row.
func (s *Seeder) updated(p *supportdb.Part, r *supportdb.Row) (time.Time, bool) {
	for _, find := range []func(string) (recipe.Place, bool){s.cfg.Desk.Fact, s.cfg.Desk.TicketFact} {
		if at, ok := find("updated"); ok && at.Part == p.Name {
			return p.ParseTime(at.Column, r.Get(at.Column))
		}
	}
	return time.Time{}, false
}

func (y *young) learnColumn(p *supportdb.Part, c *supportdb.Column, rows []supportdb.Row) {
	at := recipe.Place{Part: p.Name, Column: c.Name}
	own := 0
	for i := range rows {
		made, _ := y.s.cfg.Desk.DateOf(p, &rows[i])
		if t, ok := p.ParseTime(c.Name, rows[i].Get(c.Name)); ok && p.IsTime(c) && t.Sub(made).Abs() <= untouched {
			own++
		}
	}
	enough := int(youngShare * float64(len(rows)))
	if y.begins[at] = own > enough; y.begins[at] {
		return
	}
	if v, n := mostCommon(rows, c.Name); n > enough {
		y.first[at] = v
	}
}

// mostCommon is the value that most rows have in a column.
func mostCommon(rows []supportdb.Row, column string) (most supportdb.Value, n int) {
	type text struct {
		null bool
		text string
	}
	counts := map[text]int{}
	for i := range rows {
		v := rows[i].Get(column)
		k := text{v.IsNull(), v.Text()}
		if counts[k]++; counts[k] > n {
			most, n = v, counts[k]
		}
	}
	return most, n
}

// asOf gives a donor as of an earlier moment: without the rows that came
// later, and those that were changed later as they were before, as far as that
// can be known.
func (y *young) asOf(r *supportdb.Record, at time.Time) supportdb.Record {
	out := supportdb.Record{Key: r.Key, Shared: r.Shared, Cut: r.Cut}
	kept := map[int]int{-1: -1}
	for n, it := range r.Items {
		p := y.s.cfg.Desk.Part(it.Part)
		made, dated := y.s.cfg.Desk.DateOf(p, &it.Row)
		of, parent := kept[it.Of]
		if !parent || it.Of >= 0 && dated && made.After(at) {
			continue
		}
		kept[n] = len(out.Items)
		it.Of, it.Row = of, it.Row.Clone()
		out.Items = append(out.Items, it)
	}
	for n := range out.Items {
		y.rejuvenate(&out.Image, n, at)
		y.untie(r, &out.Items[n], kept)
	}
	return out
}

// rejuvenate brings one row back to what it was.
func (y *young) rejuvenate(i *supportdb.Image, n int, at time.Time) {
	it := &i.Items[n]
	p := y.s.cfg.Desk.Part(it.Part)
	made, _ := y.s.cfg.Desk.DateOf(p, &it.Row)
	changed, dated := y.s.updated(p, &it.Row)
	later := dated && changed.After(at)
	now := y.s.now()
	for k := range p.Table.Columns {
		c := &p.Table.Columns[k]
		place := recipe.Place{Part: p.Name, Column: c.Name}
		t, isDate := p.ParseTime(c.Name, it.Row.Get(c.Name))
		switch {
		case isDate && p.IsTime(c) && t.After(at) && !t.After(now):
			it.Row.Set(c.Name, y.before(i, n, c, made, at))
		case later:
			y.unsettle(&it.Row, place, isDate)
		}
	}
}

// unsettle gives a column the value with which rows begin: a state as new
// tickets have it, what nearly all rows have at first.
func (y *young) unsettle(row *supportdb.Row, place recipe.Place, isDate bool) {
	first, known := y.first[place]
	switch {
	case y.isState(place) && len(y.states) > 0:
		row.Set(place.Column, y.states[y.rng.IntN(len(y.states))])
	case known && !isDate:
		row.Set(place.Column, first)
	}
}

// follows reports whether a column that has this value takes over the state of
// another row that came to rest.
func (y *young) follows(place recipe.Place, has supportdb.Value) bool {
	first, known := y.first[place]
	return y.isState(place) || known && has.Equal(first)
}

func (y *young) isState(place recipe.Place) bool {
	at, ok := y.s.cfg.Desk.TicketFact("status")
	return ok && at == place
}

// before is the value of a date's column before a date of later stood there:
// the row's own date, the value with which rows begin, or nothing. The date of
// the last change is that of the last thing that has happened.
func (y *young) before(i *supportdb.Image, n int, c *supportdb.Column, made, at time.Time) supportdb.Value {
	it := &i.Items[n]
	p := y.s.cfg.Desk.Part(it.Part)
	place := recipe.Place{Part: p.Name, Column: c.Name}
	if _, updates := y.s.updated(p, &it.Row); updates && y.s.isUpdated(place) {
		return p.FormatTime(c, y.s.lastUnder(i, n, made, at))
	}
	first, known := y.first[place]
	switch {
	case y.begins[place] || !known && !c.Nullable:
		return p.FormatTime(c, made)
	case known:
		return first
	}
	return supportdb.Null()
}

func (s *Seeder) isUpdated(place recipe.Place) bool {
	for _, find := range []func(string) (recipe.Place, bool){s.cfg.Desk.Fact, s.cfg.Desk.TicketFact} {
		if at, ok := find("updated"); ok && at == place {
			return true
		}
	}
	return false
}

// lastUnder is the newest date not after at among the rows that belong to one.
func (s *Seeder) lastUnder(i *supportdb.Image, n int, made, at time.Time) time.Time {
	last := made
	for k := range i.Items {
		if k == n || !i.Under(k, n) || i.OfTicket(k) != i.OfTicket(n) {
			continue
		}
		p := s.cfg.Desk.Part(i.Items[k].Part)
		if t, ok := s.cfg.Desk.DateOf(p, &i.Items[k].Row); ok && t.After(last) && !t.After(at) {
			last = t
		}
	}
	return last
}

// untie blanks what refers to rows that have not come yet.
func (y *young) untie(r *supportdb.Record, it *supportdb.Item, kept map[int]int) {
	desk := y.s.cfg.Desk
	for column, refs := range desk.Part(it.Part).Refs {
		v, gone := it.Row.Get(column), false
		for n := range r.Items {
			if v.IsNull() || !refersTo(desk, refs, &r.Items[n], v) {
				continue
			}
			if _, stays := kept[n]; stays {
				gone = false
				break
			}
			gone = true
		}
		if gone {
			it.Row.Set(column, desk.Part(it.Part).Table.Blank(column))
		}
	}
}

func refersTo(desk *supportdb.Desk, refs []string, it *supportdb.Item, v supportdb.Value) bool {
	return slices.ContainsFunc(refs, func(ref string) bool {
		at := recipe.PlaceOf("", ref)
		c, ok := desk.Part(at.Part).Table.Column(at.Column)
		return ok && it.Part == at.Part && it.Row.Get(c.Name).Equal(v)
	})
}
