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

// sayings are what rows tell, in numbers, and which rows are of one sort of people.
type sayings struct {
	told [][]int
	kin  map[string][]int
}

// sayingsOf reads rows; those that are of one sort have the same values within.
func sayingsOf(columns []*Column, rows [][]Value, within []int) sayings {
	s := sayings{told: make([][]int, len(rows)), kin: map[string][]int{}}
	often := oftens(columns)
	for r, row := range rows {
		key := keyIn(row, within)
		s.kin[key] = append(s.kin[key], r)
		for i, v := range row {
			s.told[r] = append(s.told[r], tokenOf(columns[i], often[i], v))
		}
	}
	return s
}

// Heed shows what some rows have under them: how many rows of a sort, and values
// of those. What goes by it is not exchanged. It comes before the first Mingle.
func (t *Twins) Heed(rows, under [][]Value) {
	for r := range rows {
		t.under = append(t.under, slices.Concat(rows[r], under[r]))
	}
}

// loosen finds the columns that go by no other one: within people of one sort
// their values stand beside all others as by chance.
func (t *Twins) loosen() {
	told := sayingsOf(t.columns, t.rows, t.within)
	t.kin = told.kin
	tied := make([]bool, len(t.columns))
	for i := range t.columns {
		for j := range i {
			if !slices.Contains(t.within, i) && !slices.Contains(t.within, j) && told.related(i, j) {
				tied[i], tied[j] = true, true
			}
		}
	}
	for i := range t.columns {
		if !tied[i] && !slices.Contains(t.within, i) {
			t.loose = append(t.loose, i)
		}
	}
	t.looser()
}

// looser leaves of the loose columns those that go by nothing that is under a row
// either, be it that nothing is there.
func (t *Twins) looser() {
	if len(t.under) == 0 {
		return
	}
	columns := slices.Clone(t.columns)
	for i := len(columns); i < len(t.under[0]); i++ {
		values := make([]Value, len(t.under))
		for r := range t.under {
			values[r] = t.under[r][i]
		}
		columns = append(columns, Learn(values, 0))
	}
	told := sayingsOf(columns, t.under, t.within)
	t.loose = slices.DeleteFunc(t.loose, func(i int) bool {
		for j := len(t.columns); j < len(columns); j++ {
			if told.related(i, j) {
				return true
			}
		}
		return false
	})
	t.under = nil // as large as the sample
}

// oftens numbers the frequent values of each column.
func oftens(columns []*Column) []map[string]int {
	out := make([]map[string]int, len(columns))
	for i, c := range columns {
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
func (s *sayings) related(i, j int) bool {
	for _, rows := range s.kin {
		if len(rows) < fewKin {
			continue
		}
		seen, one, other := map[[2]int]float64{}, map[int]float64{}, map[int]float64{}
		for _, r := range rows {
			a, b := s.told[r][i], s.told[r][j]
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
