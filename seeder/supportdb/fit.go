package supportdb

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"saltmine/seeder/recipe"
)

// scanLimit is the number of rows up to which a table without the index that
// we need may be scanned.
const scanLimit = 50_000

// checker collects the ways in which a recipe and a schema disagree.
type checker struct {
	desk   *Desk
	faults []error
}

func (c *checker) fault(t *Table, column, problem, near string) {
	c.faults = append(c.faults, &SchemaError{Table: t.Name, Column: column, Problem: problem, Nearest: near})
}

// run checks the names first: what is missing would make all else noise.
func (c *checker) run() error {
	facts := append(c.desk.recipe.CustomerFacts(), c.desk.recipe.TicketFacts()...)
	for _, f := range facts {
		word := strings.Replace(f.Word, "segment.", "segment ", 1)
		c.column(c.desk.Part(f.Place.Part).Table, f.Place.Column, "the recipe's "+word)
	}
	for _, p := range c.desk.parts {
		c.names(p)
	}
	c.through()
	c.counter()
	if err := errors.Join(c.faults...); err != nil {
		return err
	}
	for _, p := range c.desk.parts {
		c.table(p)
	}
	c.keys()
	c.indexes()
	c.types()
	return errors.Join(c.faults...)
}

func (c *checker) column(t *Table, name, what string) {
	if _, ok := t.Column(name); !ok {
		c.fault(t, name, what+" is not in the table", recipe.Nearest(name, t.names()))
	}
}

// names checks the columns that a part's own keys name.
func (c *checker) names(p *Part) {
	for column, of := range p.Link {
		c.column(p.Table, column, "link of part "+p.Name)
		if len(c.desk.hops) == 0 || p.Name != recipe.TicketPart {
			c.column(c.desk.Part(p.Of).Table, of, "link of part "+p.Name)
		}
	}
	for column, refs := range p.Refs {
		c.column(p.Table, column, "refs of part "+p.Name)
		for _, ref := range refs {
			at := recipe.PlaceOf("", ref)
			c.column(c.desk.Part(at.Part).Table, at.Column, "refs of part "+p.Name)
		}
	}
	for _, column := range p.Epoch {
		c.column(p.Table, column, "epoch of part "+p.Name)
		if col, ok := p.Table.Column(column); ok && !col.IsInteger() {
			c.fault(p.Table, column, "epoch of part "+p.Name+" wants whole numbers, its type is "+col.Type, "")
		}
	}
	for column := range p.Set {
		c.column(p.Table, column, "set of part "+p.Name)
	}
	for _, column := range slices.Concat(p.Part.Key, p.MessageIDs, sortedKeys(p.Embed), sortedKeys(p.MD5)) {
		c.column(p.Table, column, "part "+p.Name)
	}
	for _, column := range p.MD5 {
		c.column(p.Table, column, "md5 of part "+p.Name)
	}
}

func (c *checker) through() {
	before := c.desk.Part(recipe.CustomerPart).Table
	for i, h := range c.desk.recipe.Ticket.Through {
		for column, of := range h.Link {
			c.column(c.desk.hops[i], column, "ticket.through")
			c.column(before, of, "ticket.through")
		}
		before = c.desk.hops[i]
	}
	if len(c.desk.hops) > 0 {
		for _, of := range c.desk.Part(recipe.TicketPart).Link {
			c.column(before, of, "ticket.link")
		}
	}
}

func (c *checker) counter() {
	t := c.desk.counter
	if t == nil {
		return
	}
	name := c.desk.recipe.Ticket.Counter.Column
	c.column(t, name, "ticket.counter")
	if col, ok := t.Column(name); ok && !col.IsInteger() {
		c.fault(t, name, "ticket.counter wants whole numbers, its type is "+col.Type, "")
	}
}

// table refuses what cannot be planted in safely.
func (c *checker) table(p *Part) {
	t := p.Table
	if t.View {
		c.fault(t, "", "it is a view; name the table behind it", "")
		return
	}
	if len(p.Key) == 0 {
		c.fault(t, "", "it has no primary key: name the columns that tell its rows apart with key", "")
		return
	}
	if p.auto != "" {
		return
	}
	for _, name := range p.Key {
		col, _ := t.Column(name)
		_, linked := p.Link[col.Name]
		_, referred := p.Refs[col.Name]
		if len(p.Key) == 1 && !linked && !referred && !col.isUUID() {
			c.fault(t, name, "keys are given neither by AUTO_INCREMENT nor as UUIDs of 36 characters nor by a link, so a new one cannot be made", "")
		}
	}
}

// keys makes sure that the recipe's keys are the tables' own.
func (c *checker) keys() {
	for part, key := range map[string]string{recipe.CustomerPart: c.desk.recipe.Customer.Key, recipe.TicketPart: c.desk.recipe.Ticket.Key} {
		p := c.desk.Part(part)
		if len(p.Key) == 1 && strings.EqualFold(p.Key[0], key) || len(p.Key) == 0 {
			continue
		}
		near := ""
		if len(p.Key) == 1 {
			near = p.Key[0]
		}
		c.fault(p.Table, key, "it is not the table's primary key", near)
	}
}

// indexes makes sure that looking something up does not scan a large table.
func (c *checker) indexes() {
	need := func(t *Table, columns ...string) {
		if t.View || t.Rows <= scanLimit || slices.ContainsFunc(columns, t.Indexed) {
			return
		}
		c.fault(t, columns[0], fmt.Sprintf("no index begins with it, and looking it up would scan about %d rows", t.Rows), "")
	}
	email, _ := c.desk.Fact("email")
	need(c.desk.Part(email.Part).Table, email.Column)
	number, _ := c.desk.TicketFact("number")
	need(c.desk.Part(number.Part).Table, number.Column)
	for _, p := range c.desk.parts {
		if len(p.Link) > 0 {
			need(p.Table, sortedKeys(p.Link)...)
		}
	}
	for i, h := range c.desk.recipe.Ticket.Through {
		need(c.desk.hops[i], sortedKeys(h.Link)...)
	}
}

// types makes sure that facts stand in columns that can hold them.
func (c *checker) types() {
	for _, f := range append(c.desk.recipe.CustomerFacts(), c.desk.recipe.TicketFacts()...) {
		p := c.desk.Part(f.Place.Part)
		col, _ := p.Table.Column(f.Place.Column)
		switch f.Word {
		case "created", "updated":
			if !col.IsTime() && col.Type != "date" && !slices.Contains(p.Epoch, col.Name) {
				c.fault(p.Table, col.Name, "its type "+col.Type+" is no date: want datetime, timestamp or date, or name it in epoch", "")
			}
		case "number":
			if !col.IsText() && !col.IsInteger() {
				c.fault(p.Table, col.Name, "its type "+col.Type+" is no ticket number: want a text or a whole number", "")
			}
		case "email", "phone", "name", "first_name", "last_name":
			if !col.IsText() {
				c.fault(p.Table, col.Name, "its type "+col.Type+" holds no text", "")
			}
		}
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
