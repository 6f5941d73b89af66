package scan_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"html"
	"math/rand/v2"
	"mime/quotedprintable"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"saltmine/internal/canary"
	"saltmine/internal/scan"
)

// spelt are spellings, by the text that they are of.
func spelt() map[string][]string {
	return map[string][]string{
		"dana.whitfield@hollowbrook.example": {
			"dana.whitfield@hollowbrook.example", "Dana.Whitfield@Hollowbrook.EXAMPLE", "<dana.whitfield@hollowbrook.example>", "mailto:dana.whitfield@hollowbrook.example?subject=x",
			"dana.whitfield+shop@hollowbrook.example", "dana.whitfield@hollowbrook.example.", "mail dana.whitfield@hollowbrook.example.Then", `"dana.whitfield"@hollowbrook.example`, "email=dana.whitfield@hollowbrook.example&x",
			`\ndana.whitfield@hollowbrook.example\n`, `\u003cdana.whitfield@hollowbrook.example\u003e`, "dana.whitfield%40hollowbrook.example", "dana%2Ewhitfield%2540hollowbrook%2Eexample", "dana.whitfield=40hollowbrook.example",
			"dana.whit=\r\nfield@hollowbrook.example", "dana.whitfield&#64;hollowbrook&#46;example", "dana.whitfield&commat;hollowbrook&period;example", "dana.whitfield&#x40;hollowbrook.example",
			`dana.whitfield\u0040hollowbrook.example`, `dana.whitfield\x40hollowbrook.example`, `dana.whitfield\100hollowbrook.example`, `dana\.whitfield\@hollowbrook.example`, `dana.whitfield\\u0040hollowbrook.example`,
			"dana.whitfield [at] hollowbrook [dot] example", "dana.whitfield(at)hollowbrook.example", "dana.whitfield @ hollowbrook.example", "dana.whitfield＠hollowbrook．example", "dana.whit\u200bfield@hollowbrook.example",
			"ZGFuYS53aGl0ZmllbGRAaG9sbG93YnJvb2suZXhhbXBsZQ==", "0x64616e612e77686974" + "6669656c6440686f6c6c6f7762726f6f6b2e6578616d706c65", "=?utf-8?B?PGRhbmEud2hpdGZpZWxkQGhvbGxvd2Jyb29rLmV4YW1wbGU+?=", "Kunde:ädana.whitfield@hollowbrook.example",
		},
		"sean.o'brien@hollowbrook.example": {"sean.o'brien@hollowbrook.example", "'sean.o''brien@hollowbrook.example'", `'sean.o\'brien@hollowbrook.example'`, "sean.o&#39;brien@hollowbrook.example", "sean.o%27brien@hollowbrook.example"},
		"mila_77@xn--bcher-kva.example":    {"mila_77@xn--bcher-kva.example", "mila_77@bücher.example", "MILA_77@BÜCHER.example", "mila_77@b\xfccher.example", "mila_77@b%C3%BCcher.example"},
		"+442079460018": {
			"+442079460018", "+44 20 7946 0018", "+44 (0)20 7946-0018", "0044 2079460018", "00442079460018", "011 44 20 7946 0018", "020 7946 0018", "02079460018", "(020) 7946.0018", "442079460018", "tel:+44-20-7946-0018", "+44/20/79460018",
			"%2B442079460018", "&#43;44 20 7946 0018", "+44\u00a020\u00a07946\u20110018", "+44\xa020\xa07946\xa00018", `\n02079460018`, "+44020 7946 0018", "0 20 7946 0018", "+４４２０７９４６００１８", "tel02079460018", "+44 20 7946 0018x12", "020%207946%200018",
			"+44+20+7946+0018", "tel=020+7946+0018", "+44&nbsp;20&nbsp;7946&nbsp;0018", `\u002b442079460018`,
		},
		"+12025550143":     {"+1 (202) 555-0143", "(202) 555-0143", "202-555-0143", "1-202-555-0143", "12025550143", "2025550143", "+1.202.555.0143"},
		"+493023125123":    {"030 23125123", "030/231 25 123", "+49 30 23125123", "+49 (0) 30 23125123", "0049-30-23125123", "493023125123", "(030) 231-25123"},
		"+390612345678":    {"06 12345678", "+39 06 1234 5678", "0039 0612345678"},
		"TK20250042":       {"TK20250042", "tk-2025/0042", "[#TK-2025-0042]", "[#tk.2025.0042]", "Ticket TK 2025 0042", "TK_2025_0042", "TK%2D2025%2D0042"},
		"2025112710000013": {"2025112710000013", "[Ticket#2025112710000013]", "Re: 2025-1127-1000-0013", "Ticket#: 20251127-10000013"},
		"48213":            {"#48213", "ticket 48213", `"ticket_id":"48213"`, "[example.net #48213] AutoReply", "Case No. 48213"},
		"7HK2Q9XB":         {"7HK2Q9XB", "7hk2q9xb", "ref 7HK-2Q9-XB"},
	}
}

