package seeder

import (
	"errors"
	"math/rand/v2"
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
func (sp *studiedPart) cohorts(twins *column.Twins, all int) {
	groups := map[string][][]column.Value{}
	for _, row := range sp.rows {
		key := sp.kinOf(row)
		groups[key] = append(groups[key], row)
	}
	sp.bundles = bundles(twins, sp.cohort)
	sp.of = map[string]*cohort{}
	for key, rows := range groups {
		if len(rows) < leastCohort {
			continue
		}
		c := newCohort(rows, len(sp.names), all*len(rows)/len(sp.rows))
		c.bundles = bundles(twins, c)
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
	row := make([]column.Value, len(sp.names))
	for i, name := range sp.names {
		row[i] = valueOf(donor.Get(name))
	}
	c := sp.of[sp.kinOf(row)]
	if c == nil {
		c = sp.cohort
	}
	out, done := map[string]column.Value{}, map[int]bool{}
	for _, b := range c.bundles {
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
