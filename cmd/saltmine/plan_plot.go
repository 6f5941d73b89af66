package main

import (
	"fmt"
	"math"
	"time"

	"saltmine/internal/picture"
	sched "saltmine/seeder/schedule"
)

// svg draws the probability of detection over the number of canaries and the
// width of the access window over the number of hits. It needs no other file.
func (p *planned) svg() string { return picture.Sheet(p.drawDetection(), p.drawWidths()).SVG() }

func (p *planned) drawDetection() picture.Picture {
	most := (2*max(p.Canaries.Needed, p.Canaries.Planned) + 3) / 4 * 4
	c := picture.Plot{
		ID: "detection", Title: fmt.Sprintf("Probability of detection: a leak of %s of %s rows, %s contacted", thousands(p.Leak.Extract), thousands(p.Leak.Rows), thousands(p.Leak.Contacted)),
		Below: "canaries", Right: float64(most), Top: 1, Mark: float64(p.Canaries.Planned), MarkName: thousands(p.Canaries.Planned) + " planned",
		X: func(v float64) string { return thousands(int(v)) }, Y: func(v float64) string { return fmt.Sprintf("%.0f %%", 100*v) },
	}
	for _, h := range uniq(1, p.f.hits) {
		c.Curves = append(c.Curves, picture.Curve{Name: many(h, "hit") + " or more", At: func(x float64) float64 { return p.leak.Detect(int(x), h) }})
	}
	return c.Draw()
}

func (p *planned) drawWidths() picture.Picture {
	width := func(at float64, of func(int) time.Duration) float64 { // hits are whole, lines are not
		low := math.Floor(at)
		a, z := days(of(int(low))), days(of(int(low)+1))
		return a + (z-a)*(at-low)
	}
	w := p.Window
	c := picture.Plot{
		ID: "widths", Title: "Expected access window, days", Below: "hits", Right: 32, Top: max(days(p.f.back), 1),
		X: func(v float64) string { return fmt.Sprintf("%.0f", v) }, Y: short,
		Curves: []picture.Curve{
			{Name: "this plan", At: func(x float64) float64 {
				return width(x, func(h int) time.Duration { return sched.Width(h, p.f.back, w.ends, w.parts...) })
			}},
			{Name: "if no token changed", At: func(x float64) float64 {
				return width(x, func(h int) time.Duration { return sched.Width(h, p.f.back, w.ends) })
			}},
		},
	}
	return c.Draw()
}

func uniq(a, b int) []int {
	if a == b {
		return []int{a}
	}
	return []int{a, b}
}
