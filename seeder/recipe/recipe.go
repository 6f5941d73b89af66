// Package recipe holds what a support database looks like to the seeder: the
// tables and columns that make a customer with tickets visible in the help
// desk. A recipe is declarative and written in TOML; unknown keys are errors; the
// format is specified at [Recipe].
//
// A canary is a deep copy of a real customer's rows in all these tables with a
// new identity: keys are given anew, links and refs point into the copy, refs
// to rows outside of it (a queue, an agent) stay. Where a ticket hangs on its
// customer by way of other tables, [[ticket.through]] names them in order.
//
// The package knows no database. It fails with [ErrRecipe], every fault of a
// file at once; it refuses what no schema could satisfy.
package recipe

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrRecipe says that a recipe cannot be read or contradicts itself.
var ErrRecipe = errors.New("recipe is not usable")

// Recipe says which tables and columns make a customer with tickets:
//
//	name   = "a help desk"
//	prefix = "hd_"              # optional: put before every table's name
//	allow_triggers = ["audit_c"]  # triggers of these tables that are known to be
//	                            # harmless; any other one is refused
//
//	[customer]
//	table      = "customers"
//	key        = "id"
//	email      = "email"        # a column, or "part.column" of a part below
//	phone      = "phones.value" # optional
//	name       = "full_name"    # either this, or first_name and last_name
//	salutation = "title"        # optional: Mr/Ms or m/f, goes with the first name
//	gender = "gender"           # optional: for those without a salutation
//	born     = "birthday"       # optional: goes with the first name and the digits of the address
//	created    = "created_at"
//	updated    = "updated_at"   # optional
//	filter     = "deleted = 0"  # optional SQL condition: which rows are customers;
//	                            # {prefix} stands for the prefix
//
//	[customer.segment]          # word used in --segment = column
//	country  = "country"        # "country" and "language" also group the names
//
//	[ticket]
//	table    = "tickets"
//	key      = "id"
//	customer = "customer_id"    # holds the customer's key; or link, see below
//	number   = "number"         # may be the same column as key
//	subject  = "subject"        # optional
//	status   = "status"         # optional
//	created  = "created_at"
//	updated  = "updated_at"     # optional
//
//	[[part]]                    # further rows that belong to a customer or a ticket
//	name  = "phones"
//	table = "contact_values"
//	of    = "customer"          # customer, ticket, or a part above
//	link  = { owner_id = "id" } # column = column of the row that it belongs to
//	refs  = { reply_to = "phones.id" }  # other columns that hold keys of the record
//	first = true                # inserted before the row that it belongs to
//	epoch = ["stamp"]           # integer columns that are seconds since 1970
//	set   = { notify = "0" }    # columns in which a canary differs from its donor
//	key   = ["owner_id"]        # tells rows apart where there is no primary key
//	embed = { note = "ticket.id" }      # texts in which a key stands as a word
//	message_ids = ["mid"]       # columns with message ids of mails
//	md5   = { mid_md5 = "mid" } # columns with the MD5 sum of another
type Recipe struct {
	Name     string   `toml:"name" json:"name"`
	Prefix   string   `toml:"prefix" json:"prefix,omitempty"`
	Customer Customer `toml:"customer" json:"customer"`
	Ticket   Ticket   `toml:"ticket" json:"ticket"`
	Parts    []Part   `toml:"part" json:"part,omitempty"`
	// AllowTriggers names triggers that neither mail customers nor copy rows.
	AllowTriggers []string `toml:"allow_triggers" json:"allow_triggers,omitempty"`
}

// Customer names the customer table and where a customer's facts stand.
type Customer struct {
	Table      string            `toml:"table" json:"table"`
	Key        string            `toml:"key" json:"key"`
	Email      string            `toml:"email" json:"email"`
	Phone      string            `toml:"phone" json:"phone,omitempty"`
	Name       string            `toml:"name" json:"name,omitempty"`
	FirstName  string            `toml:"first_name" json:"first_name,omitempty"`
	LastName   string            `toml:"last_name" json:"last_name,omitempty"`
	Salutation string            `toml:"salutation" json:"salutation,omitempty"`
	Gender     string            `toml:"gender" json:"gender,omitempty"`
	Born       string            `toml:"born" json:"born,omitempty"`
	Created    string            `toml:"created" json:"created"`
	Updated    string            `toml:"updated" json:"updated,omitempty"`
	Segment    map[string]string `toml:"segment" json:"segment,omitempty"`
	Filter     string            `toml:"filter" json:"filter,omitempty"`
	Refs       map[string]Refs   `toml:"refs" json:"refs,omitempty"`
	Epoch      []string          `toml:"epoch" json:"epoch,omitempty"`
	Set        map[string]string `toml:"set" json:"set,omitempty"`
}

// Ticket names the ticket table and where a ticket's facts stand.
type Ticket struct {
	Table    string            `toml:"table" json:"table"`
	Key      string            `toml:"key" json:"key"`
	Customer string            `toml:"customer" json:"customer,omitempty"`
	Link     map[string]string `toml:"link" json:"link,omitempty"`
	Through  []Hop             `toml:"through" json:"through,omitempty"`
	Number   string            `toml:"number" json:"number"`
	Subject  string            `toml:"subject" json:"subject,omitempty"`
	Status   string            `toml:"status" json:"status,omitempty"`
	Created  string            `toml:"created" json:"created"`
	Updated  string            `toml:"updated" json:"updated,omitempty"`
	Filter   string            `toml:"filter" json:"filter,omitempty"`
	Refs     map[string]Refs   `toml:"refs" json:"refs,omitempty"`
	Epoch    []string          `toml:"epoch" json:"epoch,omitempty"`
	Set      map[string]string `toml:"set" json:"set,omitempty"`
	Counter  *Counter          `toml:"counter" json:"counter,omitempty"`
}

