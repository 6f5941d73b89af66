package report_test

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"saltmine/internal/evidence/report"
)

func sample() *report.Report {
	r := &report.Report{Title: "Incident <i>", Sections: []report.Section{
		{Heading: "Text & more", Text: []string{"Zoë said (\\o/) <script>alert(1)</script> in 日本."}},
		{Heading: "Table", Table: [][]string{{"A", "B"}, {"1<2", strings.Repeat("long ", 60)}}},
		{Heading: "Drawing", SVG: "<svg></svg>", Drawing: "----"},
	}}
	for n := range 300 {
		r.Sections[2].Lines += fmt.Sprintf("line %d\n", n)
	}
	return r
}

// TestHTML: what is said is text, whatever it says, and nothing is loaded.
func TestHTML(t *testing.T) {
	t.Parallel()
	text := string(sample().HTML())
	for _, want := range []string{"<title>Incident &lt;i&gt;</title>", "&lt;script&gt;", "<svg></svg>", "<th>A</th>", "<td>1&lt;2</td>", "default-src 'none'", "line 299"} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is not in it", want)
		}
	}
	if strings.Contains(text, "<script") || strings.Contains(text, "----") || strings.Contains(text, "http://") {
		t.Error("it has a script, a link, or the drawing twice")
	}
	if text != string(sample().HTML()) {
		t.Error("it differs")
	}
}

// TestPDF reads the file as a reader does: from its end to the table, from there to
// each object, and the streams by their lengths.
func TestPDF(t *testing.T) {
	t.Parallel()
	b := sample().PDF()
	if !bytes.Equal(b, sample().PDF()) {
		t.Error("it differs")
	}
	tail := regexp.MustCompile(`startxref\n(\d+)\n%%EOF\n$`).FindSubmatch(b)
	if tail == nil || !bytes.HasPrefix(b, []byte("%PDF-1.4\n")) {
		t.Fatal("it neither begins nor ends as it must")
	}
	start, err := strconv.Atoi(string(tail[1]))
	if err != nil || !bytes.HasPrefix(b[start:], []byte("xref\n0 ")) {
		t.Fatalf("the table is not at %d", start)
	}
	entries := regexp.MustCompile(`(?m)^(\d{10}) 00000 n $`).FindAllSubmatch(b[start:], -1)
	var text strings.Builder
	pages := 0
	for n, e := range entries {
		at, err := strconv.Atoi(string(e[1]))
		if err != nil || !bytes.HasPrefix(b[at:], fmt.Appendf(nil, "%d 0 obj\n", n+1)) {
			t.Fatalf("object %d is not at %d", n+1, at)
		}
		body := b[at:]
		if m := regexp.MustCompile(`^\d+ 0 obj\n<< /Length (\d+) >>\nstream\n`).FindSubmatch(body); m != nil {
			size, err := strconv.Atoi(string(m[1]))
			if rest := body[len(m[0]):]; err != nil || !bytes.HasPrefix(rest[size:], []byte("\nendstream\nendobj\n")) {
				t.Errorf("the stream of object %d is not %d bytes", n+1, size)
			} else {
				text.Write(rest[:size])
				pages++
			}
		}
	}
	if !bytes.Contains(b, fmt.Appendf(nil, "/Count %d ", pages)) || pages < 5 {
		t.Errorf("%d pages", pages)
	}
	for _, want := range []string{"Zo\xeb said \\(\\\\o/\\)", "<U+65E5><U+672C>", "(line 299)", "(----)", fmt.Sprintf("(%d of %d)", pages, pages)} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%q is not in it", want)
		}
	}
	for l := range strings.Lines(text.String()) {
		if len(l) > 92+2*10+5 {
			t.Errorf("a line of %d: %s", len(l), l)
		}
	}
	if empty := (&report.Report{}).PDF(); !bytes.Contains(empty, []byte("/Count 1 ")) {
		t.Error("an empty report has no page")
	}
}
