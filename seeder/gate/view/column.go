package view

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"unicode"
)

// describe emits what a column says by itself.
func (f *frame) describe(c *column) {
	f.putFlag(c.Name+".null", "whether "+c.Name+" is NULL", c, func(row int) bool { return c.ids[row] == null })
	f.putCount(c.Name+".others", "how many other rows have the same "+c.Name, c, f.rarity(c.ids, len(c.texts)))
	shapes := derive(c, shape)
	f.putCount(c.Name+".shape.others", "how common the pattern of letters, digits and signs in "+c.Name+" is", c, f.rarity(shapes.ids, shapes.size()))
	if c.nums != nil && c.Kind != Time {
		f.describeNumber(c)
	}
	switch c.Kind {
	case Time:
		f.describeTime(c)
	case Word:
		f.describeWord(c)
	case Text:
		f.describeText(c)
		f.letters(c.Name, c)
	case Number:
	}
}

func (f *frame) describeNumber(c *column) {
	f.put(c.Name+".value", "the number in "+c.Name, c, f.each(c.ids, func(id int32, _ int) float64 { return c.nums[id] }))
	f.put(c.Name+".last", "the last digit of "+c.Name, c, f.byText(c, lastDigit))
	f.put(c.Name+".round", "how many zeros "+c.Name+" ends in", c, f.byText(c, func(t string) float64 {
		return float64(len(t) - len(strings.TrimRight(t, "0")))
	}))
	f.neighbours(c)
}

func lastDigit(text string) float64 {
	if text == "" || text[len(text)-1] < '0' || text[len(text)-1] > '9' {
		return math.NaN()
	}
	return float64(text[len(text)-1] - '0')
}

// neighbours emits how far the next smaller and the next larger value are.
func (f *frame) neighbours(c *column) {
	before, after := f.blank(), f.blank()
	for row, at := range f.sorted(c).places() {
		if low, ok := at.before(1); ok {
			before[row] = float32(math.Log1p(c.num(row) - c.num(low)))
		}
		if high, ok := at.after(1); ok {
			after[row] = float32(math.Log1p(c.num(high) - c.num(row)))
		}
	}
	put := f.putCount
	if c.Kind == Time {
		put = f.putSpan
	}
	put(c.Name+".before", "the gap to the next lower "+c.Name, c, before)
	put(c.Name+".after", "the gap to the next higher "+c.Name, c, after)
}

func (f *frame) blank() []float32 {
	out := make([]float32, f.n)
	for i := range out {
		out[i] = nan32()
	}
	return out
}

// The units of a date that are looked at one by one.
const (
	minute = 60
	hour   = 60 * minute
	day    = 24 * hour
	week   = 7 * day
)

func (f *frame) describeTime(c *column) {
	at := func(name, says string, of func(t float64) float64) {
		f.put(c.Name+"."+name, says+" of "+c.Name, c, f.each(c.ids, func(id int32, _ int) float64 {
			if math.IsNaN(c.nums[id]) {
				return math.NaN()
			}
			return of(c.nums[id])
		}))
	}
	at("day", "the day", func(t float64) float64 { return t / day })
	at("clock", "the time of day", func(t float64) float64 { return within(t, day) })
	at("weekday", "the day of the week", weekday)
	at("minute", "the minute", func(t float64) float64 { return math.Floor(within(t, hour) / minute) })
	at("second", "the second", func(t float64) float64 { return math.Floor(within(t, minute)) })
	at("fraction", "the fraction of the second", func(t float64) float64 { return math.Round((t - math.Floor(t)) * 1e6) })
	f.put(c.Name+".date", "the day of the month of "+c.Name, c, f.byText(c, dayOfMonth))
	f.crowd(c, "sameminute", "how many other rows share the minute of "+c.Name, len("2006-01-02 15:04"))
	f.crowd(c, "samehour", "how many other rows share the hour of "+c.Name, len("2006-01-02 15"))
	f.crowd(c, "sameday", "how many other rows share the day of "+c.Name, len(dateForm))
	f.clock(c)
	f.neighbours(c)
}

const dateForm = "2006-01-02"

