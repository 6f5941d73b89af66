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
	// Rows is how many the leaked extract has, by the rows of the known extracts that
	// may be it, with its 90 % interval. Nil where too little is known of them.
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

// size says how much leaked.
func (a *Answer) size(ranked []weighed) {
	s := &Size{Segments: []SegmentHits{}}
	var rows, held float64
	for i := range ranked {
		if e := ranked[i].from; e != nil && e.Rows > 0 && ranked[i].Holds > 0 {
			rows, held = rows+float64(e.Rows), held+float64(ranked[i].Holds)
		}
	}
	if hit := float64(a.canaries()); held > 0 && rows > held {
		low, high := baserate.Garwood(int(hit), .95)
		s.Contacted = &Range{int64(low * rows / held), int64(hit * rows / held), int64(high * rows / held)}
	}
	s.Rows = rowsOf(ranked)
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

// rowsOf gives the middle and the 90 % interval of the rows of the extracts that may
// have leaked, where they are known of nearly all that is probable.
func rowsOf(ranked []weighed) *Range {
	type one struct {
		rows int64
		p    float64
	}
	var list []one
	var all, known float64
	for i := range ranked {
		x := &ranked[i]
		all += x.P
		if x.from != nil && x.from.Rows > 0 && x.P > 0 {
			known += x.P
			list = append(list, one{x.from.Rows, x.P})
		}
	}
	if all == 0 || known < (1-mostUnsure)*all {
		return nil
	}
	slices.SortFunc(list, func(x, y one) int { return cmp.Or(cmp.Compare(x.rows, y.rows), cmp.Compare(x.p, y.p)) })
	at := func(share float64) int64 {
		sum := 0.
		for _, x := range list {
			if sum += x.p; sum >= share*known {
				return x.rows
			}
		}
		return list[len(list)-1].rows
	}
	return &Range{at(.05), at(.5), at(.95)}
}
