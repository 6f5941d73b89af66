package supportdb

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"saltmine/seeder/recipe"
)

// Slot is a key that a table has passed over: of a row that was deleted or
// rolled back. A row with this key stands between two others.
type Slot struct {
	Key           int64
	Gap, Next     int64     // the keys before and after the gap; slots of one gap have the same neighbours
	After, Before time.Time // dates of the rows on both sides
	// Low and High are the ticket numbers on both sides, of tickets.
	Low, High string
}

// Share is where in a gap a row with the slot's key lies, from 0 to 1, when
// between is where one lies in a gap of a single key: nearer to the end to which
// its key is nearer.
func (s *Slot) Share(between float64) float64 {
	const half = 0.5
	width := float64(s.Next - s.Gap)
	return min(max((float64(s.Key-s.Gap)+2*(between-half))/width, 0), 1)
}

// Stretch is a run of rows of a part in the order of their keys, with the keys
// that are missing in it.
type Stretch struct {
	First, Last Mark
	Slots       []Slot
	Rows        int
	End         bool // no row follows
	// Between tells, of rows whose neighbours have the next keys, where their date
	// lies between the two, from 0 to 1.
	Between []float64
	Rooms   []Room // of the rows
}

// Room is a row's date with those of the rows before and after it.
type Room struct{ After, At, Before time.Time }

// Mark is a row's key and date.
type Mark struct {
	Key int64
	At  time.Time
}

// Bounds of a stretch.
const (
	stretchRows = 600
	widestGap   = 50 // a wider one was left by something else than single rows
)

// Dated reports whether a part's rows can be put into the past: the server
// counts its keys, and a column says when a row was made.
func (d *Desk) Dated(p *Part) bool { return p.auto != "" && len(p.Key) == 1 && d.dateOf(p) != "" }

// Give gives a row of an image a key that the server would have counted.
func (d *Desk) Give(i *Image, n int, key int64) {
	p := d.Part(i.Items[n].Part)
	row := Row{Columns: []string{p.auto}, Values: []Value{Text(strconv.FormatInt(key, 10))}}
	for at, column := range i.Items[n].Row.Columns {
		row.Set(column, i.Items[n].Row.Values[at])
	}
	i.Items[n].Row = row
}

// Given reports whether a row of an image has a key that the server would
// otherwise have counted.
func (d *Desk) Given(i *Image, n int) bool {
	p := d.Part(i.Items[n].Part)
	v := i.Items[n].Row.Get(p.auto)
	return p.auto != "" && !v.IsNull() && !v.Tied()
}

// DateOf gives the date at which a part's row was made.
func (d *Desk) DateOf(p *Part, r *Row) (time.Time, bool) {
	column := d.dateOf(p)
	return p.ParseTime(column, r.Get(column))
}

// Counted reports whether the server gives the part's keys.
func (p *Part) Counted() bool { return p.auto != "" }

// Extent gives the lowest and the highest key of a part.
func (d *Desk) Extent(ctx context.Context, p *Part) (low, high int64, err error) {
	var a, b sql.NullInt64
	q := "SELECT MIN(" + quote(p.Key[0]) + "), MAX(" + quote(p.Key[0]) + ") FROM " + quote(p.Table.Name)
	if err := d.db.sql.QueryRowContext(ctx, q).Scan(&a, &b); err != nil {
		return 0, 0, fmt.Errorf("read the keys of %s: %w", p.Table.Name, classify(err))
	}
	return a.Int64, b.Int64, nil
}

// Stretch reads some hundred rows of a dated part from a key on and finds what
// keys are missing between them. Rows that the recipe's filter leaves out count
// too.
func (d *Desk) Stretch(ctx context.Context, p *Part, from int64) (Stretch, error) {
	return d.StretchOf(ctx, p, from, stretchRows)
}

