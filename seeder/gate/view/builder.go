package view

import "time"

// builder turns an extract into a view, step by step.
type builder struct {
	x      Extract
	now    float64
	c      *frame  // customers
	t      *frame  // all tickets
	owner  []int   // customer of each ticket
	of     [][]int // tickets of each customer, in the order of their dates
	view   *View
	crowd  []words // of customers: worth looking at in pairs
	clocks []words // hours of dates
	seen   map[string]words
	named  map[string]int // features, by name
	parts  []nameParts
	first  words // first and last names, folded, whatever columns hold them
	last   words
}

func newBuilder(x Extract) *builder {
	looked := len(x.Real) + len(x.Canaries)
	n := looked + len(x.Others)
	counted := make([]bool, n)
	for row := range counted {
		counted[row] = row >= looked || !x.Apart
	}
	b := &builder{x: x, view: &View{Rows: looked, All: n, Counted: counted}, seen: map[string]words{}, named: map[string]int{}}
	if !x.Now.IsZero() {
		b.now = float64(x.Now.UnixMicro()) / float64(time.Second/time.Microsecond)
	}
	b.c = &frame{n: n, looked: looked, counted: counted, emit: b.emit}
	for i, c := range x.Table.Customer {
		b.c.cols = append(b.c.cols, newColumn(c, n, func(row int) Value { return b.row(row).Values[i] }))
	}
	return b
}

func (b *builder) row(i int) *Row {
	for _, rows := range [][]Row{b.x.Real, b.x.Canaries} {
		if i < len(rows) {
			return &rows[i]
		}
		i -= len(rows)
	}
	return &b.x.Others[i]
}

// emit adds a feature. Names are unique: what is derived from a column named
// "phone" may meet what is derived from any telephone number.
func (b *builder) emit(f Feature) {
	if at, taken := b.named[f.Name]; taken {
		if same(f.Values, b.view.Features[at].Values) {
			return
		}
		f.Name += "′"
		b.emit(f)
		return
	}
	b.named[f.Name] = len(b.view.Features)
	b.view.Features = append(b.view.Features, f)
}

// offer keeps words for equality, and for pairs when pairs are wanted.
func (b *builder) offer(w words, pairs bool) {
	if w.size() < 2 {
		return
	}
	b.view.Words = append(b.view.Words, Words{Name: w.name, Column: w.column, Group: w.group, IDs: w.ids[:b.c.looked], Texts: w.texts, Spelled: w.spelled})
	b.seen[w.name] = w
	if pairs {
		b.crowd = append(b.crowd, w)
	}
}

// customers looks at the customers' columns one by one, and at what is NULL.
func (b *builder) customers() {
	for _, c := range b.c.cols {
		b.c.describe(c)
		b.offer(c.asWords(), c.Kind == Word)
		if c.Kind == Time {
			hours := c.slots(func(t float64) float64 { return within(t, day) / hour })
			b.offer(hours.named(c.Name+".hour", "the hour of "+c.Name, c), false)
			b.clocks = append(b.clocks, b.seen[c.Name+".hour"])
			days := c.slots(weekday)
			b.offer(days.named(c.Name+".weekday", "the weekday of "+c.Name, c), false)
		}
	}
	b.absences()
	b.dates()
	b.numbers()
	b.c.orders()
	b.inside()
}

// absences emits how common the pattern of NULLs is.
func (b *builder) absences() {
	pattern := make([]string, b.c.n)
	for _, c := range b.c.cols {
		for row := range pattern {
			if c.ids[row] == null {
				pattern[row] += "-"
			} else {
				pattern[row] += "x"
			}
		}
	}
	var names interned
	ids := make([]int32, b.c.n)
	for row, p := range pattern {
		ids[row] = names.id(p)
	}
	b.c.emitOf(Feature{Name: "nulls.others", Says: "how many other rows have NULL in the same columns", Column: "NULLs", Group: Others, Scale: Counts, Values: b.c.rarity(ids, len(names.texts))})
	b.offer(words{name: "nulls", says: "which columns are NULL", column: "NULLs", group: Others, ids: ids, texts: names.texts}, true)
}
