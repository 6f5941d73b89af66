package salt

import (
	"slices"
	"time"

	"saltmine/seeder/persona"
	"saltmine/seeder/salt/study"
)

// calendar is what the list says of times.
type calendar struct {
	f       *study.File
	column  int       // of sign-ups, -1 where there is none
	sorted  int       // a column of times by which the list is sorted, -1
	present time.Time // of the list: the latest time in it that has come
}

func learnTimes(f *study.File, created int, now time.Time) calendar {
	c := calendar{f: f, column: created, sorted: -1}
	for _, k := range f.Order {
		if f.Columns[k.Column].When != nil && (c.sorted < 0 || k.Column == created) {
			c.sorted = k.Column
		}
	}
	for i := range f.Sample {
		for column := range f.Columns {
			if at, ok := c.read(&f.Sample[i], column); ok && at.After(c.present) && !at.After(now) {
				c.present = at
			}
		}
	}
	return c
}

func (c *calendar) read(r *study.Row, column int) (time.Time, bool) {
	if column < 0 || c.f.Columns[column].When == nil {
		return time.Time{}, false
	}
	return c.f.Columns[column].When.Parse(r.Text(column))
}

// created is when a row's customer signed up; zero where the list does not tell.
func (c *calendar) created(r *study.Row) time.Time {
	at, _ := c.read(r, c.column)
	return at
}

// moved are the times of one canary.
type moved struct {
	start  time.Time // its time in the anchor's column
	signup time.Time
	anchor int // the column of start; -1: nothing is moved
	line   persona.Timeline
	shift  time.Duration // where there are no sign-ups
}

// move places a canary in time: between its neighbours where the list is in the
// order of a time, else on the day of one row at the hour of another.
func (c *calendar) move(w *writer) moved {
	m := moved{anchor: c.column}
	if c.sorted >= 0 && !w.m.located {
		m.anchor = c.sorted
		m.start = c.between(w, c.sorted)
	} else if c.column >= 0 {
		m.start = c.mixed(w)
	}
	had, ok := c.read(w.donor, m.anchor)
	if !ok || m.start.IsZero() {
		m.anchor = -1
		return m
	}
	m.shift = m.start.Sub(had)
	m.signup = c.created(w.donor).Add(m.shift)
	if m.anchor == c.column {
		var events []time.Time
		for i := range c.f.Columns {
			if at, ok := c.read(w.donor, i); ok {
				events = append(events, at)
			}
		}
		end := c.present
		if end.Before(m.start) {
			end = m.start
		}
		m.line = persona.NewTimeline(had, c.present, m.start, end, events)
	}
	return m
}

// between draws a time between those of the neighbours.
func (c *calendar) between(w *writer, column int) time.Time {
	a, ok := c.read(&w.place.Before, column)
	b, ok2 := c.read(&w.place.After, column)
	switch {
	case !ok && !ok2:
		return time.Time{}
	case !ok:
		return b
	case !ok2:
		return a
	}
	if b.Before(a) {
		a, b = b, a
	}
	at := a
	if span := b.Sub(a); span > 0 {
		at = a.Add(time.Duration(w.rng.Int64N(int64(span))))
	}
	if at = at.Truncate(c.f.Columns[column].When.Step); at.Before(a) {
		return a
	}
	return at
}

// mixed draws a day and an hour as they occur.
func (c *calendar) mixed(w *writer) time.Time {
	pick := func() time.Time {
		for range 50 {
			if at, ok := c.read(&c.f.Sample[w.rng.IntN(len(c.f.Sample))], c.column); ok {
				return at
			}
		}
		return c.created(w.donor)
	}
	day, hour := pick(), pick()
	midnight := time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, day.Location())
	at := midnight.Add(hour.Sub(time.Date(hour.Year(), hour.Month(), hour.Day(), 0, 0, 0, 0, hour.Location())))
	if at.After(c.present) {
		return day
	}
	return at
}

// text writes the canary's time of a column.
func (m *moved) text(w *writer, column int, had string) string {
	when := w.m.f.Columns[column].When
	if when == nil {
		return had
	}
	at, ok := when.Parse(had)
	switch {
	case !ok:
		return had
	case m.anchor == column:
		return when.Format(had, m.start)
	case m.anchor < 0:
		return m.borrowed(w, column, had)
	}
	to := at.Add(m.shift)
	if m.anchor == w.m.at[study.Created] {
		to = m.line.Move(at)
	}
	if to.Equal(at) { // it has nothing to do with the sign-up: a birthday
		return m.borrowed(w, column, had)
	}
	return when.Format(had, to)
}

// borrowed gives the time of another row.
func (m *moved) borrowed(w *writer, column int, had string) string {
	rows := w.m.f.Sample
	for range 20 {
		r := &rows[w.rng.IntN(len(rows))]
		if text := r.Text(column); text != "" && !slices.Equal(r.Raw, w.donor.Raw) {
			return text
		}
	}
	return had
}
