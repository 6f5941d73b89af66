package study

import (
	"math"
	"math/rand/v2"
	"slices"

	"saltmine/seeder/salt/dialect"
)

// Row is a row of the list, kept.
type Row struct {
	Raw   []byte // without its line end
	Cells []dialect.Cell
	d     *dialect.Dialect
}

// Cell gives a cell as it is written; nil where the row has none.
func (r *Row) Cell(column int) []byte {
	if column < 0 || column >= len(r.Cells) || r.Cells[column].From < 0 {
		return nil
	}
	return r.Raw[r.Cells[column].From:r.Cells[column].To]
}

// Text gives what a cell says; nothing where the row has none.
func (r *Row) Text(column int) string {
	cell := r.Cell(column)
	if cell == nil {
		return ""
	}
	return r.d.Text(cell)
}

func keep(rec *dialect.Record, d *dialect.Dialect) Row {
	return Row{slices.Clone(rec.Raw), slices.Clone(rec.Cells), d}
}

// ring holds the last short rows.
type ring struct {
	rows  [nearRows]near
	n     int  // rows pushed
	fresh bool // the last record was pushed
}

type near struct {
	raw   []byte
	cells []dialect.Cell
}

func (n *near) kept(d *dialect.Dialect) Row {
	return Row{slices.Clone(n.raw), slices.Clone(n.cells), d}
}

func (n *near) cell(column int) []byte {
	if column >= len(n.cells) || n.cells[column].From < 0 {
		return nil
	}
	return n.raw[n.cells[column].From:n.cells[column].To]
}

// push takes a record in, into memory that is used again.
func (r *ring) push(rec *dialect.Record, short bool) {
	if r.fresh = short; !short {
		return
	}
	at := &r.rows[r.n%nearRows]
	at.raw, at.cells = append(at.raw[:0], rec.Raw...), append(at.cells[:0], rec.Cells...)
	r.n++
}

func (r *ring) last() *near { return &r.rows[(r.n-1)%nearRows] }

// pick chooses a row that is not the last one; nil where there is none.
func (r *ring) pick(rng *rand.Rand) *near {
	have := min(r.n, nearRows)
	if have < 2 {
		return nil
	}
	return &r.rows[(r.n-2-rng.IntN(have-1))%nearRows]
}

// reservoir chooses k of a stream of unknown length, each with the same
// probability (Li 1994, Algorithm L: it skips ahead to the next that is taken).
type reservoir struct {
	k    int
	seen int64
	next int64
	w    float64
	rng  *rand.Rand
}

func newReservoir(k int, rng *rand.Rand) reservoir {
	r := reservoir{k: k, rng: rng, w: 1}
	r.next = int64(k)
	r.skip()
	return r
}

func (r *reservoir) skip() {
	if r.k == 0 {
		r.next = math.MaxInt64
		return
	}
	r.w *= math.Exp(math.Log(1-r.rng.Float64()) / float64(r.k))
	jump := math.Log(1-r.rng.Float64()) / math.Log1p(-r.w)
	r.next += int64(min(max(jump, 0), 1e15))
}

// offer says whether the next of the stream is taken, and in whose place.
func (r *reservoir) offer() (at int, ok bool) {
	n := r.seen
	r.seen++
	if n < int64(r.k) {
		return int(n), true
	}
	if n < r.next {
		return 0, false
	}
	r.next = n + 1
	r.skip()
	return r.rng.IntN(r.k), true
}