// TestSpellings finds each spelling alone in a line, in the middle of a text, and at
// the ends of a file.
func TestSpellings(t *testing.T) {
	t.Parallel()
	list := book(t, few()...)
	for want, all := range spelt() {
		for _, s := range all {
			for _, text := range []string{s, "a line\n" + s + "\nand another", "('x','" + strings.ReplaceAll(s, "'", "'") + "','y')", "id;" + s + ";x"} {
				got := texts(list, scanned(t, list, []byte(text), 0))
				if !slices.Contains(got, want) {
					t.Errorf("%q: found %q, want %s", text, got, want)
				}
				if slices.ContainsFunc(got, func(g string) bool { return g != want }) {
					t.Errorf("%q: found %q", text, got)
				}
			}
		}
	}
}

// TestNoTokens finds nothing in what is near to a token.
func TestNoTokens(t *testing.T) {
	t.Parallel()
	list := book(t, few()...)
	for _, text := range []string{
		"dana.whitfiel@hollowbrook.example", "xdana.whitfield@hollowbrook.example", "dana.whitfield@mail.hollowbrook.example", "dana.whitfield@hollowbrook.examples", "@", "dana.whitfield@", "@hollowbrook.example",
		"+452079460018", "+2079460018", "x4420794600180", "9942079460018", "4420794600181", "a442079460018", "442079460018b", "0442079460018", "+44 20 7946 001", "deadbeef2079460018",
		"48213", "(48213,1,2)", "148213", "#482130", "#148213", "TK20250043", "XTK20250042", "TK202500421", "TK20250042A", "2025112710000014", "7HK2Q9X", "7HK2Q9XBC", "",
	} {
		if got := texts(list, scanned(t, list, []byte(text), 0)); len(got) > 0 {
			t.Errorf("%q: found %q", text, got)
		}
	}
}

// TestWeak says of each spelling whether chance makes it too.
func TestWeak(t *testing.T) {
	t.Parallel()
	list := book(t, append(few(), tok(canary.Ticket, "9000123"))...)
	for text, weak := range map[string]bool{
		"+442079460018": false, "020 7946 0018": false, "442079460018": false, "2025550143": true, "(202) 555-0143": false, "2079460018": true, "#48213": false, "9000123": true, "ticket 9000123": false, "2025112710000013": false,
	} {
		r := scanned(t, list, []byte("x;"+text+";y"), 0)
		if len(r.Finds) != 1 || r.Finds[0].Weak != weak {
			t.Errorf("%q: %+v, want weak: %v", text, r.Finds, weak)
		}
	}
}

