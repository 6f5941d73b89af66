package seeder

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"

	"saltmine/internal/canary"
	"saltmine/seeder/gate"
	"saltmine/seeder/gate/view"
	"saltmine/seeder/supportdb"
)

// lot is the rows that the gate looks at, and in which role.
//
// A table of up to twice the rows wanted is looked at whole, as who has it all
// would: everybody is judged, everybody counts. Of a larger one two disjoint
// random samples are drawn: one is only counted, with as many canaries in it as
// the table has in as many rows; the other is compared with the remaining
// canaries, and both of these see the first and nothing else. So no row counts
// for more or for less because of what it is.
type lot struct {
	wanted int
	drawn  []drawn // in random order
	table  int     // customers of the segment, about
	whole  bool    // drawn is all of them
	// strata are the drafts in each stratum; nil where they are not spread.
	strata map[canary.Segment]int
}

// drawn is a customer that was drawn from the table.
type drawn struct {
	key  string
	ours bool // a canary that stands in the table
	row  view.Row
	// stratum is that of a customer, where canaries are spread over strata.
	stratum canary.Segment
}

// onlyCounted is the part of the canaries, one in, that may be lost to the rows
// that are only counted.
const onlyCounted = 4

// survey is what to draw.
type survey struct {
	segment  canary.Segment
	wanted   int // rows to be judged, and as many to be counted
	rng      *rand.Rand
	ours     map[string]bool // keys of the canaries that stand
	division *division       // of canaries that are spread over strata
	progress func(done, total int)
}

// draw draws customers of a segment, twice as many as are wanted.
func (s *Seeder) draw(ctx context.Context, v survey, flat flattener) (*lot, error) {
	l := &lot{wanted: v.wanted}
	var keys []string
	cfg := supportdb.Survey{Want: 2 * v.wanted, Segment: v.segment, Progress: v.progress}
	err := s.cfg.Desk.Survey(ctx, v.rng, cfg, func(r supportdb.Row) error {
		keys = append(keys, r.Get("key").Text())
		return nil
	})
	if err != nil {
		return nil, err
	}
	for group := range slices.Chunk(keys, 500) {
		records, err := s.cfg.Desk.Portraits(ctx, group)
		if err != nil {
			return nil, err
		}
		for i := range records {
			l.drawn = append(l.drawn, drawn{records[i].Key, v.ours[records[i].Key], flat.row(&records[i].Image), v.division.of(&records[i].Image)})
		}
		if v.progress != nil {
			v.progress(len(l.drawn), len(keys))
		}
	}
	l.whole = len(keys) < 2*v.wanted
	if l.table = len(keys); !l.whole {
		l.table, err = s.population(ctx, v, len(keys))
	}
	v.rng.Shuffle(len(l.drawn), func(i, j int) { l.drawn[i], l.drawn[j] = l.drawn[j], l.drawn[i] })
	return l, err
}

// shareSample is how many customers say how large a part of them a segment is.
const shareSample = 1000

// population is about how many customers a segment has, of which at least so
// many were seen.
func (s *Seeder) population(ctx context.Context, v survey, seen int) (int, error) {
	part := 1.0
	if v.segment != "" {
		rows, err := s.cfg.Desk.Sample(ctx, v.rng, shareSample, "")
		if err != nil || len(rows) == 0 {
			return seen, err
		}
		covered := 0
		for i := range rows {
			if v.segment.Covers(s.cfg.Desk.SegmentOf(&rows[i])) {
				covered++
			}
		}
		part = float64(covered) / float64(len(rows))
	}
	return max(seen, int(part*float64(s.cfg.Desk.Estimate()))), nil
}

// amongStanding deals the rows for canaries that stand in the table: count in
// all, of which some are judged. rows gives the judged ones by key.
func (l *lot) amongStanding(judged map[string]view.Row, order []string, count int) gate.Input {
	in := gate.Input{Rows: l.table, Count: count, Apart: !l.whole || count != len(judged)}
	counted := 0
	if in.Apart {
		counted = min(l.wanted, l.table/onlyCounted, len(l.drawn)/2)
	}
	lost := map[string]bool{}
	for _, d := range l.drawn[:counted] {
		in.Others = append(in.Others, d.row)
		lost[d.key] = true
	}
	isJudged := func(d *drawn) bool {
		_, is := judged[d.key]
		return is
	}
	l.deal(&in, counted, isJudged)
	for _, key := range order {
		if row, stands := judged[key]; stands && !lost[key] {
			in.Canaries = append(in.Canaries, row)
		}
	}
	return in
}

// deal gives the customers after those that are only counted to the judged
// ones, and canaries that are not judged, of a whole table, to the others.
func (l *lot) deal(in *gate.Input, counted int, judged func(*drawn) bool) {
	left := l.like(counted)
	for i := counted; i < len(l.drawn); i++ {
		d := &l.drawn[i]
		takes := l.strata == nil || left[d.stratum] > 0
		switch {
		case !d.ours && takes && (!in.Apart || len(in.Real) < l.wanted):
			left[d.stratum]--
			in.Real = append(in.Real, d.row)
		case !in.Apart && !judged(d):
			in.Others = append(in.Others, d.row)
		}
	}
}

// amongPlanned deals the rows for canaries that are in no table yet: of count
// some were drafted.
func (l *lot) amongPlanned(drafted []view.Row, count int) gate.Input {
	in := gate.Input{Rows: l.table + count, Count: count, Apart: !l.whole || count != len(drafted)}
	counted, mixed := 0, 0
	if in.Apart && l.table > 0 {
		counted = min(l.wanted, len(l.drawn)/2, l.table*len(drafted)/(onlyCounted*count))
		mixed = min(len(drafted), int(float64(count)*float64(counted)/float64(l.table)+0.5))
	}
	in.Canaries = drafted[mixed:]
	in.Others = slices.Clone(drafted[:mixed])
	for _, d := range l.drawn[:counted] {
		in.Others = append(in.Others, d.row)
	}
	l.deal(&in, counted, func(*drawn) bool { return false })
	return in
}

// like is how many customers of each stratum, after those that are only
// counted, are as many for each canary in all of them: that some strata are to
// have more canaries is wanted, and not for the gate to find.
func (l *lot) like(counted int) map[canary.Segment]int {
	out, have, part := map[canary.Segment]int{}, map[canary.Segment]int{}, math.Inf(1)
	for _, d := range l.drawn[counted:] {
		have[d.stratum]++
	}
	for s, n := range l.strata {
		if have[s] > 0 {
			part = min(part, float64(have[s])/float64(n))
		}
	}
	for s, n := range l.strata {
		out[s] = int(part * float64(n))
	}
	return out
}
