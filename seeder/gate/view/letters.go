package view

import (
	"math"
	"math/bits"
	"strconv"
)

// Letters of texts: how likely each is after the two before it, learned from
// the column itself without the row that is looked at.

const (
	leastBits  = 12 // of the tables of counts
	mostBits   = 20
	perRow     = 16  // places in them
	longest    = 160 // runes of a text that are looked at
	smoothing  = 0.2
	alphabet   = 40
	knownGrams = 2 // other texts that make a sequence of three known
)

// grams counts sequences of three letters, and of two, in hashed tables.
type grams struct {
	three, two []int32
	mask       uint64
	apart      bool // what is looked at was not counted
}

func (f *frame) newGrams() *grams {
	size := 1 << min(mostBits, max(leastBits, bits.Len64(uint64(perRow*f.population())))) //nolint:gosec // above zero
	return &grams{make([]int32, size), make([]int32, size), uint64(size - 1), f.apart()}  //nolint:gosec // above zero
}

// visit calls do for each letter with the places of its sequences.
func (g *grams) visit(salt uint64, text string, do func(three, two uint64)) {
	a, b := uint64('^'), uint64('^')
	at := 0
	step := func(c uint64) {
		two := salt*0x9e3779b97f4a7c15 ^ a*0xc2b2ae3d27d4eb4f ^ b*0x165667b19e3779f9
		three := two ^ c*0xd6e8feb86659fd93
		do(spread(three)&g.mask, spread(two)&g.mask)
		a, b = b, c
	}
	for _, r := range text {
		if at++; at > longest {
			return
		}
		step(uint64(lower(r))) //nolint:gosec // runes are not below zero
	}
	step('$')
}

func spread(h uint64) uint64 {
	h = (h ^ h>>29) * 0xbf58476d1ce4e5b9
	return h ^ h>>32
}

func (g *grams) add(salt uint64, text string) {
	g.visit(salt, text, func(three, two uint64) {
		g.three[three]++
		g.two[two]++
	})
}

// look is the mean log-likelihood of a text's letters and the count of its
// rarest sequence; of a row that counts as if its text had not been counted once.
func (g *grams) look(salt uint64, text string) (likely, rarest float64) {
	var own [longest + 1][2]uint64
	n := 0
	g.visit(salt, text, func(three, two uint64) {
		own[n] = [2]uint64{three, two}
		n++
	})
	rarest = math.Inf(1)
	for i := range n {
		mine, context := int32(0), int32(0)
		for j := range n {
			if g.apart {
				break
			}
			if own[j][0] == own[i][0] {
				mine++
			}
			if own[j][1] == own[i][1] {
				context++
			}
		}
		seen := float64(max(0, g.three[own[i][0]]-mine))
		of := float64(max(0, g.two[own[i][1]]-context))
		likely += math.Log((seen + smoothing) / (of + smoothing*alphabet))
		rarest = min(rarest, seen)
	}
	return likely / float64(max(n, 1)), rarest
}

// letters emits how likely the letters of a column are.
func (f *frame) letters(name string, c *column) {
	f.lettersOf(name, c, c.ids, c.texts)
}

func (f *frame) lettersOf(name string, c *column, ids []int32, texts []string) {
	g := f.newGrams()
	for row, id := range ids {
		if id != null && f.counted[row] {
			g.add(0, texts[id])
		}
	}
	likely, rarest, strange := make([]float64, len(texts)), make([]float64, len(texts)), make([]float64, len(texts))
	for id, t := range texts {
		l, r := g.look(0, t)
		likely[id], rarest[id] = l, math.Log1p(r)
		strange[id] = float64(flag(r < knownGrams))
	}
	f.put(name+".letters", "how likely the sequence of letters in "+name+" is", c, f.each(ids, func(id int32, _ int) float64 { return likely[id] }))
	f.putCount(name+".rarest", "the rarest three letters in "+name, c, f.each(ids, func(id int32, _ int) float64 { return rarest[id] }))
	f.put(name+".strange", "whether three letters in "+name+" stand together nowhere else", c, f.each(ids, func(id int32, _ int) float64 { return strange[id] }))
}

// lettersBy emits how likely the letters are among rows of the same word, a
// country's names for instance.
func (f *frame) lettersBy(name string, c *column, ids []int32, texts []string, by words) {
	g := f.newGrams()
	for row, id := range ids {
		if id != null && by.ids[row] != null && f.counted[row] {
			g.add(uint64(by.ids[row])+1, texts[id]) //nolint:gosec // not null
		}
	}
	pairs, size := cross(ids, by.ids, by.size())
	known, seen := make([]float32, size), make([]bool, size)
	values := f.each(pairs, func(pair int32, row int) float64 {
		if !seen[pair] {
			l, _ := g.look(uint64(by.ids[row])+1, texts[ids[row]]) //nolint:gosec // not null
			known[pair], seen[pair] = float32(l), true
		}
		return float64(known[pair])
	})
	f.put(name+".letters."+by.name, "how likely the letters in "+name+" are for the row's "+by.says, c, values)
}

func lower(r rune) rune {
	if r >= 'A' && r <= 'Z' {
		return r + 'a' - 'A'
	}
	return r
}

// number0 prints a whole number.
func number0(v float64) string { return strconv.FormatFloat(v, 'f', 0, 64) }
