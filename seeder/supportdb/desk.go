package supportdb

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Desk is a support database seen through a recipe that fits it. It is safe
// for concurrent use.
type Desk struct {
	db       *DB
	recipe   Recipe
	customer *Table
	ticket   *Table
}

// scanLimit is the number of rows up to which a table without the index that
// we need may be scanned.
const scanLimit = 50_000

// Use checks the recipe against the schema and binds the two. Every
// disagreement is reported, each as a [SchemaError].
func (d *DB) Use(ctx context.Context, r Recipe) (*Desk, error) {
	if err := errors.Join(r.validate()...); err != nil {
		return nil, err
	}
	tables, err := d.schema(ctx, r.Customer.Table, r.Ticket.Table)
	if err != nil {
		return nil, err
	}
	customer, ticket := tables[r.Customer.Table], tables[r.Ticket.Table]
	if customer == nil || ticket == nil {
		return nil, d.noTable(ctx, r, tables)
	}
	c := checker{}
	c.columns(customer, r.customerColumns())
	c.columns(ticket, r.ticketColumns())
	if len(c.faults) == 0 {
		c.table(customer, r.Customer.Key)
		c.table(ticket, r.Ticket.Key)
		c.index(customer, r.Customer.Email, r.Customer.Key)
		c.index(ticket, r.Ticket.Customer, r.Ticket.Key)
		c.index(ticket, r.Ticket.Number, r.Ticket.Key)
		c.times(customer, r.Customer.Created, r.Customer.Updated)
		c.times(ticket, r.Ticket.Created, r.Ticket.Updated)
		c.text(customer, r.Customer.Email, r.Customer.Phone, r.Customer.Name, r.Customer.FirstName, r.Customer.LastName)
	}
	if err := errors.Join(c.faults...); err != nil {
		return nil, err
	}
	return &Desk{db: d, recipe: r.spelled(customer, ticket), customer: customer, ticket: ticket}, nil
}

// spelled returns the recipe with the columns spelled as the tables do: the
// server does not look at their case, rows of ours do.
func (r Recipe) spelled(customer, ticket *Table) Recipe {
	c, t := &r.Customer, &r.Ticket
	for _, name := range []*string{&c.Key, &c.Email, &c.Phone, &c.Name, &c.FirstName, &c.LastName, &c.Salutation, &c.Created, &c.Updated} {
		*name = spelling(customer, *name)
	}
	for _, name := range []*string{&t.Key, &t.Customer, &t.Number, &t.Subject, &t.Status, &t.Created, &t.Updated} {
		*name = spelling(ticket, *name)
	}
	words := make(map[string]string, len(c.Segment))
	for word, column := range c.Segment {
		words[word] = spelling(customer, column)
	}
	c.Segment = words
	return r
}

func spelling(t *Table, name string) string {
	if c, ok := t.Column(name); ok {
		return c.Name
	}
	return name
}

// Check reports every way in which the recipe does not fit the schema.
func (d *DB) Check(ctx context.Context, r Recipe) error {
	_, err := d.Use(ctx, r)
	return err
}

func (d *DB) noTable(ctx context.Context, r Recipe, found map[string]*Table) error {
	all, err := d.schema(ctx)
	if err != nil {
		return err
	}
	names := slices.Sorted(maps.Keys(all))
	var faults []error
	for _, want := range []string{r.Customer.Table, r.Ticket.Table} {
		if found[want] == nil {
			faults = append(faults, &SchemaError{Table: want, Problem: "not in database " + d.name, Nearest: nearest(want, names)})
		}
	}
	return errors.Join(faults...)
}

// checker collects disagreements.
type checker struct{ faults []error }

func (c *checker) fault(t *Table, column, problem, near string) {
	c.faults = append(c.faults, &SchemaError{Table: t.Name, Column: column, Problem: problem, Nearest: near})
}

func (c *checker) columns(t *Table, named [][2]string) {
	for _, n := range named {
		if _, ok := t.Column(n[1]); !ok {
			c.fault(t, n[1], "the recipe's "+n[0]+" is not in the table", nearest(n[1], t.names()))
		}
	}
}

// table refuses what cannot be planted in safely.
func (c *checker) table(t *Table, key string) {
	if t.View {
		c.fault(t, "", "it is a view; name the table behind it", "")
		return
	}
	if e := strings.ToLower(t.Engine); e == "myisam" || e == "aria" || e == "csv" || e == "archive" {
		c.fault(t, "", "its engine "+t.Engine+" has no transactions, so a canary could be left half planted", "")
	}
	if !strings.EqualFold(t.PrimaryKey(), key) {
		c.fault(t, key, "it is not the table's primary key", t.PrimaryKey())
		return
	}
	col, _ := t.Column(key)
	if !col.Auto && !col.isUUID() {
		c.fault(t, key, "keys are given neither by AUTO_INCREMENT nor as UUIDs of 36 characters, so a new one cannot be made", "")
	}
}

func (c *checker) index(t *Table, column, key string) {
	if strings.EqualFold(column, key) || t.Indexed(column) || t.Rows <= scanLimit {
		return
	}
	c.fault(t, column, fmt.Sprintf("no index begins with it, and looking it up would scan about %d rows", t.Rows), "")
}

func (c *checker) times(t *Table, columns ...string) {
	for _, name := range columns {
		if name == "" {
			continue
		}
		if col, _ := t.Column(name); !col.IsTime() && col.Type != "date" {
			c.fault(t, name, "its type "+col.Type+" is no date: want datetime, timestamp or date", "")
		}
	}
}

func (c *checker) text(t *Table, columns ...string) {
	for _, name := range columns {
		if name == "" {
			continue
		}
		if col, _ := t.Column(name); !col.IsText() {
			c.fault(t, name, "its type "+col.Type+" holds no text", "")
		}
	}
}

func (c *Column) isUUID() bool { return c.IsText() && c.MaxLen == 36 }

// Recipe is the recipe that the desk was checked against.
func (d *Desk) Recipe() Recipe { return d.recipe }

// Customer describes the customer table.
func (d *Desk) Customer() *Table { return d.customer }

// Ticket describes the ticket table.
func (d *Desk) Ticket() *Table { return d.ticket }

// NumberIsKey reports whether a ticket's number is its primary key.
func (d *Desk) NumberIsKey() bool {
	return strings.EqualFold(d.recipe.Ticket.Number, d.recipe.Ticket.Key)
}

// written lists the columns of a table that an INSERT names: all but those
// that the server fills in itself.
func written(t *Table) []string {
	var names []string
	for _, c := range t.Columns {
		if !c.Auto && !c.Generated {
			names = append(names, c.Name)
		}
	}
	return names
}
