package supportdb

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"

	"saltmine/internal/canary"
	"saltmine/seeder/recipe"
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
// fewer. The rows are facts, as [Desk.Facts] gives them.
func (d *Desk) Sample(ctx context.Context, rng *rand.Rand, want int, segment canary.Segment) ([]Row, error) {
	for word := range segment.Pairs() {
		if _, ok := d.recipe.Customer.Segment[word]; !ok {
			words := d.recipe.SegmentWords()
			return nil, &SchemaError{Table: d.Part(recipe.CustomerPart).Table.Name, Problem: fmt.Sprintf("the recipe has no segment %q (it has: %v)", word, words), Nearest: recipe.Nearest(word, words)}
		}
	}
	t := tree{d, d.factColumns()}
	p := d.Part(recipe.CustomerPart)
	var found []Row
	x := extent{p, t.columns(p), p.Filter}
	err := d.ranges(ctx, rng, x, func(rows []Row) (bool, error) {
		records, err := t.grow(ctx, rows)
		for i := range records {
			facts := d.Facts(&records[i].Image)
			if segment.Covers(d.SegmentOf(&facts)) {
				found = append(found, facts)
			}
		}
		return len(found) >= want, err
	})
	if err != nil {
		return nil, fmt.Errorf("sample customers: %w", err)
	}
	return found[:min(want, len(found))], nil
}

// factColumns lists the columns that a sample of people needs: those of facts
// and of the links that lead to them.
func (d *Desk) factColumns() func(*Part) []string {
	need := map[string][]string{}
	add := func(part, column string) {
		column = spelling(d.Part(part).Table, column)
		if !slices.Contains(need[part], column) {
			need[part] = append(need[part], column)
		}
	}
	for _, f := range d.recipe.CustomerFacts() {
		add(f.Place.Part, f.Place.Column)
		for p := d.Part(f.Place.Part); p.Name != recipe.CustomerPart; p = d.Part(p.Of) {
			for _, of := range p.Link {
				add(p.Of, of)
			}
			for _, key := range p.Key {
				add(p.Name, key)
			}
		}
	}
	return func(p *Part) []string { return need[p.Name] }
}

// SampleTickets reads up to want tickets at random: their number, their date
// of creation and their key, as words of the recipe.
func (d *Desk) SampleTickets(ctx context.Context, rng *rand.Rand, want int) ([]Row, error) {
	p := d.Part(recipe.TicketPart)
	var found []Row
	columns, words := d.ticketColumns()
	err := d.ranges(ctx, rng, extent{p, columns, p.Filter}, func(rows []Row) (bool, error) {
		for _, r := range rows {
			found = append(found, Row{words, r.Values})
		}
		return len(found) >= want, nil
	})
	if err != nil {
		return nil, fmt.Errorf("sample tickets: %w", err)
	}
	return found[:min(want, len(found))], nil
}

// ticketColumns lists the columns of key, number and date, with their words.
func (d *Desk) ticketColumns() (columns, words []string) {
	for _, word := range []string{"key", "number", "created"} {
		at, _ := d.TicketFact(word)
		columns, words = append(columns, at.Column), append(words, word)
	}
	return columns, words
}

// extent is what is sampled: columns of a part.
type extent struct {
	part    *Part
	columns []string
	filter  string
}

// ranges reads short key ranges until take has enough. A table whose keys span
// little is read from its beginning on; in any other the ranges begin at
// random keys, and reading ends when range after range brings nothing new.
func (d *Desk) ranges(ctx context.Context, rng *rand.Rand, x extent, take func([]Row) (enough bool, err error)) error {
	key := x.part.Key[0]
	start, err := d.starts(ctx, rng, x.part)
	if err != nil {
		return err
	}
	query := "SELECT " + quoteAll(x.columns) + " FROM " + quote(x.part.Table.Name) + " WHERE " + quote(key) + " >= ?" + also(x.filter) + " ORDER BY " + quote(key) + " LIMIT " + strconv.Itoa(rangeRows)
	seen := map[string]bool{}
	last, stale := "", 0
	for range maxRanges {
		var fresh []Row
		read := 0
		err := d.db.each(ctx, query, []any{start(last)}, func(rows *sql.Rows) error {
			r, err := scanRow(rows, x.columns)
			read++
			if last = r.Get(key).Text(); err == nil && !seen[last] {
				seen[last] = true
				fresh = append(fresh, r)
			}
			return err
		})
		if err != nil {
			return err
		}
		if stale++; len(fresh) > 0 {
			stale = 0
		}
		if read < rangeRows {
			last = "" // the end of the table
		}
		if enough, err := take(fresh); err != nil || enough || stale > maxStale {
			return err
		}
	}
	return nil
}

// maxStale is the number of ranges in a row without a new row after which a
// table counts as read.
const maxStale = 10

// starts returns where the next range begins, given the last key that was
// read, empty at the beginning and behind the end.
func (d *Desk) starts(ctx context.Context, rng *rand.Rand, p *Part) (func(last string) any, error) {
	key := p.Key[0]
	if col, _ := p.Table.Column(key); !col.IsInteger() {
		return func(string) any { return NewUUID(rng) }, nil
	}
	var low, high sql.NullInt64
	q := "SELECT MIN(" + quote(key) + "), MAX(" + quote(key) + ") FROM " + quote(p.Table.Name)
	if err := d.db.sql.QueryRowContext(ctx, q).Scan(&low, &high); err != nil {
		return nil, classify(err)
	}
	if !low.Valid {
		return nil, fmt.Errorf("%w: table %s is empty", ErrTooFew, p.Table.Name)
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
