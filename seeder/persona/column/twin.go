package column

import (
	"slices"
	"strings"
	"sync"
)

// Twins knows which columns go together, and which by no other. It is safe for
// concurrent use.
type Twins struct {
	columns  []*Column
	rows     [][]Value
	within   []int
	bound    []int // columns that go together have the same number
	counting sync.Once
	loose    []int            // columns that go by no other one, and by nothing under a row
	under    [][]Value        // rows with what is under them
	kin      map[string][]int // rows, by what they are within
}

// maxRows is how many rows are looked at.
const maxRows = 12_000

// LearnTwins learns from rows of the columns that are not identity, in the
// order of columns. Rows may have more than these, which are kept and which
// others go by. What goes together does so for equal values of the columns
// within: a postcode is of one town in one country. It looks at 12,000 rows at most.
func LearnTwins(columns []*Column, rows [][]Value, within ...int) *Twins {
	t := &Twins{columns: columns, within: within}
	for i := range min(len(rows), maxRows) {
		t.rows = append(t.rows, rows[i*len(rows)/min(len(rows), maxRows)])
	}
	for i := len(columns); len(t.rows) > 0 && i < len(t.rows[0]); i++ {
		values := make([]Value, len(t.rows))
		for r := range t.rows {
			values[r] = t.rows[r][i]
		}
		t.columns = append(slices.Clip(t.columns), Learn(values, 0))
	}
	t.bind(within)
	return t
}

// Own is the share of a canary's values that nobody but its donor has.
func (t *Twins) Own(canary, donor []Value) float64 {
	n := 0
	for i, c := range t.columns {
		if !canary[i].Null && canary[i] == donor[i] && c.counts[canary[i].Text] <= 1 {
			n++
		}
	}
	return float64(n) / float64(max(len(t.columns), 1))
}

// bind finds columns that go together: of nearly all rows with the same value
// in one, the value in the other is the same, or begins alike.
func (t *Twins) bind(within []int) {
	t.bound = make([]int, len(t.columns))
	for i := range t.bound {
		t.bound[i] = i
	}
	for a := range t.columns {
		for b := range t.columns {
			if a == b || t.bound[a] == t.bound[b] || slices.Contains(within, a) || slices.Contains(within, b) || !t.follows(a, b, within) && !t.begins(a, b, within) {
				continue
			}
			from, to := t.bound[b], t.bound[a]
			for i := range t.bound {
				if t.bound[i] == from {
					t.bound[i] = to
				}
			}
		}
	}
}

// follows reports whether column b follows from column a, though its values
// are several and those of a come again and again: a household's rows do not tie
// its street to its town.
func (t *Twins) follows(a, b int, within []int) bool {
	const nearly, few, often = 0.95, 30, 10
	first := map[string]Value{}
	kinds := map[Value]int{}
	same, all := 0, 0
	for _, r := range t.rows {
		if r[a].Null || r[b].Null {
			continue
		}
		kinds[r[b]]++
		key := r[a].Text + "\x00" + keyIn(r, within)
		had, known := first[key]
		if !known {
			first[key] = r[b]
			continue
		}
		all++
		if had == r[b] {
			same++
		}
	}
	most := 0
	for _, n := range kinds {
		most = max(most, n)
	}
	varied := float64(most) < 0.8*float64(len(t.rows))
	return varied && all >= max(few, len(t.rows)/often) && float64(same) >= nearly*float64(all)
}

// begins reports whether values of column a, of which there are many, mostly begin
// alike in rows with the same value in b, and seldom in others: postcodes of a
// town, where each is too rare to be met again.
func (t *Twins) begins(a, b int, within []int) bool {
	const alike, mostly, few, times = 2, 0.7, 30, 3
	if !t.columns[a].codes() || t.columns[b].kind != Word {
		return false
	}
	before := map[string]string{} // by the value in b, and by nothing
	var same, all, likewise, others float64
	count := func(key, text string, hits, pairs *float64) {
		if had, known := before[key]; known && had != text {
			*pairs++
			if together(had, text) >= min(alike, len(text)-1) {
				*hits++
			}
		}
		before[key] = text
	}
	for _, r := range t.rows {
		if r[a].Null || r[b].Null || r[a].Text == "" {
			continue
		}
		kin := keyIn(r, within)
		count(r[b].Text+"\x00"+kin, r[a].Text, &same, &all)
		count("\x00\x00"+kin, r[a].Text, &likewise, &others)
	}
	return all >= max(few, float64(len(t.rows))/10) && same >= mostly*all && same/all >= times*likewise/max(others, 1)
}

// keyIn is what a row has in the columns that others go together within.
func keyIn(row []Value, within []int) string {
	parts := make([]string, len(within))
	for k, i := range within {
		parts[k] = row[i].Text
	}
	return strings.Join(parts, "\x00")
}

// Together lists the other columns that go together with a column.
func (t *Twins) Together(i int) []int {
	var out []int
	for k, g := range t.bound {
		if k != i && g == t.bound[i] {
			out = append(out, k)
		}
	}
	return out
}
