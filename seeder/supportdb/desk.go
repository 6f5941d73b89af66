package supportdb

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"saltmine/seeder/recipe"
)

// Desk is a support database seen through a recipe that fits it. It is safe
// for concurrent use.
type Desk struct {
	db     *DB
	recipe recipe.Recipe
	parts  []*Part // in the order in which they are read
	hops   []*Table
	// What the recipe names of a customer and of a ticket, spelled as the tables
	// do: asked for of every row.
	customer, ticket []recipe.Fact
	// counter is the table of the help desk's next ticket number; nil without.
	counter *Table
}

// Part is a part of the recipe bound to its table.
type Part struct {
	recipe.Part
	Table *Table
	Key   []string // the columns of the primary key
	auto  string   // the column of it that the server counts, if any
	zone  *time.Location
}

// Use checks the recipe against the schema and binds the two. Every
// disagreement is reported, each as a [SchemaError].
func (d *DB) Use(ctx context.Context, r recipe.Recipe) (*Desk, error) {
	if err := r.Validate(); err != nil {
		return nil, err
	}
	tables, err := d.schema(ctx, tableNames(&r)...)
	if err != nil {
		return nil, err
	}
	if err := d.missing(ctx, &r, tables); err != nil {
		return nil, err
	}
	desk := &Desk{db: d, recipe: r}
	for _, p := range r.AllParts() {
		part := bind(p, tables[r.Table(p.Table)])
		part.zone = d.zone
		desk.parts = append(desk.parts, part)
	}
	for _, h := range r.Ticket.Through {
		desk.hops = append(desk.hops, tables[r.Table(h.Table)])
	}
	if r.Ticket.Counter != nil {
		desk.counter = tables[r.Table(r.Ticket.Counter.Table)]
	}
	desk.customer, desk.ticket = desk.spelled(r.CustomerFacts()), desk.spelled(r.TicketFacts())
	c := checker{desk: desk}
	if err := c.run(); err != nil {
		return nil, err
	}
	return desk, nil
}

// Check reports every way in which the recipe does not fit the schema.
func (d *DB) Check(ctx context.Context, r recipe.Recipe) error {
	_, err := d.Use(ctx, r)
	return err
}

func tableNames(r *recipe.Recipe) []string {
	var names []string
	add := func(name string) {
		if full := r.Table(name); !slices.Contains(names, full) {
			names = append(names, full)
		}
	}
	for _, p := range r.AllParts() {
		add(p.Table)
	}
	for _, h := range r.Ticket.Through {
		add(h.Table)
	}
	if r.Ticket.Counter != nil {
		add(r.Ticket.Counter.Table)
	}
	return names
}

func (d *DB) missing(ctx context.Context, r *recipe.Recipe, found map[string]*Table) error {
	var faults []error
	var names []string
	for _, want := range tableNames(r) {
		if found[want] != nil {
			continue
		}
		if names == nil {
			all, err := d.schema(ctx)
			if err != nil {
				return err
			}
			names = slices.Sorted(maps.Keys(all))
		}
		faults = append(faults, &SchemaError{Table: want, Problem: "not in database " + d.name, Nearest: recipe.Nearest(want, names)})
	}
	return errors.Join(faults...)
}

// bind joins a part with its table and spells its columns as the table does:
// the server does not look at their case, rows of ours do.
func bind(p recipe.Part, t *Table) *Part {
	out := &Part{Part: p, Table: t, Key: t.identity()}
	if len(out.Key) == 0 {
		for _, name := range p.Key {
			out.Key = append(out.Key, spelling(t, name))
		}
	}
	out.Embed = spelledKeys(t, p.Embed)
	out.MD5 = spelledKeys(t, p.MD5)
	out.MessageIDs = nil
	for _, name := range p.MessageIDs {
		out.MessageIDs = append(out.MessageIDs, spelling(t, name))
	}
	out.Link = spelledKeys(t, p.Link)
	out.Refs = spelledKeys(t, p.Refs)
	out.Set = spelledKeys(t, p.Set)
	out.Epoch = nil
	for _, name := range p.Epoch {
		out.Epoch = append(out.Epoch, spelling(t, name))
	}
	for _, name := range out.Key {
		if c, ok := t.Column(name); ok && c.Auto {
			out.auto = c.Name
		}
	}
	return out
}

func spelledKeys[V any](t *Table, m map[string]V) map[string]V {
	out := make(map[string]V, len(m))
	for k, v := range m {
		out[spelling(t, k)] = v
	}
	return out
}

func spelling(t *Table, name string) string {
	if c, ok := t.Column(name); ok {
		return c.Name
	}
	return name
}

// Recipe is the recipe that the desk was checked against.
func (d *Desk) Recipe() *recipe.Recipe { return &d.recipe }

// Parts are the parts of the recipe with their tables: customer, ticket and
// the others, each behind the one that it belongs to.
func (d *Desk) Parts() []*Part { return d.parts }

// Part finds a part by its name; nil when the recipe has none of it.
func (d *Desk) Part(name string) *Part {
	i := slices.IndexFunc(d.parts, func(p *Part) bool { return p.Name == name })
	if i < 0 {
		return nil
	}
	return d.parts[i]
}

// Fact finds where a fact of a customer stands, its column spelled as the
// table does. It is not ok when the recipe does not name the fact.
func (d *Desk) Fact(word string) (recipe.Place, bool) { return find(d.customer, word) }

// TicketFact finds where a fact of a ticket stands.
func (d *Desk) TicketFact(word string) (recipe.Place, bool) { return find(d.ticket, word) }

func (d *Desk) spelled(facts []recipe.Fact) []recipe.Fact {
	for i := range facts {
		at := &facts[i].Place
		at.Column = spelling(d.Part(at.Part).Table, at.Column)
	}
	return facts
}

func find(facts []recipe.Fact, word string) (recipe.Place, bool) {
	for _, f := range facts {
		if f.Word == word {
			return f.Place, true
		}
	}
	return recipe.Place{}, false
}

// Column describes the column in which a fact stands.
func (d *Desk) Column(at recipe.Place) *Column {
	c, _ := d.Part(at.Part).Table.Column(at.Column)
	return c
}

// NumberIsKey reports whether the server gives a ticket's number: it is the
// primary key, or another column that counts by itself.
func (d *Desk) NumberIsKey() bool {
	at, _ := d.TicketFact("number")
	return d.Column(at).Auto
}

// Transactional reports whether every table of the recipe has transactions,
// and names those that have not.
func (d *Desk) Transactional() (without []string) {
	for _, p := range d.parts {
		if !p.Table.transactional() && !slices.Contains(without, p.Table.Name) {
			without = append(without, p.Table.Name)
		}
	}
	return without
}

// transactional reports whether the table's engine can roll back.
func (t *Table) transactional() bool {
	switch strings.ToLower(t.Engine) {
	case "myisam", "aria", "csv", "archive", "memory", "merge", "mrg_myisam":
		return false
	}
	return true
}

func (c *Column) isUUID() bool { return c.Type == "uuid" || c.IsText() && c.MaxLen == 36 }
