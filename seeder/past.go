package seeder

import (
	"cmp"
	"math"
	"math/rand/v2"
	"time"
)

// past moves a donor's dates to a canary that signed up in the table's past.
// The two signed up within days of each other, so what happened later stays at
// its hour, some days earlier or later, of the same kind, and in one piece with
// the ticket that it belongs to: rows whose last changes lie minutes apart would
// be found as a pair. What was of one second stays of one second.
type past struct {
	rng      *rand.Rand
	signedUp time.Time // the donor
	start    time.Time // the canary
	now      time.Time
	shifts   map[int]time.Duration // by the number of the ticket's row
	opened   map[int]time.Time     // the donor's ticket
	pauses   map[int]pause
	bends    map[int]float64 // from -1 to 1, see stretched; that of the sign-up is the customer's
	moved    map[time.Time]time.Time
}

// stretched is a time between two of the donor's dates, some minutes longer or
// shorter: what took as many seconds for two customers makes a pair of them.
func stretched(d time.Duration, bend float64) time.Duration {
	const part = 3
	if d < 0 {
		return d
	}
	return (d + time.Duration(bend*float64(min(d/part, 2*jitter)))).Truncate(time.Second)
}

// ofTicket moves a date of the rows under a ticket.
func (p *past) ofTicket(n int, t time.Time) time.Time {
	m := p.opened[n].Add(p.shifts[n]).Add(stretched(t.Sub(p.opened[n]), p.bends[n]))
	if pause := p.pauses[n]; !pause.end.IsZero() && !t.Before(pause.end) {
		m = m.Add(pause.by)
	}
	return p.clamp(m)
}

// pause is the longest time in which nothing happened to a donor's ticket. The
// canary's is longer or shorter: two customers for whom all took as many days
// make a pair.
type pause struct {
	end time.Time // of the donor's
	by  time.Duration
}

// pauseOf draws how much longer the longest pause between a ticket's dates, which
// are in order, becomes: by days, where it has some, so that the hour stays.
func (p *past) pauseOf(dates []time.Time, shift time.Duration) pause {
	const day, tries, part = 24 * time.Hour, 20, 3
	out, long := pause{}, time.Duration(0)
	for i := 1; i < len(dates); i++ {
		if d := dates[i].Sub(dates[i-1]); d > long {
			out.end, long = dates[i], d
		}
	}
	for range tries {
		by := time.Duration((2*p.rng.Float64() - 1) * float64(min(long/part, 4*jitter)))
		if long >= 2*day {
			most := int(long / (2 * day))
			by = time.Duration(p.rng.IntN(2*most+1)-most) * day
		}
		last := dates[len(dates)-1].Add(shift + by)
		if to := out.end.Add(shift); weekend(to.Add(by)) == weekend(to) && last.Before(p.now) {
			out.by = by.Truncate(time.Second)
			return out
		}
	}
	return out
}

// base is where a donor's date goes before a slot is looked for.
func (p *past) base(t time.Time) time.Time {
	offset := t.Sub(p.signedUp)
	if t.Before(p.start) || offset < signUpSpan {
		return p.start.Add(stretched(max(offset, 0), p.bends[0]))
	}
	return p.otherDay(t, time.Time{}, p.now)
}

// otherDay moves a date by some days, to one that is a weekend as before or is
// none, and by minutes: by weeks where it is far from the sign-up and from now,
// or the canary would be nearer to the donor than others are. What is nearer to
// the sign-up than to now stays as many days behind it, about. It stays between
// two dates, if that can be. What would be before the sign-up is as long after it
// as the donor's.
func (p *past) otherDay(t, low, high time.Time) time.Time {
	const least, longest = 1, 180
	const day = 24 * time.Hour
	from := t
	if moved := t.AddDate(0, 0, p.later()); t.Sub(p.signedUp) < p.now.Sub(t) && moved.Before(p.now) {
		from = moved
	}
	room := min(t.Sub(p.signedUp), p.now.Sub(t)) / (2 * day)
	m := p.shifted(t, from, min(max(int(room), least), longest), low, high)
	m = m.Add(time.Duration(p.rng.Int64N(int64(2*jitter))) - jitter)
	if m.After(p.now) {
		m = p.now.Add(-m.Sub(p.now))
	}
	if m.Before(p.start) {
		m = p.sameHour(p.start.Add(t.Sub(p.signedUp)), t, move{p.signedUp, p.start}, high)
	}
	return p.clamp(m)
}

