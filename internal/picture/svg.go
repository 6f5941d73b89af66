package picture

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// The SVG in its own units, which are about points of print. A character is 7.3 wide.
const (
	wide       = 480
	margin     = 8
	leftEdge   = margin + 4
	rightEdge  = wide - margin - 4
	character  = 7.3
	lineHeight = 16
	rowHeight  = 32
	barHeight  = 10
	plotHeight = 84
	lineWidth  = 63 // in characters
)

// SVG writes the picture as one SVG element that can stand in a page or in a file of
// its own; its colour is that of the text around it.
func (p Picture) SVG() string {
	var body strings.Builder
	high := margin
	for i := range p.scenes {
		pen := &pen{b: &body, scene: &p.scenes[i], y: float64(high)}
		pen.draw()
		high = int(math.Ceil(pen.y)) + margin
	}
	id, titles, descs := "picture", []string{}, []string{}
	for i := range p.scenes {
		s := &p.scenes[i]
		id, titles, descs = s.id, append(titles, s.title), append(descs, s.desc)
	}
	if len(p.scenes) > 1 {
		id = "sheet"
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" class="picture" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-labelledby="%s-title" aria-describedby="%s-desc" font-family="ui-monospace,monospace" font-size="12" fill="currentColor" stroke="none">`+"\n", wide, high, wide, high, id, id)
	fmt.Fprintf(&b, "<title id=\"%s-title\">%s</title>\n<desc id=\"%s-desc\">%s</desc>\n", id, escape(strings.Join(titles, "; ")), id, escape(strings.Join(descs, " ")))
	b.WriteString(body.String())
	b.WriteString("</svg>\n")
	return b.String()
}

// pen draws one scene; y is where it has come to.
type pen struct {
	b *strings.Builder
	*scene
	y float64
}

func (p *pen) put(format string, args ...any) {
	fmt.Fprintf(p.b, format, args...)
	p.b.WriteByte('\n')
}

// draw draws the scene from above to below. What is behind the rows is drawn first.
func (p *pen) draw() {
	p.patterns()
	p.y += 12
	for i, line := range fold(p.title, lineWidth) {
		if i > 0 {
			p.y += lineHeight
		}
		p.put(`<text x="%d" y="%s" font-weight="bold">%s</text>`, margin, num(p.y), escape(line))
	}
	p.y += 10
	top := p.y
	high := float64(len(p.rows)) * rowHeight
	if p.plot != nil {
		high += lineHeight + plotHeight + 6
	}
	p.behind(top, top+high)
	if p.plot != nil {
		p.curves()
	}
	for i := range p.rows {
		p.row(&p.rows[i])
	}
	p.scale()
	p.legend()
	for _, note := range p.notes {
		for _, line := range fold(note, lineWidth) {
			p.y += lineHeight
			p.put(`<text x="%d" y="%s">%s</text>`, margin, num(p.y), escape(line))
		}
	}
	p.y += 6
}

// num writes a coordinate. What is no number is 0.
func num(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		v = 0
	}
	return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64)
}

func (p *pen) x(v float64) float64 { return leftEdge + p.axis.part(v)*(rightEdge-leftEdge) }

// tickX gives where the nth name of the axis is.
func (p *pen) tickX(n int) float64 {
	return leftEdge + (rightEdge-leftEdge)*float64(n)/float64(p.axis.ticks-1)
}

// behind draws the lines of the axis and the bands, from top to bottom.
func (p *pen) behind(top, bottom float64) {
	for _, m := range p.bands {
		if p.axis.shows(m) {
			p.put(`<rect x="%s" y="%s" width="%s" height="%s" fill-opacity=".1"/>`, num(p.x(m.from)), num(top), num(max(p.x(m.until)-p.x(m.from), 1)), num(bottom-top))
		}
	}
	for i := range p.axis.ticks {
		p.put(`<path d="M%s %sV%s" stroke="currentColor" stroke-opacity=".2"/>`, num(p.tickX(i)), num(top), num(bottom))
	}
}

