package view

import (
	"math"
	"slices"
)

// frame is a table by columns: the customers, or all their tickets.
type frame struct {
	prefix  string // of the features' names
	n       int
	looked  int    // rows that are looked at; the rest is only counted
	counted []bool // rows that count
	cols    []*column
	emit    func(Feature)
}

// column is a column with its values by number. The number of NULL is -1.
type column struct {
	Column
	group  Group
	joined bool // a customer's column seen from its tickets
	ids    []int32
	texts  []string
	nums   []float64 // by id: numbers, or seconds since 1970; NaN where it is none
}

// null marks an absent value.
const null = int32(-1)

// small makes a number of a row or of a value: none reaches 2³¹.
func small(n int) int32 {
	return int32(min(n, math.MaxInt32)) //nolint:gosec // bounded on this line
}

// interned numbers values in the order in which they come.
type interned struct {
	of    map[string]int32
	texts []string
}

func (t *interned) id(text string) int32 {
	id, known := t.of[text]
	if !known {
		if t.of == nil {
			t.of = map[string]int32{}
		}
		id = small(len(t.texts))
		t.of[text] = id
		t.texts = append(t.texts, text)
	}
	return id
}

// apart says that the rows that are looked at are not counted.
func (f *frame) apart() bool { return f.looked > 0 && !f.counted[0] }

// population is how many rows count.
func (f *frame) population() int {
	if f.apart() {
		return f.n - f.looked
	}
	return f.n
}

func newColumn(c Column, n int, value func(row int) Value) *column {
	out := &column{Column: c, ids: make([]int32, n)}
	var names interned
	filled := 0
	for row := range n {
		v := value(row)
		if v.Null {
			out.ids[row] = null
			continue
		}
		filled++
		out.ids[row] = names.id(v.Text)
	}
	out.texts = names.texts
	if out.Kind == "" {
		out.Kind = infer(out.texts, filled)
	}
	if out.Role == "" && out.Kind == Text && looksLikeMail(out.texts) {
		out.Role = Email
	}
	if out.Role == "" && out.Kind == Text && looksNumbered(out.texts) {
		out.Role = Serial
	}
	out.read()
	out.group = groupOf(out)
	return out
}

// read turns texts into numbers where they are any.
func (c *column) read() {
	reader := number
	switch {
	case c.Kind == Time:
		reader = seconds
	case c.Role == Serial:
		reader = serial
	case c.Kind != Number && c.Role != Key:
		return
	}
	c.nums = make([]float64, len(c.texts))
	for id, t := range c.texts {
		c.nums[id] = reader(t)
	}
}

func groupOf(c *column) Group {
	switch c.Role {
	case Key, Serial:
		return Keys
	case Email:
		return Mail
	case Phone:
		return Phones
	case FirstName, LastName, FullName:
		return Names
	default:
		if c.Kind == Time {
			return Dates
		}
		return Others
	}
}

// num is the number in a row, NaN if there is none.
func (c *column) num(row int) float64 {
	if id := c.ids[row]; id != null && c.nums != nil {
		return c.nums[id]
	}
	return math.NaN()
}

// text is the text in a row, empty for NULL.
func (c *column) text(row int) string {
	if id := c.ids[row]; id != null {
		return c.texts[id]
	}
	return ""
}

// role finds the column of a role, nil if there is none.
func (f *frame) role(r Role) *column {
	for _, c := range f.cols {
		if c.Role == r && !c.joined {
			return c
		}
	}
	return nil
}

// tally counts values among the rows that count, by id.
type tally []int32

func (f *frame) tally(ids []int32, size int) tally {
	t := make(tally, size)
	for row, id := range ids {
		if id != null && f.counted[row] {
			t[id]++
		}
	}
	return t
}

// others is how many rows but this one have the value.
func (f *frame) others(t tally, id int32, row int) float64 {
	if f.counted[row] {
		return float64(t[id] - 1)
	}
	return float64(t[id])
}

// rarity is the logarithm of one more than others, by row.
func (f *frame) rarity(ids []int32, size int) []float32 {
	t := f.tally(ids, size)
	return f.each(ids, func(id int32, row int) float64 { return math.Log1p(f.others(t, id, row)) })
}

