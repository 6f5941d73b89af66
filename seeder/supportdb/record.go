package supportdb

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"saltmine/seeder/recipe"
)

// Record is a customer as it stands, with the rows of all parts of the recipe,
// each behind the row that it belongs to and the rows of a part in the order
// of their keys.
type Record struct {
	Key string // of the customer
	Image
	// Shared says that a row of it also belongs to another customer, so that a
	// copy would be seen there.
	Shared bool
	// Cut says that it has more rows than are read.
	Cut bool
}

// Bounds of what is read together.
const (
	recordGroup = 100    // customers, and rows that others are looked up by
	partRows    = 20_000 // of one part for such a group
)

// tree reads the rows that belong to rows.
type tree struct {
	d *Desk
	// columns lists what is read of a part; nothing leaves the part out.
	columns func(*Part) []string
}

func allColumns(p *Part) []string { return p.Table.names() }

// Donors reads customers, those that the recipe's filter takes, with
// everything that belongs to them.
func (d *Desk) Donors(ctx context.Context, keys []string) ([]Record, error) {
	out, err := d.records(ctx, keys, d.Part(recipe.CustomerPart).Filter)
	if err != nil {
		return nil, fmt.Errorf("read donors: %w", err)
	}
	if err := d.markShared(ctx, out); err != nil {
		return nil, fmt.Errorf("read donors: %w", err)
	}
	return out, nil
}

// Read reads customers by their keys, those that exist.
func (d *Desk) Read(ctx context.Context, keys []string) ([]Record, error) {
	out, err := d.records(ctx, keys, "")
	if err != nil {
		return nil, fmt.Errorf("read customers: %w", err)
	}
	return out, nil
}

func (d *Desk) records(ctx context.Context, keys []string, filter string) ([]Record, error) {
	return d.recordsOf(ctx, tree{d, allColumns}, keys, filter)
}

// recordsOf reads customers with what hangs on them in a tree.
func (d *Desk) recordsOf(ctx context.Context, t tree, keys []string, filter string) ([]Record, error) {
	p := d.Part(recipe.CustomerPart)
	var out []Record
	for group := range slices.Chunk(keys, recordGroup) {
		roots, err := d.rowsBy(ctx, p, allColumns(p), p.Key[0], group, filter)
		if err != nil {
			return nil, err
		}
		records, err := t.grow(ctx, roots)
		if err != nil {
			return nil, err
		}
		out = append(out, records...)
	}
	return out, nil
}

// rowsBy reads rows of a part by a column's values.
func (d *Desk) rowsBy(ctx context.Context, p *Part, columns []string, column string, values []string, filter string) ([]Row, error) {
	if len(values) == 0 {
		return nil, nil
	}
	q := "SELECT " + quoteAll(columns) + " FROM " + quote(p.Table.Name) + " WHERE " + quote(column) + " IN (" + marks(len(values)) + ")" + also(filter) + " ORDER BY " + quoteAll(p.Key)
	var out []Row
	err := d.db.each(ctx, q, anys(values), func(rows *sql.Rows) error {
		r, err := scanRow(rows, columns)
		out = append(out, r)
		return err
	})
	return out, err
}

// also adds a recipe's condition to a WHERE.
func also(filter string) string {
	if filter == "" {
		return ""
	}
	return " AND (" + filter + ")"
}

// grow makes records of customers' rows: part after part is read for all of them.
func (t tree) grow(ctx context.Context, roots []Row) ([]Record, error) {
	key := t.d.Part(recipe.CustomerPart).Key[0]
	out := make([]Record, len(roots))
	for i, r := range roots {
		out[i] = Record{Key: r.Get(key).Text(), Image: Image{Items: []Item{{Part: recipe.CustomerPart, Of: -1, Row: r}}}}
	}
	for _, p := range t.d.parts[1:] {
		if columns := t.columns(p); len(columns) > 0 {
			if err := t.branch(ctx, out, p, columns); err != nil {
				return nil, fmt.Errorf("%s: %w", p.Name, err)
			}
		}
	}
	return out, nil
}

// anchor is a row that rows of a part hang on.
type anchor struct{ record, item int }

// branch reads one part's rows for all records.
func (t tree) branch(ctx context.Context, records []Record, p *Part, columns []string) error {
	on := t.d.link(p)
	anchors := map[string][]anchor{}
	var order []string
	for r := range records {
		for n, item := range records[r].Items {
			if item.Part != p.Of {
				continue
			}
			tuple, whole := tupleOf(&item.Row, on.of)
			if !whole {
				continue
			}
			if anchors[tuple] == nil {
				order = append(order, tuple)
			}
			anchors[tuple] = append(anchors[tuple], anchor{r, n})
		}
	}
	for group := range slices.Chunk(order, recordGroup) {
		if err := t.hang(ctx, records, p, columns, group, anchors); err != nil {
			return err
		}
	}
	return nil
}

