package forensics

import (
	"cmp"
	"slices"

	"saltmine/internal/baserate"
	"saltmine/internal/canary"
)

// Size is how much leaked, as far as contacts tell.
type Size struct {
	// Contacted is how many records were contacted, by how many canaries were, with
	// its 95 % interval (Garwood's): no leak is smaller. Nil where nobody knows how
	// many rows there are to a canary.
	Contacted *Range `json:"contacted,omitempty"`
	// Rows is how many the leaked extract has, if it is a known one: by the rows of those
	// that may be it, with its 90 % interval. Nil where too little is known of them, and
	// where it is more probably none of them.
	Rows *Range `json:"rows,omitempty"`
	// Segments counts the tokens hit by segment, most first.
	Segments []SegmentHits `json:"segments"`
}

// Range is an estimate with an interval.
type Range struct {
	From  int64 `json:"from"`
	Best  int64 `json:"best"`
	Until int64 `json:"until"`
}

// SegmentHits counts what was hit of one segment.
type SegmentHits struct {
	Segment canary.Segment `json:"segment"`
	Hits    int            `json:"hits"`
}

// size says how much leaked; sum are the rows of what may have.
func (a *Answer) size(ranked []weighed, sum [3]float64) {
	s := &Size{Segments: []SegmentHits{}}
	var rows, held float64
	for i := range ranked {
		if e := ranked[i].from; e != nil && e.Rows > 0 && ranked[i].why.holds > 0 {
			rows, held = rows+float64(e.Rows), held+float64(ranked[i].why.holds)
		}
	}
	if hit := float64(a.canaries()); held > 0 && rows > held {
		low, high := baserate.Garwood(int(hit), .95)
		s.Contacted = &Range{int64(low * rows / held), int64(hit * rows / held), int64(high * rows / held)}
	}
	if knowsRows(ranked) && a.Chances.Known > .5 {
		s.Rows = &Range{int64(sum[0]), int64(sum[1]), int64(sum[2])}
	}
	of := map[canary.Segment]int{}
	for _, h := range a.Hits {
		of[h.segment]++
	}
	for segment, n := range of {
		s.Segments = append(s.Segments, SegmentHits{segment, n})
	}
	slices.SortFunc(s.Segments, func(x, y SegmentHits) int {
		return cmp.Or(cmp.Compare(y.Hits, x.Hits), cmp.Compare(x.Segment, y.Segment))
	})
	a.Size = s
}

// mostUnsure is the part of the probability of which no rows may be known.
const mostUnsure = .1

// knowsRows reports whether the rows are known of nearly all that is probable.
func knowsRows(ranked []weighed) bool {
	var all, known float64
	for i := range ranked {
		x := &ranked[i]
		if x.from == nil {
			continue
		}
		all += x.p
		if x.from.Rows > 0 {
			known += x.p
		}
	}
	return known > 0 && known >= (1-mostUnsure)*all
}
