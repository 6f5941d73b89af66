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
	ByNumber By = "number"
	ByTime   By = "time"
	ByBytes  By = "bytes"
	// ByLetters and those after it disregard case and accents, and differ in where
	// they put what is neither letter nor digit.
	ByLetters  By = "letters"  // as among small letters in ASCII: most programs
	ByCapitals By = "capitals" // as among capitals: MySQL's general_ci
	ByUnicode  By = "unicode"  // before digits and letters: Unicode's collation (UTS 10)
)

// Sort is one column of the order in which a list stands.
type Sort struct {
	Column  int
	By      By
	Falling bool
	when    *Layout
	weight  *[128]byte // of characters, where case is disregarded
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
	case ByLetters, ByCapitals, ByUnicode:
		return compareWeights(k.weight, a, b)
	case ByBytes:
	}
	return bytes.Compare(a, b)
}

// weights gives the place of each ASCII character in an order.
func weights(by By) *[128]byte {
	const unicodeFirst = " _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$"
	var w [128]byte
	for c := range w {
		w[c] = small(byte(c))
		switch at := strings.IndexByte(unicodeFirst, w[c]); {
		case by == ByCapitals && w[c] >= 'a' && w[c] <= 'z':
			w[c] -= 'a' - 'A'
		case by == ByUnicode && at >= 0:
			w[c] = byte(at) //nolint:gosec // below 128
		}
	}
	return &w
}

// compareWeights compares by weight; accents, which most texts have none of,
// are taken off first.
func compareWeights(w *[128]byte, a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] >= 0x80 || b[i] >= 0x80 {
			x, y := letters(string(a[i:])), letters(string(b[i:]))
			if !isASCII(x) || !isASCII(y) {
				return strings.Compare(x, y)
			}
			return compareWeights(w, []byte(x), []byte(y))
		}
		if x, y := w[a[i]], w[b[i]]; x != y {
			return cmp.Compare(x, y)
		}
	}
	return cmp.Compare(len(a), len(b))
}

func isASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r >= 0x80 })
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

// A text may be sorted by a rule that is not known. What is out of order no more
// often than this, and cannot be so by chance, follows the nearest rule that is
// known, which is better than none. By chance it would be one half.
const (
	strangely = 0.30
	hopeless  = 0.42
	noChance  = 200 // steps
)

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
	text     bool
	up, down int64
	dead     bool
}

func newTrend(column int, c *Column) *trend {
	t := &trend{column: column}
	by := []By{ByBytes, ByLetters, ByCapitals, ByUnicode}
	if c.When != nil {
		by = []By{ByTime}
	} else if c.Kind != Phone {
		by = append([]By{ByNumber}, by...)
	}
	for _, b := range by {
		way := &course{key: Sort{Column: column, By: b, when: c.When}, text: b != ByNumber && b != ByTime}
		if b == ByLetters || b == ByCapitals || b == ByUnicode {
			way.key.weight = weights(b)
		}
		t.ways = append(t.ways, way)
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
	if c.text {
		c.dead = min(c.up, c.down) > noChance/4 && c.disorder() > hopeless
	} else {
		c.dead = min(c.up, c.down) > 3 && c.disorder() > 2*roughly
	}
}

// disorder is the share of steps that go the other way.
func (c *course) disorder() float64 {
	return float64(min(c.up, c.down)) / float64(max(c.up+c.down, 1))
}

// inOrder reports whether the column is sorted.
func (c *course) inOrder() bool {
	steps := c.up + c.down
	return steps > 0 && (c.disorder() <= roughly || c.text && steps >= noChance && c.disorder() <= strangely)
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
func (t *trend) sorted() (sorted, bool) {
	var best *course
	for _, c := range t.ways {
		if c.inOrder() && (best == nil || min(c.up, c.down) < min(best.up, best.down)) {
			best = c
		}
	}
	if best == nil {
		return sorted{}, false
	}
	best.key.Falling = best.down > best.up
	return sorted{best.key, best.up + best.down, best.disorder()}, true
}

// sorted is a column that is in order.
type sorted struct {
	Sort
	steps    int64
	disorder float64
}

// ordered fills in by what the list is sorted, the column with the fewest steps
// first: within its ties the others go on. Of columns that follow no known rule
// the one that comes nearest counts, where no other one is in order.
func (s *student) ordered() {
	var all []sorted
	for _, t := range s.trends {
		if k, ok := t.sorted(); ok && t.column < len(s.f.Columns) {
			all = append(all, k)
		}
	}
	if len(all) > 1 {
		slices.SortStableFunc(all, func(a, b sorted) int { return cmp.Compare(a.disorder, b.disorder) })
		all = append(all[:1], slices.DeleteFunc(all[1:], func(k sorted) bool { return k.disorder > roughly })...)
	}
	slices.SortStableFunc(all, func(a, b sorted) int {
		return cmp.Or(cmp.Compare(a.steps, b.steps), cmp.Compare(a.Column, b.Column))
	})
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
	finest := finestOf(columns, rows)
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
		if k, ok := t.sorted(); ok && k.disorder <= roughly && k.steps >= few {
			return tiebreak{finest, &k.Sort}
		}
	}
	return tiebreak{column: -1}
}

// finestOf is the sorted column with the most steps, -1 where none is sorted.
func finestOf(columns []Column, rows []Row) int {
	finest, most := -1, int64(0)
	for i := range columns {
		t := newTrend(i, &columns[i])
		for j := range rows {
			t.step(rows[j].Cell(i))
		}
		if k, ok := t.sorted(); ok && k.disorder <= roughly && k.steps > most {
			finest, most = i, k.steps
		}
	}
	return finest
}
