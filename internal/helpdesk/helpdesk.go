// Package helpdesk makes a believable customer-support database: consumers of
// an antivirus firm in fourteen countries, and the tickets that they opened. The
// demo plants canaries into it, the tests measure the real parts on it.
//
// Everything follows from a [Config]: the same configuration gives the same
// rows, byte for byte, in any process. Customers come in the order in which
// they signed up, tickets in the order in which they were opened, so ids grow
// with created_at as they do in a real table; a few ids and ticket numbers are
// missing, as they are where accounts were erased and spam was deleted.
//
// What is imitated, because a canary must hide in it: names by country and
// frequency (so namesakes exist), a mix of styles of e-mail local parts, some
// nine addresses in ten at large providers and a long tail of small domains,
// phone numbers in the several forms in which people type them and missing for
// a third of the rows, sign-ups that grow over the years and follow the day and
// the week, few customers with many tickets and many with none. A ticket number
// is "TK-", the year, and a number that runs through the year:
//
//	TK-2025-004123
//
// No row is a person. Phone numbers lie in the ranges set aside for fiction
// where a country has enough of them (Great Britain, France, Australia, partly
// Germany) and are digits at random elsewhere; addresses are made from names,
// so that some of them may well exist. Nothing may ever be sent to either, and
// nothing in this package sends.
//
// A [Desk] keeps the name lists in memory and about 40 bytes per customer and
// 4 per ticket while it streams. It fails only on a configuration that makes no
// sense, and in Load as the database does.
package helpdesk

import (
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"time"
)

// ErrConfig is wrapped by every error about a Config.
var ErrConfig = errors.New("unusable help-desk configuration")

// Config says how large the database is, and when its rows were made.
type Config struct {
	Customers int    // rows of customers, at least 1
	Tickets   int    // rows of tickets, 0 or more
	Seed      uint64 // the same seed gives the same rows
	// From and To bound created_at: From ≤ created_at < To. Both are needed;
	// the package reads no clock. They are cut to whole hours in UTC.
	From, To time.Time
}

// Customer is one row of the table customers.
type Customer struct {
	ID         int64
	FirstName  string
	LastName   string
	Email      string  // unique without regard to case; ASCII
	Phone      *string // as the customer typed it; nil is NULL
	Country    string  // ISO 3166-1, two capitals
	Language   string  // ISO 639-1
	Product    string
	Newsletter bool
	Status     string // active, expired, closed
	Created    time.Time
	Updated    time.Time // Created or later
}

// Ticket is one row of the table tickets.
type Ticket struct {
	ID         int64
	Number     string // TK-2025-004123
	CustomerID int64
	Subject    string // in the customer's language
	Status     string // open, pending, resolved, closed
	Priority   string // low, normal, high, urgent
	Channel    string // email, web, phone, chat
	Created    time.Time
	Updated    time.Time
}

// Desk is one imaginary help desk.
type Desk struct {
	cfg     Config
	world   *world
	signups *calendar
	demand  *calendar
}

// New prepares the help desk of a configuration.
func New(cfg Config) (*Desk, error) {
	cfg.From, cfg.To = cfg.From.UTC().Truncate(time.Hour), cfg.To.UTC().Truncate(time.Hour)
	if err := cfg.check(); err != nil {
		return nil, err
	}
	w, err := readWorld()
	if err != nil {
		return nil, err
	}
	signups := newCalendar(cfg.From, cfg.To, cfg.Seed, growth)
	// People who ask for help are customers already: demand follows how many
	// have signed up, and is never zero.
	demand := newCalendar(cfg.From, cfg.To, cfg.Seed+1, func(share float64) float64 {
		return 0.002 + signups.before(share)
	})
	return &Desk{cfg: cfg, world: w, signups: signups, demand: demand}, nil
}

func (c Config) check() error {
	var faults []error
	if c.Customers < 1 || c.Customers > 50_000_000 {
		faults = append(faults, fmt.Errorf("%w: %d customers: want 1 to 50,000,000", ErrConfig, c.Customers))
	}
	if c.Tickets < 0 || c.Tickets > 100_000_000 {
		faults = append(faults, fmt.Errorf("%w: %d tickets: want 0 to 100,000,000", ErrConfig, c.Tickets))
	}
	if c.From.IsZero() || c.To.Sub(c.From) < 24*time.Hour {
		faults = append(faults, fmt.Errorf("%w: from %s to %s: want both, a day apart at least", ErrConfig, c.From.Format(time.DateTime), c.To.Format(time.DateTime)))
	}
	return errors.Join(faults...)
}

// Customers streams the customers in the order of their ids.
func (d *Desk) Customers() iter.Seq[Customer] {
	return func(yield func(Customer) bool) {
		taken := newTaken(d.cfg.Customers)
		for i := range d.cfg.Customers {
			if !yield(d.customer(i, taken)) {
				return
			}
		}
	}
}

// random returns the source of everything random about one row. Rows have
// sources of their own, so that any row can be made again without its
// predecessors.
func (d *Desk) random(kind, row uint64) *rand.Rand {
	return rand.New(rand.NewPCG(d.cfg.Seed^kind<<56, row)) //nolint:gosec // repeatable on purpose, guards nothing
}

// The kinds of sources.
const (
	ofTraits uint64 = iota + 1
	ofCustomer
	ofTickets
	ofGaps
	ofCompanies
)
