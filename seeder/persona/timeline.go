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

// Timeline moves a donor's life to a canary's: the sign-up goes to a new day,
// and everything after it keeps its order and its gaps, drawn together where
// the canary has had less time than the donor had.
type Timeline struct {
	signedUp time.Time // the donor
	asOf     time.Time // the donor's present
	start    time.Time // the canary's sign-up
	end      time.Time // nothing has happened after it
	scale    float64
}

// NewTimeline prepares the move. events are the donor's dates; those after
// asOf have not come yet (an expiry) and are shifted as they are.
func NewTimeline(signedUp, asOf, start, end time.Time, events []time.Time) Timeline {
	t := Timeline{signedUp: signedUp, asOf: asOf, start: start, end: end, scale: 1}
	longest := time.Duration(0)
	for _, e := range events {
		if !e.After(asOf) {
			longest = max(longest, e.Sub(signedUp))
		}
	}
	if room := max(end.Sub(start), 0); longest > room {
		t.scale = float64(room) / float64(longest)
	}
	return t
}

// longBefore is how long before sign-up a date has nothing to do with it (a
// birthday, a date that stands for none).
const longBefore = 2 * 365 * 24 * time.Hour

// Move gives the canary's date for a donor's date.
func (t Timeline) Move(at time.Time) time.Time {
	offset := at.Sub(t.signedUp)
	switch {
	case offset < -longBefore:
		return at
	case offset < 0, at.After(t.asOf):
		return t.start.Add(offset)
	}
	moved := t.start.Add(time.Duration(float64(offset) * t.scale))
	if moved.After(t.end) {
		return t.end
	}
	return moved
}
