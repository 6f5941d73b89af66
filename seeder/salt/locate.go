package salt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sort"

	"saltmine/seeder/salt/dialect"
)

// put gives the drafts their final places. Where the list is sorted by what was
// made new, it is read once more to find them.
func (c *Copy) put(ctx context.Context, m *minter, drafts []*draft) error {
	if !m.located {
		return nil
	}
	l := &locator{c: c, waiting: slices.Clone(drafts), rng: source(c.seed(), "ties", 0)}
	slices.SortStableFunc(l.waiting, func(a, b *draft) int { return l.compare(l.keysOf(a), l.keysOf(b)) })
	for i, d := range l.waiting {
		d.piece.Rank, d.piece.Offset = i, -1
	}
	if err := l.read(ctx); err != nil {
		return fmt.Errorf("find places: %w", err)
	}
	l.finish()
	return nil
}

// locator finds where the order of the list wants the drafts.
type locator struct {
	c       *Copy
	waiting []*draft // in the order of the list
	rng     *rand.Rand
}

// keys are the cells by which a row is sorted, with the row's offset.
type keys struct {
	cells  [][]byte
	offset int64
}

func (l *locator) keysOf(d *draft) *keys {
	k := &keys{offset: d.piece.Offset}
	for _, s := range l.c.file.Order {
		k.cells = append(k.cells, d.cells[s.Column])
	}
	return k
}

func (l *locator) compare(a, b *keys) int {
	for i := range l.c.file.Order {
		if c := l.c.file.Order[i].Compare(a.cells[i], b.cells[i]); c != 0 {
			return c
		}
	}
	return 0
}

// read goes through the list with the row before and the row after at hand.
func (l *locator) read(ctx context.Context) error {
	in, err := l.c.order.Open()
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // it was only read
	r := dialect.NewReader(in, l.c.file.Dialect)
	var before, at *keys
	for n := 0; ; n++ {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if n == 0 && l.c.file.Header {
			continue
		}
		if n%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		after := l.keysAt(rec)
		if at != nil {
			l.look(before, at, after)
		}
		before, at = at, after
	}
	if at != nil {
		l.look(before, at, nil)
	}
	return nil
}

func (l *locator) keysAt(rec *dialect.Record) *keys {
	k := &keys{offset: rec.Offset}
	for _, s := range l.c.file.Order {
		var cell []byte
		if s.Column < len(rec.Cells) && rec.Cells[s.Column].From >= 0 {
			cell = bytes.Clone(rec.Raw[rec.Cells[s.Column].From:rec.Cells[s.Column].To])
		}
		k.cells = append(k.cells, cell)
	}
	return k
}

// look puts the drafts that belong between two rows before the second one. Lists
// are sorted by rules that are known roughly: a row that stands out of order
// must not draw all that follows to it, so the row behind is asked too.
func (l *locator) look(before, at, after *keys) {
	from := 0
	if before != nil {
		from = sort.Search(len(l.waiting), func(i int) bool { return l.compare(l.keysOf(l.waiting[i]), before) >= 0 })
	}
	l.waiting = append(l.waiting[:from], slices.DeleteFunc(l.waiting[from:], func(d *draft) bool {
		k := l.keysOf(d)
		c := l.compare(k, at)
		if c > 0 || c == 0 && l.rng.IntN(3) > 0 { // among its likes it stands anywhere
			return false
		}
		if after != nil && l.compare(k, after) > 0 {
			if d.piece.Offset < 0 {
				d.piece.Offset = at.offset // better than none
			}
			return false
		}
		d.piece.Offset = at.offset
		return true
	})...)
}

// finish puts what no row follows to the end.
func (l *locator) finish() {
	for _, d := range l.waiting {
		if d.piece.Offset >= 0 {
			continue
		}
		d.piece.Offset = l.c.file.Bytes
		if eol := l.c.file.Dialect.EOL; !l.c.file.Ended {
			d.piece.Text = append([]byte(eol), bytes.TrimSuffix(d.piece.Text, []byte(eol))...)
		}
	}
}
