package persona

import "time"

// Span is the time from one date to another as calendars count it: whole months,
// or so much. A licence ends a year after it was bought, not 365 days after it.
type Span struct {
	Months int
	Rest   time.Duration // 0 where there are whole months
}

// SpanOf measures the span between two dates of one zone. Of days only the days
// count. A month that has no such day is over with its last one.
func SpanOf(from, to time.Time, days bool) Span {
	if days {
		from, to = startOfDay(from), startOfDay(to)
	}
	months := 12*(to.Year()-from.Year()) + int(to.Month()) - int(from.Month())
	if months != 0 && addMonths(from, months).Equal(to) {
		return Span{Months: months}
	}
	return Span{Rest: lengthOf(from, to, days)}
}

// After gives the date at which the span is over.
func (s Span) After(from time.Time, days bool) time.Time {
	if days {
		from = startOfDay(from)
	}
	switch {
	case s.Months != 0:
		return addMonths(from, s.Months)
	case days:
		return from.AddDate(0, 0, int(s.Rest/(24*time.Hour)))
	}
	return from.Add(s.Rest)
}

// addMonths is AddDate that stays in its month.
func addMonths(at time.Time, months int) time.Time {
	out := at.AddDate(0, months, 0)
	if out.Day() != at.Day() {
		out = out.AddDate(0, 0, -out.Day())
	}
	return out
}

// Spans are those from one kind of date to another in many rows.
type Spans struct {
	counts  map[Span]int
	months  int // rows with whole months
	rows    int
	lengths map[int]map[time.Duration]int // of whole months: rows by how long those were
}

// Add counts a row with two dates of one zone.
func (s *Spans) Add(from, to time.Time, days bool) {
	if s.counts == nil {
		s.counts, s.lengths = map[Span]int{}, map[int]map[time.Duration]int{}
	}
	span := SpanOf(from, to, days)
	s.counts[span]++
	s.rows++
	if span.Months == 0 {
		return
	}
	s.months++
	if s.lengths[span.Months] == nil {
		s.lengths[span.Months] = map[time.Duration]int{}
	}
	s.lengths[span.Months][lengthOf(from, to, days)]++
}

// Of measures the span between two dates as these rows have it: thirty days, in
// April, are a month, but not where it is thirty days in all months.
func (s *Spans) Of(from, to time.Time, days bool) Span {
	const least = 5
	span := SpanOf(from, to, days)
	if there := s.lengths[span.Months]; span.Months != 0 && len(there) == 1 {
		even := Span{Rest: lengthOf(from, to, days)}
		if there[even.Rest] > 0 && s.counts[even] >= least {
			return even
		}
	}
	return span
}

// lengthOf is how long it is from one date to another.
func lengthOf(from, to time.Time, days bool) time.Duration {
	if days {
		const day = 24 * time.Hour
		return startOfDay(to).Sub(startOfDay(from)).Round(day) // one on which clocks are changed is one too
	}
	return to.Sub(from)
}

// Rule reports whether a span is no accident: it is whole months, and more rows
// have whole months than one day in a month accounts for, or many rows have it.
func (s *Spans) Rule(span Span) bool {
	const least, monthly, many = 5, 10, 100
	if span.Months != 0 {
		return s.months >= least && s.months*monthly >= s.rows
	}
	n := s.counts[span]
	return span.Rest != 0 && n >= least && n*many >= s.rows
}

// Ruled counts the rows whose span is no accident.
func (s *Spans) Ruled() int {
	n := 0
	for span, rows := range s.counts {
		if s.Rule(span) {
			n += rows
		}
	}
	return n
}
