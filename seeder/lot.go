package seeder

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"saltmine/internal/canary"
	"saltmine/seeder/gate"
	"saltmine/seeder/gate/view"
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
}

// drawn is a customer that was drawn from the table.
type drawn struct {
	key  string
	ours bool // a canary that stands in the table
	row  view.Row
}

// onlyCounted is the part of the canaries, one in, that may be lost to the rows
// that are only counted.
const onlyCounted = 4

// mostRead bounds the rows that are read for one that is wanted, where a
// segment is rare.
const mostRead = 8

// survey is what to draw.
type survey struct {
	segment  canary.Segment
	wanted   int // rows to be judged, and as many to be counted
	rng      *rand.Rand
	ours     map[string]bool // keys of the canaries that stand
	progress func(done, total int)
}

// draw draws customers of a segment.
func (s *Seeder) draw(ctx context.Context, v survey, flat flattener) (*lot, error) {
	enough := 2 * v.wanted
	most := enough
	if v.segment != "" {
		most *= mostRead
	}
	keys, customers, err := s.cfg.Desk.Survey(ctx, v.rng, most)
	if err != nil {
		return nil, err
	}
	l := &lot{wanted: v.wanted}
	read := 0
	for group := range slices.Chunk(keys, 500) {
		records, err := s.cfg.Desk.Portraits(ctx, group)
		if err != nil {
			return nil, err
		}
		for i := range records {
			facts := s.cfg.Desk.Facts(&records[i].Image)
			if v.segment.Covers(s.cfg.Desk.SegmentOf(&facts)) {
				l.drawn = append(l.drawn, drawn{records[i].Key, v.ours[records[i].Key], flat.row(&records[i].Image)})
			}
		}
		if read += len(group); v.progress != nil {
			v.progress(min(len(l.drawn), enough), min(enough, len(keys)))
		}
		if len(l.drawn) >= enough {
			break
		}
	}
	l.whole = read == len(keys) && len(keys) == customers
	l.table = int(float64(len(l.drawn)) * float64(customers) / float64(max(1, read)))
	v.rng.Shuffle(len(l.drawn), func(i, j int) { l.drawn[i], l.drawn[j] = l.drawn[j], l.drawn[i] })
	return l, nil
}

// errFewRows says that a table is too small to be judged in.
var errFewRows = errors.New("the table has too few customers to compare with")

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
	for _, d := range l.drawn[counted:] {
		_, isJudged := judged[d.key]
		switch {
		case !d.ours && (!in.Apart || len(in.Real) < l.wanted):
			in.Real = append(in.Real, d.row)
		case d.ours && !in.Apart && !isJudged:
			in.Others = append(in.Others, d.row)
		}
	}
	for _, key := range order {
		if row, stands := judged[key]; stands && !lost[key] {
			in.Canaries = append(in.Canaries, row)
		}
	}
	return in
}

// amongPlanned deals the rows for canaries that are in no table yet: of count
// some were drafted.
func (l *lot) amongPlanned(drafted []view.Row, count int) (gate.Input, error) {
	in := gate.Input{Rows: l.table + count, Count: count, Apart: !l.whole || count != len(drafted)}
	if len(l.drawn) < 2 || len(drafted) == 0 {
		return in, fmt.Errorf("%w: %d", errFewRows, len(l.drawn))
	}
	counted, mixed := 0, 0
	if in.Apart {
		counted = min(l.wanted, len(l.drawn)/2, l.table*len(drafted)/(onlyCounted*count))
		mixed = int(float64(count)*float64(counted)/float64(l.table) + 0.5)
	}
	in.Canaries = drafted[mixed:]
	in.Others = slices.Clone(drafted[:mixed])
	for i, d := range l.drawn {
		switch {
		case i < counted, d.ours && !in.Apart:
			in.Others = append(in.Others, d.row)
		case !d.ours && (!in.Apart || len(in.Real) < l.wanted):
			in.Real = append(in.Real, d.row)
		}
	}
	return in, nil
}
