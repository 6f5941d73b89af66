package supportdb

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"

	"saltmine/internal/canary"
)

// Bounds of a sample: so many rows a statement, so many statements at most.
// Twelve million customers cost no more than twelve thousand.
const (
	rangeRows = 50
	maxRanges = 600
)

// Sample reads up to want customers of the segment at random: short ranges of
// the primary key that begin at random keys. It never sorts a table and never
// reads more than a bounded number of rows, so a very rare segment may yield
// fewer. Rows hold the key and the columns that the recipe names.
func (d *Desk) Sample(ctx context.Context, rng *rand.Rand, want int, segment canary.Segment) ([]Row, error) {
	for word := range segment.Pairs() {
		if _, err := d.recipe.SegmentColumn(word); err != nil {
			return nil, err
		}
	}
	columns := named(d.customer, d.recipe.customerColumns())
	rows, err := d.ranges(ctx, rng, extent{d.customer, d.recipe.Customer.Key, columns}, want, func(r *Row) bool {
		return segment.Covers(d.SegmentOf(r))
	})
	if err != nil {
		return nil, fmt.Errorf("sample customers: %w", err)
	}
	return rows, nil
}

// SampleTickets reads up to want tickets at random, the columns that the
// recipe names.
func (d *Desk) SampleTickets(ctx context.Context, rng *rand.Rand, want int) ([]Row, error) {
	columns := named(d.ticket, d.recipe.ticketColumns())
	rows, err := d.ranges(ctx, rng, extent{d.ticket, d.recipe.Ticket.Key, columns}, want, func(*Row) bool { return true })
	if err != nil {
		return nil, fmt.Errorf("sample tickets: %w", err)
	}
	return rows, nil
}

// named lists the columns that a recipe names, each once, as the table spells them.
func named(t *Table, pairs [][2]string) []string {
	var names []string
	for _, p := range pairs {
		if c, ok := t.Column(p[1]); ok && !slices.Contains(names, c.Name) {
			names = append(names, c.Name)
		}
	}
	return names
}

// extent is what is sampled: columns of a table by its key.
type extent struct {
	table   *Table
	key     string
	columns []string
}

