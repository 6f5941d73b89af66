package persona_test

import (
	"testing"
	"time"

	"saltmine/seeder/persona"
)

func TestSpan(t *testing.T) {
	t.Parallel()
	day := func(y int, m time.Month, d, h int) time.Time { return time.Date(y, m, d, h, 30, 0, 0, time.UTC) }
	for _, c := range []struct {
		name             string
		from, to         time.Time
		days             bool
		other, otherwise time.Time
	}{
		{"a year, over a leap day", day(2023, 3, 4, 9), day(2024, 3, 4, 0), true, day(2025, 5, 6, 7), day(2026, 5, 6, 0)},
		{"the end of a short month", day(2024, 1, 31, 9), day(2024, 2, 29, 0), true, day(2025, 1, 31, 7), day(2025, 2, 28, 0)},
		{"thirty days", day(2023, 1, 4, 9), day(2023, 2, 3, 0), true, day(2023, 2, 3, 7), day(2023, 3, 5, 0)},
		{"two days and a clock", day(2023, 1, 4, 9), day(2023, 1, 6, 9), false, day(2023, 2, 3, 7), day(2023, 2, 5, 7)},
		{"a month with its clock", day(2023, 1, 4, 9), day(2023, 2, 4, 9), false, day(2023, 2, 3, 7), day(2023, 3, 3, 7)},
	} {
		span := persona.SpanOf(c.from, c.to, c.days)
		want := c.otherwise
		if c.days {
			want = want.Truncate(24 * time.Hour)
		}
		if got := span.After(c.other, c.days); !got.Equal(want) {
			t.Errorf("%s: %v behind %s is %s", c.name, span, c.other, got)
		}
	}
}

// Dates that have nothing to do with each other meet the same day of the month
// once in thirty times, and no rule is made of that.
func TestSpansRule(t *testing.T) {
	t.Parallel()
	var bought, born persona.Spans
	start := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 600 {
		from := start.AddDate(0, 0, i)
		bought.Add(from, from.AddDate(1+i%2, 0, 0), true)
		born.Add(from, from.AddDate(0, 0, 100+i*7919%997), true)
	}
	year := persona.Span{Months: 12}
	if !bought.Rule(year) || bought.Ruled() < 590 {
		t.Errorf("a year is no rule, %d of 600 rows have one", bought.Ruled())
	}
	if born.Rule(year) || born.Ruled() > 0 {
		t.Errorf("%d of 600 rows have a rule, and there is none", born.Ruled())
	}
}

// A trial of thirty days ends thirty days later in any month; what is paid by the
// month does not.
func TestSpansThirtyDays(t *testing.T) {
	t.Parallel()
	april, may := time.Date(2026, 4, 10, 0, 0, 0, 0, time.UTC), time.Date(2026, 5, 10, 0, 0, 0, 0, time.UTC)
	for _, monthly := range []bool{false, true} {
		var s persona.Spans
		for i := range 200 {
			from := april.AddDate(0, 0, i)
			to := from.AddDate(0, 0, 30)
			if monthly {
				to = from.AddDate(0, 1, 0)
			}
			s.Add(from, to, true)
		}
		want := time.Date(2026, 6, 9, 0, 0, 0, 0, time.UTC)
		if monthly {
			want = want.AddDate(0, 0, 1)
		}
		span := s.Of(april, may, true)
		if got := span.After(may, true); !s.Rule(span) || !got.Equal(want) {
			t.Errorf("monthly %t: from 10 May to %s, a rule: %t", monthly, got, s.Rule(span))
		}
	}
}
