package picture

import (
	"fmt"
	"strings"
)

// labelWidth is that of names in text.
const labelWidth = 26

// Text writes the picture in lines of at most width characters, at least 60, without
// control characters.
func (p Picture) Text(width int) string {
	var b strings.Builder
	for i := range p.scenes {
		if i > 0 {
			b.WriteByte('\n')
		}
		t := terminal{b: &b, scene: &p.scenes[i], width: max(width, 60), axis: max(width, 60) - labelWidth - 3}
		t.write()
	}
	return b.String()
}

// terminal writes one scene.
type terminal struct {
	b *strings.Builder
	*scene
	width, axis int
}

func (t *terminal) line(format string, args ...any) {
	t.b.WriteString(strings.TrimRight(fmt.Sprintf(format, args...), " "))
	t.b.WriteByte('\n')
}

func (t *terminal) write() {
	left, right := false, false
	for i := range t.rows {
		l, r := t.row(&t.rows[i])
		left, right = left || l, right || r
	}
	if t.plot != nil {
		for i := range t.plot.curves {
			t.curve(&t.plot.curves[i])
		}
	}
	t.scale()
	t.legend(left || right)
	for _, note := range t.notes {
		for _, line := range fold(note, t.width-4) {
			t.line("    %s", line)
		}
	}
}

// column gives the column of a value, clipped to the axis.
func (t *terminal) column(v float64) int {
	return min(int(t.scene.axis.part(v)*float64(t.axis)), t.axis-1)
}

func (t *terminal) bar(label, value string, cells []byte) {
	if value = cut(value, 12); value != "" {
		label = pad(label, labelWidth-1-columns(value)) + " " + value
	}
	t.line("%s |%s", pad(label, labelWidth), cells)
}

// row draws spans, then what goes on beyond the picture, then points.
func (t *terminal) row(r *row) (left, right bool) {
	cells := []byte(strings.Repeat(" ", t.axis))
	for _, m := range r.marks {
		if !m.shape.point() {
			t.span(cells, m)
		}
	}
	if left, right = t.scene.axis.beyond(r.marks); left {
		cells[0] = '<'
	}
	if right {
		cells[t.axis-1] = '>'
	}
	for _, m := range r.marks {
		switch {
		case m.shape.point():
			cells[t.column(m.from)] = m.shape.cell()
		case m.shape == taken:
			cells[t.column(m.from)], cells[t.column(m.until)] = taken.cell(), taken.cell()
		}
	}
	t.bar(r.label, r.value, cells)
	return left, right
}

// span fills the columns of a span, at least one.
func (t *terminal) span(cells []byte, m mark) {
	if !t.scene.axis.shows(m) {
		return
	}
	fill := m.shape.cell()
	if m.shape == taken {
		fill = '-'
	}
	last := t.column(m.until)
	if m.until < t.scene.axis.until {
		last = max(last-1, t.column(m.from))
	}
	for i := t.column(m.from); i <= last; i++ {
		cells[i] = fill
	}
}

// curve draws a curve as tenths of the plot's height.
func (t *terminal) curve(c *curve) {
	cells := []byte(strings.Repeat(" ", t.axis))
	heights, top := make([]float64, t.axis), t.plot.top
	if c.mass {
		heights, top = c.bins(t.scene.axis, t.axis)
	} else {
		for i := range heights {
			heights[i] = c.at(t.scene.axis.from + (t.scene.axis.until-t.scene.axis.from)*(float64(i)+.5)/float64(t.axis))
		}
	}
	for i, y := range heights {
		if top > 0 && y > 0 {
			cells[i] = "0123456789"[int(min(y/top*10, 9))]
		}
	}
	t.bar(c.name, "", cells)
}

// at gives the height of a curve at a place between its points.
func (c *curve) at(x float64) float64 {
	for i := 1; i < len(c.points); i++ {
		a, b := c.points[i-1], c.points[i]
		if x >= a.x && x <= b.x && b.x > a.x {
			return a.y + (b.y-a.y)*(x-a.x)/(b.x-a.x)
		}
	}
	return 0
}

// scale writes the names of the left, the middle and the right of the axis.
func (t *terminal) scale() {
	x := t.scene.axis
	rule := []byte(strings.Repeat("-", t.axis))
	rule[0], rule[t.axis/2], rule[t.axis-1] = '+', '+', '+'
	t.line("%s +%s", pad(x.name, labelWidth), rule)
	name := func(v float64) string { return cut(x.form(v), t.axis/3-2) }
	left, middle, right := name(x.from), name(x.from+(x.until-x.from)/2), name(x.until)
	gap := t.axis/2 - columns(left) - columns(middle)/2
	rest := t.axis - t.axis/2 + columns(middle)/2 - columns(middle) - columns(right)
	t.line("%s%s%s%s%s%s", strings.Repeat(" ", labelWidth+2), left, strings.Repeat(" ", max(gap, 1)), middle, strings.Repeat(" ", max(rest, 1)), right)
}

func (t *terminal) legend(beyond bool) {
	var items []string
	for _, s := range t.used() {
		items = append(items, string(s.cell())+" "+s.words())
	}
	if t.plot != nil {
		items = append(items, "0-9 tenths of the greatest")
	}
	if beyond {
		items = append(items, "< > goes on beyond the picture")
	}
	line := ""
	for _, item := range items {
		if line != "" && len(line)+2+len(item) > t.width-4 {
			t.line("    %s", line)
			line = ""
		}
		if line != "" {
			line += "  "
		}
		line += item
	}
	if line != "" {
		t.line("    %s", line)
	}
}
