package forensics

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The picture: a label of 27 characters, then the time axis.
const (
	labelWidth = 27
	axisWidth  = width - labelWidth - 2
)

// axis maps times to columns.
type axis struct{ from, until int64 }

// column gives the column of a time, clipped to the axis.
func (x axis) column(t int64) int {
	if t <= x.from {
		return 0
	}
	if t >= x.until {
		return axisWidth - 1
	}
	return int(float64(t-x.from) / float64(x.until-x.from) * axisWidth)
}

// picture draws the windows of the hit tokens over one another.
func (p page) picture(a *Answer) {
	x := a.axis()
	drawn := drawnHits(a.Hits)
	p.line("")
	if len(drawn) < len(a.Hits) {
		p.line("The %d shortest windows of %s:", len(drawn), count(len(a.Hits), "token")+" hit")
	}
	for _, h := range drawn {
		p.bar(fmt.Sprintf("%s %s", h.Token, h.Kind), x.token(h))
	}
	p.bar("access window", x.result(a))
	marked := 0
	for _, s := range a.Suspects {
		if s.Unlogged || s.Explains == 0 || marked == maxMarks {
			continue
		}
		marked++
		p.bar("taken: "+plain(string(s.Extract)), x.taken(s))
	}
	p.scale(x)
	most := ""
	if len(a.Window) == 0 {
		most = "  ? most could be read"
	}
	p.line("%s= readable  ~ perhaps  x first contact  # all could be read", strings.Repeat(" ", 4))
	p.line("%s^ extract taken  < > goes on beyond the picture%s", strings.Repeat(" ", 4), most)
}

func (p page) bar(label string, cells []byte) {
	p.line("%s |%s", cell(label, labelWidth-1), strings.TrimRight(string(cells), " "))
}

// scale prints the times at the left, the middle and the right of the axis.
func (p page) scale(x axis) {
	rule := []byte(strings.Repeat("-", axisWidth))
	rule[0], rule[axisWidth/2], rule[axisWidth-1] = '+', '+', '+'
	p.line("%s +%s", cell("UTC", labelWidth-1), rule)
	form := "2006-01-02"
	if x.until-x.from < int64(10*24*time.Hour/time.Microsecond) {
		form = "01-02 15:04"
	}
	left, middle, right := moment(x.from).Format(form), moment(x.from+(x.until-x.from)/2).Format(form), moment(x.until).Format(form)
	gap := axisWidth/2 - len(left) - len(middle)/2
	rest := axisWidth - axisWidth/2 + len(middle)/2 - len(middle) - len(right)
	p.line("%s%s%s%s%s%s", strings.Repeat(" ", labelWidth+1), left, strings.Repeat(" ", gap), middle, strings.Repeat(" ", rest), right)
}

// axis chooses what to show: the access window, the extracts that are marked
// and all first contacts, and before them what windows there are, but at most
// twice as much again, so that one old ticket does not flatten the rest.
func (a *Answer) axis() axis {
	var from, until, oldest int64 = forever, -forever, forever
	show := func(t time.Time) {
		from, until = min(from, t.UnixMicro()), max(until, t.UnixMicro())
	}
	for _, h := range a.Hits {
		show(h.First)
		for _, w := range h.Windows {
			oldest = min(oldest, w.From.Earliest.UnixMicro())
		}
	}
	for _, in := range a.Window {
		show(in.From)
	}
	if lead, ok := a.Leading(); ok {
		show(lead.Taken.Latest)
	}
	span := max(until-from, int64(time.Hour/time.Microsecond))
	from = min(from, max(oldest, from-2*span))
	return axis{from, max(until, from+1) + (until-from)/axisWidth}
}

// drawnHits picks the tokens with the shortest windows, which decide most, in
// the order of their windows.
func drawnHits(hits []Reached) []Reached {
	length := func(h Reached) int64 {
		var sum int64
		for _, w := range h.Windows {
			s := hull(w)
			sum += max(min(s.until, h.First.UnixMicro())-s.from, 0)
		}
		return sum
	}
	begins := func(h Reached) int64 {
		if len(h.Windows) == 0 {
			return forever
		}
		return hull(h.Windows[0]).from
	}
	out := slices.Clone(hits)
	slices.SortStableFunc(out, func(x, y Reached) int { return cmp.Compare(length(x), length(y)) })
	out = out[:min(len(out), maxBars)]
	slices.SortStableFunc(out, func(x, y Reached) int {
		return cmp.Or(cmp.Compare(begins(x), begins(y)), cmp.Compare(x.Token, y.Token))
	})
	return out
}

func (x axis) blank() []byte { return []byte(strings.Repeat(" ", axisWidth)) }

// paint fills the columns of a span, at least one.
func (x axis) paint(cells []byte, s span, mark byte) {
	if s.empty() || s.until <= x.from || s.from >= x.until {
		return
	}
	last := x.column(s.until)
	if s.until < x.until {
		last = max(last-1, x.column(s.from))
	}
	for i := x.column(s.from); i <= last; i++ {
		cells[i] = mark
	}
}

// token draws one token: where it could be read, and its first contact.
func (x axis) token(h Reached) []byte {
	cells := x.blank()
	for _, w := range h.Windows {
		whole := hull(w)
		x.paint(cells, whole, '~')
		x.paint(cells, core(w), '=')
		if whole.from < x.from && whole.until > x.from {
			cells[0] = '<'
		}
		if whole.until > x.until && whole.from < x.until {
			cells[axisWidth-1] = '>'
		}
	}
	cells[x.column(h.First.UnixMicro())] = 'x'
	return cells
}

// result draws the access window; when there is none, the best peaks.
func (x axis) result(a *Answer) []byte {
	cells := x.blank()
	for _, in := range a.Window {
		x.paint(cells, span{in.From.UnixMicro(), in.Until.UnixMicro()}, '#')
	}
	for _, peak := range a.Peaks {
		if peak.Tokens == a.Peaks[0].Tokens {
			x.paint(cells, span{peak.From.UnixMicro(), peak.Until.UnixMicro()}, '?')
		}
	}
	return cells
}

// taken marks when an extract was taken.
func (x axis) taken(s Suspect) []byte {
	cells := x.blank()
	from, until := s.Taken.Earliest.UnixMicro(), s.Taken.Latest.UnixMicro()
	x.paint(cells, span{from, until}, '-')
	cells[x.column(from)], cells[x.column(until)] = '^', '^'
	return cells
}
