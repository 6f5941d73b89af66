package picture

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// What is drawn at most.
const (
	maxTokens = 16
	maxTaken  = 3
)

// Access is when the leaked extract can have been taken, and from what that is known.
type Access struct {
	// Tokens are those that were hit, Silent counts the others that could be read then.
	Tokens []Token
	Silent int
	// Window is when all could be read; where there is none, Most is when most could.
	Window, Most []Span
	// Density is how probable each stretch of time is, all of one length, those of no
	// probability left out; Credible the intervals that have so much of the probability.
	Density  []Moment
	Credible []Credible
	// Taken are the extracts that are known, the most likely first.
	Taken []Taken
}

// Token is one that was hit.
type Token struct {
	Name string
	// Perhaps is where it may have been readable, Surely where it could be read.
	Perhaps, Surely []Span
	First           time.Time // contact
}

// Moment is where a stretch of time begins, and how probable it is.
type Moment struct {
	At time.Time
	P  float64
}

// Credible is the smallest set of intervals with a share of the probability.
type Credible struct {
	Percent   int // 50, 90 or 99
	Intervals []Span
}

// Taken is when an extract was taken.
type Taken struct {
	Name string
	Span // both ends are one moment where that is known
}

// Window draws when each of the tokens could be read and was hit, over one another, and
// what follows from it.
func Window(a *Access) Picture {
	if len(a.Tokens) == 0 {
		return Picture{}
	}
	s := scene{id: "window", title: "Access window: when the extract was taken", axis: a.axis(), table: [][]string{{"What", "When (UTC)", "First contact (UTC)"}}}
	shown := a.shown()
	if len(shown) < len(a.Tokens) {
		s.notes = append(s.notes, fmt.Sprintf("The %d shortest windows of %s hit; and %d more.", len(shown), many(len(a.Tokens), "token"), len(a.Tokens)-len(shown)))
	}
	for _, t := range shown {
		s.rows = append(s.rows, t.row())
		s.table = append(s.table, t.table())
	}
	s.plot = a.density()
	s.result(a)
	for _, t := range a.Taken[:min(len(a.Taken), maxTaken)] {
		m := mark{taken, micros(t.From), micros(t.Until)}
		s.rows = append(s.rows, row{label: "taken: " + t.Name, marks: []mark{m}})
		s.table = append(s.table, []string{"taken: " + t.Name, period(m), ""})
	}
	if a.Silent > 0 {
		s.notes = append(s.notes, fmt.Sprintf("Tokens that could be read then and stayed silent: %d.", a.Silent))
	}
	s.desc = a.describe(s.axis)
	return Picture{[]scene{s}}
}

// result adds the rows of what follows.
func (s *scene) result(a *Access) {
	window := row{label: "access window", marks: marks(all, a.Window)}
	if len(a.Window) == 0 {
		window.marks = marks(most, a.Most)
	}
	s.bands = window.marks
	s.rows = append(s.rows, window)
	for _, m := range window.marks {
		s.table = append(s.table, []string{"access window: " + m.shape.words(), period(m), ""})
	}
	likely := row{label: "probability 50, 90, 99 %"}
	for _, level := range []struct {
		percent int
		shape   shape
	}{{99, credible99}, {90, credible90}, {50, credible50}} {
		for _, c := range a.Credible {
			if c.Percent != level.percent {
				continue
			}
			for _, m := range marks(level.shape, c.Intervals) {
				likely.marks = append(likely.marks, m)
				s.table = append(s.table, []string{fmt.Sprintf("%d %% of the probability", c.Percent), period(m), ""})
			}
		}
	}
	if len(likely.marks) > 0 {
		s.rows = append(s.rows, likely)
	}
}

func (a *Access) describe(x axis) string {
	d := fmt.Sprintf("%s hit and %d silent, from %s to %s UTC. ", many(len(a.Tokens), "token"), a.Silent, stamp(x.from), stamp(x.until))
	if list := marks(all, a.Window); len(list) > 0 {
		return d + "All could be read together from " + period(mark{all, list[0].from, list[len(list)-1].until}) + "."
	}
	return d + "At no moment could all be read together."
}

