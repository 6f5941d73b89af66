package column

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"
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
	few     map[int][]int // rows by how many rows have the same in the bundle
	alone   float64       // which part of what stands once in the sample stands once in the table

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
	b := &Bundle{columns: columns, at: at, fine: at[0], rows: rows, counts: map[string]int{}, few: map[int][]int{}}
	for _, i := range at {
		if len(columns[i].counts) > len(columns[b.fine].counts) {
			b.fine = i
		}
	}
	keys := make([]string, len(rows))
	for i, row := range rows {
		if keys[i] = b.key(row); keys[i] != "" {
			b.counts[keys[i]]++
		}
	}
	for i, key := range keys {
		if n := b.counts[key]; n > 0 && n < Common {
			b.few[n] = append(b.few[n], i)
		}
	}
	b.alone = stillAlone(b.counts, columns[b.fine].cover)
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
	return b
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
	case n == 1 && rng.Float64() < b.alone:
		text, ok := b.fresh(rng, donor)
		return map[int]Value{b.fine: {Text: text}}, ok
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
	from, least := rng.IntN(len(b.rows)), math.Inf(1)
	for k := range b.rows {
		row := b.rows[(from+k)%len(b.rows)]
		if row[b.fine] == donor[b.fine] || !b.same(row, donor) {
			continue
		}
		if off := math.Abs(math.Log(float64(b.counts[b.key(row)]) / float64(n))); off < least {
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
		keep, other := len(own)-2, b.rows[rng.IntN(len(b.rows))][b.fine].Text
		if len(near) > 0 {
			keep = together(own, near[rng.IntN(len(near))].Text)
		}
		if keep = min(keep, len(own)-1); keep < 0 {
			continue
		}
		if (abroad || beyond) && try < tries/2 {
			if text, ok := b.foreign(rng, donor, keep, abroad); ok {
				return text, true
			}
			continue
		}
		if shapeOf(other) != shapeOf(own) {
			continue
		}
		text := own[:keep] + other[keep:]
		if _, there := slices.BinarySearch(b.elsewhere, text); c.counts[text] == 0 && !there {
			return text, true
		}
	}
	return c.fresh(rng, own, near, func(string) bool { return false })
}

// foreign draws a value of the same form and beginning as the donor's that rows
// elsewhere have, or rows of other towns here.
func (b *Bundle) foreign(rng *rand.Rand, donor []Value, keep int, abroad bool) (string, bool) {
	from, own := b.values, donor[b.fine].Text
	if abroad {
		from = b.elsewhere
	}
	low, _ := slices.BinarySearch(from, own[:keep])
	high, _ := slices.BinarySearch(from, own[:keep]+"\xff")
	if keep == 0 || low == high {
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
	from := rng.IntN(len(b.rows))
	for k := range b.rows {
		row := b.rows[(from+k)%len(b.rows)]
		if !b.same(row, donor) || row[b.fine] == donor[b.fine] {
			continue
		}
		if out = append(out, row[b.fine]); len(out) == enough {
			break
		}
	}
	return out
}

// stillAlone estimates which part of the values that occur once in a sample
// occurs once in the table, of which the sample is a share. How the number of
// such values grows with the sample is seen in parts of it (of each size, by how
// often the values occur); on a double logarithmic scale the growth slows down
// evenly, and it is taken to go on so.
func stillAlone(counts map[string]int, cover float64) float64 {
	const part, least = 0.4, 20
	many := map[int]float64{}
	for _, n := range counts {
		many[n]++
	}
	if cover >= 1 || many[1] < least {
		return 1
	}
	near, far := slope(many, 1), slope(many, part)
	bend := min((near-far)/-math.Log(part), 0)
	steps := -math.Log(cover)
	return min(math.Exp((near-1)*steps+bend*steps*steps/2), 1)
}

// slope tells how fast the number of values that occur once grows with the
// sample, at a part of it.
func slope(many map[int]float64, part float64) float64 {
	const step = 0.9
	return math.Log(once(many, part)/once(many, part*step)) / -math.Log(step)
}

// once is how many values a part of the sample would have once.
func once(many map[int]float64, part float64) float64 {
	sum := 0.0
	for n := 1; n < 400; n++ {
		sum += many[n] * float64(n) * part * math.Pow(1-part, float64(n-1))
	}
	return sum
}
