package seeder

import (
	"slices"
	"time"

	"saltmine/seeder/gate/view"
	"saltmine/seeder/recipe"
	"saltmine/seeder/supportdb"
)

// flattener makes one row of the gate of a customer with the tickets: the
// columns of the two tables, and the facts that stand in other parts.
type flattener struct {
	desk             *supportdb.Desk
	table            view.Table
	customer, ticket []flatColumn
}

// flattener leaves columns out: what the database fills in is not known of rows
// that are not in it.
func (s *Seeder) flattener(without map[recipe.Place]bool) flattener {
	desk := s.cfg.Desk
	f := flattener{
		desk:     desk,
		customer: columnsOf(desk, recipe.CustomerPart, desk.Recipe().CustomerFacts(), desk.Fact),
		ticket:   columnsOf(desk, recipe.TicketPart, desk.Recipe().TicketFacts(), desk.TicketFact),
	}
	left := func(c flatColumn) bool { return without[c.at] }
	f.customer, f.ticket = slices.DeleteFunc(f.customer, left), slices.DeleteFunc(f.ticket, left)
	for _, c := range f.customer {
		f.table.Customer = append(f.table.Customer, c.column)
	}
	for _, c := range f.ticket {
		f.table.Ticket = append(f.table.Ticket, c.column)
	}
	return f
}

func (f flattener) row(i *supportdb.Image) view.Row {
	row := view.Row{Values: f.values(i, i.Customer(), f.customer)}
	for _, n := range i.Tickets() {
		row.Tickets = append(row.Tickets, f.values(i, n, f.ticket))
	}
	return row
}

func (f flattener) values(i *supportdb.Image, n int, columns []flatColumn) []view.Value {
	out := make([]view.Value, len(columns))
	for k, c := range columns {
		v := i.Get(n, c.at)
		out[k] = view.Value{Text: v.Text(), Null: v.IsNull()}
		if c.epoch && !v.IsNull() {
			if at, ok := f.desk.Part(c.at.Part).ParseTime(c.at.Column, v); ok {
				out[k].Text = at.Format(time.DateTime)
			}
		}
	}
	return out
}

// flatColumn is a column of the gate and where it is read.
type flatColumn struct {
	column view.Column
	at     recipe.Place
	epoch  bool
}

func columnsOf(desk *supportdb.Desk, part string, facts []recipe.Fact, find func(string) (recipe.Place, bool)) []flatColumn {
	roles := map[recipe.Place]view.Role{}
	var out []flatColumn
	for _, f := range facts {
		at, _ := find(f.Word)
		if role := roleOf(f.Word); roles[at] == "" {
			roles[at] = role
		}
		if at.Part != part {
			out = append(out, flatColumn{view.Column{Name: f.Word, Role: roleOf(f.Word)}, at, false})
		}
	}
	p := desk.Part(part)
	for i := range p.Table.Columns {
		c := &p.Table.Columns[i]
		at := recipe.Place{Part: part, Column: c.Name}
		flat := flatColumn{view.Column{Name: c.Name, Role: roles[at]}, at, p.IsTime(c) && !c.IsTime()}
		if p.IsTime(c) || c.Type == "date" {
			flat.column.Kind = view.Time
		}
		out = append(out, flat)
	}
	return out
}

func roleOf(word string) view.Role {
	switch word {
	case "key", "email", "phone", "first_name", "last_name", "name", "created", "updated", "number", "subject", "status":
		return view.Role(word)
	case "segment.country":
		return view.Country
	case "segment.language":
		return view.Language
	}
	if len(word) > 8 && word[:8] == "segment." {
		return view.Segment
	}
	return ""
}
