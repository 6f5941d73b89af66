package supportdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"saltmine/seeder/recipe"
)

// Bounds of one statement of a bulk insert.
const (
	bulkRows   = 200       // more of them fill the server's caches with the statement
	bulkBytes  = 512 << 10 // well below the smallest usual max_allowed_packet
	bulkValues = 1<<16 - 1 // of a prepared statement
)

// InsertMany is Insert for first seedings: the rows of all images go in table by
// table, many with one statement, in the order of their dates. What it promises
// is what Insert promises.
func (d *Desk) InsertMany(ctx context.Context, images []Image, before func(context.Context, []Keys) error) error {
	b := &bulk{d: d, all: make([]*writing, len(images))}
	for i, image := range images {
		b.all[i] = &writing{d: d, image: image, lent: true, keys: Keys{Rows: make([][]string, len(image.Items))}}
	}
	err := d.inQuiet(ctx, func(tx *sql.Tx) error {
		b.tx = tx
		if err := d.reserve(ctx, tx, images, 0); err != nil {
			return err
		}
		if err := b.run(ctx); err != nil {
			return err
		}
		keys := make([]Keys, len(b.all))
		for i, w := range b.all {
			w.noteNumbers()
			keys[i] = w.keys
		}
		return before(ctx, keys)
	})
	if err == nil {
		return nil
	}
	if len(d.Transactional()) > 0 && !errors.Is(err, ErrUnknownOutcome) {
		err = errors.Join(err, d.compensate(context.WithoutCancel(ctx), b.all))
	}
	return fmt.Errorf("insert: %w", err)
}

// bulk is one run of InsertMany.
type bulk struct {
	d         *Desk
	tx        *sql.Tx
	all       []*writing
	returning bool  // the server tells the keys that it gave
	step      int64 // between them, where it does not
	infile    bool  // it takes rows as a file
	inRow     bool  // and gives them keys that follow one another
	owed      []owed
}

// owed is a column whose value was not known when its row was inserted.
type owed struct {
	w      *writing
	item   int
	column string
	value  Value
}

// place is a row of an image.
type place struct {
	w     *writing
	item  int
	row   Row
	date  string
	bytes bool // a value is no text: only text says of itself which of the two it is
}

func (b *bulk) run(ctx context.Context) error {
	if err := b.askServer(ctx); err != nil {
		return err
	}
	for _, p := range b.d.insertOrder() {
		if err := b.part(ctx, p); err != nil {
			return fmt.Errorf("%s: %w", p.Name, err)
		}
	}
	for _, o := range b.owed {
		s := b.d.backfill(&o.w.image, o.item, o.column, o.w.image.follow(o.value), o.w.keys.Rows[o.item])
		if _, err := b.tx.ExecContext(ctx, s.query, s.args...); err != nil {
			return fmt.Errorf("%s: %w", o.w.image.Items[o.item].Part, classify(err))
		}
	}
	return nil
}

