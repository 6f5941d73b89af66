package supportdb

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"saltmine/seeder/recipe"
)

// Plan makes the image of a copy of a record: its rows in the order in which
// they are to be inserted, tickets in that of their dates, with everything
// that ties them together as references into the copy. Keys that the server
// gives are left out, keys that are UUIDs are to be set by the caller; all
// else is the record's own and is to be changed by the caller.
func (d *Desk) Plan(r *Record) Image {
	p := planner{d: d, from: &r.Image}
	p.emit(r.Customer())
	out := Image{Items: make([]Item, len(p.order))}
	for n, old := range p.order {
		it := r.Items[old]
		it.Row = it.Row.Clone()
		if it.Of >= 0 {
			it.Of = slices.Index(p.order, it.Of)
		}
		out.Items[n] = it
	}
	for n := range out.Items {
		p.tie(&out, n)
	}
	for n := range out.Items {
		d.strip(&out.Items[n])
	}
	return out
}

type planner struct {
	d     *Desk
	from  *Image
	order []int // numbers of the record's rows
}

// emit puts a row between those that come before it and those that belong to it.
func (p *planner) emit(n int) {
	p.children(n, true)
	p.order = append(p.order, n)
	p.children(n, false)
}

func (p *planner) children(n int, first bool) {
	for _, part := range p.d.parts[1:] {
		if part.First != first || part.Name == recipe.TicketPart {
			continue
		}
		p.each(n, part)
	}
	if ticket := p.d.Part(recipe.TicketPart); !first && p.from.Items[n].Part == recipe.CustomerPart {
		p.each(n, ticket)
	}
}

func (p *planner) each(n int, part *Part) {
	var rows []int
	for i, it := range p.from.Items {
		if it.Part == part.Name && it.Of == n {
			rows = append(rows, i)
		}
	}
	if at, _ := p.d.TicketFact("created"); part.Name == at.Part {
		slices.SortStableFunc(rows, func(a, b int) int {
			return cmp.Compare(p.from.Items[a].Row.Get(at.Column).Text(), p.from.Items[b].Row.Get(at.Column).Text())
		})
	}
	for _, i := range rows {
		p.emit(i)
	}
}

// tie replaces the values by which a row hangs on others of the copy.
func (p *planner) tie(out *Image, n int) {
	it := &out.Items[n]
	part := p.d.Part(it.Part)
	for column, refs := range part.Refs {
		old := p.from.Items[p.order[n]].Row.Get(column)
		if to, ok := p.target(n, old, refs); ok && !old.IsNull() {
			it.Row.Set(column, Value{R: &to})
		}
	}
	for column, refs := range part.Embed {
		it.Row.Set(column, p.embedded(it.Row.Get(column), refs))
	}
	if it.Of < 0 || part.Name == recipe.TicketPart && len(p.d.hops) > 0 {
		return
	}
	for column, of := range part.Link {
		of = spelling(p.d.Part(part.Of).Table, of)
		if part.First && slices.Contains(part.Key, column) {
			out.Items[it.Of].Row.Set(of, Value{R: &Ref{n, column}})
			continue
		}
		it.Row.Set(column, Value{R: &Ref{it.Of, of}})
	}
}

// target finds the row of the copy whose column holds the value: the row
// itself before any other.
func (p *planner) target(n int, v Value, refs []string) (Ref, bool) {
	for _, ref := range refs {
		at := recipe.PlaceOf("", ref)
		at.Column = spelling(p.d.Part(at.Part).Table, at.Column)
		is := func(i int) bool {
			it := &p.from.Items[p.order[i]]
			return it.Part == at.Part && it.Row.Get(at.Column).Equal(v)
		}
		if n >= 0 && is(n) {
			return Ref{n, at.Column}, true
		}
		for i := range p.order {
			if is(i) {
				return Ref{i, at.Column}, true
			}
		}
	}
	return Ref{}, false
}

var words = regexp.MustCompile(`[\pL\pN]+`)

// embedded cuts a text at the words that are keys of the record's rows.
func (p *planner) embedded(v Value, refs []string) Value {
	text := v.Text()
	var pieces []Value
	from := 0
	for _, at := range words.FindAllStringIndex(text, -1) {
		if !announced(text[:at[0]]) {
			continue
		}
		if to, ok := p.target(-1, Text(text[at[0]:at[1]]), refs); ok {
			pieces = append(pieces, Text(text[from:at[0]]), Value{R: &to})
			from = at[1]
		}
	}
	if pieces == nil {
		return v
	}
	return Value{F: append(pieces, Text(text[from:]))}
}

// announced reports whether what stands before a word says that it is a key: a
// number alone may be anything.
func announced(before string) bool {
	if before == "" {
		return true
	}
	switch before[len(before)-1] {
	case '#', '=', '%', '(', '"', '/':
		return true
	case '-', ' ': // RT-Ticket-12@…, user 12
		return strings.HasSuffix(before, "Ticket-") || strings.HasSuffix(before, "user ")
	}
	return false
}

// strip takes out what the server gives, and sets what a canary has otherwise
// than its donor.
func (d *Desk) strip(it *Item) {
	p := d.Part(it.Part)
	row := Row{}
	for i, name := range it.Row.Columns {
		c, _ := p.Table.Column(name)
		v := it.Row.Values[i]
		if c == nil || c.Generated || c.Auto && !v.Tied() {
			continue
		}
		if text, ok := p.Set[name]; ok {
			v = Text(text)
		}
		row.Set(name, v)
	}
	it.Row = row
}