// each computes a number for each row with a value.
func (f *frame) each(ids []int32, of func(id int32, row int) float64) []float32 {
	out := make([]float32, f.n)
	for row, id := range ids {
		out[row] = nan32()
		if id != null {
			out[row] = float32(of(id, row))
		}
	}
	return out
}

// byText computes a number for each distinct text, and spreads it over the rows.
func (f *frame) byText(c *column, of func(text string) float64) []float32 {
	known := make([]float64, len(c.texts))
	for id, t := range c.texts {
		known[id] = of(t)
	}
	return f.each(c.ids, func(id int32, _ int) float64 { return known[id] })
}

// derive makes words of a column's texts. An empty word is nothing.
func derive(c *column, of func(text string) string) words {
	var names interned
	byID := make([]int32, len(c.texts))
	for id, t := range c.texts {
		byID[id] = null
		if w := of(t); w != "" {
			byID[id] = names.id(w)
		}
	}
	out := words{ids: make([]int32, len(c.ids))}
	for row, id := range c.ids {
		out.ids[row] = null
		if id != null {
			out.ids[row] = byID[id]
		}
	}
	out.texts = names.texts
	return out
}

// words are values by number, raw or derived.
type words struct {
	name, says, column string
	group              Group
	ids                []int32
	texts              []string
	spelled            bool
}

func (w words) named(name, says string, c *column) words {
	w.name, w.says, w.column, w.group = name, says, c.Name, c.group
	return w
}

func (w words) size() int { return len(w.texts) }

// asWords is a raw column as words.
func (c *column) asWords() words {
	return words{name: c.Name, says: c.Name, column: c.Name, group: c.group, ids: c.ids, texts: c.texts, spelled: c.Kind != Word}
}

// cross numbers the pairs of two words.
func cross(a, b []int32, sizeB int) (ids []int32, size int) {
	ids = make([]int32, len(a))
	known := map[uint64]int32{}
	for row := range a {
		ids[row] = null
		if a[row] == null || b[row] == null {
			continue
		}
		pair := uint64(a[row])*uint64(max(sizeB, 1)) + uint64(b[row]) //nolint:gosec // neither is below zero here
		id, seen := known[pair]
		if !seen {
			id = small(len(known))
			known[pair] = id
		}
		ids[row] = id
	}
	return ids, len(known)
}

// put emits a feature unless it says the same of all rows.
func (f *frame) put(name, says string, c *column, values []float32) {
	f.emitOf(Feature{Name: name, Says: says, Column: c.Name, Group: c.group, Values: values})
}

func (f *frame) putCount(name, says string, c *column, values []float32) {
	f.emitOf(Feature{Name: name, Says: says, Column: c.Name, Group: c.group, Scale: Counts, Values: values})
}

func (f *frame) putSpan(name, says string, c *column, values []float32) {
	f.emitOf(Feature{Name: name, Says: says, Column: c.Name, Group: c.group, Scale: Spans, Values: values})
}

// emitOf emits a feature; numbers beyond float32 are brought back to its ends.
func (f *frame) emitOf(it Feature) {
	for i, v := range it.Values {
		it.Values[i] = min(max(v, -math.MaxFloat32), math.MaxFloat32) // keeps NaN
	}
	if !constant(it.Values[:f.looked]) {
		it.Name, it.Column = f.prefix+it.Name, f.prefix+it.Column
		f.emit(it)
	}
}

func (f *frame) putFlag(name, says string, c *column, of func(row int) bool) {
	values := make([]float32, f.n)
	for row := range values {
		values[row] = flag(of(row))
	}
	f.put(name, says, c, values)
}

func constant(values []float32) bool {
	first := slices.IndexFunc(values, func(v float32) bool { return !isNaN(v) })
	if first < 0 {
		return true
	}
	return !slices.ContainsFunc(values, func(v float32) bool { return !isNaN(v) && v != values[first] })
}

func flag(b bool) float32 {
	if b {
		return 1
	}
	return 0
}

func nan32() float32 { return float32(math.NaN()) }

func isNaN(v float32) bool { return math.IsNaN(float64(v)) }

// signedLog is the logarithm of a distance, with its sign.
func signedLog(v float64) float64 { return math.Copysign(math.Log1p(math.Abs(v)), v) }
