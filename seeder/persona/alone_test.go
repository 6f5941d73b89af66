package persona_test

import (
	"strings"
	"testing"

	"saltmine/seeder/persona"
)

// A quarter of a table tells how many of its people have a first or a last name
// that nobody else has: as many canaries have one that no customer has.
func TestAloneAsOftenAsInTheTable(t *testing.T) {
	t.Parallel()
	const rows, part = 48_000, 4
	table := customers(t, rows)
	l := persona.NewLearner(nil, rows)
	firsts, lasts := map[string]int{}, map[string]int{}
	for i := range table {
		firsts[strings.ToLower(table[i].First)]++
		lasts[strings.ToLower(table[i].Last)]++
		if i%part == 0 {
			l.Add(table[i])
		}
	}
	m, err := l.Mix(rows)
	if err != nil {
		t.Fatal(err)
	}
	var alone, made [2]float64
	for i := range table {
		for k, n := range []int{firsts[strings.ToLower(table[i].First)], lasts[strings.ToLower(table[i].Last)]} {
			if n == 1 {
				alone[k] += 1.0 / rows
			}
		}
	}
	r, n := rng(5), 0
	for i := 0; i < rows; i += 2 * part {
		id, err := m.Identity(r, table[i], persona.Pool{Domains: []string{"x.example"}, Accept: every(1)})
		if err != nil {
			t.Fatal(err)
		}
		n++
		for k, known := range []int{firsts[strings.ToLower(id.First)], lasts[strings.ToLower(id.Last)]} {
			if known == 0 {
				made[k]++
			}
		}
	}
	for k, what := range []string{"first", "last"} {
		if share := made[k] / float64(n); share < 0.7*alone[k]-0.002 || share > 1.3*alone[k]+0.006 {
			t.Errorf("%.4f of the table have a %s name of their own, %.4f of canaries", alone[k], what, share)
		}
	}
}
