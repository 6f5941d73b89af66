package forensics_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"saltmine/internal/canary"
	"saltmine/internal/forensics"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// story is one question with the answer that is kept as a golden file.
func stories() map[string]forensics.Question {
	w := makeWorld(rand.New(rand.NewPCG(4, 2)), 400, 200, 12)
	big := makeWorld(rand.New(rand.NewPCG(7, 7)), 2000, 300, 60)

	noisy := forensics.Question{Now: day(30, 0)}
	var everyone []int
	for n := range 1000 {
		everyone = append(everyone, n)
	}
	for n := range 6 {
		noisy.Hits = append(noisy.Hits, hit(n, open(day(float64(n), 0), day(20+float64(n), 0)), day(22, float64(n))))
	}
	noisy.Hits = append(noisy.Hits, hit(900, open(day(0, 0), time.Time{}), day(23, 0)))
	for _, n := range everyone {
		l := forensics.Live{Token: tokenID(n), Canary: canaryID(n), Window: open(day(0, 0), time.Time{})}
		if n < 6 {
			l.Window = noisy.Hits[n].Window
		}
		noisy.Tokens = append(noisy.Tokens, l)
	}
	noisy.Extracts = []canary.Extract{
		extract("nightly", "backup", canary.At(day(10, 1)), everyone...),
		extract("E-7", "j.doe", canary.At(day(9, 14)), everyone[:40]...),
	}

	apart := forensics.Question{Now: day(30, 0), Hits: []forensics.Hit{
		hit(1, open(day(0, 0), day(5, 0)), day(21, 0)),
		hit(2, open(day(1, 0), day(6, 0)), day(21, 1)),
		hit(3, open(day(10, 0), day(15, 0)), day(21, 2)),
		hit(4, open(day(11, 0), time.Time{}), day(21, 3)),
		hit(5, open(day(12, 0), day(16, 0)), day(21, 4)),
	}, Extracts: []canary.Extract{
		extract("E-1", "early\x1b[31m\u202eactor", canary.Between(day(2, 0), day(3, 0)), 1, 2, 8, 9),
		extract("an identifier that is longer than its column", "a very long actor's name", canary.At(day(13, 0)), 3, 4, 5),
	}}

	one := forensics.Question{Now: day(30, 0), Hits: []forensics.Hit{hit(1, open(day(3, 0), day(4, 0)), day(9, 0))}, Extracts: []canary.Extract{
		extract("E-1", "a", canary.At(day(3, 5)), 1, 2), extract("E-2", "b", canary.At(day(3, 6)), 1, 3), {ID: "broken"},
	}}
	nobody := forensics.Question{Now: day(30, 0), Hits: one.Hits, Extracts: []canary.Extract{extract("E-1", "a", canary.At(day(5, 0)), 1)}}
	return map[string]forensics.Question{
		"leak": w.question(), "many": big.question(), "noisy": noisy, "apart": apart, "one": one, "nobody": nobody,
		"empty": {Now: day(30, 0), Extracts: nobody.Extracts}, "nolog": {Now: day(30, 0), Hits: one.Hits},
	}
}

func TestReports(t *testing.T) {
	t.Parallel()
	for name, q := range stories() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			if err := forensics.Trace(q).Text(&out); err != nil {
				t.Fatal(err)
			}
			compare(t, name+".golden", out.Bytes())
			for line := range strings.Lines(out.String()) {
				if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 78 {
					t.Errorf("line of %d characters: %s", n, line)
				}
				if strings.HasSuffix(line, " \n") {
					t.Errorf("space at the end of %q", line)
				}
			}
			if bytes.ContainsAny(out.Bytes(), "\x1b\u202e") {
				t.Error("foreign control characters reach the terminal")
			}
		})
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	got, err := json.MarshalIndent(forensics.Trace(stories()["apart"]), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	compare(t, "apart.json", append(got, '\n'))
}

func compare(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; got:\n%s\nwant:\n%s", path, got, want)
	}
}

func TestTextReportsAFailedWrite(t *testing.T) {
	t.Parallel()
	if err := (forensics.Answer{}).Text(broken{}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, os.ErrClosed }