// StretchOf is Stretch of so many rows.
func (d *Desk) StretchOf(ctx context.Context, p *Part, from int64, rows int) (Stretch, error) {
	columns := []string{p.Key[0], d.dateOf(p)}
	if number, _ := d.TicketFact("number"); p.Name == recipe.TicketPart {
		columns = append(columns, number.Column)
	}
	q := "SELECT " + quoteAll(columns) + " FROM " + quote(p.Table.Name) + " WHERE " + quote(p.Key[0]) + " >= ? ORDER BY " + quote(p.Key[0]) + " LIMIT " + strconv.Itoa(rows)
	var out Stretch
	var last, before Mark
	var lastNumber string
	err := d.db.each(ctx, q, []any{from}, func(rows *sql.Rows) error {
		r, err := scanRow(rows, columns)
		if err != nil {
			return err
		}
		out.Rows++
		key, err := strconv.ParseInt(r.Values[0].Text(), 10, 64)
		at, dated := p.ParseTime(columns[1], r.Values[1])
		if err != nil || !dated {
			return nil //nolint:nilerr // a row without a date is no neighbour
		}
		number := ""
		if len(columns) > 2 {
			number = r.Values[2].Text()
		}
		here := Mark{key, at}
		if out.First.Key == 0 {
			out.First = here
		} else if gap := key - last.Key; gap <= widestGap && !at.Before(last.At) {
			for k := last.Key + 1; k < key; k++ {
				out.Slots = append(out.Slots, Slot{k, last.Key, key, last.At, at, lastNumber, number})
			}
		}
		out.place(before, last, here)
		before, last, lastNumber, out.Last = last, here, number, here
		return nil
	})
	out.End = out.Rows < rows
	if err != nil {
		return out, fmt.Errorf("read the gaps of %s: %w", p.Table.Name, err)
	}
	return out, nil
}

// place notes where a row lies between its neighbours, and how far these are apart.
func (s *Stretch) place(before, row, after Mark) {
	span := after.At.Sub(before.At)
	if before.Key != 0 && span >= 0 {
		s.Rooms = append(s.Rooms, Room{before.At, row.At, after.At})
	}
	if after.Key == before.Key+2 && span > 0 {
		s.Between = append(s.Between, float64(row.At.Sub(before.At))/float64(span))
	}
}

// Referred reports which keys of a part other tables still name, in columns
// that are called as those that the recipe links by: rows of somebody who was
// deleted may have been left there, and would become a canary's.
func (d *Desk) Referred(ctx context.Context, p *Part, keys []int64) (map[int64]bool, error) {
	names := d.linkNames(p)
	if len(names) == 0 || len(keys) == 0 {
		return nil, nil
	}
	tables, err := d.db.schema(ctx)
	if err != nil {
		return nil, err
	}
	out := map[int64]bool{}
	for _, name := range sortedKeys(tables) {
		t := tables[name]
		for i := range t.Columns {
			c := &t.Columns[i]
			if t.View || !c.IsInteger() || !slices.Contains(names, strings.ToLower(c.Name)) || !t.Indexed(c.Name) && t.Rows > scanLimit {
				continue
			}
			if err := d.markReferred(ctx, t, c, keys, out); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

func (d *Desk) markReferred(ctx context.Context, t *Table, c *Column, keys []int64, out map[int64]bool) error {
	for group := range slices.Chunk(keys, 500) {
		args := make([]any, len(group))
		for i, k := range group {
			args[i] = k
		}
		q := "SELECT DISTINCT " + quote(c.Name) + " FROM " + quote(t.Name) + " WHERE " + quote(c.Name) + " IN (" + marks(len(group)) + ")"
		err := d.db.each(ctx, q, args, func(rows *sql.Rows) error {
			var k int64
			err := rows.Scan(&k)
			out[k] = true
			return err
		})
		if err != nil {
			return fmt.Errorf("look for what is left of deleted rows in %s: %w", t.Name, err)
		}
	}
	return nil
}

// linkNames are the columns by which rows of the recipe's parts hang on a part,
// where they tell more than "id".
func (d *Desk) linkNames(p *Part) []string {
	var names []string
	for _, child := range d.parts {
		for column, of := range child.Link {
			if child.Of == p.Name && strings.EqualFold(of, p.Key[0]) && !strings.EqualFold(column, "id") && !strings.EqualFold(column, "object_id") {
				names = append(names, strings.ToLower(column))
			}
		}
	}
	return names
}
