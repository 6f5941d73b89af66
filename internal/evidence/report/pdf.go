package report

import (
	"bytes"
	"fmt"
	"strings"
)

// A4 upright in Courier of 9 points: 0.6 of a size is a letter's width.
const (
	width   = 92 // letters in a line
	perPage = 68 // lines
)

// PDF writes the report as text on pages.
func (r *Report) PDF() []byte {
	var lines []string
	for _, l := range r.lines() {
		lines = append(lines, wrap(latin(l))...)
	}
	pages := max(1, (len(lines)+perPage-1)/perPage)
	w := &pdf{}
	w.b.WriteString("%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
	var kids []string
	for n := range pages {
		kids = append(kids, fmt.Sprintf("%d 0 R", 4+2*n))
	}
	w.object("<< /Type /Catalog /Pages 2 0 R >>")
	w.object(fmt.Sprintf("<< /Type /Pages /Count %d /Kids [%s] >>", pages, strings.Join(kids, " ")))
	w.object("<< /Type /Font /Subtype /Type1 /BaseFont /Courier /Encoding /WinAnsiEncoding >>")
	for n := range pages {
		w.object(fmt.Sprintf("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F 3 0 R >> >> /Contents %d 0 R >>", 5+2*n))
		text := pageOf(lines[min(len(lines), n*perPage):min(len(lines), (n+1)*perPage)], n+1, pages)
		w.object(fmt.Sprintf("<< /Length %d >>\nstream\n%s\nendstream", len(text), text))
	}
	return w.close()
}

// pageOf is what a page's stream says.
func pageOf(lines []string, n, of int) string {
	var b strings.Builder
	b.WriteString("BT /F 9 Tf 11 TL 48 794 Td\n")
	for _, l := range lines {
		fmt.Fprintf(&b, "(%s) '\n", escape(l))
	}
	fmt.Fprintf(&b, "ET\nBT /F 8 Tf 48 24 Td (%d of %d) Tj ET", n, of)
	return b.String()
}

// latin makes of a text one of which each byte is a letter in WinAnsiEncoding.
func latin(s string) string {
	var b strings.Builder
	for _, c := range s {
		switch {
		case c == '\t':
			b.WriteByte(' ')
		case c >= ' ' && c <= '~', c >= 0xa0 && c <= 0xff:
			b.WriteByte(byte(c)) //nolint:gosec // below 256
		default:
			fmt.Fprintf(&b, "<U+%04X>", c)
		}
	}
	return b.String()
}

func escape(s string) string {
	return strings.NewReplacer(`\`, `\\`, `(`, `\(`, `)`, `\)`).Replace(s)
}

// wrap breaks a line of bytes, at a space where there is one.
func wrap(s string) (out []string) {
	for len(s) > width {
		at := strings.LastIndexByte(s[:width+1], ' ')
		if at < width/2 {
			at = width
		}
		out, s = append(out, s[:at]), "    "+strings.TrimLeft(s[at:], " ")
	}
	return append(out, s)
}

// pdf writes objects and the table of where they stand.
type pdf struct {
	b  bytes.Buffer
	at []int
}

func (w *pdf) object(body string) {
	w.at = append(w.at, w.b.Len())
	fmt.Fprintf(&w.b, "%d 0 obj\n%s\nendobj\n", len(w.at), body)
}

func (w *pdf) close() []byte {
	start := w.b.Len()
	fmt.Fprintf(&w.b, "xref\n0 %d\n0000000000 65535 f \n", len(w.at)+1)
	for _, at := range w.at {
		fmt.Fprintf(&w.b, "%010d 00000 n \n", at)
	}
	fmt.Fprintf(&w.b, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(w.at)+1, start)
	return w.b.Bytes()
}