func within(t, unit float64) float64 { return t - unit*math.Floor(t/unit) }

// weekday counts from Monday; 1970 began on a Thursday.
func weekday(t float64) float64 { return math.Floor(within(t+3*day, week) / day) }

func dayOfMonth(text string) float64 {
	if len(text) < len(dateForm) {
		return math.NaN()
	}
	return number(text[8:10])
}

func (f *frame) crowd(c *column, name, says string, width int) {
	cut := derive(c, func(t string) string { return t[:min(width, len(t))] })
	if cut.size() < len(c.texts) || name == "sameday" {
		f.putCount(c.Name+"."+name, says, c, f.rarity(cut.ids, cut.size()))
	}
}

// clock emits how usual the hour of the week and the minute and second are.
func (f *frame) clock(c *column) {
	for _, form := range []struct {
		name, says string
		of         func(t float64) float64
	}{
		{"weekhour.others", "how busy the hour of the week of " + c.Name + " is", func(t float64) float64 { return math.Floor(within(t+3*day, week) / hour) }},
		{"inhour.others", "how common minute and second of " + c.Name + " are", func(t float64) float64 { return math.Floor(within(t, hour)) }},
	} {
		slots := c.slots(form.of)
		f.putCount(c.Name+"."+form.name, form.says, c, f.rarity(slots.ids, slots.size()))
	}
}

// slots makes words of a column's numbers.
func (c *column) slots(of func(t float64) float64) words {
	var names interned
	byID := make([]int32, len(c.nums))
	for id, v := range c.nums {
		byID[id] = null
		if !math.IsNaN(v) {
			byID[id] = names.id(number0(of(v)))
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

// describeWord emits one flag for each of the usual values, and a code that
// follows frequency, which trees can cut anywhere.
func (f *frame) describeWord(c *column) {
	t := f.tally(c.ids, len(c.texts))
	order := make([]int, len(c.texts))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(int(t[b])-int(t[a]), strings.Compare(c.texts[a], c.texts[b]))
	})
	rank := make([]float64, len(c.texts))
	for i, id := range order {
		rank[id] = float64(i)
		if i < usualWords && len(order) > 2 {
			f.put(c.Name+".is."+c.texts[id], "whether "+c.Name+" is “"+c.texts[id]+"”", c, f.each(c.ids, func(got int32, _ int) float64 {
				return float64(flag(got == small(id)))
			}))
		}
	}
	f.put(c.Name+".rank", "which value "+c.Name+" has", c, f.each(c.ids, func(id int32, _ int) float64 { return rank[id] }))
}

// usualWords is how many values of a word get a flag of their own.
const usualWords = 12

func (f *frame) describeText(c *column) {
	for _, m := range []struct {
		name, says string
		of         func(text string) float64
	}{
		{"length", "the length of ", func(t string) float64 { return float64(len([]rune(t))) }},
		{"words", "the number of words in ", func(t string) float64 { return float64(len(strings.Fields(t))) }},
		{"digits", "the number of digits in ", func(t string) float64 { return float64(count(t, unicode.IsDigit)) }},
		{"signs", "the number of punctuation marks in ", func(t string) float64 {
			return float64(count(t, func(r rune) bool { return unicode.IsPunct(r) || unicode.IsSymbol(r) }))
		}},
		{"capitals", "the share of capitals in ", func(t string) float64 {
			return float64(count(t, unicode.IsUpper)) / float64(max(1, count(t, unicode.IsLetter)))
		}},
		{"accents", "the number of letters beyond ASCII in ", func(t string) float64 {
			return float64(count(t, func(r rune) bool { return r > unicode.MaxASCII }))
		}},
		{"blanks", "blanks at the ends or in a row in ", func(t string) float64 {
			return float64(flag(strings.Join(strings.Fields(t), " ") != t))
		}},
	} {
		f.put(c.Name+"."+m.name, m.says+c.Name, c, f.byText(c, m.of))
	}
}

func count(text string, is func(rune) bool) (n int) {
	for _, r := range text {
		if is(r) {
			n++
		}
	}
	return n
}