// row draws a row: its name and its value above its marks.
func (p *pen) row(r *row) {
	value := cut(r.value, 20)
	p.put(`<text x="%d" y="%s">%s</text>`, margin, num(p.y+12), escape(cut(r.label, lineWidth-columns(value)-1)))
	if value != "" {
		p.put(`<text x="%d" y="%s" text-anchor="end">%s</text>`, wide-margin, num(p.y+12), escape(value))
	}
	y := p.y + 17
	p.put(`<path d="M%d %sH%d" stroke="currentColor" stroke-opacity=".2"/>`, leftEdge, num(y+barHeight/2), rightEdge)
	seen := map[string]bool{} // of a thousand contacts in a minute one is seen
	for _, m := range certainApart(r.marks) {
		if text := p.mark(m, y); text != "" && !seen[text] {
			seen[text] = true
			p.put("%s", text)
		}
	}
	left, right := p.axis.beyond(r.marks)
	if left {
		p.put(`<path d="M%d %sl5 -5v10z"/>`, margin-6, num(y+barHeight/2))
	}
	if right {
		p.put(`<path d="M%d %sl-5 -5v10z"/>`, wide-margin+6, num(y+barHeight/2))
	}
	p.y += rowHeight
}

// certainApart takes out of what is perhaps what is sure: patterns over one another could
// not be told apart.
func certainApart(marks []mark) (out []mark) {
	sure := slices.DeleteFunc(slices.Clone(marks), func(m mark) bool { return m.shape != surely })
	slices.SortFunc(sure, func(a, b mark) int { return cmp.Compare(a.from, b.from) })
	for _, m := range marks {
		if m.shape != perhaps {
			out = append(out, m)
			continue
		}
		for _, s := range sure {
			if s.until > m.from && s.from < m.until {
				if s.from > m.from {
					out = append(out, mark{perhaps, m.from, s.from})
				}
				m.from = s.until
			}
		}
		if m.from < m.until {
			out = append(out, m)
		}
	}
	return out
}

// mark gives a mark whose bar begins at a height.
func (p *pen) mark(m mark, y float64) string {
	x, z := p.x(m.from), p.x(m.until)
	switch {
	case m.shape.point():
		return m.shape.dot(x, y+barHeight/2)
	case m.shape == taken:
		mid := y + barHeight/2
		line := ""
		if z > x {
			line = fmt.Sprintf(`<path d="M%s %sH%s" stroke="currentColor" stroke-width="2"/>`, num(x), num(mid), num(z))
			line += taken.dot(z, mid)
		}
		return line + taken.dot(x, mid)
	case !p.axis.shows(m), m.shape == perhaps && z-x < .5:
		return ""
	}
	return p.bar(m.shape, x, y, max(z-x, 1))
}

// bar gives a bar; what a shape fills it with is in patterns.
func (p *pen) bar(s shape, x, y, width float64) string {
	high, fill, more := float64(barHeight), "currentColor", ""
	switch s {
	case surely, actorBar, perhaps, unloggedBar, most:
		fill = "url(#" + p.id + "-" + s.pattern() + ")"
		more = ` stroke="currentColor" stroke-width=".8"`
	case credible99:
		high = 2
	case credible90:
		high = 5
	case noneBar:
		fill, more = "none", ` stroke="currentColor" stroke-width="1.2"`
	default:
	}
	return fmt.Sprintf(`<rect x="%s" y="%s" width="%s" height="%s" fill="%s"%s/>`, num(x), num(y+(barHeight-high)/2), num(width), num(high), fill, more)
}

// pattern names what fills a shape; those that are solid have none.
func (s shape) pattern() string {
	switch s {
	case perhaps, unloggedBar:
		return "dots"
	case surely, actorBar:
		return "lines"
	case most:
		return "cross"
	default:
		return ""
	}
}

