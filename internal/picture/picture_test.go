package picture_test

import (
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"saltmine/internal/picture"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func day(n float64) time.Time {
	return time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(n * 24 * float64(time.Hour)))
}

func days(from, until float64) picture.Span { return picture.Span{From: day(from), Until: day(until)} }

func access() *picture.Access {
	a := &picture.Access{
		Tokens: []picture.Token{
			{Name: "t_aaaaaaaaaaaaaaaa email", Perhaps: []picture.Span{days(2, 11)}, Surely: []picture.Span{days(2, 10.5)}, First: day(14)},
			{Name: "t_bbbbbbbbbbbbbbbb ticket", Perhaps: []picture.Span{{From: day(-90)}}, Surely: []picture.Span{{From: day(-90)}}, First: day(17)},
			{Name: "t_cccccccccccccccc phone", Perhaps: []picture.Span{days(6, 30)}, First: day(18)},
		},
		Silent: 41, Window: []picture.Span{days(6, 11)},
		Credible: []picture.Credible{{99, []picture.Span{days(6, 10.9)}}, {90, []picture.Span{days(6.5, 8), days(9, 10)}}, {50, []picture.Span{days(7, 8)}}},
		Taken:    []picture.Taken{{"E-7", days(8, 8)}, {"E-9", days(6.2, 7.4)}},
	}
	for i := range 60 {
		at := 5.5 + float64(i)/10
		a.Density = append(a.Density, picture.Moment{At: day(at), P: .04 * (math.Exp(-(at-7.5)*(at-7.5)) + .5*math.Exp(-4*(at-9.5)*(at-9.5)))})
	}
	return a
}

func candidates() []picture.Candidate {
	return []picture.Candidate{
		{picture.Extract, "E-7", .62}, {picture.Extract, "E-9", .11}, {picture.Actor, "j.doe", .7}, {picture.Actor, "m.roe", .11},
		{picture.Unlogged, "", .183}, {picture.None, "", 0},
	}
}

func contacts() (out []picture.Contact) {
	for i, at := range []float64{14, 14.1, 14.11, 15, 17, 18, 18.2} {
		out = append(out, picture.Contact{Channel: []string{"smtp", "voice", "dns"}[i%3], At: day(at), Sort: []picture.Sort{picture.Weighed, picture.Aside, picture.Beside}[i%3]})
	}
	return append(out, picture.Contact{Channel: "smtp", At: day(16), Sort: picture.Placebo})
}

func plot() picture.Picture {
	return (&picture.Plot{
		ID: "detection", Title: "Probability of detection", Below: "canaries", Right: 80, Top: 1, Mark: 40, MarkName: "40 planted",
		X: func(v float64) string { return strconv.Itoa(int(v)) }, Y: func(v float64) string { return fmt.Sprintf("%.0f %%", 100*v) },
		Curves: []picture.Curve{
			{"1 hit or more", func(x float64) float64 { return 1 - math.Exp(-x/12) }},
			{"3 hits or more", func(x float64) float64 { return (1 - math.Exp(-x/30)) }},
		},
	}).Draw()
}

func TestGolden(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]picture.Picture{
		"window": picture.Window(access()), "suspects": picture.Suspects(candidates()), "contacts": picture.Contacts(contacts()), "plot": plot(),
	} {
		compare(t, name+".svg", p.SVG())
		compare(t, name+".txt", p.Text(78))
		compare(t, name+".html", p.Table())
	}
}

func compare(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; got:\n%s", path, got)
	}
}

// TestAnything: whatever names, times and numbers are drawn, the SVG is whole and
// harmless XML, all of it lies inside, no two texts lie over one another, and the text
// keeps to its lines.
func TestAnything(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := anything(t)
		if p.SVG() != p.SVG() || p.Text(78) != p.Text(78) { //nolint:staticcheck // drawn twice
			t.Fatal("it is not drawn twice alike")
		}
		checkSVG(t, p.SVG())
		checkXML(t, "<x>"+p.Table()+"</x>")
		for line := range strings.Lines(p.Text(78)) {
			line = strings.TrimSuffix(line, "\n")
			if n := utf8.RuneCountInString(line); n > 78+2*26 || strings.ContainsAny(line, "\x1b\u202e\x00\r\n") || strings.HasSuffix(line, " ") {
				t.Fatalf("a line of %d: %q", n, line)
			}
		}
	})
}

