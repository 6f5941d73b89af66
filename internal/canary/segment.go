package canary

import (
	"maps"
	"slices"
	"strings"
)

// MakeSegment builds a segment from its pairs. Commas and equals signs in
// values are replaced by spaces, so that the text form stays unambiguous.
func MakeSegment(pairs map[string]string) Segment {
	clean := strings.NewReplacer(",", " ", "=", " ")
	parts := make([]string, 0, len(pairs))
	for _, k := range slices.Sorted(maps.Keys(pairs)) {
		parts = append(parts, clean.Replace(k)+"="+clean.Replace(pairs[k]))
	}
	return Segment(strings.Join(parts, ","))
}

// Pairs returns the segment's pairs; the empty segment has none.
func (s Segment) Pairs() map[string]string {
	pairs := map[string]string{}
	if s == "" {
		return pairs
	}
	for part := range strings.SplitSeq(string(s), ",") {
		k, v, _ := strings.Cut(part, "=")
		pairs[k] = v
	}
	return pairs
}