// dot gives a point. A filled one weighs.
func (s shape) dot(x, y float64) string {
	const hollow = ` fill="none" stroke="currentColor" stroke-width="1.4"/>`
	switch s {
	case taken:
		return fmt.Sprintf(`<path d="M%s %sl4 9h-8z"/>`, num(x), num(y-4))
	case aside:
		return fmt.Sprintf(`<circle cx="%s" cy="%s" r="4"`, num(x), num(y)) + hollow
	case placebo:
		return fmt.Sprintf(`<rect x="%s" y="%s" width="7" height="7"`, num(x-3.5), num(y-3.5)) + hollow
	case beside:
		return fmt.Sprintf(`<path d="M%s %sv9"`, num(x), num(y-4.5)) + hollow
	default:
		return fmt.Sprintf(`<circle cx="%s" cy="%s" r="4.5"/>`, num(x), num(y))
	}
}

// patterns defines the fillings that the scene needs. Names begin with the scene's, so
// that several pictures can stand in one page.
func (p *pen) patterns() {
	done := map[string]bool{"": true}
	for _, s := range p.used() {
		name := s.pattern()
		if done[name] {
			continue
		}
		done[name] = true
		drawing := map[string]string{
			"dots":  `<circle cx="2" cy="2" r=".8" fill="currentColor"/>`,
			"lines": `<path d="M-1 1L1 -1M-1 5L5 -1M3 5L5 3" stroke="currentColor" stroke-width=".8" stroke-opacity=".7"/>`,
			"cross": `<path d="M0 0L4 4M0 4L4 0" stroke="currentColor" stroke-width=".7"/>`,
		}[name]
		p.put(`<defs><pattern id="%s-%s" width="4" height="4" patternUnits="userSpaceOnUse">%s</pattern></defs>`, p.id, name, drawing)
	}
}

// scale draws the names of the axis.
func (p *pen) scale() {
	p.put(`<path d="M%d %sH%d" stroke="currentColor"/>`, leftEdge, num(p.y), rightEdge)
	p.y += 14
	for i := range p.axis.ticks {
		anchor, v := "middle", p.axis.tick(i)
		x := p.tickX(i)
		switch i {
		case 0:
			anchor, x = "start", margin
		case p.axis.ticks - 1:
			anchor, x = "end", wide-margin
		}
		p.put(`<text x="%s" y="%s" text-anchor="%s">%s</text>`, num(x), num(p.y), anchor, escape(cut(p.axis.form(v), lineWidth/p.axis.ticks-2)))
	}
	p.y += 14
	p.put(`<text x="%s" y="%s" text-anchor="middle">%s</text>`, num(wide/2), num(p.y), escape(cut(p.axis.name, lineWidth)))
}

// legend says what the shapes and the strokes mean.
func (p *pen) legend() {
	x := float64(wide)
	for _, s := range p.used() {
		x = p.place(x, s.words())
		drawn := s.dot(x+10, p.y-4)
		if !s.point() && s != taken {
			drawn = p.bar(s, x, p.y-9, 18)
		}
		x = p.entry(x, drawn, s.words())
	}
	for i, name := range p.lines() {
		name = cut(name, lineWidth-8)
		x = p.place(x, name)
		x = p.entry(x, fmt.Sprintf(`<path d="M%s %sh18" stroke="currentColor" stroke-width="1.6"%s/>`, num(x), num(p.y-4), dash(i)), name)
	}
}

// swatch is how wide the sample before a name of the legend is.
const swatch = 24

// place gives where a name of the legend goes that follows one which ends at x.
func (p *pen) place(x float64, name string) float64 {
	if x+swatch+character*float64(columns(name)) > wide-margin {
		p.y += lineHeight + 2
		return margin
	}
	return x
}

// entry draws one and gives where it ends.
func (p *pen) entry(x float64, sample, name string) float64 {
	p.put(`%s<text x="%s" y="%s">%s</text>`, sample, num(x+swatch), num(p.y), escape(name))
	return x + swatch + character*float64(columns(name)+2)
}
