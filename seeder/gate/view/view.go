// Package view shows a table of customers as a thief with an extract and a
// database administrator with a dump would look at it: every column turned into
// numbers that could tell a row that we made from one that people made.
//
// [Read] takes real rows and canaries as one table and gives [Feature]s, one
// number for each row: how often the row's values occur, alone and in pairs;
// how likely their letters are; what their dates, keys and ticket numbers say
// about one another; how the e-mail address fits the name, the telephone number
// the country; whether the row looks like a copy of another. A ticket's
// features are carried to its customer as mean, least and greatest. Beside
// them it gives the values themselves for equality ([Words]).
//
// A feature is named by its column, then what is measured: "email.domain.others",
// "ticket.subject.letters.least". Says puts it into words.
//
// Its one invariant: no feature knows which rows are canaries. What other rows
// say about a row (counts, next keys, likely letters, copies) comes from one
// population that is the same for both kinds: everybody, the row itself left
// out, where the whole table is given; rows that are not looked at themselves,
// where samples are given (see [Extract.Apart]). A count that left the row out
// for one kind only would tell the two apart by one: 4,999 people of a country
// against 5,000.
//
// It refuses rows that do not have a table's columns, and guesses the kind of a
// column only where none is given. It fails with [ErrTable] or the context.
package view

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrTable is wrapped by every error about the rows that were given.
var ErrTable = errors.New("unusable table")

// Kind is what a column holds. Empty: it is inferred from the values.
type Kind string

// The kinds of columns.
const (
	Number Kind = "number"
	Time   Kind = "time" // "2006-01-02", "2006-01-02 15:04:05[.ffffff]"
	Word   Kind = "word" // one of few values
	Text   Kind = "text"
)

// Role is what a column means. Empty: a column like any other.
type Role string

// The roles of columns. Email is inferred where it is not given.
const (
	Key       Role = "key"
	Email     Role = "email"
	Phone     Role = "phone"
	FirstName Role = "first_name"
	LastName  Role = "last_name"
	FullName  Role = "name"
	Created   Role = "created"
	Updated   Role = "updated"
	Serial    Role = "number" // of a ticket or a customer, as people quote it
	Subject   Role = "subject"
	Status    Role = "status"
	Country   Role = "country"
	Language  Role = "language"
	Segment   Role = "segment"
)

// Column is a column of the customers' or of the tickets' table.
type Column struct {
	Name string
	Kind Kind
	Role Role
}

// Value is one cell as the database prints it.
type Value struct {
	Text string
	Null bool
}

// Row is a customer with the tickets that belong to it, in any order.
type Row struct {
	Values  []Value
	Tickets [][]Value
}

// Table says what the values of rows are. Tickets may have no columns at all.
type Table struct{ Customer, Ticket []Column }

// Extract is one look at the table.
type Extract struct {
	Table          Table
	Real, Canaries []Row
	// Others are rows of the table, real ones and canaries as it mixes them,
	// that are counted and not looked at.
	Others []Row
	// Apart: only Others are counted. Without it all rows are: then Real and
	// Canaries have to be in the proportion that the table has.
	Apart bool
	// Now is when the extract was taken. Zero: nothing is said about the future.
	Now time.Time
}

// Groups are all parts of a row.
func Groups() []Group {
	return []Group{Keys, Mail, Phones, Names, Dates, Tickets, Courses, Others, Copies}
}

// Feature is one number for each row: real rows, canaries, others.
type Feature struct {
	Name   string
	Says   string // what it measures, in words
	Column string // the column that it is mostly about
	Group  Group
	Scale  Scale
	Values []float32 // NaN: the row has no such number
}

// Scale says what a feature's numbers are.
type Scale string

// The scales. A logarithm is that of one more, with the sign of the number.
const (
	Plain  Scale = ""
	Counts Scale = "count" // logarithms of counts
	Spans  Scale = "span"  // logarithms of seconds
)

// Print shows a number of a feature to a person: "12", "3.4 days".
func (s Scale) Print(v float32) string {
	switch {
	case isNaN(v):
		return "none"
	case s == Counts:
		return short(unsign(v))
	case s == Spans:
		return span(unsign(v))
	default:
		return short(float64(v))
	}
}

// Group is the part of a row that a feature looks at.
type Group string

// The groups.
const (
	Keys    Group = "keys"
	Mail    Group = "e-mail"
	Phones  Group = "phone"
	Names   Group = "name"
	Dates   Group = "dates"
	Tickets Group = "tickets"
	Courses Group = "dates of tickets"
	Others  Group = "other columns"
	Copies  Group = "copies"
)

// Words are values that rows can share, for equality.
type Words struct {
	Name   string
	Column string
	Group  Group
	IDs    []int32 // by row; -1 is NULL or nothing
	Texts  []string
	// Spelled says that the letters of the texts are worth looking at.
	Spelled bool
}

// Text is the word of a row.
func (w *Words) Text(row int) (text string, ok bool) {
	if id := w.IDs[row]; id >= 0 {
		return w.Texts[id], true
	}
	return "", false
}

// View is what Read saw.
type View struct {
	Rows     int    // real rows and canaries
	All      int    // and others
	Counted  []bool // by row of all: it is one of those that counts are of
	Features []Feature
	Words    []Words
	// Domain is the registered domain of each row's address, others' too; nil
	// without one.
	Domain *Words
	// Checks are the rules that a careful reader would try, by row.
	Checks []Check
}

// Check is a rule: what real rows do not do, or hardly ever.
type Check struct {
	Name string // "phone: reserved for fiction"
	Hits []bool
}

// Read looks at an extract.
func Read(ctx context.Context, x Extract) (*View, error) {
	if err := x.check(); err != nil {
		return nil, err
	}
	b := newBuilder(x)
	for _, step := range []func(){
		b.customers, b.mail, b.phones, b.names, b.tickets, b.pairs, b.twins, b.rules,
	} {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("look at the table: %w", err)
		}
		step()
	}
	return b.view, nil
}

func (x *Extract) check() error {
	var faults []error
	if len(x.Table.Customer) == 0 {
		faults = append(faults, fmt.Errorf("%w: no columns", ErrTable))
	}
	for _, rows := range [][]Row{x.Real, x.Canaries, x.Others} {
		for i := range rows {
			if err := x.Table.fits(&rows[i]); err != nil {
				return errors.Join(append(faults, err)...)
			}
		}
	}
	return errors.Join(faults...)
}

func (t *Table) fits(r *Row) error {
	if len(r.Values) != len(t.Customer) {
		return fmt.Errorf("%w: a row of %d values, %d columns", ErrTable, len(r.Values), len(t.Customer))
	}
	for _, ticket := range r.Tickets {
		if len(ticket) != len(t.Ticket) {
			return fmt.Errorf("%w: a ticket of %d values, %d columns", ErrTable, len(ticket), len(t.Ticket))
		}
	}
	return nil
}
