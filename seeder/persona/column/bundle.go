package column

import (
	"iter"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
)

// Bundle is columns of which one follows from the other, as a town from its
// postcode: what they have together is drawn together. It is safe for concurrent
// use.
type Bundle struct {
	columns []*Column
	at      []int // the columns that it is of
	fine    int   // the one with the most values
	rows    [][]Value
	counts  map[string]int
	agree   []float64        // how many rows have what each has in the bundle
	few     map[int][]int    // rows by how many rows have the same in the bundle
	order   []int            // rows by the finest column
	towns   map[string][]int // rows by what they have in the other columns, in their order
	anew    float64          // how often something is made new for what stands once, see missed

	// Values of the finest column that rows of other places have, in order, and
	// which part of those that stand once here stand there too.
	elsewhere []string
	abroad    float64
	// Values of the finest column in order, and how many of the rows that nobody
	// agrees with have one that others have: the same code in another town.
	values []string
	beyond float64
}

// NewBundle learns what the columns at some places have together in rows.
func NewBundle(columns []*Column, at []int, rows [][]Value) *Bundle {
	b := &Bundle{columns: columns, at: at, fine: at[0], rows: rows, counts: map[string]int{}, few: map[int][]int{}, towns: map[string][]int{}}
	for _, i := range at {
		if len(columns[i].counts) > len(columns[b.fine].counts) {
			b.fine = i
		}
	}
	keys := make([]string, len(rows))
	for i, row := range rows {
		town := b.town(row)
		b.towns[town] = append(b.towns[town], i)
		if keys[i] = b.key(row); keys[i] != "" {
			b.counts[keys[i]]++
			b.order = append(b.order, i)
		}
	}
	b.agree = make([]float64, len(rows))
	for i, key := range keys {
		n := b.counts[key]
		if b.agree[i] = float64(n); n > 0 && n < Common {
			b.few[n] = append(b.few[n], i)
		}
	}
	slices.SortStableFunc(b.order, func(i, k int) int { return strings.Compare(rows[i][b.fine].Text, rows[k][b.fine].Text) })
	single, beyond := 0.0, 0.0
	for i, key := range keys {
		if b.counts[key] != 1 {
			continue
		}
		if single++; columns[b.fine].counts[rows[i][b.fine].Text] > 1 {
			beyond++
		}
	}
	b.beyond = beyond / max(single, 1)
	b.values = slices.Sorted(maps.Keys(columns[b.fine].counts))
	b.anew = min(stillAlone(b.counts, columns[b.fine].cover)/(1-b.missed()), 1)
	return b
}

// missed is which part of the values made new the table has all the same.
func (b *Bundle) missed() float64 {
	rng, fine := rand.New(rand.NewPCG(uint64(len(b.rows)), 2)), b.columns[b.fine] //nolint:gosec // a choice of rows
	return missed(fine.cover, len(b.few[1]), func(n int) int {
		donor := b.rows[b.few[1][n]]
		text, ok := b.candidate(rng, donor, b.beside(rng, donor))
		if !ok || text == donor[b.fine].Text {
			return -1
		}
		return fine.counts[text]
	})
}

// Among tells the bundle what other rows have in the column with the most
// values: all is that of the whole table.
func (b *Bundle) Among(all []*Column) {
	here, once, both := b.columns[b.fine].counts, 0.0, 0.0
	for text := range all[b.fine].counts {
		if here[text] == 0 {
			b.elsewhere = append(b.elsewhere, text)
		}
	}
	slices.Sort(b.elsewhere)
	for text, n := range here {
		if n != 1 {
			continue
		}
		if once++; all[b.fine].counts[text] > 1 {
			both++
		}
	}
	b.abroad = both / max(once, 1)
}

// Columns are the places of the bundle's columns.
func (b *Bundle) Columns() []int { return b.at }

// Finest is the place of the column with the most values.
func (b *Bundle) Finest() int { return b.fine }

// key is what a row has in the bundle, empty when the column with the most values
// has none, or all others: in some countries there are towns and no states.
func (b *Bundle) key(row []Value) string {
	var parts strings.Builder
	missing := 0
	for _, i := range b.at {
		if row[i].Null || row[i].Text == "" {
			missing++
			if i == b.fine || missing == len(b.at)-1 {
				return ""
			}
		}
		parts.WriteString(row[i].Text)
		parts.WriteByte(0)
	}
	return parts.String()
}

