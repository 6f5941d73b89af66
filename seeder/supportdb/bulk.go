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
	bulkRows  = 1000
	bulkBytes = 512 << 10 // well below the smallest usual max_allowed_packet
)

// InsertMany is Insert for first seedings: the rows of all images go in table by
// table, many with one statement, in the order of their dates. What it promises
// is what Insert promises.
func (d *Desk) InsertMany(ctx context.Context, images []Image, before func(context.Context, []Keys) error) error {
	b := &bulk{d: d}
	for i := range images {
		w := &writing{d: d, image: images[i].Clone()}
		w.keys.Rows = make([][]string, len(w.image.Items))
		b.all = append(b.all, w)
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
	w    *writing
	item int
	row  Row
	date string
}

func (b *bulk) run(ctx context.Context) error {
	var version string
	if err := b.tx.QueryRowContext(ctx, "SELECT VERSION(), @@auto_increment_increment").Scan(&version, &b.step); err != nil {
		return classify(err)
	}
	b.returning = returns(version)
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
	groups := map[string][]place{} // by columns: some rows have keys of their own
	var heads []string
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
			head := strings.Join(row.Columns, "\x00")
			if groups[head] == nil {
				heads = append(heads, head)
			}
			groups[head] = append(groups[head], place{w, n, row, row.Get(date).Text()})
		}
	}
	for _, head := range heads {
		rows := groups[head]
		if p.auto != "" {
			slices.SortStableFunc(rows, func(a, b place) int { return strings.Compare(a.date, b.date) })
		}
		for len(rows) > 0 {
			n := fitting(rows)
			if err := b.statement(ctx, p, rows[:n]); err != nil {
				return err
			}
			rows = rows[n:]
		}
	}
	return nil
}

// fitting is the number of rows that go into one statement.
func fitting(rows []place) int {
	size := 0
	for i, r := range rows {
		for _, v := range r.row.Values {
			size += 2*len(v.Text()) + 4
		}
		if i > 0 && (size > bulkBytes || i == bulkRows) {
			return i
		}
	}
	return len(rows)
}

// statement inserts rows with the same columns and notes their keys.
func (b *bulk) statement(ctx context.Context, p *Part, rows []place) error {
	columns := rows[0].row.Columns
	one := "(" + marks(len(columns)) + ")"
	s := statement{query: "INSERT INTO " + quote(p.Table.Name) + " (" + quoteAll(columns) + ") VALUES " + strings.TrimSuffix(strings.Repeat(one+", ", len(rows)), ", ")}
	for _, r := range rows {
		for _, v := range r.row.Values {
			s.args = append(s.args, v.arg())
		}
	}
	given, err := b.send(ctx, p, s, len(rows), rows[0].row.Has(p.auto) || p.auto == "")
	if err != nil {
		return err
	}
	for i, r := range rows {
		if given != nil {
			r.w.image.Items[r.item].Row.Set(p.auto, Text(given[i]))
			r.row.Set(p.auto, Text(given[i]))
		}
		key := make([]string, len(p.Key))
		for k, c := range p.Key {
			key[k] = r.row.Get(spelling(p.Table, c)).Text()
		}
		r.w.keys.Rows[r.item] = key
		if err := r.w.counted(ctx, b.tx, r.item, key); err != nil {
			return err
		}
	}
	return nil
}

// send sends a statement and gives the keys that the server gave, in the order
// of the rows: what it returns, or the first and the step between them, which
// holds for inserts whose rows are counted beforehand (MySQL Reference,
// AUTO_INCREMENT Handling in InnoDB, "simple inserts").
func (b *bulk) send(ctx context.Context, p *Part, s statement, n int, known bool) ([]string, error) {
	if !known && b.returning {
		return b.returned(ctx, p, s, n)
	}
	result, err := b.tx.ExecContext(ctx, s.query, s.args...)
	if err != nil || known {
		return nil, classify(err)
	}
	first, err := result.LastInsertId()
	if err != nil || first <= 0 {
		return nil, fmt.Errorf("table %s: the server gave no key: %w", p.Table.Name, errors.Join(err, ErrSchema))
	}
	given := make([]string, n)
	for i := range given {
		given[i] = strconv.FormatInt(first+int64(i)*b.step, 10)
	}
	return given, nil
}

// returned sends a statement that returns the keys.
func (b *bulk) returned(ctx context.Context, p *Part, s statement, n int) ([]string, error) {
	rows, err := b.tx.QueryContext(ctx, s.query+" RETURNING "+quote(p.auto), s.args...)
	if err != nil {
		return nil, classify(err)
	}
	defer func() { _ = rows.Close() }() // rows.Err below has the fault
	var given []string
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
		return nil, fmt.Errorf("table %s: %d keys for %d rows: %w", p.Table.Name, len(given), n, ErrSchema)
	}
	return given, nil
}