// sameHour brings a date that was counted from a move to the donor's time of day,
// some minutes off, where that is between it and another date: who signed up in
// the evening has not logged in at night because the donor did so hours later.
// What was within two hours of the other date stays so, and what was on its day
// stays on it, in proportion.
func (p *past) sameHour(m, t time.Time, by move, other time.Time) time.Time {
	const day = 24 * time.Hour
	low, high := by.to, other
	if high.Before(low) {
		low, high = high, low
	}
	if t.Sub(by.from).Abs() < signUpSpan {
		return m
	}
	midnight := startOfDay(by.from)
	clock := t.Sub(startOfDay(t)) + time.Duration(p.rng.Int64N(int64(2*jitter))) - jitter
	clock = min(max(clock, 0), day-time.Second).Truncate(time.Second)
	sameDay := startOfDay(t).Equal(midnight)
	for _, off := range []int{0, -1, 1} {
		at := startOfDay(m).AddDate(0, 0, off).Add(clock)
		if at.After(low) && at.Before(high) && (!sameDay || startOfDay(at).Equal(startOfDay(by.to))) {
			return at
		}
	}
	if !sameDay || t.Before(by.from) {
		return m
	}
	had, has := midnight.Add(day).Sub(by.from), startOfDay(by.to).Add(day).Sub(by.to)
	at := by.to.Add(time.Duration(float64(has) * float64(t.Sub(by.from)) / float64(had)))
	if at.After(high) {
		return m
	}
	return at
}

// shifted moves a date by so many days at most. Each of the last days keeps its
// part of the dates: there what does not fit stays where it is.
func (p *past) shifted(t, from time.Time, most int, low, high time.Time) time.Time {
	const lastDays = 3 * 24 * time.Hour
	tries, last := 30, p.now.Sub(t) < lastDays
	if last {
		tries = 1
	}
	for range tries {
		m := from.AddDate(0, 0, p.rng.IntN(2*most+1)-most)
		fits := m.After(p.start) && m.Before(p.now) && m.After(low.Add(jitter)) && m.Before(high.Add(-jitter))
		if fits && weekend(m) == weekend(t) && (last || m.YearDay() != t.YearDay()) {
			return m
		}
	}
	return from
}

// later is how many days after the donor the canary signed up.
func (p *past) later() int {
	const hours = 24
	return int(math.Round(startOfDay(p.start).Sub(startOfDay(p.signedUp)).Hours() / hours))
}

func weekend(t time.Time) bool { return t.Weekday() == time.Saturday || t.Weekday() == time.Sunday }

// move gives the canary's date of a row that belongs to no ticket.
func (p *past) move(t time.Time) time.Time {
	if m, ok := p.moved[t]; ok {
		return m
	}
	offset := t.Sub(p.signedUp)
	m := t
	switch {
	case offset < -2*365*24*time.Hour: // a birthday, a date that stands for none
	case t.After(p.now): // an expiry
		m = p.start.Add(offset)
	case offset < signUpSpan: // the sign-up itself
		m = p.start.Add(stretched(offset, p.bends[0]))
	default:
		m = p.inOrder(t)
	}
	p.moved[t] = m
	return m
}

// inOrder moves a date to another day, so that it stays behind the dates that
// were moved before and that it is behind, and before the others: one of a ticket
// may have moved by days.
func (p *past) inOrder(t time.Time) time.Time {
	below, above := p.beside(t)
	m := p.otherDay(t, below.to, above.to)
	if m.Before(below.to) {
		m = p.sameHour(below.to.Add(stretched(t.Sub(below.from), p.bends[0])), t, below, above.to)
	}
	if m.After(above.to) {
		m = p.sameHour(above.to.Add(-stretched(above.from.Sub(t), p.bends[0])), t, above, below.to)
	}
	if m.Before(below.to) && below.to.Before(above.to) {
		m = below.to.Add(time.Duration(p.rng.Int64N(int64(above.to.Sub(below.to)))))
	}
	return p.clamp(m)
}

// move is a donor's date and the canary's.
type move struct{ from, to time.Time }

// beside gives, of the dates that were moved, the canary's last of those that are
// not after a donor's date, and the first of the others.
func (p *past) beside(t time.Time) (below, above move) {
	below, above = move{p.signedUp, p.start}, move{p.now, p.now}
	for from, to := range p.moved {
		if !from.After(t) && cmp.Or(to.Compare(below.to), from.Compare(below.from)) > 0 {
			below = move{from, to}
		}
		if from.After(t) && cmp.Or(to.Compare(above.to), from.Compare(above.from)) < 0 {
			above = move{from, to}
		}
	}
	return below, above
}

func (p *past) clamp(t time.Time) time.Time {
	switch {
	case t.Before(p.start):
		return p.start
	case t.After(p.now):
		return p.now
	}
	return t.Truncate(time.Second)
}

// at gives the canary's date for a donor's date in a row.
func (c *composer) at(n int, t time.Time) time.Time {
	if c.d.move != nil {
		return c.d.move(t)
	}
	if c.past == nil {
		return c.timeline.Move(t)
	}
	for k := range c.past.shifts {
		if c.d.image.Under(n, k) {
			return c.past.ofTicket(k, t)
		}
	}
	return c.past.move(t)
}