// TestPlaces says where a find is: offset, line, size, in what.
func TestPlaces(t *testing.T) {
	t.Parallel()
	list := book(t, few()...)
	const mail = "dana.whitfield@hollowbrook.example"
	text := strings.Repeat("line of text\n", 30_000) + "x " + mail + "\n"
	at := int64(30_000*13 + 2)
	for _, c := range []struct {
		name string
		text []byte
		want scan.Find
	}{
		{"plain", []byte(text), scan.Find{Offset: at, Line: 30_001, Size: len(mail)}},
		{"percent", []byte(strings.Replace(text, "@", "%40", 1)), scan.Find{Offset: at, Line: 30_001, Size: len(mail) + 2, Form: "percent-encoded"}},
		{"utf-16", utf16le("\ufeffä" + text), scan.Find{Offset: 2*at + 4, Line: 30_001, Size: 2 * len(mail), Form: "UTF-16"}},
		{"gzip", gzipped([]byte(text)), scan.Find{Offset: at, Line: 30_001, Size: len(mail), Inside: "gzip"}},
	} {
		r := scanned(t, list, c.text, 3)
		if len(r.Finds) != 1 {
			t.Errorf("%s: %+v %v", c.name, r.Finds, r.Faults)
			continue
		}
		got := r.Finds[0]
		if !bytes.Contains(got.Context, []byte("hollowbrook")) {
			t.Errorf("%s: context %q", c.name, got.Context)
		}
		got.Context, got.Ref, got.Kind = nil, 0, ""
		if fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

func utf16le(s string) (out []byte) {
	for _, u := range utf16.Encode([]rune(s)) {
		out = append(out, byte(u), byte(u>>8))
	}
	return out
}

func utf16be(s string) (out []byte) {
	for _, u := range utf16.Encode([]rune(s)) {
		out = append(out, byte(u>>8), byte(u))
	}
	return out
}

// forms are ways to write a text down.
func forms() map[string]func(string) []byte {
	lines := func(s string, n int, end string) string {
		var out []string
		for len(s) > n {
			out, s = append(out, s[:n]), s[n:]
		}
		return strings.Join(append(out, s), end)
	}
	return map[string]func(string) []byte{
		"plain":          func(s string) []byte { return []byte(s) },
		"utf-8 with BOM": func(s string) []byte { return []byte("\ufeff" + s) },
		"utf-16le":       func(s string) []byte { return utf16le("\ufeff" + s) },
		"utf-16be":       func(s string) []byte { return utf16be("\ufeff" + s) },
		"utf-16le alone": utf16le,
		"utf-16be alone": utf16be,
		"utf-16 inside":  func(s string) []byte { return append([]byte(strings.Repeat("a database's page ", 100)), utf16le(s)...) },
		"one line":       func(s string) []byte { return []byte(strings.ReplaceAll(s, "\n", " ")) },
		"percent":        func(s string) []byte { return []byte(url.QueryEscape(s)) },
		"json":           func(s string) []byte { return fmt.Appendf(nil, "{\"body\":%q}\n", s) },
		"html":           func(s string) []byte { return []byte("<td>" + html.EscapeString(s)) },
		"mime": func(s string) []byte {
			return []byte("Content-Transfer-Encoding: base64\r\n\r\n" + lines(base64.StdEncoding.EncodeToString([]byte(s)), 76, "\r\n") + "\r\n--b\r\n")
		},
		"base64": func(s string) []byte { return []byte(`{"x":"` + base64.StdEncoding.EncodeToString([]byte(s)) + `"}`) },
		"base64 in json": func(s string) []byte {
			return []byte(`{"x":"` + lines(base64.StdEncoding.EncodeToString([]byte(s)), 64, `\n`) + `"}`)
		},
		"eml in json": func(s string) []byte {
			return []byte(`{"raw":"Subject: x\r\nContent-Transfer-Encoding: base64\r\n\r\n` + lines(base64.StdEncoding.EncodeToString([]byte(s)), 76, `\r\n`) + `\r\n--b--"}`)
		},
		"base64 for urls": func(s string) []byte { return []byte("?x=" + base64.RawURLEncoding.EncodeToString([]byte(s)) + "&y") },
		"hexadecimal":     func(s string) []byte { return []byte("(0x" + hex.EncodeToString([]byte(s)) + ")") },
		"quoted-printable": func(s string) []byte {
			var b bytes.Buffer
			w := quotedprintable.NewWriter(&b)
			w.Write([]byte(s)) //nolint:errcheck // a buffer's
			w.Close()
			return b.Bytes()
		},
		"gzip":                func(s string) []byte { return gzipped([]byte(s)) },
		"zstd":                func(s string) []byte { return zstded([]byte(s)) },
		"zip":                 func(s string) []byte { return zipped("a/customers.csv", []byte(s)) },
		"gzip in zip in gzip": func(s string) []byte { return gzipped(zipped("x.gz", gzipped([]byte(s)))) },
		"zip as an attachment": func(s string) []byte {
			return []byte("Content-Transfer-Encoding: base64\n\n" + lines(base64.StdEncoding.EncodeToString(zipped("x.csv", []byte(s))), 76, "\n") + "\n\n--b--\n")
		},
		"two gzips": func(s string) []byte { return append(gzipped([]byte("nothing")), gzipped([]byte(s))...) },
	}
}

// TestForms plants tokens in texts of all forms, wherever a window, a block or a line
// ends, and finds them all.
func TestForms(t *testing.T) {
	t.Parallel()
	list := book(t, few()...)
	for name, form := range forms() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(12) {
				rng := rand.New(rand.NewPCG(seed, 11))
				text, planted := story(rng, int(seed)*23_000, name != "html" && name != "json")
				r := scanned(t, list, form(text), seed)
				got := texts(list, r)
				for _, want := range planted {
					if !slices.Contains(got, want) {
						t.Errorf("seed %d: %s was not found in %d bytes (found %d of %d, faults %v)", seed, want, len(text), len(got), len(planted), r.Faults)
					}
				}
				if len(got) != len(planted) || len(r.Faults) > 0 || !r.Whole {
					t.Errorf("seed %d: %d finds of %d, %+v", seed, len(got), len(planted), r.Faults)
				}
			}
		})
	}
}

// story is a text of some size in which each token stands once, in one of its first
// spellings.
func story(rng *rand.Rand, size int, quotes bool) (text string, planted []string) {
	var b strings.Builder
	filler := func(n int) {
		for n += b.Len(); b.Len() < n; {
			b.WriteString(word(rng) + []string{" ", " ", ", ", "\n", ";"}[rng.IntN(5)])
		}
	}
	for _, token := range few() {
		if !quotes && strings.Contains(token.Text, "'") || token.Text == "48213" {
			continue
		}
		filler(rng.IntN(size/8 + 1))
		all := spelt()[token.Text]
		b.WriteString("\n" + all[rng.IntN(2)%len(all)] + "\n")
		planted = append(planted, token.Text)
	}
	filler(size / 8)
	return b.String(), planted
}
