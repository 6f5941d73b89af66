package seeder

import (
	"slices"
	"time"

	"saltmine/seeder/persona"
	"saltmine/seeder/recipe"
	"saltmine/seeder/supportdb"
)

// tie is that a date follows from another one of its row in many rows: a licence
// ends years after the sign-up, to the day, a ticket is due in 48 hours. Who
// looks finds a canary by a date that breaks such a rule.
type tie struct {
	base  string // column
	spans *persona.Spans
}

// dates are one column's of some rows; zero where there is none.
type dates struct {
	column *supportdb.Column
	at     []time.Time
}

// learnTies finds the ties and the orders of the customers' rows and of the tickets'.
func (s *Seeder) learnTies(l *lessons) {
	l.ties, l.orders = map[string]tie{}, map[string][]order{}
	for name, find := range map[string]func(string) (recipe.Place, bool){recipe.CustomerPart: s.cfg.Desk.Fact, recipe.TicketPart: s.cfg.Desk.TicketFact} {
		created, ok := find("created")
		if !ok || created.Part != name {
			continue
		}
		p := s.cfg.Desk.Part(name)
		list := s.datesOf(p, l)
		l.orders[name] = ordersOf(list)
		slices.SortStableFunc(list, func(a, b dates) int {
			return rank(b.column.Name == created.Column) - rank(a.column.Name == created.Column)
		})
		for i := range list {
			if t, ok := bestTie(&list[i], list[:i]); ok {
				l.ties[makerOf(p, list[i].column)] = t
			}
		}
	}
}

func rank(first bool) int {
	if first {
		return 1
	}
	return 0
}

// dateColumns are the columns of a part with dates but for birthdays.
func (s *Seeder) dateColumns(p *supportdb.Part) []*supportdb.Column {
	var out []*supportdb.Column
	born, _ := s.cfg.Desk.Fact("born")
	for i := range p.Table.Columns {
		c := &p.Table.Columns[i]
		if (p.IsTime(c) || c.Type == "date") && !c.Generated && (born.Part != p.Name || born.Column != c.Name) {
			out = append(out, c)
		}
	}
	return out
}

// datesOf reads the donors' dates of a part but for their birthdays.
func (s *Seeder) datesOf(p *supportdb.Part, l *lessons) []dates {
	var out []dates
	for _, c := range s.dateColumns(p) {
		d := dates{column: c}
		for k := range l.donors {
			for n := range l.donors[k].Items {
				if it := &l.donors[k].Items[n]; it.Part == p.Name {
					at, _ := p.ParseTime(c.Name, it.Row.Get(c.Name))
					d.at = append(d.at, at)
				}
			}
		}
		out = append(out, d)
	}
	return out
}

// bestTie finds by which of some columns most of a column's dates go, of the
// first ones rather.
func bestTie(of *dates, bases []dates) (best tie, found bool) {
	most := 0
	for b := range bases {
		spans := &persona.Spans{}
		for i, at := range of.at {
			if from := bases[b].at[i]; !at.IsZero() && !from.IsZero() {
				spans.Add(from, at, of.column.Type == "date")
			}
		}
		if n := spans.Ruled(); n > most+most/10 {
			best, most = tie{bases[b].column.Name, spans}, n
		}
	}
	return best, most > 0
}

// date gives the canary's date for the donor's in a column.
func (c *composer) date(n int, p *supportdb.Part, col *supportdb.Column, at time.Time) time.Time {
	if to, tied := c.tied(n, p, col, at); tied {
		return to
	}
	return c.at(n, at)
}

// tied is date where it follows from another one of the row.
func (c *composer) tied(n int, p *supportdb.Part, col *supportdb.Column, at time.Time) (time.Time, bool) {
	if c.l == nil {
		return at, false
	}
	t, ok := c.l.ties[makerOf(p, col)]
	if !ok {
		return at, false
	}
	days := col.Type == "date"
	from, ok := p.ParseTime(t.base, c.was.Get(t.base))
	span := t.spans.Of(from, at, days)
	base, known := p.Table.Column(t.base)
	if !ok || !known || !t.spans.Rule(span) {
		return at, false
	}
	return span.After(c.date(n, p, base, from), days), true
}

// manyDonors is how many make it sure that another one is near.
const manyDonors = 500

// crosses reports whether a customer's date that has come becomes one that has
// not, or the other way: what else stands in the row knows (expired, overdue).
func (c *composer) crosses(at place, v, made supportdb.Value) bool {
	if c.past == nil || at.p.Name != recipe.CustomerPart || len(c.l.donors) < manyDonors {
		return false
	}
	was, ok := at.p.ParseTime(at.col.Name, v)
	is, _ := at.p.ParseTime(at.col.Name, made)
	return ok && was.After(c.past.now) != is.After(c.past.now)
}
