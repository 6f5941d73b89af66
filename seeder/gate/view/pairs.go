package view

import (
	"math"
	"strings"
)

// most pairs of words that are looked at, and of texts inside texts.
const (
	mostPairs  = 150
	mostInside = 40
	// mostRepeated is how many columns of repeated texts are paired.
	mostRepeated = 8
	rareWords    = 0.7 // share of distinct values above which pairs say nothing
)

// surprise emits how often two values stand together against how often they
// would by chance.
func (f *frame) surprise(a, b words, group Group) {
	ta, tb := f.tally(a.ids, a.size()), f.tally(b.ids, b.size())
	pairs, size := cross(a.ids, b.ids, b.size())
	tp := f.tally(pairs, size)
	total := 0.0
	for row := range pairs {
		if pairs[row] != null && f.counted[row] {
			total++
		}
	}
	values := f.each(pairs, func(pair int32, row int) float64 {
		alone := f.others(ta, a.ids[row], row)
		if alone < 1 {
			return 0 // it stands nowhere else, with or without the other
		}
		chance := alone * f.others(tb, b.ids[row], row) / max(total, 1)
		return math.Log((f.others(tp, pair, row) + 0.3) / (chance + 0.3))
	})
	f.emitOf(Feature{Name: a.name + "×" + b.name, Says: "how well " + a.says + " goes with " + b.says, Column: a.column, Group: group, Values: values})
}

// pairs looks at words two by two: those of few values with one another, those
// of many with columns of few, and the hours of dates with what follows the sun.
func (b *builder) pairs() {
	left := mostPairs
	look := func(a, w words) {
		if left--; left >= 0 && a.column != w.column && a.size() > 1 && w.size() > 1 {
			b.c.surprise(pick(a, w))
		}
	}
	for i, a := range b.crowd {
		for _, w := range b.crowd[i+1:] {
			look(a, w)
		}
	}
	for _, c := range b.c.cols {
		for _, w := range b.partners(c) {
			look(w, c.asWords())
		}
	}
	texts := b.repeated()
	for i, a := range texts {
		for _, w := range texts[i+1:] {
			look(a, w)
		}
	}
	b.combination()
}

// partners are the words of many values, and the hours, that may depend on a column.
func (b *builder) partners(c *column) (out []words) {
	if c.spoken() {
		out = append(out, b.clocks...)
	}
	for _, name := range []string{"first", "last", "domain", "phone.prefix", "phone.area"} {
		if many := b.seen[name]; c.Kind == Word && float64(many.size()) < rareWords*float64(b.c.n) {
			out = append(out, many)
		}
	}
	if c.Kind == Word {
		out = append(out, b.repeated()...)
	}
	return out
}

// repeated are texts of many values that come again, a city or a street, and
// how texts begin, a post code.
func (b *builder) repeated() (out []words) {
	for _, c := range b.c.cols {
		if c.Kind != Text || c.group != Others {
			continue
		}
		begins := derive(c, func(t string) string { return t[:min(2, len(t))] }).named(c.Name+".start", "the beginning of "+c.Name, c)
		for _, w := range []words{c.asWords(), begins} {
			if float64(w.size()) < rareWords*float64(b.c.n) && len(out) < mostRepeated {
				out = append(out, w)
			}
		}
	}
	return out
}

// pick orders a pair so that it belongs to the more telling group.
func pick(a, b words) (words, words, Group) {
	if a.group == Others || a.group == Dates {
		return b, a, b.group
	}
	return a, b, a.group
}

// combination emits how common a row's words are all together.
func (b *builder) combination() {
	var ids []int32
	size := 0
	for _, c := range b.c.cols {
		if c.Kind != Word {
			continue
		}
		if filled := withNull(c); ids == nil {
			ids, size = filled, len(c.texts)+1
		} else {
			ids, size = cross(ids, filled, len(c.texts)+1)
		}
	}
	if ids != nil {
		b.c.emitOf(Feature{Name: "words.others", Says: "how many other rows have the same words in all columns", Column: "all words", Group: Others, Scale: Counts, Values: b.c.rarity(ids, size)})
	}
}

