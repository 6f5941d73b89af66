package cover

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"saltmine/internal/canary"
)

// Span is a time at a place in which an access may have been.
type Span struct {
	Place canary.Place `json:"place"`
	From  time.Time    `json:"from"`
	Until time.Time    `json:"until"`
}

// Report is what the logs cover of some times.
type Report struct {
	// Logs are those that cover some of it, without the bytes of their bad pieces; of
	// gaps, steps and losses those alone that lie in it.
	Logs []canary.LogHealth `json:"logs"`
	// Open are the times of it that no log covers.
	Open []Span `json:"not_covered"`
	// Said is all this in plain lines.
	Said []string `json:"said"`
}

// Bounds of what is said; the lists have it all.
const (
	saidLogs = 10
	saidOpen = 5
)

// Over holds logs, of any place, against the times of an access.
func Over(logs []canary.LogHealth, spans []Span) *Report {
	r := &Report{Logs: []canary.LogHealth{}, Open: []Span{}}
	for i := range logs {
		if l, ok := within(&logs[i], spans); ok {
			r.Logs = append(r.Logs, l)
		}
	}
	slices.SortStableFunc(r.Logs, func(a, b canary.LogHealth) int { return a.First.Compare(b.First) })
	for _, s := range spans {
		r.Open = append(r.Open, open(r.Logs, s)...)
	}
	r.say(spans)
	return r
}

func meets(l *canary.LogHealth, s Span) bool {
	return l.Place == s.Place && !l.First.IsZero() && l.First.Before(s.Until) && !l.Last.Before(s.From)
}

// within is a log as far as it is about the times of an access.
func within(l *canary.LogHealth, spans []Span) (canary.LogHealth, bool) {
	out := *l
	out.Pieces = slices.Clone(l.Pieces)
	for i := range out.Pieces {
		out.Pieces[i].Raw = nil
	}
	matters := func(from, until time.Time) bool {
		return slices.ContainsFunc(spans, func(s Span) bool { return s.Place == l.Place && from.Before(s.Until) && !until.Before(s.From) })
	}
	out.Gaps = only(l.Gaps, func(g canary.LogStep) bool { return matters(g.From, g.Until) })
	out.Steps = only(l.Steps, func(s canary.LogStep) bool { return matters(s.Until, s.From) }) // Until is before From
	out.Losses = only(l.Losses, func(s canary.LogLoss) bool { return matters(s.After, s.Found) })
	out.Switches = only(l.Switches, func(s canary.LogSwitch) bool { return s.At.IsZero() || matters(s.At, s.At) })
	out.OwnMissing = only(l.OwnMissing, func(o canary.OwnRead) bool { return matters(o.From, o.Until) })
	out.Own = nil
	return out, slices.ContainsFunc(spans, func(s Span) bool { return meets(l, s) })
}

func only[T any](list []T, holds func(T) bool) (out []T) {
	for _, v := range list {
		if holds(v) {
			out = append(out, v)
		}
	}
	return out
}

// open are the parts of a span that no log covers; the logs come by their beginnings.
func open(logs []canary.LogHealth, s Span) (out []Span) {
	at := s.From
	for i := range logs {
		l := &logs[i]
		if !meets(l, s) {
			continue
		}
		if l.First.After(at) {
			out = append(out, Span{s.Place, at, l.First})
		}
		if l.Last.After(at) {
			at = l.Last
		}
	}
	if at.Before(s.Until) {
		out = append(out, Span{s.Place, at, s.Until})
	}
	// What lies between the last event and the end of a second is no time at all.
	return slices.DeleteFunc(out, func(s Span) bool { return s.Until.Sub(s.From) < time.Minute })
}