// returns reports whether a server knows INSERT … RETURNING (MariaDB 10.5).
func returns(version string) bool {
	major, rest, _ := strings.Cut(version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	a, errA := strconv.Atoi(major)
	m, errM := strconv.Atoi(minor)
	return strings.Contains(version, "MariaDB") && errA == nil && errM == nil && (a > 10 || a == 10 && m >= 5)
}

// insertOrder lists the parts in the order in which a record's rows are
// inserted.
func (d *Desk) insertOrder() []*Part {
	var out []*Part
	var emit func(p *Part)
	children := func(of *Part, first bool) {
		for _, p := range d.parts[2:] {
			if p.Of == of.Name && p.First == first {
				emit(p)
			}
		}
	}
	emit = func(p *Part) {
		children(p, true)
		out = append(out, p)
		children(p, false)
	}
	emit(d.Part(recipe.CustomerPart))
	emit(d.Part(recipe.TicketPart))
	return out
}

// part inserts all rows of a part.
func (b *bulk) part(ctx context.Context, p *Part) error {
	var groups [][]*place // by columns: some rows have keys of their own
	at := 0               // the group of the row before, mostly that of the next
	date := b.d.dateOf(p)
	for _, w := range b.all {
		for n := range w.image.Items {
			if w.image.Items[n].Part != p.Name {
				continue
			}
			row, open := b.d.resolve(&w.image, n)
			for column, v := range open {
				b.owed = append(b.owed, owed{w, n, column, v})
			}
			r := &place{w, n, row, row.Get(date).Text(), row.bytes()}
			like := func(g []*place) bool { return slices.Equal(g[0].row.Columns, row.Columns) }
			if at >= len(groups) || !like(groups[at]) {
				at = slices.IndexFunc(groups, like)
			}
			if at < 0 {
				at, groups = len(groups), append(groups, nil)
			}
			groups[at] = append(groups[at], r)
		}
	}
	for _, rows := range groups {
		if p.auto != "" {
			slices.SortStableFunc(rows, func(a, b *place) int { return strings.Compare(a.date, b.date) })
		}
		if err := b.insert(ctx, p, rows); err != nil {
			return err
		}
	}
	return nil
}

// insert inserts rows with the same columns.
func (b *bulk) insert(ctx context.Context, p *Part, rows []*place) error {
	i := inserting{b: b, p: p, known: rows[0].row.Has(p.auto) || p.auto == ""}
	rows, err := i.load(ctx, rows)
	if err != nil || len(rows) == 0 {
		return err
	}
	each := fitting(rows)
	if len(rows) >= 2*each && !anyBytes(rows) {
		i.prepare(ctx, rows[:each])
		defer i.close()
	}
	for len(rows) > 0 {
		n := min(each, fitting(rows))
		if err := i.some(ctx, rows[:n]); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// fitting is the number of rows that go into one statement.
func fitting(rows []*place) int {
	size := 0
	for i, r := range rows {
		for _, v := range r.row.Values {
			size += 2*len(v.Text()) + 4
		}
		if i > 0 && (size > bulkBytes || i == bulkRows || (i+1)*len(r.row.Values) > bulkValues) {
			return i
		}
	}
	return len(rows)
}

func anyBytes(rows []*place) bool {
	return slices.ContainsFunc(rows, func(r *place) bool { return r.bytes })
}

// inserting inserts rows of one part with the same columns.
type inserting struct {
	b     *bulk
	p     *Part
	known bool // the rows have their keys
	// ready is the statement for as many rows, where there is work for it: the
	// server then reads it once, and takes rows as quickly as LOAD DATA.
	ready *sql.Stmt
	rows  int
}

func (i *inserting) prepare(ctx context.Context, rows []*place) {
	i.rows = len(rows)
	i.ready, _ = i.b.tx.PrepareContext(ctx, i.query(rows)) // else it goes as text, and tells what is wrong
}

func (i *inserting) close() {
	if i.ready != nil {
		_ = i.ready.Close() // the server forgets it with the session at the latest
	}
}

func (i *inserting) query(rows []*place) string {
	columns := rows[0].row.Columns
	one := "(" + marks(len(columns)) + ")"
	q := "INSERT INTO " + quote(i.p.Table.Name) + " (" + quoteAll(columns) + ") VALUES " + one + strings.Repeat(", "+one, len(rows)-1)
	if !i.known && i.b.returning {
		q += " RETURNING " + quote(i.p.auto)
	}
	return q
}

// some inserts rows with one statement and notes their keys.
func (i *inserting) some(ctx context.Context, rows []*place) error {
	s := statement{args: make([]any, 0, len(rows)*len(rows[0].row.Values))}
	for _, r := range rows {
		for _, v := range r.row.Values {
			s.args = append(s.args, v.arg())
		}
	}
	ready := i.ready
	if ready == nil || len(rows) != i.rows {
		ready, s.query = nil, i.query(rows)
	}
	given, err := i.send(ctx, ready, s, len(rows))
	if err != nil {
		return err
	}
	return i.note(ctx, rows, given)
}

// note notes the keys of rows that stand: those that the server gave, or their own.
func (i *inserting) note(ctx context.Context, rows []*place, given []string) error {
	columns := make([]string, len(i.p.Key))
	for k, c := range i.p.Key {
		columns[k] = spelling(i.p.Table, c)
	}
	for n, r := range rows {
		if given != nil && (len(r.w.image.Items) > 1 || i.b.d.NumberIsKey()) { // else nothing refers to it
			r.w.set(r.item, i.p.auto, given[n])
		}
		key := make([]string, len(columns))
		for k, c := range columns {
			if c == i.p.auto && given != nil {
				key[k] = given[n]
				continue
			}
			key[k] = r.row.Get(c).Text()
		}
		r.w.keys.Rows[r.item] = key
		if err := r.w.counted(ctx, i.b.tx, r.item, key); err != nil {
			return err
		}
	}
	return nil
}

// send sends a statement and gives the keys that the server gave, in the order
// of the rows: what it returns, or the first and the step between them, which
// holds for inserts whose rows are counted beforehand (MySQL Reference,
// AUTO_INCREMENT Handling in InnoDB, "simple inserts").
func (i *inserting) send(ctx context.Context, ready *sql.Stmt, s statement, n int) ([]string, error) {
	if !i.known && i.b.returning {
		return i.returned(ctx, ready, s, n)
	}
	var result sql.Result
	var err error
	if ready != nil {
		result, err = ready.ExecContext(ctx, s.args...)
	} else {
		result, err = i.b.tx.ExecContext(ctx, s.query, s.args...)
	}
	if err != nil || i.known {
		return nil, classify(err)
	}
	first, err := result.LastInsertId()
	if err != nil || first <= 0 {
		return nil, fmt.Errorf("table %s: the server gave no key: %w", i.p.Table.Name, errors.Join(err, ErrSchema))
	}
	return i.b.following(first, n), nil
}

// returned sends a statement that returns the keys.
func (i *inserting) returned(ctx context.Context, ready *sql.Stmt, s statement, n int) ([]string, error) {
	var rows *sql.Rows
	var err error
	if ready != nil {
		rows, err = ready.QueryContext(ctx, s.args...)
	} else {
		rows, err = i.b.tx.QueryContext(ctx, s.query, s.args...)
	}
	if err != nil {
		return nil, classify(err)
	}
	defer func() { _ = rows.Close() }() // rows.Err below has the fault
	given := make([]string, 0, n)
	for rows.Next() {
		var key string
		if err := rows.Scan(&key); err != nil {
			return nil, fmt.Errorf("read the keys: %w", err)
		}
		given = append(given, key)
	}
	if err := rows.Err(); err != nil {
		return nil, classify(err)
	}
	if len(given) != n {
		return nil, fmt.Errorf("table %s: %d keys for %d rows: %w", i.p.Table.Name, len(given), n, ErrSchema)
	}
	return given, nil
}
