package study

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"saltmine/seeder/salt/dialect"
)

// Gap is how the counter of a sorted column moves from row to row.
type Gap struct {
	Falling bool
	Step    int64 // all differences are multiples of it
	Usual   int64 // the difference in the middle, in steps
}

// gap watches a column that counts.
type gap struct {
	Gap
	column    int
	seen, bad int64
	dead      bool // it does not count after all
}

// counter is a value taken apart: the last run of digits counts.
type counter struct {
	head, tail []byte
	width      int
	n          int64
}

// maxDigits keeps a counter within 63 bits.
const maxDigits = 18

func parseCounter(v []byte) (c counter, ok bool) {
	to := len(v)
	for to > 0 && (v[to-1] < '0' || v[to-1] > '9') {
		to--
	}
	from := to
	for from > 0 && v[from-1] >= '0' && v[from-1] <= '9' {
		from--
	}
	if from == to || to-from > maxDigits {
		return c, false
	}
	c = counter{head: v[:from], tail: v[to:], width: to - from}
	for _, d := range v[from:to] {
		c.n = c.n*10 + int64(d-'0')
	}
	return c, true
}

// distance gives how far b is behind a; it is not ok where they belong to
// different series or one is no counter.
func distance(a, b []byte) (d int64, ok bool) {
	x, ok1 := parseCounter(a)
	y, ok2 := parseCounter(b)
	if !ok1 || !ok2 || !bytes.Equal(x.head, y.head) || !bytes.Equal(x.tail, y.tail) {
		return 0, false
	}
	return y.n - x.n, true
}

// findGap tells whether a column counts up or down through the first rows.
func findGap(column int, c *Column, rows []Row) (*gap, bool) {
	if !c.Unique || c.When != nil || c.Kind != Key && c.Kind != Ticket && c.Kind != Other {
		return nil, false
	}
	up, down := distances(column, rows)
	steps := slices.Concat(up, down)
	n := len(steps)
	if n < 10 || n*10 < len(rows)*8 || min(len(up), len(down))*100 > n {
		return nil, false
	}
	g := &gap{column: column, Gap: Gap{Falling: len(up) < len(down)}}
	for _, d := range steps {
		g.Step = gcd(g.Step, d)
	}
	slices.Sort(steps)
	g.Usual = steps[n/2] / g.Step
	return g, true
}

// distances are those between neighbours, by direction.
func distances(column int, rows []Row) (up, down []int64) {
	for i := 1; i < len(rows); i++ {
		d, ok := distance(rows[i-1].Cell(column), rows[i].Cell(column))
		switch {
		case ok && d > 0:
			up = append(up, d)
		case ok && d < 0:
			down = append(down, -d)
		}
	}
	return up, down
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// room reports whether a further row could stand between two. A column that
// turns out not to count asks for no room any more.
func (g *gap) room(before *near, rec *dialect.Record) bool {
	if g.dead || g.column >= len(rec.Cells) || rec.Cells[g.column].From < 0 {
		return g.dead
	}
	d, ok := distance(before.cell(g.column), rec.Raw[rec.Cells[g.column].From:rec.Cells[g.column].To])
	if g.Falling {
		d = -d
	}
	g.seen++
	if !ok || d <= 0 {
		g.bad++
		g.dead = g.seen > 1000 && g.bad*20 > g.seen
		return g.dead
	}
	g.Step = gcd(g.Step, d)
	return d/g.Step >= 2
}

// Between draws a value that lies between those of two neighbouring rows, near
// one of them: a lone value in the middle of a wide gap would be seen.
func (g *Gap) Between(rng *rand.Rand, before, after string) (string, bool) {
	d, ok := distance([]byte(before), []byte(after))
	if g.Falling {
		d = -d
	}
	if !ok || d/g.Step < 2 {
		return "", false
	}
	free := d/g.Step - 1
	from := 1 + rng.Int64N(min(free, max(2*g.Usual-1, 1)))
	if rng.IntN(2) == 0 {
		from = free + 1 - from
	}
	if g.Falling {
		from = -from
	}
	c, _ := parseCounter([]byte(before))
	if other, _ := parseCounter([]byte(after)); other.width != c.width && before[len(c.head)] != '0' {
		c.width = 0
	}
	return c.plus(from * g.Step), true
}

// plus spells the counter that is so much further on.
func (c counter) plus(by int64) string {
	n := strconv.FormatInt(max(c.n+by, 0), 10)
	return string(c.head) + strings.Repeat("0", max(c.width-len(n), 0)) + n + string(c.tail)
}

// Shift gives a number that is so much further on in the series of another:
// TK-0099 and 2 give TK-0101. It is not ok for what has no digits.
func Shift(number string, by int64) (string, bool) {
	c, ok := parseCounter([]byte(number))
	return c.plus(by), ok
}

// Distance gives how far one number is behind another of the same series.
func Distance(from, to string) (int64, bool) { return distance([]byte(from), []byte(to)) }

// Series gives what the numbers of a series have in common with one of them:
// TK-2025- of TK-2025-0042. It is not ok for what has no digits.
func Series(number string) (common string, ok bool) {
	c, ok := parseCounter([]byte(number))
	return string(c.head) + "\x00" + string(c.tail), ok
}
