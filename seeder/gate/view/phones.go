package view

import (
	"math"
	"strings"
)

// national is how many digits of a number are compared where country codes and
// leading zeros may be written or not.
const national = 9

// phones looks at telephone numbers.
func (b *builder) phones() {
	c := b.c.role(Phone)
	if c == nil {
		return
	}
	f := b.c
	forms := derive(c, form).named("phone.form", "the form of the telephone number", c)
	b.offer(forms, forms.size() <= 4*fewWords)
	f.putCount("phone.form.others", "how common the form of the telephone number is", c, f.rarity(forms.ids, forms.size()))
	for _, p := range []struct {
		name, says string
		of         func(digits string) string
	}{
		{"prefix", "the first three digits", func(d string) string { return d[:min(3, len(d))] }},
		{"area", "the first six digits", func(d string) string { return d[:min(6, len(d))] }},
		{"block10000", "the block of 10,000", func(d string) string { return blockOf(d, 4) }},
		{"block1000", "the block of 1,000", func(d string) string { return blockOf(d, 3) }},
		{"block100", "the block of 100", func(d string) string { return blockOf(d, 2) }},
		{"whole", "all digits", func(d string) string { return blockOf(d, 0) }},
	} {
		w := derive(c, func(t string) string { return p.of(digitsOf(t)) }).named("phone."+p.name, p.says+" of the telephone number", c)
		f.putCount(w.name+".others", "how many other rows share "+w.says, c, f.rarity(w.ids, w.size()))
		b.offer(w, false)
	}
	text := func(name, says string, of func(digits string) float64) {
		f.put("phone."+name, says+" of the telephone number", c, f.byText(c, func(t string) float64 { return of(digitsOf(t)) }))
	}
	text("digits", "the number of digits", func(d string) float64 { return float64(len(d)) })
	text("first", "the first two digits", func(d string) float64 { return number(d[:min(2, len(d))]) })
	text("value", "the last nine digits", func(d string) float64 { return number(d[max(0, len(d)-national):]) })
	text("line", "the last four digits", func(d string) float64 { return number(d[max(0, len(d)-4):]) })
	text("last", "the last digit", lastDigit)
	text("variety", "the number of different digits", variety)
	text("longestrun", "the longest run of one digit", longestRun)
	f.put("phone.plus", "whether the telephone number begins with +", c, f.byText(c, func(t string) float64 {
		return float64(flag(strings.HasPrefix(t, "+")))
	}))
	f.putCount("phone.next", "how near the next telephone number is", c, f.nearestPhone(c))
	f.digitsBefore(c)
}

func digitsOf(text string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, text)
}

// blockOf is a number without its last digits; country codes are cut off.
func blockOf(digits string, last int) string {
	if len(digits) <= last {
		return digits
	}
	return digits[max(0, len(digits)-national) : len(digits)-last]
}

func variety(digits string) float64 {
	seen := map[byte]bool{}
	for i := range len(digits) {
		seen[digits[i]] = true
	}
	return float64(len(seen))
}

func longestRun(digits string) float64 {
	best, run := 0, 0
	for i := range len(digits) {
		if i == 0 || digits[i] != digits[i-1] {
			run = 0
		}
		run++
		best = max(best, run)
	}
	return float64(best)
}

// nearestPhone is how far the next number is, of all rows.
func (f *frame) nearestPhone(c *column) []float32 {
	whole := *c
	whole.nums = make([]float64, len(c.texts))
	for id, t := range c.texts {
		d := digitsOf(t)
		whole.nums[id] = number(d[max(0, len(d)-national):])
	}
	all := words{ids: make([]int32, f.n), texts: []string{""}}
	return f.nearest(all, &whole)
}

// digitsBefore emits the six digits before the last four one by one: a pool of
// numbers has some of them in common.
func (f *frame) digitsBefore(c *column) {
	for back := 1; back <= 8; back++ {
		f.put("phone.digit"+number0(float64(back)), "digit "+number0(float64(back))+" from the end of the telephone number", c, f.byText(c, func(t string) float64 {
			d := digitsOf(t)
			if len(d) < back {
				return math.NaN()
			}
			return float64(d[len(d)-back] - '0')
		}))
	}
}
