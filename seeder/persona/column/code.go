package column

import (
	"math/rand/v2"
	"slices"
	"sort"
	"strings"

	"saltmine/seeder/persona/checkdigit"
)

// shape is what codes of one form have at each place.
type shape struct {
	codes  []string // in order
	places []string // the characters seen there
}

// shapeOf writes 9 for a digit, A and a for letters, and everything else as it is.
func shapeOf(code string) string {
	b := []byte(code)
	for i, c := range b {
		switch {
		case c >= '0' && c <= '9':
			b[i] = '9'
		case c >= 'A' && c <= 'Z':
			b[i] = 'A'
		case c >= 'a' && c <= 'z':
			b[i] = 'a'
		}
	}
	return string(b)
}

// fewShapes is the number of codes of one form that tell what may stand where;
// codes of mixed letters and digits have as many forms as codes, and are told
// by their length.
const fewShapes = 20

func (c *Column) shape() {
	c.shapes = map[string]*shape{}
	codes := make([]string, 0, len(c.counts))
	forms := map[string]int{}
	for text := range c.counts {
		codes = append(codes, text)
		forms[shapeOf(text)]++
	}
	sort.Strings(codes)
	c.check = checkdigit.Detect(codes)
	mixed := len(forms)*fewShapes > len(codes)
	for _, text := range codes {
		key := c.shapeKey(text, mixed)
		s := c.shapes[key]
		if s == nil {
			s = &shape{places: make([]string, len(text))}
			c.shapes[key] = s
		}
		s.codes = append(s.codes, text)
		for i := range len(text) {
			if !strings.Contains(s.places[i], text[i:i+1]) {
				s.places[i] += text[i : i+1]
			}
		}
		for range c.counts[text] {
			c.order = append(c.order, point{text: text})
		}
	}
	slices.SortStableFunc(c.order, byShape)
}

func byShape(a, b point) int { return strings.Compare(shapeOf(a.text)+a.text, shapeOf(b.text)+b.text) }

func (c *Column) shapeKey(text string, mixed bool) string {
	if !mixed {
		return shapeOf(text)
	}
	// The separators tell versions of one thing apart: 8-4-4-4-12.
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return 'x'
		}
		return r
	}, text)
}

// code makes one that begins like the donor's and a neighbour's and goes on as
// codes of this form do; less of the beginning is kept as tries are in vain.
func (c *Column) code(rng *rand.Rand, donor string, vain int) (string, bool) {
	s := c.shapes[shapeOf(donor)]
	if s == nil {
		s = c.shapes[c.shapeKey(donor, true)]
	}
	if s == nil || len(s.codes) < fewShapes {
		return "", false
	}
	at, _ := slices.BinarySearch(s.codes, donor)
	neighbour := s.codes[min(max(at+rng.IntN(17)-8, 0), len(s.codes)-1)]
	keep := 0
	for keep < len(donor) && keep < len(neighbour) && donor[keep] == neighbour[keep] {
		keep++
	}
	// Where codes are close to each other the last places alone are no room.
	keep = max(min(keep, len(donor)-3)-vain, 0)
	b := []byte(donor)
	for i := keep; i < len(b); i++ {
		b[i] = s.places[i][rng.IntN(len(s.places[i]))]
	}
	made := string(b)
	if c.check == checkdigit.None {
		return made, made != donor
	}
	right, ok := c.check.Complete(made)
	if made == strings.ToLower(made) {
		right = strings.ToLower(right)
	}
	return right, ok && right != donor
}
