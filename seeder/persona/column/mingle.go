package column

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Mingling of a canary's row with the rows of other people.
const (
	fewKin     = 200  // rows of one sort of people that are too few to take values from
	candidates = 20   // rows in which a value is looked for
	oftenToken = 0.01 // share of the rows that makes a value one to tell of
	parts      = 4    // of what is less frequent, in the order of the values
	sigmas     = 4    // from which on it is not by chance that two things go together
)

// loosen finds the columns that go by no other one: within people of one sort
// their values stand beside all others as by chance.
func (t *Twins) loosen() {
	t.kin = map[string][]int{}
	told, often := make([][]int, len(t.rows)), t.oftens()
	for r, row := range t.rows {
		key := keyIn(row, t.within)
		t.kin[key] = append(t.kin[key], r)
		for i, v := range row {
			told[r] = append(told[r], tokenOf(t.columns[i], often[i], v))
		}
	}
	tied := make([]bool, len(t.columns))
	for i := range t.columns {
		for j := range i {
			if !slices.Contains(t.within, i) && !slices.Contains(t.within, j) && t.related(told, i, j) {
				tied[i], tied[j] = true, true
			}
		}
	}
	for i := range t.columns {
		if !tied[i] && !slices.Contains(t.within, i) {
			t.loose = append(t.loose, i)
		}
	}
}

// oftens numbers the frequent values of each column.
func (t *Twins) oftens() []map[string]int {
	out := make([]map[string]int, len(t.columns))
	for i, c := range t.columns {
		var often []string
		for text, n := range c.counts {
			if float64(n) >= oftenToken*float64(c.n+c.nulls) {
				often = append(often, text)
			}
		}
		slices.Sort(often)
		out[i] = map[string]int{}
		for n, text := range often {
			out[i][text] = 1 + parts + n
		}
	}
	return out
}

// tokenOf numbers what a value tells: 0 is NULL, then come the parts of the order.
func tokenOf(c *Column, often map[string]int, v Value) int {
	if v.Null {
		return 0
	}
	if n, is := often[v.Text]; is {
		return n
	}
	if (c.kind != Number && c.kind != Date) || len(c.order) == 0 {
		return 1
	}
	return 1 + min(c.place(v.Text)*parts/len(c.order), parts-1)
}

// related reports whether what two columns tell goes together in the rows of
// some sort of people: Pearson's chi-square.
func (t *Twins) related(told [][]int, i, j int) bool {
	for _, rows := range t.kin {
		if len(rows) < fewKin {
			continue
		}
		seen, one, other := map[[2]int]float64{}, map[int]float64{}, map[int]float64{}
		for _, r := range rows {
			a, b := told[r][i], told[r][j]
			seen[[2]int{a, b}]++
			one[a]++
			other[b]++
		}
		chi, n, df := 0.0, float64(len(rows)), float64((len(one)-1)*(len(other)-1))
		for pair, both := range seen { // the sum of (seen-expected)²/expected
			chi += both * both * n / (one[pair[0]] * other[pair[1]])
		}
		if chi-n > df+sigmas*math.Sqrt(2*df) {
			return true
		}
	}
	return false
}

// Mingle gives a canary's row values of other people of its sort in the place of
// the donor's, another's for each column: all that a donor has in common with many
// is one of a kind together. Only columns that go by no others are exchanged, and
// values that are everybody's for such; NULL stays where it is, and so does what
// keep tells of.
func (t *Twins) Mingle(rng *rand.Rand, canary, donor []Value, keep func(column int) bool) []Value {
	t.counting.Do(t.loosen)
	row, kin := slices.Clone(canary), t.kin[keyIn(donor, t.within)]
	if len(kin) < fewKin {
		return row
	}
	for _, i := range t.loose {
		if canary[i] == donor[i] && !keep(i) {
			row[i] = t.other(rng, i, kin, donor[i])
		}
	}
	return row
}

// other draws the value of one of some rows that is everybody's, as the donor's;
// it is the donor's where that is not, or is none.
func (t *Twins) other(rng *rand.Rand, i int, kin []int, donor Value) Value {
	c := t.columns[i]
	if donor.Null || !c.Shared(donor) || c.kind != Word && c.kind != Number {
		return donor
	}
	for range candidates {
		v := t.rows[kin[rng.IntN(len(kin))]][i]
		if !v.Null && c.Shared(v) && (v.Text == "") == (donor.Text == "") {
			return v
		}
	}
	return donor
}