func anything(t *rapid.T) picture.Picture {
	name := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
		`</text><script>alert(1)</script>`, `"onload="x`, "\x1b[31m\u202e", "\xff\xfe", "数据库导出名称很长很长很长很长很长很长很长很长很长很长很长很长", strings.Repeat("W", 300), "e" + strings.Repeat("\u0301", 90), "]]>", "&amp;", "\uffff",
	}))
	moment := rapid.Custom(func(t *rapid.T) time.Time {
		switch rapid.IntRange(0, 9).Draw(t, "kind") {
		case 0:
			return time.Time{}
		case 1:
			return time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
		}
		return day(rapid.Float64Range(-400, 400).Draw(t, "day"))
	})
	span := rapid.Custom(func(t *rapid.T) picture.Span {
		return picture.Span{From: moment.Draw(t, "from"), Until: moment.Draw(t, "until")}
	})
	spans := rapid.SliceOfN(span, 0, 4)
	number := rapid.OneOf(rapid.Float64(), rapid.Float64Range(0, 1), rapid.SampledFrom([]float64{math.NaN(), math.Inf(1), math.Inf(-1)}))
	a := &picture.Access{Window: spans.Draw(t, "window"), Most: spans.Draw(t, "most"), Silent: rapid.IntRange(0, 9).Draw(t, "silent")}
	for range rapid.IntRange(0, 30).Draw(t, "tokens") {
		a.Tokens = append(a.Tokens, picture.Token{Name: name.Draw(t, "name"), Perhaps: spans.Draw(t, "perhaps"), Surely: spans.Draw(t, "surely"), First: moment.Draw(t, "first")})
	}
	for range rapid.IntRange(0, 5).Draw(t, "moments") {
		a.Density = append(a.Density, picture.Moment{At: moment.Draw(t, "at"), P: number.Draw(t, "p")})
		a.Taken = append(a.Taken, picture.Taken{Name: name.Draw(t, "name"), Span: span.Draw(t, "taken")})
		a.Credible = append(a.Credible, picture.Credible{Percent: rapid.SampledFrom([]int{50, 90, 99, 7}).Draw(t, "percent"), Intervals: spans.Draw(t, "intervals")})
	}
	var list []picture.Candidate
	var came []picture.Contact
	for range rapid.IntRange(0, 40).Draw(t, "others") {
		list = append(list, picture.Candidate{Kind: picture.Kind(rapid.IntRange(0, 3).Draw(t, "kind")), Name: name.Draw(t, "name"), P: number.Draw(t, "p")})
		came = append(came, picture.Contact{Channel: name.Draw(t, "channel"), At: moment.Draw(t, "at"), Sort: picture.Sort(rapid.IntRange(0, 3).Draw(t, "sort"))})
	}
	tick, y := name.Draw(t, "tick"), number.Draw(t, "y")
	return picture.Sheet(picture.Window(a), picture.Suspects(list), picture.Contacts(came), (&picture.Plot{
		ID: "plot", Title: name.Draw(t, "title"), Below: name.Draw(t, "below"), Right: number.Draw(t, "right"), Top: number.Draw(t, "top"),
		X: func(float64) string { return "x" + tick }, Y: func(float64) string { return "y" }, Mark: number.Draw(t, "mark"), MarkName: "here",
		Curves: []picture.Curve{{Name: name.Draw(t, "name"), At: func(float64) float64 { return y }}},
	}).Draw())
}

// fataler is a test, of this package's or of rapid's.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

func checkXML(t fataler, text string) {
	t.Helper()
	for d := xml.NewDecoder(strings.NewReader(text)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("%v in:\n%s", err, text)
		}
	}
}

var number = regexp.MustCompile(`-?\d+(\.\d+)?`)

