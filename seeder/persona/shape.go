package persona

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
)

// Shape is what the values of a column look like, place by place: a UUID, a
// customer code, a token. It makes new values that look alike. Letters and
// digits that are the same in all values stay.
type Shape struct {
	lengths []int
	places  map[int][]string // by length: the characters seen at each place
}

// Bounds of a shape: with fewer values nothing is learned, with fewer than
// minRoom possible values new ones would meet old ones.
const (
	minValues = 20
	minRoom   = 1e6
)

// LearnShape learns from values. It is not ok when they are too few, have
// spaces in them (then they are words, not codes), or leave too little room.
func LearnShape(values []string) (*Shape, bool) {
	s := &Shape{places: map[int][]string{}}
	if len(values) < minValues {
		return nil, false
	}
	for _, v := range values {
		if v == "" || len(v) > 255 || strings.ContainsFunc(v, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return nil, false
		}
		s.lengths = append(s.lengths, len(v))
		places := s.places[len(v)]
		if places == nil {
			places = make([]string, len(v))
		}
		for i := range len(v) {
			if !strings.Contains(places[i], v[i:i+1]) {
				places[i] += v[i : i+1]
			}
		}
		s.places[len(v)] = places
	}
	slices.Sort(s.lengths)
	if s.room() < math.Log(minRoom) {
		return nil, false
	}
	return s, true
}

// room is the logarithm of the number of values of the usual length.
func (s *Shape) room() float64 {
	room := 0.0
	for _, chars := range s.places[s.lengths[len(s.lengths)/2]] {
		room += math.Log(float64(len(chars)))
	}
	return room
}

// Draw makes a value that is not used. It is ErrVariety when none is found.
func (s *Shape) Draw(rng *rand.Rand, used func(string) bool) (string, error) {
	for range maxSpread {
		places := s.places[s.lengths[rng.IntN(len(s.lengths))]]
		b := make([]byte, len(places))
		for i, chars := range places {
			b[i] = chars[rng.IntN(len(chars))]
		}
		if !used(string(b)) {
			return string(b), nil
		}
	}
	return "", fmt.Errorf("draw a value of a shape: %w", ErrVariety)
}
