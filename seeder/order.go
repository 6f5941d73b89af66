package seeder

import (
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
