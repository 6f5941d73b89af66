package persona

import (
	"maps"
	"math"
	"slices"
	"strings"
	"unicode"
)

// spelling knows the letters of a group's rare names, or of words: how probable
// a name is that nobody of the sample has, and how it is written when only its
// letters of a local part are known. It is not changed after it was learned.
type spelling struct {
	one   [27]float64
	two   [27 * 27]float64
	three [27 * 27 * 27]float64
	total float64

	pieces map[string]map[string]float64 // what stands for some letters, by how they stand, see seams
}

// spellingNames is how many names teach a spelling.
const spellingNames = 4000

// spellingOf learns from names; e is the share of those who write ä as ae.
func spellingOf(names []*name, e float64) *spelling {
	s := &spelling{pieces: map[string]map[string]float64{}}
	step := max(len(names)/spellingNames, 1)
	e = max(e, 0)
	for i := 0; i < len(names); i += step {
		n := names[i]
		if n.words || n.plain == "" {
			continue
		}
		s.count(n.plain)
		if habitOf(n.text) != typedNatural {
			continue // tells nothing of where capitals stand
		}
		s.align(n.text, umlautPlain, 1-e)
		s.align(n.text, umlautE, e)
	}
	return s
}

func spellingOfWords(words *texts) *spelling {
	s := &spelling{}
	for _, w := range words.all {
		s.count(w)
	}
	return s
}

// code27 numbers the letters from 1; 0 is the end of a text.
func code27(text string, i int) int {
	if i < 0 || i >= len(text) || text[i] < 'a' || text[i] > 'z' {
		return 0
	}
	return int(text[i]-'a') + 1
}

func (s *spelling) count(text string) {
	for i := range len(text) + 1 {
		a, b, c := code27(text, i-2), code27(text, i-1), code27(text, i)
		s.one[c]++
		s.two[27*b+c]++
		s.three[27*27*a+27*b+c]++
		s.total++
	}
}

// odds is the logarithm of the probability that a new text has these letters:
// of each after the two before it, as far as these were met, else after one.
func (s *spelling) odds(text string) float64 {
	const doubt = 4.0
	sum := 0.0
	for i := range len(text) + 1 {
		a, b, c := code27(text, i-2), code27(text, i-1), code27(text, i)
		single := (s.one[c] + 1) / (s.total + 27)
		double := (s.two[27*b+c] + doubt*single) / (sumOf(s.two[27*b:27*b+27]) + doubt)
		at := 27*27*a + 27*b
		sum += math.Log((s.three[at+c] + doubt*double) / (sumOf(s.three[at:at+27]) + doubt))
	}
	return sum
}

func sumOf(list []float64) float64 {
	sum := 0.0
	for _, x := range list {
		sum += x
	}
	return sum
}

// align notes which runes of a name became which letters.
func (s *spelling) align(text string, u umlaut, weight float64) {
	if weight <= 0 {
		return
	}
	var runes, letters []string
	before := ""
	for _, r := range text {
		piece := fold(string(r), u)
		if before += string(r); piece == "" { // an apostrophe goes with what follows
			continue
		}
		runes, letters, before = append(runes, before), append(letters, piece), ""
	}
	whole, at := strings.Join(letters, ""), 0
	for i, piece := range letters {
		for _, seam := range seams(whole, at, len(piece)) {
			if s.pieces[seam] == nil {
				s.pieces[seam] = map[string]float64{}
			}
			s.pieces[seam][runes[i]] += weight
		}
		at += len(piece)
	}
}

// seams tell how some letters stand in a text, the closest first: after three
// others and before one, after one and before one, and which two they are, or
// begin.
func seams(text string, at, n int) [3]string {
	padded, next := "^"+text[:at], "$"
	if at+n < len(text) {
		next = text[at+n : at+n+1]
	}
	piece := "|" + text[at:at+n] + "|" + next
	return [3]string{padded[max(0, len(padded)-3):] + piece, padded[len(padded)-1:] + piece, "*|" + text[at:at+n] + "|" + next[:2-min(n, 2)]}
}

// write gives a name of which the letters are known its natural case and the
// marks that such names have: "schroeder" is Schröder where people write so.
func (s *spelling) write(rng *dice, letters string) string {
	var b strings.Builder
	for at := 0; at < len(letters); {
		text, n := s.piece(rng, letters, at)
		if at == 0 {
			first := []rune(text)
			first[0] = unicode.ToTitle(first[0])
			text = string(first)
		}
		b.WriteString(text)
		at += n
	}
	return b.String()
}

// piece draws what stands for the next letter, or the next two.
func (s *spelling) piece(rng *dice, letters string, at int) (text string, n int) {
	for level, enough := range [...]float64{3, 3, 0.5} {
		single := s.pieces[seams(letters, at, 1)[level]]
		var double map[string]float64
		if at+2 <= len(letters) {
			double = s.pieces[seams(letters, at, 2)[level]]
		}
		if total := weightOf(single) + weightOf(double); total >= enough {
			x := total * float64(rng.next()>>11) / (1 << 53)
			if text, ok := pickOf(single, &x); ok {
				return text, 1
			}
			if text, ok := pickOf(double, &x); ok {
				return text, 2
			}
		}
	}
	return letters[at : at+1], 1
}

func weightOf(options map[string]float64) float64 {
	sum := 0.0
	for _, text := range slices.Sorted(maps.Keys(options)) {
		sum += options[text]
	}
	return sum
}

// pickOf goes through the options in their order until x is used up.
func pickOf(options map[string]float64, x *float64) (string, bool) {
	for _, text := range slices.Sorted(maps.Keys(options)) {
		if *x -= options[text]; *x < 0 {
			return text, true
		}
	}
	return "", false
}
