package schedule

import "time"

// Tick is a moment of the timetable.
type Tick struct {
	At time.Time
	// Late says that it was missed and is made up for.
	Late bool
}

// maxTicks bounds what one call of Ticks gives; the rest comes with the next.
const maxTicks = 10_000

// Ticks gives the moments of a timetable in (last, now], in their order: those
// that are to be done now. next gives the first moment after its argument, or
// the zero time when there is none. A tick that is more than grace in the past
// is late.
//
// Whoever does a tick then keeps its At as the next call's last, so that each
// is done once, whenever the process dies: at worst the one in hand is done
// again, and [Plan.Due] gives only what is left of it. A zero last is the very
// first run: there is nothing to make up for, and now is to be kept.
func Ticks(last, now time.Time, grace time.Duration, next func(time.Time) time.Time) []Tick {
	if last.IsZero() {
		return nil
	}
	var out []Tick
	for at := next(last); len(out) < maxTicks && at.After(last) && !at.After(now); at = next(at) {
		out = append(out, Tick{At: at, Late: now.Sub(at) > grace})
		last = at
	}
	return out
}
