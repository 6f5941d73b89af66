package forensics

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"saltmine/internal/canary"
)

// index answers what an extract held. Canaries are numbered once; row segments
// are looked up through lists by "key=value" pair, so that the cost of an
// extract known by place and segment is two binary searches and its hits, not
// the number of canaries.
type index struct {
	hits   []*target
	number map[canary.ID]int // of a canary
	names  []canary.ID       // by canary
	areas  []area            // sorted
	lived  []lived           // all windows, by area and canary
	onHits [][]int           // by canary: the hit tokens that it had, or may have been meant by
	ofHit  []int             // by hit: the canary that it is put down to
	shelf  map[canary.Place]*shelf
	groups map[area]*holding
	making sync.Mutex // of groups
	event  []int      // by hit: the event that it belongs to
	events int
	silent *silence
}

type area struct {
	place   canary.Place
	segment canary.Segment
}

// shelf is one place: its row segments, and under each the canaries' spans.
type shelf struct {
	rows  []rowSet
	pairs map[string][]int // rows that have the pair, ascending
}

type rowSet struct {
	segment canary.Segment
	blocks  []span // in which some token of a canary may have been readable
	gaps    []span // between two blocks of one canary
}

// holding is what any extract of one area held: the ends of all blocks, sorted
// apart, so that the canaries at any moment are counted by two searches.
type holding struct {
	from, until []int64
	gaps        []span // sorted by their beginning
	hits        []heldHit
	edges       edges // moments at which what explains the hits changes
}

type heldHit struct {
	hit   int
	spans []span
}

func newIndex(tokens []Live, hits []*target) *index {
	ix := &index{hits: hits, number: map[canary.ID]int{}, shelf: map[canary.Place]*shelf{}, groups: map[area]*holding{}}
	for i, h := range hits {
		n := ix.canary(h.Canary)
		ix.ofHit = append(ix.ofHit, n)
		ix.onHits[n] = append(ix.onHits[n], i)
		for _, l := range h.lies {
			if c := ix.canary(l.canary); !slices.Contains(ix.onHits[c], i) {
				ix.onHits[c] = append(ix.onHits[c], i)
			}
		}
	}
	ix.fill(tokens)
	ix.event, ix.events = events(hits)
	ix.silent = silences(len(ix.names))
	return ix
}

// canary gives a canary's number, a new one when it has none.
func (ix *index) canary(id canary.ID) int {
	n, known := ix.number[id]
	if !known {
		n = len(ix.names)
		ix.number[id] = n
		ix.names = append(ix.names, id)
		ix.onHits = append(ix.onHits, nil)
	}
	return n
}

// lived is one window of a token, by the numbers of where it belongs.
type lived struct {
	area, canary int32
	hull         span
}

// fill puts every token's window into its shelf. Hit tokens are entered too,
// in case the list of all tokens lacks them.
func (ix *index) fill(tokens []Live) {
	n := numbering{index: ix, of: map[area]int32{}, all: make([]lived, 0, len(tokens)+len(ix.hits))}
	for i := range tokens {
		l := &tokens[i]
		n.add(l.Canary, l.Window.Place, l.Segment, hull(l.Window))
	}
	for _, h := range ix.hits {
		for _, l := range h.lies {
			n.add(l.canary, l.place, l.segment, l.hull)
		}
	}
	// Names are put in order once, so that the windows are sorted by numbers.
	canaries := ordered(len(ix.names), func(x, y int32) int { return cmp.Compare(ix.names[x], ix.names[y]) })
	areas := ordered(len(ix.areas), func(x, y int32) int { return ix.areas[x].compare(ix.areas[y]) })
	all := counted(n.all, len(canaries), func(l *lived) int32 { return canaries[l.canary] })
	all = counted(all, len(areas), func(l *lived) int32 { return areas[l.area] })
	for i := range all {
		all[i].area = areas[all[i].area]
	}
	slices.SortFunc(ix.areas, area.compare)
	ix.lived = all
	var room []span
	for len(all) > 0 {
		end := 1
		for end < len(all) && all[end].area == all[0].area {
			end++
		}
		room = ix.addRows(all[:end], room)
		all = all[end:]
	}
}

// numbering numbers canaries and areas as they come.
type numbering struct {
	*index
	of   map[area]int32
	all  []lived
	last struct { // most tokens stand beside others of their canary
		area
		canary canary.ID
	}
}

func (n *numbering) add(of canary.ID, place canary.Place, segment canary.Segment, hull span) {
	l := lived{hull: hull}
	first := len(n.all) == 0
	if !first {
		last := &n.all[len(n.all)-1]
		l.area, l.canary = last.area, last.canary
	}
	if at := (area{place, segment}); first || at != n.last.area {
		number, known := n.of[at]
		if !known {
			number = int32(len(n.areas)) //nolint:gosec // fewer than windows
			n.of[at] = number
			n.areas = append(n.areas, at)
		}
		l.area, n.last.area = number, at
	}
	if first || of != n.last.canary {
		l.canary, n.last.canary = int32(n.canary(of)), of //nolint:gosec // fewer than windows
	}
	n.all = append(n.all, l)
}

func (a area) compare(b area) int {
	return cmp.Or(cmp.Compare(a.place, b.place), cmp.Compare(a.segment, b.segment))
}

// area gives the number of one that some window is of.
func (ix *index) area(place canary.Place, segment canary.Segment) int32 {
	n, _ := slices.BinarySearchFunc(ix.areas, area{place, segment}, area.compare)
	return int32(n) //nolint:gosec // fewer than windows
}

