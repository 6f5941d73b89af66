package dialect_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"saltmine/seeder/salt/dialect"
)

func detect(t testing.TB, text string) *dialect.Dialect {
	t.Helper()
	d, err := dialect.Detect([]byte(text), true)
	if err != nil {
		t.Fatalf("detect %q: %v", text, err)
	}
	return d
}

// texts reads everything: the texts of all cells, nil where a key is missing.
func texts(in string, d *dialect.Dialect) (rows [][]string, names []string, err error) {
	r := dialect.NewReader(strings.NewReader(in), d)
	for {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			return rows, r.Names(), nil
		}
		if err != nil {
			return rows, r.Names(), err
		}
		var row []string
		for _, c := range rec.Cells {
			if c.From < 0 {
				row = append(row, "(none)")
				continue
			}
			row = append(row, d.Text(rec.Raw[c.From:c.To]))
		}
		rows = append(rows, row)
	}
}

func TestDetect(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text string
		want       dialect.Dialect
	}{
		{"commas", "a,b\n1,2\n", dialect.Dialect{Delimiter: ',', Quotes: true, EOL: "\n"}},
		{"semicolons with commas inside", "a;b\r\n1,5;2,5\r\n1,7;3,5\r\n", dialect.Dialect{Delimiter: ';', Quotes: true, EOL: "\r\n"}},
		{"tabs, a quote is literal", "a\tb\n6\" pipe\t2\n", dialect.Dialect{Delimiter: '\t', EOL: "\n"}},
		{"tabs with quotes", "a\tb\n\"x\ty\"\t2\n", dialect.Dialect{Delimiter: '\t', Quotes: true, EOL: "\n"}},
		{"bars", "a|b,c\n1|2\n", dialect.Dialect{Delimiter: '|', EOL: "\n"}},
		{"backslashes", "a,b\n\"x \\\"y\\\", z\",2\n", dialect.Dialect{Delimiter: ',', Quotes: true, Backslash: true, EOL: "\n"}},
		{"mark", "\ufeffa,b\n1,2\n", dialect.Dialect{Delimiter: ',', Quotes: true, EOL: "\n", BOM: true}},
		{"names with commas between bars", "id|name\n1|Whitfield, Dana\n2|Smith, Jo\n", dialect.Dialect{Delimiter: '|', EOL: "\n"}},
		{"json lines", "{\"a\": 1}\n{\"a\": 2}\n", dialect.Dialect{JSON: true, Delimiter: ',', Quotes: true, EOL: "\n"}},
		{"a broken line names no other dialect", "a,b,c\n1,2\n3,4,5\n", dialect.Dialect{Delimiter: ',', Quotes: true, EOL: "\n"}},
	} {
		if got := *detect(t, c.text); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

// TestDetectCutOff finds the dialect in a beginning that ends anywhere.
func TestDetectCutOff(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]dialect.Dialect{
		"a,b\n\"x \\\"y\\\", z\",2\n\"1\n2\",3\r\n": {Delimiter: ',', Quotes: true, Backslash: true, EOL: "\n"},
		"a;b\n\"x \"\"y; z\";2\n\"1\n2\";3\r\n":     {Delimiter: ';', Quotes: true, EOL: "\n"},
	} {
		for end := strings.Index(text, "2\n") + 2; end < len(text); end++ {
			d, err := dialect.Detect([]byte(text[:end]), false)
			if err != nil || *d != want {
				t.Errorf("%q: %+v, %v; want %+v", text[:end], d, err, want)
			}
		}
	}
}

func TestDetectRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]error{
		"":                       dialect.ErrDialect,
		"\ufeff \n":              dialect.ErrDialect,
		"a,b\r1,2\r":             dialect.ErrDialect,
		"\xff\xfea\x00,\x00":     dialect.ErrEncoding,
		"a,b\n1,\x00\n":          dialect.ErrEncoding,
		"\xfe\xff\x00a\x00,\x00": dialect.ErrEncoding,
	} {
		if _, err := dialect.Detect([]byte(text), true); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", text, err, want)
		}
	}
}