func (r *Report) say(spans []Span) {
	if len(spans) == 0 {
		return
	}
	if len(r.Logs) == 0 {
		r.Said = append(r.Said, "No audit log that was read covers the time of the access: that no statement is known of it, and \"not in the log\", only say that nobody has looked. 'saltmine audit import' reads old logs.")
		return
	}
	for i := range r.Logs[:min(len(r.Logs), saidLogs)] {
		r.Said = append(r.Said, Line(&r.Logs[i]))
	}
	if more := len(r.Logs) - saidLogs; more > 0 {
		r.Said = append(r.Said, fmt.Sprintf("and %d more logs, which --output json tells of", more))
	}
	for _, s := range r.Open[:min(len(r.Open), saidOpen)] {
		r.Said = append(r.Said, fmt.Sprintf("No log that was read covers %s at %s: that nothing is known of that time says nothing.", between(s.From, s.Until), s.Place))
	}
	if more := len(r.Open) - saidOpen; more > 0 {
		r.Said = append(r.Said, fmt.Sprintf("and %d more such times", more))
	}
}

// Line says of one log what it covers, and what is wrong with it.
func Line(l *canary.LogHealth) string {
	parts := []string{fmt.Sprintf("Log %s covers %s", Name(l), between(l.First, l.Last)), gaps(l.Gaps)}
	add := func(n int64, one, many string) {
		if n == 1 {
			parts = append(parts, one)
		} else if n > 1 {
			parts = append(parts, fmt.Sprintf(many, n))
		}
	}
	add(l.Backwards, "its clock went back once", "its clock went back %d times")
	if len(l.Steps) > 0 {
		parts[len(parts)-1] += fmt.Sprintf(" (by %s, before %s)", l.Steps[0].Length(), minute(l.Steps[0].From))
	}
	add(l.Malformed, "1 piece not understood", "%d pieces not understood")
	add(l.Lost, "a part of it went missing once", "parts of it went missing %d times")
	for _, s := range l.Losses {
		parts = append(parts, "a part is missing that was written between "+minute(s.After)+" and "+minute(s.Found))
	}
	for _, s := range l.Switches {
		parts = append(parts, SaidOf(&s))
	}
	parts = append(parts, own(l)...)
	add(l.Truncated, "1 statement may be cut off", "%d statements may be cut off")
	add(l.Low, "1 event could be forged", "%d events could be forged")
	add(l.MissingConnections, "1 connection number is missing", "%d connection numbers are missing")
	return strings.Join(parts, ", ") + "."
}

// SaidOf says of a statement that a database logs less since.
func SaidOf(s *canary.LogSwitch) string {
	how := ""
	if s.Failed {
		how = " (the server refused it)"
	}
	if s.Low {
		how += " (the line could be forged)"
	}
	at := "at some time"
	if !s.At.IsZero() {
		at = "at " + minute(s.At)
	}
	return fmt.Sprintf("%q %s %s%s", s.Account, s.What, at, how)
}

// own says of our own reads whether they stand in the log.
func own(l *canary.LogHealth) []string {
	if l.OwnReads == 0 {
		return nil
	}
	said := fmt.Sprintf("%d of %d own reads that fall into it are in it", l.OwnMet, l.OwnReads)
	if n := len(l.OwnMissing); n > 0 {
		said += " (missing at " + minute(l.OwnMissing[0].From)
		if n > 1 {
			said += " and later"
		}
		said += ")"
	}
	return []string{said}
}

func gaps(list []canary.LogStep) string {
	if len(list) == 0 {
		return "no gap of an hour"
	}
	words := fmt.Sprintf("%d gaps of an hour and more", len(list))
	if len(list) == 1 {
		words = "1 gap of an hour or more"
	}
	most := slices.MaxFunc(list, func(a, b canary.LogStep) int { return cmp.Compare(a.Length(), b.Length()) })
	return fmt.Sprintf("%s (longest %s, from %s)", words, most.Length().Round(time.Minute), minute(most.From))
}

// Name is what a log is called, with nothing that does something to a terminal.
func Name(l *canary.LogHealth) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return '?'
		}
		return c
	}, l.Log)
}

func between(from, until time.Time) string { return minute(from) + " to " + minute(until) }

func minute(t time.Time) string {
	if t.IsZero() {
		return "its beginning"
	}
	return t.UTC().Format("2006-01-02 15:04") + " UTC"
}
