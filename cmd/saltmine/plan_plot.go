package main

import (
	"fmt"
	"math"
	"strings"
	"time"

	sched "saltmine/seeder/schedule"
)

// The drawing: two charts side by side.
const (
	plotWidth, plotHeight = 860, 360
	chartWidth            = 330
	chartHeight           = 240
	chartTop              = 50
)

// chart is one of them, with its data in [0, right] x [0, top].
type chart struct {
	b          *strings.Builder
	left       float64
	right, top float64
}

// svg draws the probability of detection over the number of canaries and the
// width of the access window over the number of hits. It needs no other file.
func (p *planned) svg() string {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" font-family="sans-serif" font-size="12" role="img">`+"\n", plotWidth, plotHeight, plotWidth, plotHeight)
	fmt.Fprintf(&b, "<title>Saltmine plan: a leak of %s of %s rows, %s contacted</title>\n", thousands(p.Leak.Extract), thousands(p.Leak.Rows), thousands(p.Leak.Contacted))
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="white"/>`+"\n", plotWidth, plotHeight)
	p.drawDetection(&b)
	p.drawWidths(&b)
	b.WriteString("</svg>\n")
	return b.String()
}

func (p *planned) drawDetection(b *strings.Builder) {
	most := (2*max(p.Canaries.Needed, p.Canaries.Planned) + 3) / 4 * 4
	c := chart{b, 60, float64(most), 1}
	c.frame("probability of detection", "canaries", func(v float64) string { return thousands(int(v)) }, func(v float64) string { return fmt.Sprintf("%.0f %%", 100*v) })
	for i, h := range uniq(1, p.f.hits) {
		c.curve(i, many(h, "hit")+" or more", func(x float64) float64 { return p.leak.Detect(int(x), h) })
	}
	c.mark(float64(p.Canaries.Planned), thousands(p.Canaries.Planned))
}

func (p *planned) drawWidths(b *strings.Builder) {
	c := chart{b, 490, 32, max(days(p.f.back), 1)}
	c.frame("expected access window, days", "hits", func(v float64) string { return fmt.Sprintf("%.0f", v) }, short)
	width := func(at float64, of func(int) time.Duration) float64 { // hits are whole, lines are not
		low := math.Floor(at)
		a, z := days(of(int(low))), days(of(int(low)+1))
		return a + (z-a)*(at-low)
	}
	w := p.Window
	c.curve(0, "this plan", func(x float64) float64 {
		return width(x, func(h int) time.Duration { return sched.Width(h, p.f.back, w.ends, w.parts...) })
	})
	c.curve(1, "if no token changed", func(x float64) float64 {
		return width(x, func(h int) time.Duration { return sched.Width(h, p.f.back, w.ends) })
	})
}

func uniq(a, b int) []int {
	if a == b {
		return []int{a}
	}
	return []int{a, b}
}

func (c chart) x(v float64) float64 { return c.left + v/c.right*chartWidth }
func (c chart) y(v float64) float64 { return chartTop + (1-v/c.top)*chartHeight }

// frame draws the axes with five marks each.
func (c chart) frame(title, below string, xs, ys func(float64) string) {
	fmt.Fprintf(c.b, `<text x="%.0f" y="30" font-size="14">%s</text>`+"\n", c.left, title)
	fmt.Fprintf(c.b, `<text x="%.0f" y="%d" text-anchor="middle">%s</text>`+"\n", c.left+chartWidth/2, chartTop+chartHeight+36, below)
	for i := range 5 {
		part := float64(i) / 4
		x, y := c.x(part*c.right), c.y(part*c.top)
		fmt.Fprintf(c.b, `<path d="M%.1f %.1f h%d" stroke="#ddd"/><text x="%.1f" y="%.1f" text-anchor="end">%s</text>`+"\n", c.left, y, chartWidth, c.left-6, y+4, ys(part*c.top))
		fmt.Fprintf(c.b, `<text x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n", x, chartTop+chartHeight+18, xs(part*c.right))
	}
}

// curve draws a function and its name in the legend.
func (c chart) curve(nth int, name string, f func(float64) float64) {
	const steps = 120
	colour := []string{"#0b62a4", "#c0392b"}[nth]
	var d strings.Builder
	for i := range steps + 1 {
		x := c.right * float64(i) / steps
		fmt.Fprintf(&d, "%c%.1f %.1f", "ML"[min(i, 1)], c.x(x), c.y(f(x)))
	}
	fmt.Fprintf(c.b, `<path d="%s" fill="none" stroke="%s" stroke-width="2"/>`+"\n", &d, colour)
	fmt.Fprintf(c.b, `<text x="%.0f" y="%d" fill="%s">%s</text>`+"\n", c.left+float64(nth)*chartWidth/2, chartTop+chartHeight+58, colour, name)
}

// mark draws the plan's own number.
func (c chart) mark(at float64, name string) {
	fmt.Fprintf(c.b, `<path d="M%.1f %d v%d" stroke="#555" stroke-dasharray="4 3"/><text x="%.1f" y="%d">%s</text>`+"\n", c.x(at), chartTop, chartHeight, c.x(at)+4, chartTop+chartHeight-6, name)
}