// counted puts windows in the order of a number below n, those that have the same one in
// the order that they were in.
func counted(all []lived, n int, number func(*lived) int32) []lived {
	next := make([]int, n+1)
	for i := range all {
		next[number(&all[i])+1]++
	}
	for k := 1; k <= n; k++ {
		next[k] += next[k-1]
	}
	out := make([]lived, len(all))
	for i := range all {
		k := number(&all[i])
		out[next[k]] = all[i]
		next[k]++
	}
	return out
}

// ordered gives the place in an order of each number below n.
func ordered(n int, compare func(x, y int32) int) []int32 {
	order, at := make([]int32, n), make([]int32, n)
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, compare)
	for i, k := range order {
		at[k] = int32(i)
	}
	return at
}

// addRows enters the windows of one place and row segment. It works in a room, which it
// gives back.
func (ix *index) addRows(all []lived, room []span) []span {
	at := ix.areas[all[0].area]
	s := ix.shelf[at.place]
	if s == nil {
		s = &shelf{pairs: map[string][]int{}}
		ix.shelf[at.place] = s
	}
	for pair := range pairs(at.segment) {
		s.pairs[pair] = append(s.pairs[pair], len(s.rows))
	}
	row := rowSet{segment: at.segment, blocks: make([]span, 0, len(all))}
	for len(all) > 0 {
		spans := room[:0]
		end := 0
		for end < len(all) && all[end].canary == all[0].canary {
			spans = append(spans, all[end].hull)
			end++
		}
		all = all[end:]
		room = spans
		blocks := merge(spans)
		for i := 1; i < len(blocks); i++ {
			row.gaps = append(row.gaps, span{blocks[i-1].until, blocks[i].from})
		}
		row.blocks = append(row.blocks, blocks...)
	}
	s.rows = append(s.rows, row)
	return room
}

// pairs gives the "key=value" pairs of a segment.
func pairs(s canary.Segment) func(yield func(string) bool) {
	if s == "" {
		return func(func(string) bool) {}
	}
	return strings.SplitSeq(string(s), ",")
}

// covered gives the rows that a segment covers, as canary.Segment.Covers
// would, by intersecting the lists of its pairs.
func (s *shelf) covered(segment canary.Segment) []int {
	rows := make([]int, len(s.rows))
	for i := range rows {
		rows[i] = i
	}
	for pair := range pairs(segment) {
		rows = common(rows, s.pairs[pair])
	}
	return rows
}

// common intersects two ascending lists.
func common(x, y []int) []int {
	var out []int
	for len(x) > 0 && len(y) > 0 {
		switch {
		case x[0] < y[0]:
			x = x[1:]
		case x[0] > y[0]:
			y = y[1:]
		default:
			out = append(out, x[0])
			x, y = x[1:], y[1:]
		}
	}
	return out
}

// holding gives what extracts of a place and segment held, made once.
func (ix *index) holding(at area) *holding {
	if h := ix.groups[at]; h != nil {
		return h
	}
	h := &holding{}
	ix.groups[at] = h
	s := ix.shelf[at.place]
	if s == nil {
		return h
	}
	inside := map[canary.Segment]bool{}
	for _, r := range s.covered(at.segment) {
		inside[s.rows[r].segment] = true
		for _, b := range s.rows[r].blocks {
			h.from = append(h.from, b.from)
			h.until = append(h.until, b.until)
		}
		h.gaps = append(h.gaps, s.rows[r].gaps...)
	}
	slices.Sort(h.from)
	slices.Sort(h.until)
	slices.SortFunc(h.gaps, func(x, y span) int { return cmp.Compare(x.from, y.from) })
	for i, t := range ix.hits {
		var spans []span
		for _, l := range t.lies {
			if l.place == at.place && inside[l.segment] {
				spans = append(spans, l.hull)
			}
		}
		if spans != nil {
			h.hits = append(h.hits, heldHit{i, spans})
			h.edges = append(h.edges, t.first)
		}
		for _, s := range spans {
			h.edges = append(h.edges, s.from, s.until)
		}
	}
	slices.Sort(h.edges)
	h.edges = slices.Compact(h.edges)
	return h
}

// edges are moments, sorted, each once.
type edges []int64

// until gives the number of those that are not after a moment.
func (e edges) until(at int64) int {
	n, met := slices.BinarySearch(e, at)
	if met {
		n++
	}
	return n
}

// count gives the canaries of which some token may have been readable in the
// closed interval [from, until].
func (h *holding) count(from, until int64) int {
	begun, _ := slices.BinarySearch(h.from, until+1)
	ended, _ := slices.BinarySearch(h.until, from+1)
	n := begun - ended
	// A canary with a gap inside the interval was counted on both sides of it.
	first, _ := slices.BinarySearchFunc(h.gaps, from+1, func(g span, t int64) int { return cmp.Compare(g.from, t) })
	for _, g := range h.gaps[first:] {
		if g.from > until {
			break
		}
		if g.until <= until {
			n--
		}
	}
	return n
}

// at gives the token's windows in a canary's row in a place, in all places when
// none is named.
func (t *target) at(place canary.Place, of canary.ID) []span {
	var out []span
	for _, l := range t.lies {
		if l.canary == of && (place == "" || l.place == place) {
			out = append(out, l.hull)
		}
	}
	return out
}
