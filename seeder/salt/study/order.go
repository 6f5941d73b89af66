package study

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"unicode"
)

// By is what a column is sorted by.
type By string

// The orders.
const (
	ByNumber  By = "number"
	ByTime    By = "time"
	ByBytes   By = "bytes"
	ByLetters By = "letters" // without regard to case and accents
)

// Sort is one column of the order in which a list stands.
type Sort struct {
	Column  int
	By      By
	Falling bool
	when    *Layout
}

// Compare tells which of two cells comes first in the list.
func (k *Sort) Compare(a, b []byte) int {
	c := k.compare(inner(a), inner(b))
	if k.Falling {
		return -c
	}
	return c
}

// inner is a cell without its quotes.
func inner(cell []byte) []byte {
	if len(cell) >= 2 && cell[0] == '"' {
		return cell[1 : len(cell)-1]
	}
	return cell
}

func (k *Sort) compare(a, b []byte) int {
	switch k.By {
	case ByNumber:
		return cmp.Or(cmp.Compare(len(a), len(b)), bytes.Compare(a, b))
	case ByTime:
		if !k.when.sortable() {
			return k.when.number(a, b)
		}
	case ByLetters:
		return compareLetters(a, b)
	case ByBytes:
	}
	return bytes.Compare(a, b)
}

// compareLetters compares without case and accents; most texts have none of the
// latter.
func compareLetters(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] >= 0x80 || b[i] >= 0x80 {
			return strings.Compare(letters(string(a[i:])), letters(string(b[i:])))
		}
		if x, y := small(a[i]), small(b[i]); x != y {
			return cmp.Compare(x, y)
		}
	}
	return cmp.Compare(len(a), len(b))
}

func small(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// letters is a text without case and the accents of Western Europe.
func letters(text string) string {
	const accented, plain = "àáâãäåçèéêëìíîïñòóôõöøùúûüýÿśšşłżźžćčęěăąőűůńňğįťďř", "aaaaaaceeeeiiiinoooooouuuuyyssslzzzcceeaaouunngitdr"
	base := []rune(plain)
	from := []rune(accented)
	return strings.Map(func(r rune) rune {
		r = unicode.ToLower(r)
		if i := slices.Index(from, r); r > 0x7f && i >= 0 {
			return base[i]
		}
		return r
	}, strings.ReplaceAll(text, "ß", "ss"))
}

// roughly is the share of neighbours that may be out of order: texts are sorted
// by rules that are only roughly known, rows that were written at once are not
// quite in the order of their times, and within a country all begins anew.
const roughly = 0.01

// trend watches whether a column rises or falls from row to row.
type trend struct {
	column int
	ways   []*course
	prev   []byte
	seen   bool
}

// course is one way of comparing.
type course struct {
	key      Sort
	up, down int64
	dead     bool
}

func newTrend(column int, c *Column) *trend {
	t := &trend{column: column}
	by := []By{ByBytes, ByLetters}
	if c.When != nil {
		by = []By{ByTime}
	} else if c.Kind != Phone {
		by = append([]By{ByNumber}, by...)
	}
	for _, b := range by {
		t.ways = append(t.ways, &course{key: Sort{Column: column, By: b, when: c.When}})
	}
	return t
}

// step takes in the next cell of the column.
func (t *trend) step(cell []byte) {
	if len(t.ways) == 0 {
		return
	}
	v, died := inner(cell), false
	for _, c := range t.ways {
		c.step(t.prev, v, t.seen)
		died = died || c.dead
	}
	if died {
		t.ways = slices.DeleteFunc(t.ways, func(c *course) bool { return c.dead })
	}
	t.prev, t.seen = append(t.prev[:0], v...), true
}

func (c *course) step(last, next []byte, compare bool) {
	if c.key.By == ByNumber && !isNumber(next) {
		c.dead = true
		return
	}
	if !compare {
		return
	}
	switch c.key.compare(last, next) {
	case -1:
		c.up++
	case 1:
		c.down++
	}
	c.dead = min(c.up, c.down) > 3 && !c.inOrder(2)
}

// inOrder reports whether so many times the tolerable are out of order at most.
func (c *course) inOrder(times float64) bool {
	return float64(min(c.up, c.down)) <= times*roughly*float64(c.up+c.down)
}

func isNumber(v []byte) bool {
	for _, d := range v {
		if d < '0' || d > '9' {
			return false
		}
	}
	return len(v) <= maxDigits && (len(v) < 2 || v[0] != '0')
}

// sorted says whether the column is in order throughout.
func (t *trend) sorted() (k Sort, steps int64, ok bool) {
	var best *course
	for _, c := range t.ways {
		if !c.inOrder(1) || c.up+c.down == 0 {
			continue
		}
		if best == nil || min(c.up, c.down) < min(best.up, best.down) {
			best = c
		}
	}
	if best == nil {
		return Sort{}, 0, false
	}
	best.key.Falling = best.down > best.up
	return best.key, best.up + best.down, true
}

// ordered fills in by what the list is sorted, the column with the fewest steps
// first: within its ties the others go on.
func (s *student) ordered() {
	type sorted struct {
		Sort
		steps int64
	}
	var all []sorted
	for _, t := range s.trends {
		if k, steps, ok := t.sorted(); ok && t.column < len(s.f.Columns) {
			all = append(all, sorted{k, steps})
		}
	}
	slices.SortStableFunc(all, func(a, b sorted) int { return cmp.Compare(a.steps, b.steps) })
	for _, k := range all {
		s.f.Order = append(s.f.Order, k.Sort)
	}
	if n := len(all); n > 0 && s.ties.key != nil && s.ties.column == all[n-1].Column {
		s.f.Order = append(s.f.Order, *s.ties.key)
	}
	for _, g := range s.gaps {
		if !g.dead && g.column < len(s.f.Columns) {
			s.f.Columns[g.column].Gap = &g.Gap
		}
	}
}

// tiebreak is the column by which rows are sorted that are alike in another.
type tiebreak struct {
	column int
	key    *Sort
}

// findTies looks at the first rows: among neighbours that are alike in the
// finest column of the order, is another column in order?
func findTies(columns []Column, rows []Row) tiebreak {
	const few = 12
	finest, most := -1, int64(0)
	for i := range columns {
		t := newTrend(i, &columns[i])
		for j := range rows {
			t.step(rows[j].Cell(i))
		}
		if _, steps, ok := t.sorted(); ok && steps > most {
			finest, most = i, steps
		}
	}
	if finest < 0 {
		return tiebreak{column: -1}
	}
	for i := range columns {
		if i == finest {
			continue
		}
		t := newTrend(i, &columns[i])
		for j := 1; j < len(rows); j++ {
			if bytes.Equal(rows[j].Cell(finest), rows[j-1].Cell(finest)) {
				t.seen = false
				t.step(rows[j-1].Cell(i))
				t.step(rows[j].Cell(i))
			}
		}
		if k, steps, ok := t.sorted(); ok && steps >= few {
			return tiebreak{finest, &k}
		}
	}
	return tiebreak{column: -1}
}
