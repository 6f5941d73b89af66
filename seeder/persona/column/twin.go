package column

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
)

// Twins knows how much rows have in common with their nearest neighbour. What
// two rows have in common is measured in nats: a value that one row in a
// hundred has counts 4.6, one that all have counts nothing. It is safe for
// concurrent use.
type Twins struct {
	columns []*Column
	rows    [][]Value
	probing sync.Once
	limits  []float64 // of sampled rows, in order
	bound   []int     // columns that go together have the same number
}

// How many rows are compared: each of some with each of more.
const (
	maxRows   = 4000
	maxProbes = 300
)

// LearnTwins learns from rows of the columns that are not identity, in the
// order of columns. What goes together does so for equal values of the columns
// within: a postcode is of one town in one country. It looks at 4,000 rows at most.
func LearnTwins(columns []*Column, rows [][]Value, within ...int) *Twins {
	t := &Twins{columns: columns, rows: rows[:min(len(rows), maxRows)]}
	t.bind(within)
	return t
}

// probe looks how much sampled rows have in common with their nearest one.
func (t *Twins) probe() {
	for i := 0; i < len(t.rows); i += max(len(t.rows)/maxProbes, 1) {
		best := 0.0
		for j := range t.rows {
			if i != j {
				best = max(best, t.Kinship(t.rows[i], t.rows[j]))
			}
		}
		t.limits = append(t.limits, best)
	}
	slices.Sort(t.limits)
}

// Kinship tells how much two rows have in common.
func (t *Twins) Kinship(a, b []Value) float64 {
	sum := 0.0
	for i, c := range t.columns {
		if a[i] == b[i] {
			sum -= math.Log(c.frequency(a[i]))
		}
	}
	return sum
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

// Limit draws how much a row may have in common with its nearest neighbour: as
// much as some row of the sample has.
func (t *Twins) Limit(rng *rand.Rand) float64 {
	t.probing.Do(t.probe)
	if len(t.limits) == 0 {
		return math.Inf(1)
	}
	return t.limits[rng.IntN(len(t.limits))]
}

// Near gives sampled rows that resemble a row most, the nearest first, without
// those that are equal to it.
func (t *Twins) Near(row []Value, n int) [][]Value {
	type kin struct {
		row  []Value
		near float64
	}
	var all []kin
	for _, r := range t.rows {
		if !slices.Equal(r, row) {
			all = append(all, kin{r, t.Kinship(r, row)})
		}
	}
	slices.SortStableFunc(all, func(a, b kin) int { return cmp.Compare(b.near, a.near) })
	out := make([][]Value, 0, n)
	for _, k := range all[:min(n, len(all))] {
		out = append(out, k.row)
	}
	return out
}

// Apart gives the canary's row with some values of further donors, which
// resemble the first, so that it has no more in common with any of them than
// the limit. Only values that are everybody's are taken, and columns of which one
// follows from the other (city and postcode) are taken together. Where this is
// not enough the row is the least near that was found, and ok is false.
func (t *Twins) Apart(rng *rand.Rand, canary, donor []Value, limit float64) (row []Value, ok bool) {
	best, least := canary, t.Kinship(canary, donor)
	if least <= limit {
		return canary, true
	}
	const seconds, rounds = 24, 3
	near := t.Near(donor, seconds)
	for range rounds {
		rng.Shuffle(len(near), func(i, j int) { near[i], near[j] = near[j], near[i] })
		row := canary
		for i, second := range near {
			row = t.blend(rng, row, donor, second, limit)
			kin := t.Kinship(row, donor)
			for _, s := range near[:i+1] {
				kin = max(kin, t.Kinship(row, s))
			}
			if kin < least {
				best, least = row, kin
			}
			if kin <= limit {
				return row, true
			}
		}
	}
	return best, false
}

// blend takes groups of columns from a second donor until the row is apart
// from the first.
func (t *Twins) blend(rng *rand.Rand, canary, donor, second []Value, limit float64) []Value {
	row := slices.Clone(canary)
	for _, group := range rng.Perm(len(t.columns)) {
		if t.Kinship(row, donor) <= limit {
			break
		}
		free := true
		for i, g := range t.bound {
			free = free && (g != group || t.columns[i].Shared(second[i]) && row[i] == donor[i])
		}
		if !free {
			continue
		}
		for i, g := range t.bound {
			if g == group {
				row[i] = second[i]
			}
		}
	}
	return row
}

// bind finds columns that go together: of nearly all rows with the same value
// in one, the value in the other is the same.
func (t *Twins) bind(within []int) {
	t.bound = make([]int, len(t.columns))
	for i := range t.bound {
		t.bound[i] = i
	}
	for a := range t.columns {
		for b := range t.columns {
			if a == b || t.bound[a] == t.bound[b] || slices.Contains(within, a) || slices.Contains(within, b) || !t.follows(a, b, within) {
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
		key := keyIn(r, a, within)
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

// keyIn is a value of a row with those that it counts within.
func keyIn(row []Value, a int, within []int) string {
	parts := []string{row[a].Text}
	for _, i := range within {
		parts = append(parts, row[i].Text)
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
