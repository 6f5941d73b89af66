package forensics

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Sizes of the printed report.
const (
	width      = 78
	maxTable   = 10 // suspects in the table
	maxPrinted = 5  // peaks
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
		p.suspects(&a)
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

// suspects prints the table of the best.
func (p page) suspects(a *Answer) {
	p.line("\nSuspects (known extracts that explain all hits: %d, some: %d, none: %d)", a.All, a.Some, a.None)
	p.line("     %-18s %-15s %-17s %-9s%11s", "extract", "actor", "taken (UTC)", "explains", "silent/held")
	printed := 0
	for i, s := range a.Suspects {
		if s.Explains == 0 && printed > 0 && !s.Unlogged {
			continue
		}
		if printed >= maxTable && !s.Unlogged {
			continue
		}
		printed++
		p.line("%3d. %s", i+1, row(s))
	}
}

func row(s Suspect) string {
	explains := fmt.Sprintf("%d/%d", s.Explains, s.Of)
	if s.Unlogged {
		return strings.TrimRight(fmt.Sprintf("%s %s %-17s %-9s%11s", cell("not in the log", 18), cell("unknown", 15), "?", explains, "?"), " ")
	}
	taken := s.Taken.Latest.UTC().Format("2006-01-02 15:04")
	if !s.Taken.Earliest.Equal(s.Taken.Latest) {
		taken = "<" + taken // at some time before
	}
	silent := fmt.Sprintf("%d/%d", s.Silent, s.Holds)
	return fmt.Sprintf("%s %s %-17s %-9s%11s", cell(plain(string(s.Extract)), 18), cell(plain(s.Actor), 15), taken, explains, silent)
}

// cell pads or cuts text to n characters.
func cell(text string, n int) string {
	if have := runes(text); have <= n {
		return text + strings.Repeat(" ", n-have)
	}
	return string([]rune(text)[:n-2]) + ".."
}

func runes(s string) int { return utf8.RuneCountInString(s) }
