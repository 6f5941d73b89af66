package seeder

import (
	"slices"
	"time"

	"saltmine/seeder/supportdb"
)

// order is two columns of a part with dates, of which the first is in no donor's
// row after the second: nobody was seen last after the licence had ended. Who
// looks finds a canary by two dates that break such a rule.
type order struct {
	first, second string
	days          bool // one of them has no time of day
}

// ordersOf finds the orders among columns, where enough rows have both.
func ordersOf(list []dates) []order {
	var out []order
	for a := range list {
		for b := range list {
			o := order{list[a].column.Name, list[b].column.Name, list[a].column.Type == "date" || list[b].column.Type == "date"}
			if a != b && o.holds(list[a].at, list[b].at) {
				out = append(out, o)
			}
		}
	}
	return out
}

// across is an order of a row's date and one of a row under it: no customer was
// last changed before the ticket was.
type across struct {
	upper, lower string // parts
	order        order  // its columns are of the upper part and the lower, or the other way
	lowerFirst   bool
}

// learnAcross finds the orders between the dates of rows and those of the rows
// under them.
func (s *Seeder) learnAcross(l *lessons) {
	for _, upper := range s.cfg.Desk.Parts() {
		for _, lower := range s.cfg.Desk.Parts() {
			if upper.Name == lower.Name || !slices.ContainsFunc(l.donors, func(d supportdb.Record) bool { return hasUnder(&d.Image, upper.Name, lower.Name) }) {
				continue
			}
			for _, a := range s.dateColumns(upper) {
				for _, b := range s.dateColumns(lower) {
					l.across = append(l.across, s.acrossOf(l, upper, lower, a, b)...)
				}
			}
		}
	}
}

// hasUnder reports whether an image has a row of a part under one of another.
func hasUnder(i *supportdb.Image, upper, lower string) bool {
	for n := range i.Items {
		for k := range i.Items {
			if i.Items[n].Part == upper && i.Items[k].Part == lower && i.Under(k, n) {
				return true
			}
		}
	}
	return false
}

// acrossOf is whichever order two columns keep.
func (s *Seeder) acrossOf(l *lessons, upper, lower *supportdb.Part, a, b *supportdb.Column) []across {
	var above, below []time.Time
	for k := range l.donors {
		s.eachUnder(&l.donors[k].Image, upper, lower, a.Name, b.Name, func(x, y time.Time) bool {
			above, below = append(above, x), append(below, y)
			return true
		})
	}
	var out []across
	days := a.Type == "date" || b.Type == "date"
	if o := (order{a.Name, b.Name, days}); o.holds(above, below) {
		out = append(out, across{upper.Name, lower.Name, o, false})
	}
	if o := (order{b.Name, a.Name, days}); o.holds(below, above) {
		out = append(out, across{upper.Name, lower.Name, o, true})
	}
	return out
}

// eachUnder visits the dates in two columns of each row of a part and each under
// it, where there are both, as long as they are wanted. It reports whether all
// were.
func (s *Seeder) eachUnder(i *supportdb.Image, upper, lower *supportdb.Part, above, below string, visit func(above, below time.Time) bool) bool {
	for n := range i.Items {
		if i.Items[n].Part != upper.Name {
			continue
		}
		a, ok := upper.ParseTime(above, i.Items[n].Row.Get(above))
		if !ok {
			continue
		}
		for k := range i.Items {
			if i.Items[k].Part != lower.Name || !i.Under(k, n) {
				continue
			}
			if b, ok := lower.ParseTime(below, i.Items[k].Row.Get(below)); ok && !visit(a, b) {
				return false
			}
		}
	}
	return true
}

// keepsAcross is ordered for the rows under others.
func (c *composer) keepsAcross() bool {
	if c.past == nil {
		return true
	}
	desk := c.s.cfg.Desk
	for _, x := range c.l.across {
		above, below := x.order.first, x.order.second
		if x.lowerFirst {
			above, below = below, above
		}
		if !c.s.eachUnder(&c.d.image, desk.Part(x.upper), desk.Part(x.lower), above, below, func(a, b time.Time) bool {
			if x.lowerFirst {
				a, b = b, a
			}
			return x.order.kept(a, b)
		}) {
			return false
		}
	}
	return true
}

// holds reports whether the order is kept in many rows, and broken in none.
func (o *order) holds(first, second []time.Time) bool {
	n := 0
	for i := range first {
		if first[i].IsZero() || second[i].IsZero() {
			continue
		}
		if n++; !o.kept(first[i], second[i]) {
			return false
		}
	}
	return n >= manyDonors
}

func (o *order) kept(first, second time.Time) bool {
	if o.days {
		first, second = startOfDay(first), startOfDay(second)
	}
	return !first.After(second)
}

// ordered reports whether the dates of a row stand in the order in which those
// of all donors do. Of a table with few donors nothing is known.
func (c *composer) ordered(p *supportdb.Part, row *supportdb.Row) bool {
	if c.past == nil {
		return true
	}
	for _, o := range c.l.orders[p.Name] {
		first, a := p.ParseTime(o.first, row.Get(o.first))
		second, b := p.ParseTime(o.second, row.Get(o.second))
		if a && b && !o.kept(first, second) {
			return false
		}
	}
	return true
}