// Hop is a table between a customer and the tickets. Its link columns equal
// columns of the hop before it, those of the first hop columns of the customer.
type Hop struct {
	Table  string            `toml:"table" json:"table"`
	Link   map[string]string `toml:"link" json:"link"`
	Filter string            `toml:"filter" json:"filter,omitempty"`
}

// Counter is the row in which the help desk keeps the next ticket number. It is
// locked, read and moved on as the help desk itself does it.
type Counter struct {
	Table  string `toml:"table" json:"table"`
	Column string `toml:"column" json:"column"` // holds the next number
	Filter string `toml:"filter" json:"filter"` // SQL condition that chooses the row
	Step   int    `toml:"step" json:"step,omitempty"`
}

// Part is a table whose rows belong to a customer, a ticket or another part.
type Part struct {
	Name   string            `toml:"name" json:"name"`
	Table  string            `toml:"table" json:"table"`
	Of     string            `toml:"of" json:"of"`
	Link   map[string]string `toml:"link" json:"link"`
	Refs   map[string]Refs   `toml:"refs" json:"refs,omitempty"`
	Filter string            `toml:"filter" json:"filter,omitempty"`
	First  bool              `toml:"first" json:"first,omitempty"`
	Epoch  []string          `toml:"epoch" json:"epoch,omitempty"`
	Set    map[string]string `toml:"set" json:"set,omitempty"`
	// Key names the columns that tell rows apart where the table has no primary key.
	Key []string `toml:"key" json:"key,omitempty"`
	// Embed names text columns in which a key of the record stands as a word.
	Embed map[string]Refs `toml:"embed" json:"embed,omitempty"`
	// MessageIDs are columns with message ids of mails (RFC 5322 §3.6.4).
	MessageIDs []string `toml:"message_ids" json:"message_ids,omitempty"`
	// MD5 names columns that hold the MD5 sum, in hex, of another column.
	MD5 map[string]string `toml:"md5" json:"md5,omitempty"`
}

// The names of the two parts that every recipe has.
const (
	CustomerPart = "customer"
	TicketPart   = "ticket"
)

// Refs are the columns, written "part.column", of which a column holds a value.
type Refs []string

// UnmarshalTOML reads one name or a list of them.
func (r *Refs) UnmarshalTOML(v any) error {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	for _, item := range list {
		text, ok := item.(string)
		if !ok {
			return fmt.Errorf("%w: refs name columns as \"part.column\"", ErrRecipe)
		}
		*r = append(*r, text)
	}
	return nil
}

// Place is where a fact stands: a column of a part.
type Place struct{ Part, Column string }

// PlaceOf reads a fact's place; a bare column is one of the given part.
func PlaceOf(part, text string) Place {
	if p, column, ok := strings.Cut(text, "."); ok {
		return Place{p, column}
	}
	return Place{part, text}
}

// Fact is a word for what a column says of a customer or a ticket.
type Fact struct {
	Word  string
	Place Place
}

// CustomerFacts lists the facts of a customer that the recipe names, segments
// as "segment.WORD" behind the others.
func (r *Recipe) CustomerFacts() []Fact {
	c := &r.Customer
	facts := placed(CustomerPart, [][2]string{
		{"key", c.Key}, {"email", c.Email}, {"phone", c.Phone}, {"name", c.Name}, {"first_name", c.FirstName},
		{"last_name", c.LastName}, {"salutation", c.Salutation}, {"gender", c.Gender}, {"born", c.Born}, {"created", c.Created}, {"updated", c.Updated},
	})
	for _, w := range r.SegmentWords() {
		facts = append(facts, Fact{"segment." + w, PlaceOf(CustomerPart, c.Segment[w])})
	}
	return facts
}

// TicketFacts lists the facts of a ticket that the recipe names.
func (r *Recipe) TicketFacts() []Fact {
	t := &r.Ticket
	return placed(TicketPart, [][2]string{
		{"key", t.Key}, {"number", t.Number}, {"subject", t.Subject}, {"status", t.Status}, {"created", t.Created}, {"updated", t.Updated},
	})
}

func placed(part string, words [][2]string) []Fact {
	var facts []Fact
	for _, w := range words {
		if w[1] != "" {
			facts = append(facts, Fact{w[0], PlaceOf(part, w[1])})
		}
	}
	return facts
}

// SegmentWords lists the words by which customers can be chosen, in order.
func (r *Recipe) SegmentWords() []string {
	words := make([]string, 0, len(r.Customer.Segment))
	for w := range r.Customer.Segment {
		words = append(words, w)
	}
	slices.Sort(words)
	return words
}

// AllParts lists the customer, the ticket and the parts in the order in which
// they are read: every one behind the one that it belongs to.
func (r *Recipe) AllParts() []Part {
	c, t := &r.Customer, &r.Ticket
	link := t.Link
	if t.Customer != "" {
		link = map[string]string{t.Customer: c.Key}
	}
	all := []Part{
		{Name: CustomerPart, Table: c.Table, Refs: c.Refs, Filter: c.Filter, Epoch: c.Epoch, Set: c.Set},
		{Name: TicketPart, Table: t.Table, Of: CustomerPart, Link: link, Refs: t.Refs, Filter: t.Filter, Epoch: t.Epoch, Set: t.Set},
	}
	all = append(all, r.Parts...)
	for i := range all {
		all[i].Filter = r.Condition(all[i].Filter)
	}
	return all
}

// Condition writes a recipe's SQL condition for the tables' real names.
func (r *Recipe) Condition(filter string) string {
	return strings.ReplaceAll(filter, "{prefix}", r.Prefix)
}

// Table gives a table's full name.
func (r *Recipe) Table(name string) string { return r.Prefix + name }
