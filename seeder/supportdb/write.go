package supportdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// statement is one statement with its arguments; what is executed and what a
// dry run shows are made from the same one.
type statement struct {
	query string
	args  []any
}

func insertOf(table string, r Row) statement {
	s := statement{query: "INSERT INTO " + quote(table) + " (" + quoteAll(r.Columns) + ") VALUES (" + marks(len(r.Columns)) + ")"}
	for _, v := range r.Values {
		s.args = append(s.args, v.arg())
	}
	return s
}

// Insert inserts the images in one transaction. Before COMMIT it calls before
// with the keys that the server gave; an error of before rolls everything
// back. ErrUnknownOutcome means that only reading can tell; after every other
// error nothing stands: what tables without transactions already had is
// deleted again. After each row of such a table it calls before too, with the
// keys of the image's rows so far, so that a run that dies leaves no row without
// a note of it, but the last.
func (d *Desk) Insert(ctx context.Context, images []Image, before func(context.Context, []Keys) error) error {
	var begun []*writing
	err := d.inQuiet(ctx, func(tx *sql.Tx) error {
		if err := d.reserve(ctx, tx, images, 0); err != nil {
			return err
		}
		keys := make([]Keys, len(images))
		for i := range images {
			w := &writing{d: d, tx: tx, image: images[i].Clone()}
			w.note = func(ctx context.Context, k Keys) error {
				keys[i] = k
				return before(ctx, keys[:i+1])
			}
			begun = append(begun, w)
			if err := w.run(ctx); err != nil {
				return err
			}
			if err := w.proven(ctx); err != nil {
				return err
			}
			keys[i] = w.keys
		}
		return before(ctx, keys)
	})
	if err == nil {
		return nil
	}
	if len(d.Transactional()) > 0 && !errors.Is(err, ErrUnknownOutcome) {
		err = errors.Join(err, d.compensate(context.WithoutCancel(ctx), begun))
	}
	return fmt.Errorf("insert: %w", err)
}

// writing is one image on its way into the tables. Its rows take up the keys
// as the server gives them.
type writing struct {
	d     *Desk
	tx    *sql.Tx
	image Image
	lent  bool // the image's rows are the caller's
	keys  Keys
	note  func(context.Context, Keys) error
	begun int // rows that stand already
}

func (w *writing) run(ctx context.Context) error {
	type later struct {
		item   int
		column string
		value  Value
	}
	var owed []later
	for n := w.begun; n < len(w.image.Items); n++ {
		row, open := w.resolved(n)
		for column, v := range open {
			owed = append(owed, later{n, column, v})
		}
		if err := w.insert(ctx, n, row); err != nil {
			return fmt.Errorf("%s: %w", w.image.Items[n].Part, err)
		}
		if w.d.Part(w.image.Items[n].Part).Table.transactional() || n == len(w.image.Items)-1 {
			continue
		}
		if err := w.note(ctx, w.keys); err != nil {
			return err
		}
	}
	w.noteNumbers()
	for _, o := range owed {
		s := w.d.backfill(&w.image, o.item, o.column, w.image.follow(o.value), w.keys.Rows[o.item])
		if _, err := w.tx.ExecContext(ctx, s.query, s.args...); err != nil {
			return fmt.Errorf("%s: %w", w.image.Items[o.item].Part, classify(err))
		}
	}
	return nil
}

// noteNumbers notes the ticket numbers that the server gave.
func (w *writing) noteNumbers() {
	at, _ := w.d.TicketFact("number")
	if !w.d.NumberIsKey() {
		return
	}
	for _, n := range w.image.Tickets() {
		if n < w.begun {
			continue
		}
		w.keys.Numbers = append(w.keys.Numbers, w.image.Get(n, at).Text())
	}
}

// resolved gives a row with its references replaced by values. Those that
// point to rows which are not inserted yet are open: the row begins with NULL,
// zero or nothing there.
func (w *writing) resolved(n int) (row Row, open map[string]Value) {
	return w.d.resolve(&w.image, n)
}

func (d *Desk) resolve(i *Image, n int) (row Row, open map[string]Value) {
	t := d.Part(i.Items[n].Part).Table
	row = i.Items[n].Row
	if !row.tied() {
		return row, nil
	}
	row = row.Clone()
	for at, v := range row.Values {
		if !v.Tied() {
			continue
		}
		v = i.follow(v)
		if v.Tied() {
			if open == nil {
				open = map[string]Value{}
			}
			open[row.Columns[at]] = row.Values[at]
			v = t.Blank(row.Columns[at])
		}
		row.Values[at] = v
	}
	return row, open
}

// Blank is what a column holds until its value is known.
func (t *Table) Blank(column string) Value {
	c, _ := t.Column(column)
	switch {
	case c.Nullable:
		return Null()
	case c.IsText():
		return Text("")
	}
	return Text("0")
}

func (w *writing) insert(ctx context.Context, n int, row Row) error {
	p := w.d.Part(w.image.Items[n].Part)
	s := insertOf(p.Table.Name, row)
	result, err := w.tx.ExecContext(ctx, s.query, s.args...)
	if err != nil {
		return classify(err)
	}
	if p.auto != "" && !row.Has(p.auto) {
		id, err := result.LastInsertId()
		if err != nil || id <= 0 {
			return fmt.Errorf("table %s: the server gave no key: %w", p.Table.Name, errors.Join(err, ErrSchema))
		}
		w.set(n, p.auto, strconv.FormatInt(id, 10))
		row.Set(p.auto, Text(strconv.FormatInt(id, 10)))
	}
	key := make([]string, len(p.Key))
	for i, c := range p.Key {
		key[i] = row.Get(spelling(p.Table, c)).Text()
	}
	w.keys.Rows = append(w.keys.Rows, key)
	return w.counted(ctx, w.tx, n, key)
}