// town is what a row has in the other columns than the finest: rows have the same
// there if [Bundle.same] says so.
func (b *Bundle) town(row []Value) string {
	var out []byte
	for _, i := range b.at {
		if i == b.fine {
			continue
		}
		mark := byte(0)
		if row[i].Null {
			mark = 1
		}
		out = append(append(out, row[i].Text...), 0, mark)
	}
	return string(out)
}

// sameTown yields the rows, by their numbers, that differ from another in the
// finest column at most, from the n-th row on, and then those before it.
func (b *Bundle) sameTown(row []Value, n int) iter.Seq2[int, []Value] {
	there := b.towns[b.town(row)]
	first, _ := slices.BinarySearch(there, n)
	return func(yield func(int, []Value) bool) {
		for k := range there {
			if i := there[(first+k)%len(there)]; !yield(i, b.rows[i]) {
				return
			}
		}
	}
}

// Draw gives the canary's values in the place of the donor's, by the column:
// where the donor's are everybody's, others of the same town that are so too.
// Else they are those of a row that about as many others agree with, of the same
// town if there is one, or new in the column with the most values. It is not ok
// where a value is missing or none is found.
func (b *Bundle) Draw(rng *rand.Rand, donor []Value) (fresh map[int]Value, ok bool) {
	key, fine := b.key(donor), b.columns[b.fine]
	n := max(b.counts[key], 1)
	switch {
	case key == "":
		return nil, false
	case n >= fine.enough:
		return b.common(rng, donor, n), true
	case n == 1 && rng.Float64() < b.anew:
		if text, made := b.fresh(rng, donor); made {
			return map[int]Value{b.fine: {Text: text}}, true
		}
	case n > 1 && rng.Float64() < fine.cover:
		n--
	}
	row := b.likely(rng, donor, b.few[n])
	if row == nil {
		return nil, false
	}
	fresh = map[int]Value{}
	for _, i := range b.at {
		fresh[i] = row[i]
	}
	return fresh, true
}

// common gives the finest value of a row that agrees with the donor's in the
// others: one that one row less has than have the donor's, or nearly so.
func (b *Bundle) common(rng *rand.Rand, donor []Value, n int) map[int]Value {
	if rng.Float64() < b.columns[b.fine].cover {
		n--
	}
	var best []Value
	least := math.Inf(1)
	for i, row := range b.sameTown(donor, rng.IntN(len(b.rows))) {
		if row[b.fine] == donor[b.fine] {
			continue
		}
		if off := math.Abs(math.Log(b.agree[i] / float64(n))); off < least {
			best, least = row, off
		}
		if least == 0 {
			break
		}
	}
	const near = 0.5
	if least > near {
		return nil
	}
	return map[int]Value{b.fine: best[b.fine]}
}

// fresh makes a value of the finest column that no row has here: it begins as
// those of the same town do, and ends as any of the same form. As often as such
// values are, it is one that rows elsewhere have.
func (b *Bundle) fresh(rng *rand.Rand, donor []Value) (string, bool) {
	const tries = 200
	c, own := b.columns[b.fine], donor[b.fine].Text
	near, abroad, beyond := b.beside(rng, donor), rng.Float64() < b.abroad, rng.Float64() < b.beyond
	for try := range tries {
		if (abroad || beyond) && try < tries/2 {
			if text, ok := b.foreign(rng, donor, b.keep(rng, own, near), abroad); ok && (beyond || b.belongs(text, donor)) {
				return text, true
			}
			continue
		}
		text, ok := b.candidate(rng, donor, near)
		if _, there := slices.BinarySearch(b.elsewhere, text); ok && c.counts[text] == 0 && !there {
			return text, true
		}
	}
	return "", false
}

// keep is how many bytes a value that is made new begins with of the donor's.
func (b *Bundle) keep(rng *rand.Rand, own string, near []Value) int {
	keep := len(own) - 2
	if len(near) > 0 {
		keep = together(own, near[rng.IntN(len(near))].Text)
	}
	return min(keep, len(own)-1)
}

