package picture

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Plot is some functions over one axis.
type Plot struct {
	ID, Title, Below string
	Right, Top       float64 // the axes begin at 0
	X, Y             func(float64) string
	Curves           []Curve // at most four, told apart by their strokes
	Mark             float64 // a value of interest, with its name; none where that is empty
	MarkName         string
}

// Curve is a function with its name.
type Curve struct {
	Name string
	At   func(float64) float64
}

// Draw draws the functions.
func (f *Plot) Draw() Picture {
	const steps = 120
	s := scene{
		id: f.ID, title: f.Title, axis: axis{0, f.Right, f.Below, 5, f.X}, desc: fmt.Sprintf("From %s to %s %s.", f.X(0), f.X(f.Right), f.Below),
		plot: &plot{top: f.Top, scale: f.Y, at: f.Mark, mark: f.MarkName}, table: [][]string{{f.Below}},
	}
	for _, c := range f.Curves {
		line := curve{name: c.Name}
		for i := range steps + 1 {
			x := f.Right * float64(i) / steps
			line.points = append(line.points, point{x, c.At(x)})
		}
		s.plot.curves = append(s.plot.curves, line)
		s.table[0] = append(s.table[0], c.Name)
		s.desc += fmt.Sprintf(" %s: from %s to %s.", c.Name, f.Y(c.At(0)), f.Y(c.At(f.Right)))
	}
	for i := range 9 {
		x := f.Right * float64(i) / 8
		line := []string{f.X(x)}
		for _, c := range f.Curves {
			line = append(line, f.Y(c.At(x)))
		}
		s.table = append(s.table, line)
	}
	return Picture{[]scene{s}}
}

// curves draws the plot of a scene.
func (p *pen) curves() {
	for i := range p.plot.curves {
		c := &p.plot.curves[i]
		if p.plot.scale == nil {
			p.put(`<text x="%d" y="%s">%s</text>`, margin, num(p.y+12), escape(cut(c.name, lineWidth)))
		}
	}
	p.y += lineHeight
	for i := range p.plot.curves {
		p.curve(&p.plot.curves[i], i)
	}
	p.heights()
	if m := p.plot; m.mark != "" {
		p.put(`<path d="M%s %sv%d" stroke="currentColor" stroke-dasharray="1 3"/>`, num(p.x(m.at)), num(p.y), plotHeight)
		name := cut(m.mark, 20)
		x, anchor := p.x(m.at)+4, "start"
		if p.axis.part(m.at) > .5 {
			x, anchor = x-8, "end"
		}
		p.put(`<text x="%s" y="%s" text-anchor="%s">%s</text>`, num(x), num(p.y+plotHeight*.75+4), anchor, escape(name))
	}
	p.y += plotHeight + 6
}

// height gives where a value is drawn.
func (p *pen) height(v float64) float64 {
	part := v / p.plot.top
	if math.IsNaN(part) {
		part = 0
	}
	return p.y + (1-max(0, min(part, 1)))*plotHeight
}

// curve draws one line; the nth has a stroke of its own.
func (p *pen) curve(c *curve, nth int) {
	if len(c.points) == 0 {
		return
	}
	var d strings.Builder
	if c.mass {
		heights, top := c.bins(p.axis, bars)
		fmt.Fprintf(&d, "M%d %s", leftEdge, num(p.y+plotHeight))
		for i, v := range heights {
			fmt.Fprintf(&d, "V%sH%s", num(p.y+(1-v/top)*plotHeight), num(leftEdge+(rightEdge-leftEdge)*float64(i+1)/bars))
		}
		fmt.Fprintf(&d, "V%s", num(p.y+plotHeight))
		p.put(`<path d="%s" fill-opacity=".35" stroke="currentColor"/>`, &d)
		return
	}
	for i, at := range c.points {
		fmt.Fprintf(&d, "%c%s %s", "ML"[min(i, 1)], num(p.x(at.x)), num(p.height(at.y)))
	}
	p.put(`<path d="%s" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linejoin="round"%s/>`, &d, dash(nth))
}

// bars is how many columns a mass is drawn in.
const bars = 152

// bins gives how much of a mass lies in each of n columns of the axis, and the most.
func (c *curve) bins(x axis, n int) (out []float64, top float64) {
	out = make([]float64, n)
	wide := (x.until - x.from) / float64(n)
	each := x.until - x.from
	for i := 1; i < len(c.points); i++ {
		if gap := c.points[i].x - c.points[i-1].x; gap > 0 {
			each = min(each, gap)
		}
	}
	for _, at := range c.points {
		first := max(int(math.Floor((at.x-x.from)/wide)), 0)
		for i := first; i < n; i++ {
			left := x.from + float64(i)*wide
			if left >= at.x+each {
				break
			}
			out[i] += at.y * max(min(left+wide, at.x+each)-max(left, at.x), 0) / each
		}
	}
	return out, max(slices.Max(out), math.SmallestNonzeroFloat64)
}

// dash gives the stroke of the nth line.
func dash(nth int) string {
	return []string{"", ` stroke-dasharray="6 3"`, ` stroke-dasharray="2 2"`, ` stroke-dasharray="8 2 2 2"`}[nth%4]
}

// heights names the heights of a plot whose heights have names, and its lines.
func (p *pen) heights() {
	if p.plot.scale == nil {
		return
	}
	for i := range 3 {
		part := float64(i) / 2
		v, y := p.plot.top*part, p.y+(1-part)*plotHeight
		p.put(`<path d="M%d %sH%d" stroke="currentColor" stroke-opacity=".25"/>`, leftEdge, num(y), rightEdge)
		p.put(`<text x="%d" y="%s" text-anchor="end" fill-opacity=".7">%s</text>`, wide-margin, num(y-2), escape(cut(p.plot.scale(v), 12)))
	}
}

// lines are the names of a plot's curves, for its legend.
func (s *scene) lines() []string {
	if s.plot == nil || s.plot.scale == nil {
		return nil
	}
	var out []string
	for i := range s.plot.curves {
		out = append(out, s.plot.curves[i].name)
	}
	return out
}
