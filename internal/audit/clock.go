package audit

import "time"

// clock reads times without a zone. In the hour that a clock's turning back
// shows twice it takes the first until the log itself is seen to turn back, and
// says by the precision that it may be the second.
type clock struct {
	zone  *time.Location
	state *clockState
	used  bool
	// the last unambiguous time, which most lines repeat
	wall time.Time
	at   time.Time
}

// clockState is what a time needs of those before it.
type clockState struct {
	// Wall is the latest reading within the doubled hour, Second whether that is
	// in its second pass, Turned the number of the first statement in that pass.
	Wall   time.Time `json:"wall,omitzero"`
	Second bool      `json:"second,omitempty"`
	Turned uint64    `json:"turned,omitempty"`
	Last   uint64    `json:"last,omitempty"` // greatest statement number
}

// turnBack is how far a reading must fall back to show that the clock was turned.
const turnBack = 5 * time.Minute

// read brings a wall time (its fields in UTC) to an instant, and tells how much
// later it may have been. The number orders statements, which are logged when they
// end and dated when they begin; 0 is an event that is logged at once.
func (c *clock) read(wall time.Time, number uint64) (time.Time, time.Duration) {
	c.used = true
	if wall.Equal(c.wall) && !c.wall.IsZero() {
		c.state.Last = max(c.state.Last, number)
		return c.at, 0
	}
	first, second, n := instants(wall, c.zone)
	if n == 1 {
		c.wall, c.at = wall, first
		if d := wall.Sub(c.state.Wall); d > 3*time.Hour || d < -3*time.Hour {
			c.state.Wall, c.state.Second, c.state.Turned = time.Time{}, false, 0
		}
		c.state.Last = max(c.state.Last, number)
		return first, 0
	}
	if n == 0 { // skipped by the clock: no such time in this zone
		return first, second.Sub(first)
	}
	return c.doubled(wall, first, second, number)
}

func (c *clock) doubled(wall, first, second time.Time, number uint64) (time.Time, time.Duration) {
	s := c.state
	fresh := number == 0 || number > s.Last
	if fresh && !s.Second && !s.Wall.IsZero() && s.Wall.Sub(wall) > turnBack {
		s.Second, s.Turned, s.Wall = true, max(number, s.Last+1), wall
	}
	s.Last = max(s.Last, number)
	if fresh && (s.Wall.IsZero() || wall.After(s.Wall)) {
		s.Wall = wall
	}
	if s.Second && (number == 0 || number >= s.Turned) {
		return second, 0
	}
	return first, second.Sub(first)
}

// instants returns the instants at which a zone's clock showed a wall time: one,
// or two, or none, and then the bounds of what may have been meant.
func instants(wall time.Time, zone *time.Location) (first, second time.Time, n int) {
	_, before := wall.Add(-24 * time.Hour).In(zone).Zone()
	_, after := wall.Add(24 * time.Hour).In(zone).Zone()
	a := wall.Add(-time.Duration(before) * time.Second)
	b := wall.Add(-time.Duration(after) * time.Second)
	if before == after {
		return a, a, 1
	}
	_, at := a.In(zone).Zone()
	_, bt := b.In(zone).Zone()
	switch {
	case at == before && bt == after && b.After(a):
		return a, b, 2
	case at == before:
		return a, a, 1
	case bt == after:
		return b, b, 1
	default: // the clock was turned forward
		return b, a, 0
	}
}

// digits reads n decimal digits.
func digits(b []byte) (v int, ok bool) {
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		v = 10*v + int(c-'0')
	}
	return v, len(b) > 0
}

// compact reads "20261122 15:01:33" as a wall time.
func compact(b []byte) (time.Time, bool) {
	if len(b) != 17 || b[8] != ' ' || b[11] != ':' || b[14] != ':' {
		return time.Time{}, false
	}
	return wallTime(b[0:4], b[4:6], b[6:8], b[9:11], b[12:14], b[15:17])
}

// wallTime makes a time of its six fields and refuses what no clock shows.
func wallTime(fields ...[]byte) (time.Time, bool) {
	var v [6]int
	for i, f := range fields {
		n, ok := digits(f)
		if !ok {
			return time.Time{}, false
		}
		v[i] = n
	}
	t := time.Date(v[0], time.Month(v[1]), v[2], v[3], v[4], v[5], 0, time.UTC)
	whole := t.Month() == time.Month(v[1]) && t.Day() == v[2] && t.Hour() == v[3] && t.Minute() == v[4]
	return t, whole && v[0] > 0
}
