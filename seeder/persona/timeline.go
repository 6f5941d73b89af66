package persona

import (
	"math/rand/v2"
	"slices"
	"time"
)

// Spread draws n times in (low, high], in order.
func Spread(rng *rand.Rand, n int, low, high time.Time) []time.Time {
	span := high.Sub(low)
	out := make([]time.Time, n)
	for i := range out {
		out[i] = high
		if span > 0 {
			out[i] = high.Add(-time.Duration(rng.Int64N(int64(span))))
		}
	}
	slices.SortFunc(out, time.Time.Compare)
	return out
}

// Timeline moves a donor's life to a canary's: the sign-up goes to a new
// instant, and everything after it keeps its order. What followed at once
// follows at once, and what was in the same second stays so. After a longer
// gap a date keeps its time of day, some minutes off, and its weekday, where
// the order leaves room for that, and avoids the donor's own day. Gaps are drawn
// together where the canary has had less time than the donor had.
type Timeline struct {
	signedUp time.Time // the donor
	asOf     time.Time // the donor's present
	start    time.Time // the canary's sign-up
	end      time.Time // nothing has happened after it
	from, to []time.Time
}

// NewTimeline prepares the move. events are the donor's dates; those after
// asOf have not come yet (an expiry) and are shifted as they are. The same
// arguments give the same timeline.
func NewTimeline(signedUp, asOf, start, end time.Time, events []time.Time) Timeline {
	t := Timeline{signedUp: signedUp, asOf: asOf, start: start, end: end}
	for _, e := range events {
		if !e.Before(signedUp) && !e.After(asOf) {
			t.from = append(t.from, e)
		}
	}
	t.from = append(t.from, signedUp)
	slices.SortFunc(t.from, time.Time.Compare)
	t.from = slices.CompactFunc(t.from, time.Time.Equal)
	// A life that ends at the last moment would show.
	longest, room := t.from[len(t.from)-1].Sub(signedUp), max(end.Sub(start), 0)
	scale := 1.0
	if longest > room {
		scale = float64(room) / float64(longest) * (0.92 + 0.08*t.share(signedUp))
	}
	t.to = []time.Time{start}
	for i := 1; i < len(t.from); i++ {
		t.to = append(t.to, t.next(i, scale))
	}
	return t
}

// atOnce is the gap below which a date belongs to the one before it.
const atOnce = 2 * time.Hour

// next moves the i-th date.
func (t *Timeline) next(i int, scale float64) time.Time {
	e, last := t.from[i], t.to[i-1]
	gap := e.Sub(t.from[i-1])
	target := t.start.Add(time.Duration(float64(e.Sub(t.signedUp)) * scale))
	if target.Before(last) {
		target = last
	}
	if gap < atOnce {
		if moved := last.Add(t.wobble(gap, e)); !moved.After(t.end) {
			return moved
		}
		return t.within(target)
	}
	clock := t.clock(e)
	for _, week := range []bool{true, false} {
		for _, off := range []int{0, -1, 1, -2, 2, -3, 3, -4, 4, -5, 5, -6, 6, -7, 7} {
			moved := startOfDay(target).AddDate(0, 0, off).Add(clock)
			fits := moved.After(last) && !moved.After(t.end) && (!week || moved.Weekday() == e.Weekday())
			if own := moved.Sub(e).Abs() < 12*time.Hour && week; fits && !own {
				return moved
			}
		}
	}
	return t.within(target)
}

func (t *Timeline) within(at time.Time) time.Time {
	if at.After(t.end) {
		return t.end
	}
	return at
}

func startOfDay(at time.Time) time.Time {
	y, m, d := at.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, at.Location())
}

// wobble changes a short gap a little; seconds stay.
func (t *Timeline) wobble(gap time.Duration, e time.Time) time.Duration {
	if gap < time.Minute {
		return gap
	}
	return time.Duration(float64(gap) * (0.85 + 0.3*t.share(e))).Truncate(unitOf(e, gap))
}

// unitOf is the unit in which a date and a gap are counted.
func unitOf(e time.Time, gap time.Duration) time.Duration {
	for _, unit := range []time.Duration{time.Minute, time.Second, time.Millisecond, time.Microsecond} {
		if gap%unit == 0 && e.Sub(e.Truncate(time.Minute))%unit == 0 {
			return unit
		}
	}
	return 1
}

// clock is the time of day of a date, some minutes off. Midnight is none, and
// whole minutes and seconds stay whole.
func (t *Timeline) clock(e time.Time) time.Duration {
	const jitter = 25 * time.Minute
	clock := e.Sub(startOfDay(e))
	if clock == 0 {
		return 0
	}
	off := time.Duration((2*t.share(e) - 1) * float64(jitter)).Truncate(unitOf(e, 0))
	return min(max(clock+off, 0), 24*time.Hour-time.Second)
}

// share is a number from 0 to 1 that looks drawn and depends on a date, the
// sign-up, and nothing else.
func (t *Timeline) share(at time.Time) float64 {
	d := dice{uint64(at.UnixNano()) ^ uint64(t.start.UnixNano())<<1 ^ uint64(t.signedUp.UnixNano())<<2}
	return float64(d.next()>>11) / (1 << 53)
}

// longBefore is how long before sign-up a date has nothing to do with it (a
// birthday, a date that stands for none).
const longBefore = 2 * 365 * 24 * time.Hour

// Move gives the canary's date for a donor's date; for one that was not among
// the events, a date between those of its neighbours.
func (t Timeline) Move(at time.Time) time.Time {
	offset := at.Sub(t.signedUp)
	switch {
	case offset < -longBefore:
		return at
	case at.After(t.asOf), offset < 0 && offset > -atOnce:
		return t.start.Add(offset)
	case offset < 0:
		moved := startOfDay(t.start.Add(offset)).Add(t.clock(at))
		if moved.Before(t.start) {
			return moved
		}
		return moved.AddDate(0, 0, -1)
	}
	i, found := slices.BinarySearchFunc(t.from, at, time.Time.Compare)
	switch {
	case found:
		return t.to[i]
	case i == len(t.from):
		return t.within(t.to[i-1].Add(at.Sub(t.from[i-1])))
	}
	share := float64(at.Sub(t.from[i-1])) / float64(t.from[i].Sub(t.from[i-1]))
	return t.to[i-1].Add(time.Duration(float64(t.to[i].Sub(t.to[i-1])) * share))
}
