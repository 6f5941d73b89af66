package forensics

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// Sizes of the printed report.
const (
	width       = 78
	maxTable    = 10 // suspects in the table
	maxPrinted  = 5  // peaks
	maxSpans    = 4  // intervals of a credible set
	maxWhy      = 3  // suspects with their reasons
	maxSegments = 5
)

// Text writes the report that a person reads: the conclusion first, then the
// access window drawn against the tokens' windows, the suspects, the reasons,
// and what all this proves and does not. Lines have at most 78 characters, no
// colour and no control characters; tokens and canaries appear by id alone.
func (a Answer) Text(w io.Writer) error {
	var b strings.Builder
	p := page{&b}
	p.para("", a.Conclusion)
	if len(a.Hits) > 0 {
		p.window(&a)
		p.line("\n%s", strings.TrimSuffix(a.Picture().Text(width), "\n"))
		p.sure(&a)
		p.suspects(&a)
		p.why(&a)
		p.list("Why", a.Reasons)
		p.list("What this proves", a.Proves)
		p.list("What it does not prove", a.ProvesNot)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write trace: %w", err)
	}
	return nil
}

type page struct{ b *strings.Builder }

func (p page) line(format string, args ...any) {
	fmt.Fprintf(p.b, format, args...)
	p.b.WriteByte('\n')
}

// para breaks text at spaces; the first line begins with mark, the others with
// as many spaces.
func (p page) para(mark, text string) {
	indent := strings.Repeat(" ", len(mark))
	line, begun := mark, false
	for word := range strings.FieldsSeq(text) {
		if begun && runes(line)+1+runes(word) > width {
			p.line("%s", line)
			line, begun = indent, false
		}
		if begun {
			line += " "
		}
		line += word
		begun = true
	}
	p.line("%s", line)
}

func (p page) list(title string, items []string) {
	if len(items) == 0 {
		return
	}
	p.line("\n%s", title)
	for _, item := range items {
		p.para("  - ", item)
	}
}

// window lists the access window, or what comes nearest to one.
func (p page) window(a *Answer) {
	if len(a.Window) > 0 {
		p.line("\nAccess window")
		p.intervals("possible", a.Window)
		p.intervals("certain", a.Certain)
		return
	}
	p.line("\nAccess window: none fits all %s", count(len(a.Hits), "hit"))
	for i, peak := range a.Peaks {
		if i == maxPrinted {
			p.line("  ... and %d more", len(a.Peaks)-i)
			break
		}
		p.line("  %3d of %-3d  %s  to  %s", peak.Tokens, len(a.Hits), stamp(peak.From), stamp(peak.Until))
	}
}

func (p page) intervals(word string, list []Interval) {
	if len(list) == 0 {
		p.line("  %-10s never for all of them at once", word)
	}
	for _, in := range list {
		p.line("  %-10s %s  to  %s", word, stamp(in.From), stamp(in.Until))
		word = ""
	}
}

// sure says how probable the kinds of explanation are, and when the access was.
func (p page) sure(a *Answer) {
	c := a.Chances
	p.line("\nHow sure")
	p.line("  %-28s %s", "some extract that is known", Percent(c.Known))
	p.line("  %-28s %s", "a copy that is in no log", Percent(c.Unlogged))
	p.line("  %-28s %s", "no leak: all is noise", Percent(c.None))
	p.set("access, with 50 %", c.Half)
	p.set("access, with 90 %", c.Likely)
	p.set("access, with 99 %", c.Nearly)
	p.size(a.Size)
}

// size prints how much leaked.
func (p page) size(s *Size) {
	if r := s.Contacted; r != nil {
		p.line("  %-28s about %d, with 95 %% from %d to %d", "records contacted", r.Best, r.From, r.Until)
	}
	if r := s.Rows; r != nil {
		p.line("  %-28s %d, with 90 %% from %d to %d", "rows, if it is a known one", r.Best, r.From, r.Until)
	}
	if len(s.Segments) > 1 || s.Segments[0].Segment != "" {
		var parts []string
		for _, x := range s.Segments[:min(len(s.Segments), maxSegments)] {
			parts = append(parts, fmt.Sprintf("%s: %d", cmp.Or(plain(string(x.Segment)), "no segment"), x.Hits))
		}
		if n := len(s.Segments) - maxSegments; n > 0 {
			parts = append(parts, count(n, "more segment"))
		}
		p.para("  hits by segment              ", strings.Join(parts, "; "))
	}
}

// set prints times, the first few of many.
func (p page) set(title string, list []TimeSpan) {
	for i, s := range list {
		if i == maxSpans {
			p.line("  %-20s and %s more, the last until %s", "", count(len(list)-i, "interval"), minute(list[len(list)-1].Until))
			break
		}
		p.line("  %-20s %s to %s UTC", title, minute(s.From), minute(s.Until))
		title = ""
	}
}

func minute(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") }

// suspects prints the table of the best.
func (p page) suspects(a *Answer) {
	p.line("\nSuspects (known extracts that explain all hits: %d, some: %d, none: %d)", a.All, a.Some, a.None)
	p.line("       p  %-18s %-13s %-17s %-7s%9s", "extract", "actor", "taken (UTC)", "explains", "silent")
	printed := 0
	for _, s := range a.Suspects {
		if s.Explains == 0 && printed > 0 && !s.Unlogged { // as what else the first actor took
			continue
		}
		if printed >= maxTable && !s.Unlogged {
			continue
		}
		printed++
		p.line("%3d. %s", printed, row(s))
	}
}

func row(s Suspect) string {
	explains := fmt.Sprintf("%d/%d", s.Explains, s.Of)
	if s.Unlogged {
		return strings.TrimRight(fmt.Sprintf("%3s  %s %s %-17s %-7s%9s", short(s.P), cell("not in the log", 18), cell("unknown", 13), "?", explains, "?"), " ")
	}
	taken := s.Taken.Latest.UTC().Format("2006-01-02 15:04")
	if !s.Taken.Earliest.Equal(s.Taken.Latest) {
		taken = "<" + taken // at some time before
	}
	silent := fmt.Sprintf("%d/%d", s.Silent, s.Holds)
	return fmt.Sprintf("%3s  %s %s %-17s %-7s%9s", short(s.P), cell(plain(string(s.Extract)), 18), cell(plain(s.Actor), 13), taken, explains, silent)
}

// short is a probability in three characters.
func short(p float64) string {
	switch {
	case p >= .995:
		return ">99"
	case p < .01:
		return "<1"
	}
	return fmt.Sprintf("%.0f", 100*p)
}

// why gives the reasons of the first suspects.
func (p page) why(a *Answer) {
	for _, s := range a.Suspects[:min(len(a.Suspects), maxWhy)] {
		if s.Unlogged || s.Explains == 0 {
			continue
		}
		p.list(fmt.Sprintf("%s by %s", cell(plain(string(s.Extract)), min(runes(string(s.Extract)), 40)), cell(plain(s.Actor), min(runes(s.Actor), 30))), s.Reasons)
	}
}

// cell pads or cuts text to n characters.
func cell(text string, n int) string {
	if have := runes(text); have <= n {
		return text + strings.Repeat(" ", n-have)
	}
	return string([]rune(text)[:n-2]) + ".."
}

func runes(s string) int { return utf8.RuneCountInString(s) }