// density is the curve over the rows.
func (a *Access) density() *plot {
	c := curve{name: "probability over time", mass: true}
	top := 0.
	for _, m := range a.Density {
		if m.P >= 0 && m.P <= 1 {
			c.points = append(c.points, point{micros(m.At), m.P})
			top = max(top, m.P)
		}
	}
	if len(c.points) < 2 || top == 0 {
		return nil
	}
	slices.SortStableFunc(c.points, func(x, y point) int { return cmp.Compare(x.x, y.x) })
	return &plot{name: c.name, top: top, curves: []curve{c}}
}

// axis shows the access window, its probability, the leading extract and all first
// contacts, and before them what windows there are, but at most twice as much again, so
// that one old ticket does not flatten the rest.
func (a *Access) axis() axis {
	from, until, oldest := math.Inf(1), math.Inf(-1), math.Inf(1)
	show := func(v float64) { from, until = min(from, v), max(until, v) }
	for _, t := range a.Tokens {
		show(micros(t.First))
		for _, m := range marks(perhaps, t.Perhaps) {
			oldest = min(oldest, m.from)
		}
	}
	for _, m := range marks(all, a.Window) {
		show(m.from)
	}
	for _, c := range a.Credible {
		for _, m := range marks(all, c.Intervals) {
			show(m.from)
		}
	}
	if len(a.Taken) > 0 {
		show(max(micros(a.Taken[0].From), micros(a.Taken[0].Until)))
	}
	span := max(until-from, float64(time.Hour/time.Microsecond))
	from = min(from, max(oldest, from-2*span))
	until = max(until, from+1)
	return timeAxis(from, until+(until-from)/49)
}

// timeAxis names moments as finely as they are apart.
func timeAxis(from, until float64) axis {
	form := time.DateOnly
	if until-from < float64(10*24*time.Hour/time.Microsecond) {
		form = "01-02 15:04"
	}
	return axis{from, until, "UTC", 3, func(v float64) string { return time.UnixMicro(int64(v)).UTC().Format(form) }}
}

// shown picks the tokens with the shortest windows, which decide most, in the order of
// their windows.
func (a *Access) shown() []Token {
	length := func(t Token) (sum float64) {
		for _, m := range marks(perhaps, t.Perhaps) {
			sum += max(min(m.until, micros(t.First))-m.from, 0)
		}
		return sum
	}
	begins := func(t Token) float64 {
		if len(t.Perhaps) == 0 {
			return math.Inf(1)
		}
		return micros(t.Perhaps[0].From)
	}
	out := slices.Clone(a.Tokens)
	slices.SortStableFunc(out, func(x, y Token) int { return cmp.Compare(length(x), length(y)) })
	out = out[:min(len(out), maxTokens)]
	slices.SortStableFunc(out, func(x, y Token) int {
		return cmp.Or(cmp.Compare(begins(x), begins(y)), cmp.Compare(x.Name, y.Name))
	})
	return out
}

func (t *Token) row() row {
	at := micros(t.First)
	return row{label: t.Name, marks: slices.Concat(marks(perhaps, t.Perhaps), marks(surely, t.Surely), []mark{{first, at, at}})}
}

func (t *Token) table() []string {
	var when []string
	for _, m := range marks(perhaps, t.Perhaps) {
		when = append(when, period(m))
	}
	return []string{t.Name, strings.Join(when, "; "), stamp(micros(t.First))}
}

func micros(t time.Time) float64 { return float64(t.UnixMicro()) }

func marks(s shape, spans []Span) (out []mark) {
	for _, x := range spans {
		m := mark{s, micros(x.From), math.Inf(1)}
		if !x.Until.IsZero() {
			m.until = micros(x.Until)
		}
		out = append(out, m)
	}
	return out
}
