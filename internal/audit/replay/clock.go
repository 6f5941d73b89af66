package replay

import (
	"strings"
	"time"

	"github.com/dolthub/vitess/go/vt/sqlparser"

	"saltmine/internal/audit/maybe"
	"saltmine/internal/canary"
)

// The zones that a session may have, from UTC.
const (
	mostWest = -13 * time.Hour
	mostEast = 14 * time.Hour
)

// seconds is what NOW() makes of an instant: it has whole seconds.
func seconds(v maybe.Value) maybe.Value {
	v.Low = floor(v.Low, time.Second.Microseconds())
	return v
}

// clock is the function that tells the time under this name; nil if none does.
func clock(name string) value {
	switch name {
	case "now", "current_timestamp", "localtime", "localtimestamp":
		return func(f *frame) maybe.Value { return f.run.now }
	case "curdate", "current_date":
		return func(f *frame) maybe.Value { return days(f.run.now) }
	case "utc_timestamp":
		return func(f *frame) maybe.Value { return f.run.utc }
	case "utc_date":
		return func(f *frame) maybe.Value { return days(f.run.utc) }
	}
	return nil
}

// wallClock is what a session's clock shows in a moment; in a zone that is not
// known that is within a day or so.
func wallClock(m canary.Moment, zone *time.Location) maybe.Value {
	v := maybe.Value{Kind: maybe.Instant}
	if zone == nil {
		v.Low, v.High = m.Earliest.Add(mostWest).UnixMicro(), m.Latest.Add(mostEast).UnixMicro()
		return v
	}
	show := func(t time.Time) int64 {
		_, offset := t.In(zone).Zone()
		return t.UnixMicro() + int64(offset)*1_000_000
	}
	a, b := show(m.Earliest), show(m.Latest)
	v.Low, v.High = min(a, b), max(a, b)
	_, first := m.Earliest.In(zone).Zone()
	if _, last := m.Latest.In(zone).Zone(); first != last {
		v.Low, v.High = v.Low-time.Hour.Microseconds(), v.High+time.Hour.Microseconds() // the clocks are changed
	}
	return v
}

// days cuts an instant to its day.
func days(v maybe.Value) maybe.Value {
	day := (24 * time.Hour).Microseconds()
	v.Low, v.High, v.Text = floor(v.Low, day), floor(v.High, day), ""
	return v
}

func floor(n, by int64) int64 {
	r := n % by
	if r < 0 {
		r += by
	}
	return n - r
}

// part is a part of a date.
func part(name string) func([]maybe.Value) maybe.Value {
	return func(args []maybe.Value) maybe.Value {
		if len(args) != 1 {
			return maybe.Value{}
		}
		v := args[0]
		if at, ok := maybe.ParseInstant(v.Text); ok && v.Kind == maybe.TextValue && v.Literal {
			v = at
		}
		if v.Kind != maybe.Instant {
			return nullOr(&args[0])
		}
		if name == "date" {
			return days(v)
		}
		a, b := piece(v.Low, name), piece(v.High, name)
		if v.Low != v.High && (a != b || v.High-v.Low > 20*(24*time.Hour).Microseconds() || name == "hour") {
			return maybe.Value{NotNull: true}
		}
		return maybe.Value{Kind: maybe.Number, Num: float64(a)}
	}
}

func piece(at int64, name string) int {
	t := time.UnixMicro(at).UTC()
	switch name {
	case "year":
		return t.Year()
	case "month":
		return int(t.Month())
	case "hour":
		return t.Hour()
	default:
		return t.Day()
	}
}

// dateShift is the interval of DATE_ADD and its like; nil in other calls.
func dateShift(e *sqlparser.FuncExpr) *sqlparser.IntervalExpr {
	switch e.Name.Lowered() {
	case "date_add", "date_sub", "adddate", "subdate":
	default:
		return nil
	}
	if len(e.Exprs) != 2 {
		return nil
	}
	one, ok := e.Exprs[1].(*sqlparser.AliasedExpr)
	if !ok {
		return nil
	}
	interval, ok := one.Expr.(*sqlparser.IntervalExpr)
	if !ok {
		return nil
	}
	return interval
}

// shifted moves a date by an interval.
func shifted(base value, interval *sqlparser.IntervalExpr, back bool) value {
	amount, ok := interval.Expr.(*sqlparser.SQLVal)
	if !ok || amount.Type != sqlparser.IntVal && amount.Type != sqlparser.StrVal {
		return unknown
	}
	kind := maybe.TextValue
	n, ok := small(&maybe.Value{Kind: kind, Text: string(amount.Val)})
	if !ok {
		return unknown
	}
	if back {
		n = -n
	}
	unit := strings.ToLower(interval.Unit)
	return func(f *frame) maybe.Value {
		v := base(f)
		if at, ok := maybe.ParseInstant(v.Text); ok && v.Kind == maybe.TextValue && v.Literal {
			v = at
		}
		if v.Kind != maybe.Instant {
			return nullOr(&v)
		}
		low, known := moved(v.Low, n, unit)
		high, also := moved(v.High, n, unit)
		if !known || !also {
			return maybe.Value{}
		}
		return maybe.Value{Kind: maybe.Instant, Low: low, High: high}
	}
}

// moved is a moment moved by some units; false where no date can be.
func moved(at int64, n int, unit string) (int64, bool) {
	to, known := movedBy(at, n, unit)
	year := time.UnixMicro(to).UTC().Year()
	return to, known && year > 0 && year < 10_000
}

func movedBy(at int64, n int, unit string) (int64, bool) {
	length, known := map[string]time.Duration{
		"microsecond": time.Microsecond, "second": time.Second, "minute": time.Minute,
		"hour": time.Hour, "day": 24 * time.Hour, "week": 7 * 24 * time.Hour,
	}[unit]
	if known {
		return at + int64(n)*length.Microseconds(), true
	}
	months, known := map[string]int{"month": 1, "quarter": 3, "year": 12}[unit]
	if !known {
		return 0, false
	}
	t := time.UnixMicro(at).UTC()
	first := time.Date(t.Year(), t.Month(), 1, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC).AddDate(0, n*months, 0)
	last := first.AddDate(0, 1, -1).Day() // the 31st becomes the month's last day
	return first.AddDate(0, 0, min(t.Day(), last)-1).UnixMicro(), true
}