// checkSVG checks elements, attributes, coordinates and texts.
func checkSVG(t fataler, text string) {
	t.Helper()
	allowed := []string{"svg", "title", "desc", "defs", "pattern", "rect", "path", "circle", "text"}
	width, height := 0., 0.
	var boxes [][4]float64
	for d := xml.NewDecoder(strings.NewReader(text)); ; {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("%v in:\n%s", err, text)
		}
		e, ok := tok.(xml.StartElement)
		if !ok {
			continue
		}
		at := map[string]string{}
		for _, a := range e.Attr {
			at[a.Name.Local] = a.Value
		}
		if !slices.Contains(allowed, e.Name.Local) || at["style"] != "" || at["href"] != "" || at["onload"] != "" {
			t.Fatalf("it has the element %s %v", e.Name.Local, at)
		}
		switch e.Name.Local {
		case "svg":
			width, height = float(at["width"]), float(at["height"])
		case "pattern":
			_ = d.Skip()
		case "rect":
			inside(t, width, height, float(at["x"]), float(at["y"]))
			inside(t, width, height, float(at["x"])+float(at["width"]), float(at["y"])+float(at["height"]))
		case "circle":
			inside(t, width, height, float(at["cx"])-5, float(at["cy"])-5)
			inside(t, width, height, float(at["cx"])+5, float(at["cy"])+5)
		case "path":
			checkPath(t, at["d"], width, height)
		case "text":
			var words string
			if err := d.DecodeElement(&words, &e); err != nil {
				t.Fatalf("%v", err)
			}
			boxes = append(boxes, checkText(t, at, words, boxes, width, height))
		}
	}
}

func float(s string) float64 {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return math.NaN()
	}
	return v
}

func inside(t fataler, width, height, x, y float64) {
	t.Helper()
	if !(x >= 0 && x <= width && y >= 0 && y <= height) { // so is NaN found
		t.Fatalf("%v, %v is outside of %v x %v", x, y, width, height)
	}
}

// checkPath checks where a path begins, and its absolute lines.
func checkPath(t fataler, d string, width, height float64) {
	t.Helper()
	for _, part := range regexp.MustCompile(`[ML]-?[^A-Za-z]+`).FindAllString(d, -1) {
		list := number.FindAllString(part, -1)
		if len(list) != 2 {
			t.Fatalf("path %q", d)
		}
		inside(t, width, height, float(list[0]), float(list[1]))
	}
	if strings.Contains(d, "N") || strings.Contains(d, "I") {
		t.Fatalf("path %q", d)
	}
}

// checkText checks that a text lies inside and over no other: every character is 7.3
// wide and 12 high, those of Chinese twice as wide.
func checkText(t fataler, at map[string]string, words string, boxes [][4]float64, width, height float64) [4]float64 {
	t.Helper()
	long := 0.
	for _, r := range words {
		switch {
		case unicode.In(r, unicode.Mn, unicode.Me):
		case unicode.In(r, unicode.Han, unicode.Hangul):
			long += 14.4
		default:
			long += 7.2
		}
	}
	x, y := float(at["x"]), float(at["y"])
	switch at["text-anchor"] {
	case "end":
		x -= long
	case "middle":
		x -= long / 2
	}
	box := [4]float64{x, y - 9, x + long, y + 2}
	inside(t, width, height, box[0], box[1])
	inside(t, width, height, box[2], box[3])
	for _, b := range boxes {
		if box[0] < b[2] && b[0] < box[2] && box[1] < b[3] && b[1] < box[3] {
			t.Fatalf("%q lies over another text: %v, %v", words, box, b)
		}
	}
	return box
}

func TestLongListsAreCut(t *testing.T) {
	t.Parallel()
	a := access()
	var list []picture.Candidate
	for i := range 100 {
		a.Tokens = append(a.Tokens, picture.Token{Name: "t", Perhaps: []picture.Span{days(1, 2)}, First: day(3)})
		list = append(list, picture.Candidate{Kind: picture.Extract, Name: fmt.Sprint("E-", i), P: .01})
	}
	for want, p := range map[string]picture.Picture{
		"; and 87 more": picture.Window(a), "and 92 extracts more, together 92 %": picture.Suspects(list),
	} {
		for _, text := range []string{p.SVG(), p.Text(78), p.Table()} {
			if !strings.Contains(strings.Join(strings.Fields(text), " "), want) {
				t.Errorf("no %q in\n%s", want, text)
			}
		}
	}
}

func TestNothingIsDrawnOfNothing(t *testing.T) {
	t.Parallel()
	if p := picture.Sheet(picture.Window(&picture.Access{}), picture.Suspects(nil), picture.Contacts(nil)); !p.Empty() {
		t.Errorf("got %s", p.SVG())
	}
}