// withNull numbers NULL like a value, after the others.
func withNull(c *column) []int32 {
	ids := make([]int32, len(c.ids))
	for row, id := range c.ids {
		ids[row] = id
		if id == null {
			ids[row] = small(len(c.texts))
		}
	}
	return ids
}

// dates compares the customers' dates with one another and with now.
func (b *builder) dates() {
	for i, c := range b.c.cols {
		if c.Kind != Time {
			continue
		}
		b.c.since(c, b.now)
		for _, d := range b.c.cols[i+1:] {
			if d.Kind == Time {
				b.c.between(c, d)
			}
		}
	}
}

func (f *frame) since(c *column, now float64) {
	if now != 0 {
		f.putSpan(c.Name+".age", "how long "+c.Name+" is past", c, f.each(c.ids, func(id int32, _ int) float64 { return signedLog(now - c.nums[id]) }))
	}
}

// between emits how far two dates of a row are apart, and how neatly.
func (f *frame) between(c, d *column) {
	gap := make([]float64, f.n)
	for row := range gap {
		gap[row] = d.num(row) - c.num(row)
	}
	name, says := c.Name+"→"+d.Name, "from "+c.Name+" to "+d.Name
	put := func(what, words string, scale Scale, of func(gap float64) float64) {
		values := make([]float32, f.n)
		for row, g := range gap {
			values[row] = nan32()
			if !math.IsNaN(g) {
				values[row] = float32(of(g))
			}
		}
		f.emitOf(Feature{Name: name + what, Says: words + says, Column: d.Name, Group: d.group, Scale: scale, Values: values})
	}
	put("", "the time ", Spans, signedLog)
	put(".same", "whether no time passes ", Plain, func(g float64) float64 { return float64(flag(g == 0)) })
	put(".order", "whether time runs backwards ", Plain, func(g float64) float64 { return float64(flag(g < 0)) })
	put(".neat", "whether whole minutes, hours or days pass ", Plain, neat)
	put(".clock", "the change of the time of day ", Plain, func(g float64) float64 { return within(g+day/2, day) })
}

// neat counts the units that a gap is a whole number of.
func neat(gap float64) float64 {
	n := 0.0
	for _, unit := range []float64{minute, hour, day} {
		if gap != 0 && within(gap, unit) == 0 {
			n++
		}
	}
	return n
}

// numbers compares the customers' numbers with one another.
func (b *builder) numbers() {
	left := mostInside
	for i, c := range b.c.cols {
		for _, d := range b.c.cols[i+1:] {
			if c.nums == nil || d.nums == nil || c.Kind == Time || d.Kind == Time {
				continue
			}
			if left--; left < 0 {
				return
			}
			gap, part := b.c.blank(), b.c.blank()
			for row := range gap {
				gap[row] = float32(signedLog(c.num(row) - d.num(row)))
				if d.num(row) != 0 {
					part[row] = float32(c.num(row) / d.num(row))
				}
			}
			b.c.putCount(c.Name+"−"+d.Name, c.Name+" less "+d.Name, c, gap)
			b.c.put(c.Name+"÷"+d.Name, c.Name+" over "+d.Name, c, part)
		}
	}
}

// inside emits whether one column's text stands in another's.
func (b *builder) inside() {
	left := mostInside
	for _, a := range b.c.cols {
		for _, c := range b.c.cols {
			if a == c || a.Kind == Time || c.Kind != Text || a.Kind == Number || c.Role == Email && a.group == Names {
				continue
			}
			if left--; left < 0 {
				return
			}
			b.c.insideOf(a, c)
		}
	}
}

func (f *frame) insideOf(a, c *column) {
	values := f.blank()
	for row := range values {
		if part, whole := a.text(row), c.text(row); len(part) > 2 && whole != "" {
			values[row] = flag(strings.Contains(strings.ToLower(whole), strings.ToLower(part)))
		}
	}
	f.put(c.Name+".holds."+a.Name, "whether "+c.Name+" holds the row's "+a.Name, c, values)
}