func TestFaultsNameTheLine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{"a,b\n1,2\n3\n4,5\n", "line 3: it has 1 fields"},
		{"a,b\n\"x\ny\",2\n\n3\n4,5\n6,7\n", "line 5: it has 1 fields"},
		{"a,b\n1,2\n\"x\"y,2\n3,4\n5,6\n7,8\n", "line 3: text stands behind a closing quote"},
		{"a,b\n1,2\n\"3\n4\"z,2\n5,6\n7,8\n9,1\n", "line 4: text stands behind"},
		{"a,b\n1,2\n3,4\n5,\"6\n", "line 4: a quote is opened and not closed"},
		{"{\"a\":1}\n{\"a\":1\n", "line 2: a key has no value"},
		{"{\"a\":1}\n\n{\"a\":1,\"a\":2}\n", "line 3: a key stands twice"},
		{"{\"a\":1}\n{\"a\" 1}\n", "line 2: a key has no value"},
		{"{\"a\":1}\n{\"a\":\"x}\n", "line 2: a key has no value"},
		{"{\"a\":1}\n[1]\n", "line 2: it is no JSON object"},
		{"{\"a\":1}\n{\"a\":1,}\n", "line 2: it is no JSON object"},
		{"{\"a\":1}\n" + `{"a":"` + strings.Repeat("x", 1<<20) + "\"}\n", "line 2: it is longer than"},
	} {
		_, _, err := texts(c.text, detect(t, c.text))
		if !errors.Is(err, dialect.ErrBroken) || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%.60q: %v, want %s", c.text, err, c.want)
		}
	}
}

func TestTexts(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][][]string{
		"a,b\n\"x\"\"y\",\\N\n,NULL\n":                {{"a", "b"}, {`x"y`, ""}, {"", ""}},
		"a,b\n\"x\\\"y\\\\\",\"NULL\"\n":              {{"a", "b"}, {`x"y\`, "NULL"}},
		"a,b\r\n\"1\r\n2\",3\"4\r\n":                  {{"a", "b"}, {"1\r\n2", `3"4`}},
		"{\"a\": \"\\u00e9\\\"\", \"b\" :null}\n":     {{`é"`, ""}},
		"{\"a\":1,\"b\":[{\"x\":\"]}\"}]}\n{\"b\":2}": {{"1", `[{"x":"]}"}]`}, {"(none)", "2"}},
	} {
		got, _, err := texts(in, detect(t, in))
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%q: %q, %v; want %q", in, got, err, want)
		}
	}
}

func TestWriteLikeNeighbours(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		d          dialect.Dialect
		text, like string
		always     bool
		want       string
		ok         bool
	}{
		{dialect.Dialect{Delimiter: ',', Quotes: true}, "Dana", "x", false, "Dana", true},
		{dialect.Dialect{Delimiter: ',', Quotes: true}, "Dana", "x", true, `"Dana"`, true},
		{dialect.Dialect{Delimiter: ',', Quotes: true}, "W, \"D\"", "x", false, `"W, ""D"""`, true},
		{dialect.Dialect{Delimiter: ',', Quotes: true, Backslash: true}, `W, "D\`, "x", false, `"W, \"D\\"`, true},
		{dialect.Dialect{Delimiter: '\t'}, "a\tb", "x", false, "", false},
		{dialect.Dialect{Delimiter: '\t'}, `6" pipe`, "x", false, `6" pipe`, true},
		{dialect.Dialect{Delimiter: ',', Quotes: true, Latin: true}, "Ren\u00e9", "x", false, "Ren\xe9", true},
		{dialect.Dialect{Delimiter: ',', Quotes: true, Latin: true}, "\u0142", "x", false, "", false},
		{dialect.Dialect{JSON: true}, `é<"`, `"x"`, false, `"é<\""`, true},
		{dialect.Dialect{JSON: true, Escapes: true}, "é😀", `"x"`, false, `"\u00e9\ud83d\ude00"`, true},
		{dialect.Dialect{JSON: true}, "12", "7", false, "12", true},
		{dialect.Dialect{JSON: true}, "Dana", "7", false, "", false},
		{dialect.Dialect{JSON: true}, "Dana", "null", false, `"Dana"`, true},
	} {
		got, ok := c.d.Write(c.text, []byte(c.like), c.always)
		if ok != c.ok || ok && string(got) != c.want {
			t.Errorf("%+v %q: %q, %v; want %q, %v", c.d, c.text, got, ok, c.want, c.ok)
		}
	}
}

func TestAttune(t *testing.T) {
	t.Parallel()
	csvs, jsons := dialect.Dialect{}, dialect.Dialect{JSON: true}
	csvs.Attune([][]byte{[]byte("Ren\xe9"), []byte("Dana")})
	if !csvs.Latin {
		t.Error("an 8-bit text is taken for UTF-8")
	}
	if got := csvs.Text([]byte("Ren\xe9")); got != "René" {
		t.Errorf("8-bit text reads %q", got)
	}
	csvs.Attune([][]byte{[]byte("René"), []byte("Zoë"), []byte("bro\xeb")})
	if csvs.Latin {
		t.Error("UTF-8 with one broken byte is taken for an 8-bit text")
	}
	jsons.Attune([][]byte{[]byte(`{"a":"\u00e9"}`)})
	if !jsons.Escapes {
		t.Error("escapes are not seen")
	}
}

// TestWriteReadsBack wants what is written to say the same, in any dialect.
func TestWriteReadsBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := dialect.Dialect{
			JSON: rapid.Bool().Draw(t, "json"), Delimiter: rapid.SampledFrom([]byte(",;\t|")).Draw(t, "delimiter"), Quotes: true,
			Backslash: rapid.Bool().Draw(t, "backslash"), Escapes: rapid.Bool().Draw(t, "escapes"),
		}
		text := rapid.StringMatching(`[a-zé😀"\\,;\t|\n\r ]{0,12}`).Draw(t, "text")
		like := `"x"`
		cell, ok := d.Write(text, []byte(like), rapid.Bool().Draw(t, "always"))
		if !ok {
			t.Fatalf("%+v cannot write %q", d, text)
		}
		if got := d.Text(cell); got != text {
			t.Fatalf("%+v writes %q as %q, which reads %q", d, text, cell, got)
		}
	})
}