// candidate puts the beginning of the donor's value and the end of another's
// together, if what comes out is of the same town.
func (b *Bundle) candidate(rng *rand.Rand, donor []Value, near []Value) (string, bool) {
	own, other := donor[b.fine].Text, b.rows[rng.IntN(len(b.rows))][b.fine].Text
	keep := b.keep(rng, own, near)
	if keep < 0 || shapeOf(other) != shapeOf(own) {
		return "", false
	}
	text := own[:keep] + other[keep:]
	return text, b.beyond > shared || b.belongs(text, donor)
}

// shared is the part of the finest values that are of several towns, from which
// on they tell nothing of the town.
const shared = 0.05

// belongs reports whether a value of the finest column lies among those that go
// with the donor's others: both beside it do, or the one that is more like it.
func (b *Bundle) belongs(text string, donor []Value) bool {
	i := sort.Search(len(b.order), func(k int) bool { return b.rows[b.order[k]][b.fine].Text >= text })
	var like [2]int // how much the values below and above are like it
	var same [2]bool
	for k, at := range []int{i - 1, i} {
		if at < 0 || at == len(b.order) {
			continue
		}
		row := b.rows[b.order[at]]
		like[k], same[k] = together(text, row[b.fine].Text), b.same(row, donor)
	}
	return same[0] && same[1] || same[0] && like[0] > like[1] || same[1] && like[1] > like[0]
}

// foreign draws a value of the same form and beginning as the donor's that rows
// elsewhere have, or rows of other towns here.
func (b *Bundle) foreign(rng *rand.Rand, donor []Value, keep int, abroad bool) (string, bool) {
	from, own := b.values, donor[b.fine].Text
	if abroad {
		from = b.elsewhere
	}
	if keep <= 0 {
		return "", false
	}
	low, _ := slices.BinarySearch(from, own[:keep])
	high, _ := slices.BinarySearch(from, own[:keep]+"\xff")
	if low == high {
		return "", false
	}
	text := from[low+rng.IntN(high-low)]
	return text, text != own && shapeOf(text) == shapeOf(own) && (abroad || b.counts[b.with(donor, text)] == 0)
}

// with is the key of a row with another value in the finest column.
func (b *Bundle) with(row []Value, text string) string {
	row = slices.Clone(row)
	row[b.fine] = Value{Text: text}
	return b.key(row)
}

// together is how many bytes two texts begin with together.
func together(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// likely chooses one of some rows: with the donor's other values if there is
// one, for telephone numbers go by the town, else with values about as common.
func (b *Bundle) likely(rng *rand.Rand, donor []Value, from []int) []Value {
	const tries = 40
	start := rng.IntN(max(len(from), 1))
	for k := range from {
		if row := b.rows[from[(start+k)%len(from)]]; b.same(row, donor) && row[b.fine] != donor[b.fine] {
			return row
		}
	}
	var best []Value
	least := math.Inf(1)
	for range min(tries, len(from)) {
		row := b.rows[from[rng.IntN(len(from))]]
		if off := b.unlike(donor, row); b.key(row) != b.key(donor) && off < least {
			best, least = row, off
		}
	}
	return best
}

// same reports whether two rows differ in the finest column at most.
func (b *Bundle) same(x, y []Value) bool {
	for _, i := range b.at {
		if i != b.fine && x[i] != y[i] {
			return false
		}
	}
	return true
}

// unlike is how much commoner the values of one row are than those of another.
func (b *Bundle) unlike(x, y []Value) float64 {
	sum := 0.0
	for _, i := range b.at {
		if c := b.columns[i]; i != b.fine {
			sum += math.Abs(math.Log(c.frequency(x[i]) / c.frequency(y[i])))
		}
	}
	return sum
}

// beside gives what some rows have in the finest column that have the same as
// the donor in the others.
func (b *Bundle) beside(rng *rand.Rand, donor []Value) []Value {
	const enough = 40
	var out []Value
	for _, row := range b.sameTown(donor, rng.IntN(len(b.rows))) {
		if row[b.fine] == donor[b.fine] {
			continue
		}
		if out = append(out, row[b.fine]); len(out) == enough {
			break
		}
	}
	return out
}
