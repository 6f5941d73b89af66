package study

import (
	"strconv"
	"strings"
	"time"
)

// Layout is how a column writes times.
type Layout struct {
	layout string        // as package time writes it; empty: seconds since 1970
	per    int64         // of the latter: 1, or 1000 for milliseconds
	Step   time.Duration // the finest difference that the column makes
}

// layouts are the ways of writing times that are known. A day that could be a
// month is one where the column has no day beyond 12 that says otherwise.
func layouts() []string {
	var out []string
	for _, day := range []string{"2006-01-02", "2006/01/02", "02.01.2006", "2.1.2006", "01/02/2006", "02/01/2006", "1/2/2006", "2/1/2006", "02-01-2006", "01-02-2006", "20060102", "Jan 2, 2006", "2 Jan 2006", "02-Jan-2006"} {
		for _, clock := range []string{"", " 15:04:05", "T15:04:05", " 15:04", "T15:04", " 3:04 PM", " 15:04:05-07", " 15:04:05 -0700", " 15:04:05 MST", "T15:04:05Z07:00", "T15:04:05-0700"} {
			out = append(out, day+clock)
		}
	}
	return out
}

// Shares and counts that make a column one of times.
const (
	timeShare = 0.97
	fewTimes  = 10
)

// findLayout finds the layout that reads nearly all of the values.
func findLayout(values []string) (*Layout, bool) {
	if len(values) < fewTimes {
		return nil, false
	}
	best, most := "", 0
	for _, layout := range layouts() {
		if _, err := time.Parse(layout, values[0]); err != nil {
			if _, err := time.Parse(layout, values[len(values)/2]); err != nil {
				continue // two that it does not read
			}
		}
		n := 0
		for _, v := range values {
			if _, err := time.Parse(layout, v); err == nil {
				n++
			}
		}
		if n > most {
			best, most = layout, n
		}
	}
	if float64(most) < timeShare*float64(len(values)) {
		return nil, false
	}
	l := &Layout{layout: best}
	l.measure(values)
	return l, true
}

// findEpoch finds out whether numbers are seconds or milliseconds since 1970.
func findEpoch(values []string) (*Layout, bool) {
	if len(values) < fewTimes {
		return nil, false
	}
	per := int64(1)
	if len(values[0]) == 13 {
		per = 1000
	}
	for _, v := range values {
		n, err := strconv.ParseInt(v, 10, 64)
		if year := time.Unix(n/per, 0).UTC().Year(); err != nil || year < 1990 || year > 2100 {
			return nil, false
		}
	}
	l := &Layout{per: per}
	l.measure(values)
	return l, true
}

// measure finds the finest difference: a column may write seconds that are
// always zero.
func (l *Layout) measure(values []string) {
	l.Step = 24 * time.Hour
	for _, v := range values {
		at, ok := l.Parse(v)
		if !ok {
			continue
		}
		for _, finer := range []time.Duration{time.Minute, time.Second, time.Millisecond, time.Microsecond} {
			if at.Truncate(l.Step).Equal(at) {
				break
			}
			l.Step = min(l.Step, finer)
		}
	}
}

// Parse reads a time.
func (l *Layout) Parse(text string) (time.Time, bool) {
	if l.layout == "" {
		n, err := strconv.ParseInt(text, 10, 64)
		return time.UnixMilli(n * 1000 / l.per).UTC(), err == nil && text != ""
	}
	at, err := time.Parse(l.layout, text)
	return at, err == nil
}

// sortable reports whether times are in order where their texts are.
func (l *Layout) sortable() bool {
	return (strings.HasPrefix(l.layout, "2006-01-02") || strings.HasPrefix(l.layout, "2006/01/02")) && !strings.Contains(l.layout, "3:04")
}

// number compares two texts by the times that they mean.
func (l *Layout) number(a, b []byte) int {
	x, _ := l.Parse(string(a))
	y, _ := l.Parse(string(b))
	return x.Compare(y)
}

// Format writes a time like another one of the column: in its zone, with as
// many digits behind the seconds.
func (l *Layout) Format(like string, at time.Time) string {
	at = at.Truncate(l.Step)
	if l.layout == "" {
		return strconv.FormatInt(at.UnixMilli()*l.per/1000, 10)
	}
	layout := l.layout
	if i := strings.Index(layout, "05"); i >= 0 {
		if digits := fraction(like); digits > 0 {
			layout = layout[:i+2] + "." + strings.Repeat("0", min(digits, 9)) + layout[i+2:]
		}
	}
	if old, ok := l.Parse(like); ok {
		at = at.In(old.Location())
	}
	return at.Format(layout)
}

// fraction counts the digits behind the seconds of a time.
func fraction(text string) int {
	colon := strings.LastIndexByte(text, ':')
	dot := strings.IndexByte(text, '.')
	if strings.Count(text, ":") > 2 { // the zone has one too
		colon = strings.IndexByte(text, ':')
	}
	if dot < colon || dot < 0 {
		return 0
	}
	n := 0
	for _, c := range text[dot+1:] {
		if c < '0' || c > '9' {
			break
		}
		n++
	}
	return n
}