// slow gives a few bytes at a time, so that every record is cut off somewhere.
type slow struct {
	r io.Reader
	n int
}

func (s *slow) Read(p []byte) (int, error) { return s.r.Read(p[:min(len(p), s.n)]) }

// FuzzReader reads anything: records are slices at their offsets, what lies
// between them is line ends and blanks, small reads change nothing, and where
// Go's own reader of CSV understands the text, both say the same.
func FuzzReader(f *testing.F) {
	for _, seed := range []string{
		"a,b\n1,2\n", "\ufeffa;b\r\n\"x\";2\r\n", "a\tb\n\"x\ty\"\t2", "{\"a\": 1}\n\n{\"b\":[\"}\"]}\n",
		"a,b\n\"x\"\"y\n\",2\n", "a,b\n\"x\\\"y\",2\n", "a|b\n\n1|2\n", "a,b\n\"x", "\xff\xfe", "a\r1\r", "{", "{\"a\":\"\\", "\"\"\r\n\"\"\r",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		d, err := dialect.Detect(in, true)
		if err != nil {
			return
		}
		all, fault := read(t, in, d, bytes.NewReader(in))
		again, fault2 := read(t, in, d, &slow{bytes.NewReader(in), 3})
		if !slices.EqualFunc(all, again, slices.Equal) || (fault == nil) != (fault2 == nil) {
			t.Fatalf("small reads change it: %q, %v or %q, %v", all, fault, again, fault2)
		}
		if d.JSON || d.Backslash || !d.Quotes || fault != nil || bytes.HasSuffix(in, []byte("\r")) { // Go drops a last \r
			return
		}
		std := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(in, []byte("\ufeff"))))
		std.Comma = rune(d.Delimiter)
		want, err := std.ReadAll()
		if err != nil {
			return // it knows fewer dialects
		}
		got := make([][]string, len(all))
		for i, row := range all {
			for _, cell := range row {
				text := strings.ReplaceAll(d.Text([]byte(cell)), "\r\n", "\n")
				got[i] = append(got[i], text)
			}
		}
		for i := range want {
			for j := range want[i] {
				if want[i][j] == `\N` || want[i][j] == "NULL" {
					want[i][j] = got[i][j]
				}
			}
		}
		if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
			t.Fatalf("%q reads %q, want %q", in, got, want)
		}
	})
}

// read gives the raw cells of all records and checks where they lie.
func read(t *testing.T, in []byte, d *dialect.Dialect, from io.Reader) (rows [][]string, fault error) {
	t.Helper()
	r := dialect.NewReader(from, d)
	at := int64(0)
	for {
		rec, err := r.Next()
		if err != nil {
			if errors.Is(err, io.EOF) {
				between(t, in[at:])
				return rows, nil
			}
			return rows, err
		}
		end := rec.Offset + int64(len(rec.Raw))
		if rec.Offset < at || end > int64(len(in)) || !bytes.Equal(in[rec.Offset:end], rec.Raw) {
			t.Fatalf("record %q is said to lie at %d of %q", rec.Raw, rec.Offset, in)
		}
		between(t, in[at:rec.Offset])
		if want := 1 + bytes.Count(in[:rec.Offset], []byte("\n")); rec.Line != want {
			t.Fatalf("record %q is said to lie on line %d of %q, not %d", rec.Raw, rec.Line, in, want)
		}
		at = end
		var row []string
		for _, c := range rec.Cells {
			if c.From < 0 {
				row = append(row, "(none)")
				continue
			}
			row = append(row, string(rec.Raw[c.From:c.To]))
		}
		rows = append(rows, row)
	}
}

// between wants nothing but line ends, blanks and the mark.
func between(t *testing.T, b []byte) {
	t.Helper()
	if len(bytes.TrimLeft(bytes.TrimPrefix(b, []byte("\ufeff")), " \t\r\n")) > 0 {
		t.Fatalf("%q lies between records", b)
	}
}