// ranges reads short key ranges until it has want rows that fit. A table whose
// keys span little is read from its beginning on; in any other the ranges begin
// at random keys, and reading ends when range after range brings nothing new.
func (d *Desk) ranges(ctx context.Context, rng *rand.Rand, x extent, want int, fits func(*Row) bool) ([]Row, error) {
	start, err := d.starts(ctx, rng, x.table, x.key)
	if err != nil {
		return nil, err
	}
	t, key, columns := x.table, x.key, x.columns
	query := "SELECT " + quoteAll(columns) + " FROM " + quote(t.Name) + " WHERE " + quote(key) + " >= ? ORDER BY " + quote(key) + " LIMIT " + strconv.Itoa(rangeRows)
	seen := map[string]bool{}
	var found []Row
	last, stale := "", 0
	for range maxRanges {
		if len(found) >= want || stale > maxStale {
			break
		}
		before, read := len(seen), 0
		err := d.db.each(ctx, query, []any{start(last)}, func(rows *sql.Rows) error {
			r, err := scanRow(rows, columns)
			read++
			if last = r.Get(key).Text(); err == nil && !seen[last] {
				seen[last] = true
				if fits(&r) {
					found = append(found, r)
				}
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		if stale++; len(seen) > before {
			stale = 0
		}
		if read < rangeRows {
			last = "" // the end of the table
		}
	}
	return found[:min(want, len(found))], nil
}

// maxStale is the number of ranges in a row without a new row after which a
// table counts as read.
const maxStale = 10

// starts returns where the next range begins, given the last key that was
// read, empty at the beginning and behind the end.
func (d *Desk) starts(ctx context.Context, rng *rand.Rand, t *Table, key string) (func(last string) any, error) {
	if col, _ := t.Column(key); !col.Auto {
		return func(string) any { return NewUUID(rng) }, nil
	}
	var low, high sql.NullInt64
	q := "SELECT MIN(" + quote(key) + "), MAX(" + quote(key) + ") FROM " + quote(t.Name)
	if err := d.db.sql.QueryRowContext(ctx, q).Scan(&low, &high); err != nil {
		return nil, classify(err)
	}
	if !low.Valid {
		return nil, fmt.Errorf("%w: table %s is empty", ErrTooFew, t.Name)
	}
	if span := high.Int64 - low.Int64; span > rangeRows*maxRanges/4 {
		return func(string) any { return low.Int64 + rng.Int64N(span+1) }, nil
	}
	return func(last string) any {
		if at, err := strconv.ParseInt(last, 10, 64); err == nil {
			return at + 1
		}
		return low.Int64
	}, nil
}

// NewUUID makes a random (version 4) UUID, RFC 9562 §5.4.
func NewUUID(rng *rand.Rand) string {
	a, b := rng.Uint64(), rng.Uint64()
	a = a&^0xf000 | 0x4000
	b = b&^(3<<62) | 2<<62
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", a>>32, a>>16&0xffff, a&0xffff, b>>48, b&0xffffffffffff)
}

// Donor is a customer with the tickets: all columns of both that an INSERT
// would name, and the tickets in the order of their keys.
type Donor struct {
	Key      string
	Customer Row
	Tickets  []Row
}

// donorTickets bounds the tickets that are read for a group of donors.
const donorTickets = 5_000

// Donors reads customers by their keys. Those with more tickets than any
// canary could carry are left out.
func (d *Desk) Donors(ctx context.Context, keys []string) ([]Donor, error) {
	var out []Donor
	for group := range slices.Chunk(keys, 100) {
		donors, err := d.donors(ctx, group)
		if err != nil {
			return nil, fmt.Errorf("read donors: %w", err)
		}
		out = append(out, donors...)
	}
	return out, nil
}

func (d *Desk) donors(ctx context.Context, keys []string) ([]Donor, error) {
	customers, err := d.byKey(ctx, d.customer, d.recipe.Customer.Key, keys)
	if err != nil {
		return nil, err
	}
	tickets, err := d.ticketsOf(ctx, keys)
	if err != nil {
		return nil, err
	}
	out := make([]Donor, 0, len(customers))
	for _, c := range customers {
		key := c.Get(d.recipe.Customer.Key).Text()
		out = append(out, Donor{Key: key, Customer: c, Tickets: tickets[key]})
	}
	return out, nil
}

// byKey reads all columns of rows by a column's values.
func (d *Desk) byKey(ctx context.Context, t *Table, column string, values []string) ([]Row, error) {
	if len(values) == 0 {
		return nil, nil
	}
	columns := t.names()
	q := "SELECT " + quoteAll(columns) + " FROM " + quote(t.Name) + " WHERE " + quote(column) + " IN (" + marks(len(values)) + ")"
	var out []Row
	err := d.db.each(ctx, q, anys(values), func(rows *sql.Rows) error {
		r, err := scanRow(rows, columns)
		out = append(out, r)
		return err
	})
	return out, err
}

// ticketsOf reads the tickets of customers, by the customer's key.
func (d *Desk) ticketsOf(ctx context.Context, customers []string) (map[string][]Row, error) {
	t, r := d.ticket, &d.recipe.Ticket
	columns := t.names()
	q := "SELECT " + quoteAll(columns) + " FROM " + quote(t.Name) + " WHERE " + quote(r.Customer) + " IN (" + marks(len(customers)) + ")" +
		" ORDER BY " + quote(r.Key) + " LIMIT " + strconv.Itoa(donorTickets)
	out := map[string][]Row{}
	err := d.db.each(ctx, q, anys(customers), func(rows *sql.Rows) error {
		row, err := scanRow(rows, columns)
		key := row.Get(r.Customer).Text()
		out[key] = append(out[key], row)
		return err
	})
	return out, err
}

func anys(texts []string) []any {
	out := make([]any, len(texts))
	for i, t := range texts {
		out[i] = t
	}
	return out
}
