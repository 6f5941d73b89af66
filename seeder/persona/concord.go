package persona

import (
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// concord says how well the ends of a first and a last name go together (Anna
// Kowalska, not Anna Kowalski): with which probability a put-together name is
// kept. It looks at the last two letters of the last name with the kind of the
// last letter of the first name (a, another vowel, a consonant), and then with
// that letter itself. Ends that share a place are told together. The zero
// concord keeps all.
type concord struct {
	rough, fine []float32
	top         float32
}

const (
	places       = 1 << 11
	mostConcord  = 2.5
	fewConcord   = 8 // ends that fewer people would have tell nothing
	surely       = 3 // standard deviations that are no accident
	concordDraws = 20_000
)

// concordOf compares the ends of names as people have them with those that are
// put together.
func (m *Mix) concordOf(g *group, walk bool) concord {
	rng := &dice{2}
	stand, drawn := make([]pair, len(g.links)), make([]pair, concordDraws)
	for i := range stand {
		stand[i] = pair{g.links[i].first, g.links[i].last}
	}
	for i := range drawn {
		drawn[i] = g.walked(rng, !walk)
	}
	c := concord{top: 1}
	c.rough = m.ratios(stand, drawn, rough, concord{top: 1})
	c.fine = m.ratios(stand, drawn, fine, c)
	kept := make([]float32, len(drawn))
	for i, p := range drawn {
		kept[i] = float32(c.agree(m.both(p)))
	}
	slices.Sort(kept)
	c.top = min(max(kept[len(kept)*9/10], 1), mostConcord)
	return c
}

// ratios tells for each place how much more often people stand there than come
// to stand there by drawing, as far as that is no accident; so is what an
// earlier concord drops.
func (m *Mix) ratios(stand, drawn []pair, place func(first, last *name) int, so concord) []float32 {
	var have, come [places]float64
	total := 0.0
	for _, p := range drawn {
		w := so.agree(m.both(p))
		come[place(m.both(p))] += w
		total += w
	}
	for _, p := range stand {
		have[place(m.both(p))]++
	}
	out := make([]float32, places)
	scale := float64(len(stand)) / total
	for i := range out {
		out[i] = 1
		n := come[i] * scale
		if off := math.Abs(have[i] - n); n >= fewConcord && off > surely*math.Sqrt(n*(1+scale)) {
			out[i] = float32(have[i] / n)
		}
	}
	return out
}

func (m *Mix) both(p pair) (first, last *name) {
	return &m.firsts.names[p.first], &m.lasts.names[p.last]
}

// rough and fine give the place of two names.
func rough(first, last *name) int {
	kind := int32(0)
	switch r := first.ends[0]; {
	case r == 'a' || r == 'á' || r == 'а' || r == 'я':
		kind = 1
	case r < unicode.MaxRune && strings.ContainsRune("eioué", r):
		kind = 2
	}
	return placeOf(kind, last.ends[1])
}

func fine(first, last *name) int { return placeOf(first.ends[0], last.ends[1]) }

func placeOf(a, b int32) int {
	h := (uint32(a)*0x9e3779b1 ^ uint32(b)) * 0x85ebca6b //nolint:gosec // a hash
	return int(h >> 21)
}

// agree is the probability with which a put-together name is kept.
func (c *concord) agree(first, last *name) float64 {
	p := float32(1)
	if c.rough != nil {
		p *= c.rough[rough(first, last)]
	}
	if c.fine != nil {
		p *= c.fine[fine(first, last)]
	}
	return float64(p / max(c.top, 1))
}

// endOf gives a number for the last letters of a name; that of one letter is
// the letter.
func endOf(text string, letters int) int32 {
	end := int32(0)
	for range letters {
		r, size := utf8.DecodeLastRuneInString(text)
		end, text = end<<15^unicode.ToLower(r), text[:len(text)-size]
	}
	return end
}
