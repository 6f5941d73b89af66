package helpdesk

import (
	"math"
	"math/rand/v2"
	"sort"
	"time"
)

// calendar spreads events over a span of time: it is the cumulative share of
// all events by the hour. Event k of n stands at the share (k+u)/n, 0 ≤ u < 1,
// so events come out in order without being sorted.
type calendar struct {
	from  time.Time
	until []float64 // share of events before the end of hour i; the last is 1
}

// newCalendar weighs every hour by a trend (of the elapsed share of the span),
// the day of the week, the hour of the day, and a noise of each day's own.
func newCalendar(from, to time.Time, seed uint64, trend func(float64) float64) *calendar {
	noise := rand.New(rand.NewPCG(seed, 0xca1e)) //nolint:gosec // repeatable on purpose, guards nothing
	hours := int(to.Sub(from) / time.Hour)
	c := &calendar{from: from, until: make([]float64, hours)}
	day, sum := 1.0, 0.0
	for i := range hours {
		at := from.Add(time.Duration(i) * time.Hour)
		if i == 0 || at.Hour() == 0 {
			day = math.Exp(0.18 * noise.NormFloat64())
		}
		sum += day * trend(float64(i)/float64(hours)) * weekday(at.Weekday()) * daytime(at.Hour())
		c.until[i] = sum
	}
	for i := range c.until {
		c.until[i] /= sum
	}
	return c
}

// growth is the trend of sign-ups: three times as many at the end as at the start.
func growth(share float64) float64 { return 1 + 2*share }

func weekday(d time.Weekday) float64 {
	return [...]float64{0.72, 1.13, 1.14, 1.08, 1.04, 0.98, 0.78}[d]
}

// daytime peaks in the European afternoon, when America is awake too.
func daytime(hour int) float64 {
	return [...]float64{
		0.45, 0.38, 0.33, 0.28, 0.25, 0.27, 0.42, 0.72, 1.05, 1.25, 1.32, 1.30,
		1.28, 1.36, 1.48, 1.58, 1.62, 1.60, 1.55, 1.50, 1.42, 1.15, 0.85, 0.60}[hour]
}

// at returns the time of the event at a share of all events.
func (c *calendar) at(share float64) time.Time {
	i := min(sort.SearchFloat64s(c.until, share), len(c.until)-1)
	low := 0.0
	if i > 0 {
		low = c.until[i-1]
	}
	in := 0.0
	if c.until[i] > low {
		in = min(max((share-low)/(c.until[i]-low), 0), 0.9999)
	}
	// Databases of this kind keep whole seconds.
	return c.from.Add(time.Duration(i)*time.Hour + time.Duration(in*3600)*time.Second)
}

// share returns the share of all events before t.
func (c *calendar) share(t time.Time) float64 {
	return c.before(float64(t.Sub(c.from)) / float64(time.Duration(len(c.until))*time.Hour))
}

// before returns the share of all events in the first part of the span.
func (c *calendar) before(part float64) float64 {
	at := part * float64(len(c.until))
	if at <= 0 {
		return 0
	}
	i := int(at)
	if i >= len(c.until) {
		return 1
	}
	low := 0.0
	if i > 0 {
		low = c.until[i-1]
	}
	return low + (at-float64(i))*(c.until[i]-low)
}
