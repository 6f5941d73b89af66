// Package report writes what an evidence pack says for people: once as a page of HTML
// that needs nothing beside it, and once as PDF for whoever prints or files it. Both are
// of the same sections, and the same report gives the same bytes: no clock, no fonts of
// this machine, no numbers drawn by lot.
//
// The HTML has no script and no link, and says in a policy of its own that a browser is
// to load nothing. Everything in it is text but for the drawings, which are SVG as
// package picture makes it.
//
// The PDF (ISO 32000-1) is text in Courier, one of the fonts that every reader has, so
// that nothing is embedded; drawings stand in it as text. Letters beyond Latin-1 are
// written as U+ and their number. Long lines are broken, none is cut.
//
// The package decides nothing about what is said, and proves nothing: what does is in the
// pack beside the report.
package report

import (
	"bytes"
	"fmt"
	"html"
	"strings"
)

// Report is what is said.
type Report struct {
	Title    string
	Sections []Section
}

// Section is one part of it. Empty parts are left out.
type Section struct {
	Heading string
	Text    []string   // paragraphs
	Table   [][]string // the first row names the columns
	Lines   string     // set as it is, in one width
	SVG     string     // a drawing
	Drawing string     // the same as text
}

const head = `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>%s</title>
<style>body{font:1rem/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}table{border-collapse:collapse}td,th{border:1px solid #888;padding:.2rem .5rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}pre{white-space:pre-wrap;overflow-wrap:anywhere}svg{max-width:100%%;height:auto}</style>
</head><body>
<h1>%s</h1>
`

// HTML writes the report as one page.
func (r *Report) HTML() []byte {
	var b bytes.Buffer
	out := func(format string, args ...any) { fmt.Fprintf(&b, format, args...) }
	out(head, html.EscapeString(r.Title), html.EscapeString(r.Title))
	for _, s := range r.Sections {
		out("<h2>%s</h2>\n", html.EscapeString(s.Heading))
		for _, p := range s.Text {
			out("<p>%s</p>\n", html.EscapeString(p))
		}
		b.WriteString(s.SVG)
		if len(s.Table) > 0 {
			out("<table>\n")
			for i, row := range s.Table {
				cell := "td"
				if i == 0 {
					cell = "th"
				}
				out("<tr>")
				for _, c := range row {
					out("<%s>%s</%s>", cell, html.EscapeString(c), cell)
				}
				out("</tr>\n")
			}
			out("</table>\n")
		}
		if s.Lines != "" {
			out("<pre>%s</pre>\n", html.EscapeString(s.Lines))
		}
	}
	out("</body></html>\n")
	return b.Bytes()
}

// lines are the report as lines of text, for the PDF.
func (r *Report) lines() []string {
	out := []string{r.Title, strings.Repeat("=", min(width, len([]rune(r.Title))))}
	for _, s := range r.Sections {
		out = append(out, "", s.Heading, strings.Repeat("-", min(width, len([]rune(s.Heading)))))
		out = append(out, s.Text...)
		for i, row := range s.Table {
			if i > 0 { // a row is as many lines as it needs
				out = append(out, "* "+strings.Join(row, " | "))
			} else {
				out = append(out, "  "+strings.Join(row, " | "))
			}
		}
		for _, text := range []string{s.Drawing, s.Lines} {
			if text != "" {
				out = append(out, strings.Split(strings.TrimRight(text, "\n"), "\n")...)
			}
		}
	}
	return out
}