// set gives a row of the image a value that the server gave.
func (w *writing) set(n int, column, text string) {
	if w.lent {
		w.image, w.lent = w.image.Clone(), false
	}
	w.image.Items[n].Row.Set(column, Text(text))
}

// counted reads back a number that the server counts beside the key.
func (w *writing) counted(ctx context.Context, tx *sql.Tx, n int, key []string) error {
	p := w.d.Part(w.image.Items[n].Part)
	for i := range p.Table.Columns {
		c := &p.Table.Columns[i]
		if !c.Auto || c.Name == p.auto || w.image.Items[n].Row.Has(c.Name) {
			continue
		}
		var got sql.NullString
		q := "SELECT " + quote(c.Name) + " FROM " + quote(p.Table.Name) + " WHERE " + equalities(p.Key)
		if err := tx.QueryRowContext(ctx, q, anys(key)...).Scan(&got); err != nil {
			return classify(err)
		}
		w.set(n, c.Name, got.String)
	}
	return nil
}

// equalities writes "`a` = ? AND `b` = ?".
func equalities(columns []string) string {
	each := make([]string, len(columns))
	for i, c := range columns {
		each[i] = quote(c) + " = ?"
	}
	return strings.Join(each, " AND ")
}

// backfill sets a column whose value was not known when the row was inserted.
// Columns that the server would set to now stay as they are.
func (d *Desk) backfill(i *Image, n int, column string, v Value, key []string) statement {
	p := d.Part(i.Items[n].Part)
	set := []string{quote(column) + " = ?"}
	for at := range p.Table.Columns {
		if c := &p.Table.Columns[at]; c.OnUpdate && c.Name != column {
			set = append(set, quote(c.Name)+" = "+quote(c.Name))
		}
	}
	return statement{
		query: "UPDATE " + quote(p.Table.Name) + " SET " + strings.Join(set, ", ") + " WHERE " + equalities(p.Key),
		args:  append([]any{v.arg()}, anys(key)...),
	}
}

func deleteByKey(p *Part) string {
	return "DELETE FROM " + quote(p.Table.Name) + " WHERE " + equalities(p.Key)
}

// compensate deletes what tables without transactions hold of images that
// were not inserted as a whole.
func (d *Desk) compensate(ctx context.Context, begun []*writing) error {
	var faults []error
	for _, w := range begun {
		for n, key := range slices.Backward(w.keys.Rows) {
			p := d.Part(w.image.Items[n].Part)
			if p.Table.transactional() || len(key) == 0 {
				continue
			}
			q := deleteByKey(p)
			if _, err := d.db.sql.ExecContext(ctx, q, anys(key)...); err != nil {
				faults = append(faults, fmt.Errorf("take a row of %s back: %w", p.Table.Name, classify(err)))
			}
		}
	}
	return errors.Join(faults...)
}

// Change is an UPDATE of one row in place.
type Change struct {
	Part  string
	Key   []string
	Guard string // the column that must still hold Old
	Old   Value
	Set   Row
}

func (d *Desk) update(c Change) statement {
	p := d.Part(c.Part)
	s := statement{query: "UPDATE " + quote(p.Table.Name) + " SET "}
	for i, column := range c.Set.Columns {
		if i > 0 {
			s.query += ", "
		}
		s.query += quote(column) + " = ?"
		s.args = append(s.args, c.Set.Values[i].arg())
	}
	s.query += " WHERE " + equalities(p.Key) + " AND " + quote(c.Guard) + " = ?"
	s.args = append(append(s.args, anys(c.Key)...), c.Old.arg())
	return s
}

// Update makes the changes in one transaction, each if the guarded column
// still holds the old value; it is ErrStale, and nothing was changed, if one
// does not. After ErrUnknownOutcome only reading can tell.
func (d *Desk) Update(ctx context.Context, changes ...Change) error {
	if len(changes) == 1 {
		s := d.update(changes[0])
		result, err := d.db.sql.ExecContext(ctx, s.query, s.args...)
		if err != nil {
			return fmt.Errorf("update: %w", sent(err)) // it commits by itself
		}
		return one(result, "update")
	}
	err := d.db.inTx(ctx, func(tx *sql.Tx) error {
		for _, c := range changes {
			s := d.update(c)
			result, err := tx.ExecContext(ctx, s.query, s.args...)
			if err != nil {
				return classify(err)
			}
			if err := one(result, c.Part); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("update: %w", err)
	}
	return nil
}

func one(result sql.Result, what string) error {
	n, err := result.RowsAffected()
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", what, err)
	case n == 0:
		return fmt.Errorf("%s: %w", what, ErrStale)
	case n > 1:
		return fmt.Errorf("%s: %d rows have one primary key: %w", what, n, ErrSchema)
	}
	return nil
}

// CustomerKey is the key of a canary's customer row, empty without one.
func (i *Image) CustomerKey(k Keys) string {
	if n := i.Customer(); n >= 0 && n < len(k.Rows) {
		return k.Rows[n][0]
	}
	return ""
}