// hang reads the rows that hang on a group of anchors and puts them there.
func (t tree) hang(ctx context.Context, records []Record, p *Part, columns, group []string, anchors map[string][]anchor) error {
	on := t.d.link(p)
	count := 0
	err := t.d.db.each(ctx, on.query(p, columns, len(group)), tupleArgs(group), func(rows *sql.Rows) error {
		all, err := scanRow(rows, append(slices.Clone(on.columns), columns...))
		if err != nil {
			return err
		}
		count++
		n := len(on.columns)
		tuple := joinTuple(all.Values[:n])
		row := Row{Columns: columns, Values: all.Values[n:]}
		for _, a := range anchors[tuple] {
			rec := &records[a.record]
			rec.Items = append(rec.Items, Item{Part: p.Name, Of: a.item, Row: row})
		}
		return nil
	})
	if count >= partRows {
		for _, tuple := range group {
			for _, a := range anchors[tuple] {
				records[a.record].Cut = true
			}
		}
	}
	return err
}

// linked says by which columns a part's rows hang on others.
type linked struct {
	columns []string // in the statement, first of the columns that it gives
	of      []string // of the row that they hang on, in the same order
	from    string   // tables of the statement
	alias   string
	filter  string
}

// link gives a part's link; that of tickets may go through other tables.
func (d *Desk) link(p *Part) linked {
	hops := d.recipe.Ticket.Through
	if p.Name != recipe.TicketPart || len(hops) == 0 {
		l := linked{from: quote(p.Table.Name) + " t", alias: "t", filter: p.Filter}
		for _, c := range sortedKeys(p.Link) {
			l.columns = append(l.columns, c)
			l.of = append(l.of, spelling(d.Part(p.Of).Table, p.Link[c]))
		}
		return l
	}
	l := linked{alias: "h0"}
	for i, h := range hops {
		alias := "h" + strconv.Itoa(i)
		table := "(SELECT * FROM " + quote(d.hops[i].Name) + " WHERE 1 = 1" + also(d.recipe.Condition(h.Filter)) + ") " + alias
		if i == 0 {
			l.from = table
			for _, c := range sortedKeys(h.Link) {
				l.columns, l.of = append(l.columns, c), append(l.of, spelling(d.Part(p.Of).Table, h.Link[c]))
			}
			continue
		}
		l.from += " JOIN " + table + " ON " + joined(alias, "h"+strconv.Itoa(i-1), h.Link)
	}
	l.from += " JOIN (SELECT * FROM " + quote(p.Table.Name) + " WHERE 1 = 1" + also(p.Filter) + ") t ON " + joined("t", "h"+strconv.Itoa(len(hops)-1), p.Link)
	return l
}

func joined(left, right string, link map[string]string) string {
	var b strings.Builder
	for i, c := range sortedKeys(link) {
		if i > 0 {
			b.WriteString(" AND ")
		}
		b.WriteString(left + "." + quote(c) + " = " + right + "." + quote(link[c]))
	}
	return b.String()
}

// query selects the link's columns and a part's columns for n anchors.
func (l linked) query(p *Part, columns []string, n int) string {
	list := func(alias string, names []string) string {
		quoted := make([]string, len(names))
		for i, c := range names {
			quoted[i] = alias + "." + quote(c)
		}
		return strings.Join(quoted, ", ")
	}
	one := marks(len(l.columns))
	left := list(l.alias, l.columns)
	if len(l.columns) > 1 {
		one, left = "("+one+")", "("+left+")"
	}
	q := "SELECT " + list(l.alias, l.columns) + ", " + list("t", columns) + " FROM " + l.from +
		" WHERE " + left + " IN (" + strings.TrimSuffix(strings.Repeat(one+", ", n), ", ") + ")"
	if l.filter != "" {
		q += " AND (" + l.filter + ")"
	}
	return q + " ORDER BY " + list("t", p.Key) + " LIMIT " + strconv.Itoa(partRows)
}

// tupleOf joins a row's values; it is not whole when one is NULL.
func tupleOf(r *Row, columns []string) (tuple string, whole bool) {
	values := make([]Value, len(columns))
	for i, c := range columns {
		if values[i] = r.Get(c); values[i].IsNull() {
			return "", false
		}
	}
	return joinTuple(values), true
}

func joinTuple(values []Value) string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = v.Text()
	}
	return strings.Join(texts, "\x00")
}

func tupleArgs(tuples []string) []any {
	var out []any
	for _, t := range tuples {
		for part := range strings.SplitSeq(t, "\x00") {
			out = append(out, part)
		}
	}
	return out
}

func anys(texts []string) []any {
	out := make([]any, len(texts))
	for i, t := range texts {
		out[i] = t
	}
	return out
}
