package seeder

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"

	"saltmine/seeder/persona/column"
	"saltmine/seeder/supportdb"
)

// cohort are the rows of people of one country and language, or of all: what is
// rare in one country is not so in another.
type cohort struct {
	rows    [][]column.Value
	columns []*column.Column
	bundles []*column.Bundle
}

// leastCohort is how many rows of the sample make a cohort of its own.
const leastCohort = 400

// newCohort learns the columns of rows, of a table that has all such rows.
func newCohort(rows [][]column.Value, columns, all int) *cohort {
	c := &cohort{rows: rows}
	for i := range columns {
		c.columns = append(c.columns, column.Learn(c.pick(rows, i), all))
	}
	return c
}

// cohorts divides the rows, and finds which columns go together.
func (sp *studiedPart) cohorts(all int) {
	groups := map[string][][]column.Value{}
	for _, row := range sp.rows {
		key := sp.kinOf(row)
		groups[key] = append(groups[key], row)
	}
	sp.bundles = bundles(sp.twins, sp.cohort)
	sp.of = map[string]*cohort{}
	for key, rows := range groups {
		if len(rows) < leastCohort {
			continue
		}
		c := newCohort(rows, len(sp.names), all*len(rows)/len(sp.rows))
		c.bundles = bundles(sp.twins, c)
		for _, b := range c.bundles {
			b.Among(sp.columns)
		}
		sp.of[key] = c
	}
}

// bundles are the columns of which one follows from the other.
func bundles(twins *column.Twins, c *cohort) []*column.Bundle {
	var out []*column.Bundle
	for i := range c.columns {
		if others := twins.Together(i); len(others) > 0 && others[0] > i {
			out = append(out, column.NewBundle(c.columns, append([]int{i}, others...), c.rows))
		}
	}
	return out
}

func (sp *studiedPart) kinOf(row []column.Value) string {
	parts := make([]string, len(sp.kin))
	for k, i := range sp.kin {
		parts[k] = row[i].Text
	}
	return strings.Join(parts, "\x00")
}

// redrawn gives new values for those of a donor's row that are not
// everybody's, by the column; free text and ways to contact somebody are left
// to others. A column that yields nothing is NULL.
func (sp *studiedPart) redrawn(rng *rand.Rand, donor *supportdb.Row) map[string]column.Value {
	row := sp.values(donor)
	c := sp.of[sp.kinOf(row)]
	if c == nil {
		c = sp.cohort
	}
	out, done := map[string]column.Value{}, map[int]bool{}
	for _, b := range c.bundles {
		if i := b.Finest(); sp.stays(c, i, row[i]) {
			done[i] = true
			continue
		}
		fresh, ok := b.Draw(rng, row)
		for i, v := range fresh {
			out[sp.names[i]] = v
		}
		for _, i := range b.Columns() {
			done[i] = ok
		}
	}
	for i, col := range c.columns {
		if done[i] || col.Shared(row[i]) || row[i].Text == "" {
			continue
		}
		v, err := col.Draw(rng, row[i], c.near(rng, i), func(string) bool { return false })
		switch {
		case errors.Is(err, column.ErrProse), errors.Is(err, column.ErrContact):
			continue
		case err != nil:
			v = column.Value{Null: true}
		}
		out[sp.names[i]] = v
	}
	return out
}

// stays reports whether a value is a town that many are of: the number goes by it,
// and what else the row says of the place.
func (sp *studiedPart) stays(c *cohort, i int, v column.Value) bool {
	return slices.Contains(sp.towns, i) && c.columns[i].Shared(v)
}

// values are those of a row that are studied, and its dates.
func (sp *studiedPart) values(row *supportdb.Row) []column.Value {
	out := make([]column.Value, 0, len(sp.names)+len(sp.times))
	for _, name := range slices.Concat(sp.names, sp.times) {
		out = append(out, valueOf(row.Get(name)))
	}
	return out
}

// mingle exchanges values of a customer's row that the donor has in common with
// many.
func (sp *studiedPart) mingle(rng *rand.Rand, row *supportdb.Row, fresh map[string]column.Value) {
	donor := sp.values(row)
	canary := slices.Clone(donor)
	for i, name := range sp.names {
		if v, drawn := fresh[name]; drawn {
			canary[i] = v
		}
	}
	for i, v := range sp.twins.Mingle(rng, canary, donor, func(i int) bool { return i >= len(sp.names) || slices.Contains(sp.kept, i) }) {
		if v != canary[i] {
			fresh[sp.names[i]] = v
		}
	}
}

// near gives the values that some people of the cohort have in a column.
func (c *cohort) near(rng *rand.Rand, i int) []column.Value {
	const enough = 40
	if len(c.rows) == 0 {
		return nil
	}
	some := make([][]column.Value, enough)
	for k := range some {
		some[k] = c.rows[rng.IntN(len(c.rows))]
	}
	return c.pick(some, i)
}

func (c *cohort) pick(rows [][]column.Value, i int) []column.Value {
	out := make([]column.Value, len(rows))
	for k, r := range rows {
		out[k] = r[i]
	}
	return out
}

// isProse reports whether a column holds free text.
func (sp *studiedPart) isProse(name string) bool {
	for i, n := range sp.names {
		if n == name {
			return sp.columns[i].Kind() == column.Prose
		}
	}
	return false
}
