// Package picture draws what a trace and a plan say: when the leaked extract was
// taken, who may have taken it, on which channels contacts came. It draws each thing
// once, as a scene of rows on one axis, and writes a scene in three ways: as SVG for
// pages and reports, as text for terminals, and as an HTML table of the same data for
// those who cannot see a picture.
//
//	t_a email                  |    ==========x
//	t_b ticket                 |         ======>   x
//	access window              |         #####
//	UTC                        ++--------------+--------------+
//
// The SVG can stand in a page or alone: no script, no style, no link, nothing that a
// strict Content-Security-Policy would stop. It is 480 units wide and puts names above
// the bars, so it can be read on a telephone and on paper; it has one colour, that of the
// text around it, and tells things apart by pattern and shape. It has a title and a
// description for screen readers.
//
// The package does no I/O, reads no clock, and knows no domain type: it is given names,
// times and probabilities. Names are anybody's: what does not print becomes "?", the
// rest is escaped. The same input gives the same bytes; every coordinate is finite and
// inside the picture; long lists are cut, and it is said by how much.
package picture

import (
	"slices"
	"time"
)

// Picture is something drawn. The zero picture is empty.
type Picture struct{ scenes []scene }

// Empty reports whether there is nothing to see.
func (p Picture) Empty() bool { return len(p.scenes) == 0 }

// Sheet puts pictures under one another.
func Sheet(list ...Picture) Picture {
	var out Picture
	for _, p := range list {
		out.scenes = slices.Concat(out.scenes, p.scenes)
	}
	return out
}

// Span is a half-open interval of time; one without Until goes on.
type Span struct{ From, Until time.Time }

// scene is what is drawn: rows of marks on one axis, curves above them.
type scene struct {
	id, title, desc string
	axis            axis
	plot            *plot
	bands           []mark // behind all rows
	rows            []row
	notes           []string
	table           [][]string // the same data; the first row names the columns
}

// row is one line of marks.
type row struct {
	label, value string
	marks        []mark
}

// mark is one thing on a row. A point has both ends at one place.
type mark struct {
	shape       shape
	from, until float64
}

// plot is some curves over the axis, their values from 0 to top.
type plot struct {
	name   string
	top    float64
	scale  func(float64) string // nil: heights have no names
	curves []curve
	at     float64 // of a mark
	mark   string  // its name; empty where there is none
}

// curve is a line through points; or, where mass is set, what lies on the axis: each
// point is how much lies from there to as far as the next one may be.
type curve struct {
	name   string
	mass   bool
	points []point
}

type point struct{ x, y float64 }

// axis maps values to places.
type axis struct {
	from, until float64
	name        string
	ticks       int // how many names it has
	form        func(float64) string
}

// part gives where a value is, from 0 at the left to 1 at the right.
func (x axis) part(v float64) float64 {
	switch {
	case !(v > x.from): // also what is no number
		return 0
	case v >= x.until:
		return 1
	}
	return (v - x.from) / (x.until - x.from)
}

// tick gives the nth named value.
func (x axis) tick(n int) float64 {
	return x.from + (x.until-x.from)*float64(n)/float64(x.ticks-1)
}

// shows reports whether some of a span is on the axis.
func (x axis) shows(m mark) bool { return m.from < m.until && m.until > x.from && m.from < x.until }

// shape is what a mark looks like, and so what it means.
type shape int

const (
	perhaps    shape = iota // a token may have been readable
	surely                  // it could be read
	all                     // all tokens could
	most                    // most could
	credible99              // of the probability
	credible90
	credible50
	taken      // an extract
	first      // contact with a token
	weighed    // a contact
	aside      // a contact that is noise, or may be
	placebo    // a contact with what stands nowhere
	beside     // what came with contacts
	extractBar // probabilities
	actorBar
	unloggedBar
	noneBar
	nobar
)

// cell is how text shows a shape.
func (s shape) cell() byte { return "~=#?:+*^xxop.#=%-"[s] }

// words are what a shape means.
func (s shape) words() string {
	return [...]string{
		"perhaps readable", "readable", "all could be read", "most could be read",
		"99 % of the probability", "90 %", "50 %", "extract taken", "first contact",
		"contact that is weighed", "contact that is not (probe, noise)", "contact with a placebo", "came with them",
		"extract", "actor", "not in the log", "no leak",
	}[s]
}

// point reports whether a shape has no length.
func (s shape) point() bool { return s >= first && s <= beside }

// used are the shapes of a scene in their order.
func (s *scene) used() (out []shape) {
	for x := range nobar {
		if slices.ContainsFunc(s.rows, func(r row) bool {
			return slices.ContainsFunc(r.marks, func(m mark) bool { return m.shape == x })
		}) {
			out = append(out, x)
		}
	}
	return out
}

// beyond reports whether spans of a row go on to the left or the right of the picture.
func (x axis) beyond(marks []mark) (left, right bool) {
	for _, m := range marks {
		if !m.shape.point() && m.shape != taken && x.shows(m) {
			left, right = left || m.from < x.from, right || m.until > x.until
		}
	}
	return left, right
}
