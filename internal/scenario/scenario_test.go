package scenario_test

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"saltmine/internal/scenario"
)

var began = time.Date(2019, 5, 1, 0, 0, 0, 0, time.UTC)

func at(days float64) string {
	return began.Add(time.Duration(days * float64(24*time.Hour))).Format(time.RFC3339)
}

// folder writes a scenario; rename changes every id in it, and what is changed
// replaces a file.
func folder(t *testing.T, rename func(string) string, changed map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	r := rand.New(rand.NewPCG(1, 2)) // a test's dice
	files := map[string]*strings.Builder{}
	line := func(name, format string, args ...any) {
		if files[name] == nil {
			files[name] = &strings.Builder{}
		}
		fmt.Fprintf(files[name], format+"\n", args...)
	}
	line("canaries", "canary_id,kind,row_id,region,language,product,domain,guessable,phone_id,planted_at,retired_at")
	line("extracts", "extract_id,actor_id,at,n_rows,mode,segments,n_canaries")
	line("extract_canaries", "extract_id,canary_id")
	line("hits_00", "hit_id,channel,token_id,persona,at,content,source")
	line("hits_01", "hit_id,channel,token_id,persona,at,content,source")
	for i := range 900 {
		from := -20 + 50*r.Float64()
		line("canaries", "%s,canary,r%d,%s,en,home,d%d,%d,,%s,%s", rename(fmt.Sprintf("c%d", i)), i, []string{"UK", "NA"}[i%2], i%20, i%3%2, at(from), at(from+30))
		line("canaries", "%s,placebo,,,,,d%d,%d,,,", rename(fmt.Sprintf("x%d", i)), i%20, i%3%2)
		if i < 60 {
			line("hits_0"+fmt.Sprint(i%2), "h%d,email,%s,,%s,generic,s%d", i, rename(fmt.Sprintf("%sc%d", "", r.IntN(900))), at(70*r.Float64()), i)
			line("hits_0"+fmt.Sprint(i%2), "h%d,email,%s,,%s,generic,t%d", i, rename(fmt.Sprintf("x%d", r.IntN(900))), at(70*r.Float64()), i)
		}
	}
	for e := range 200 {
		when := 10 + 20*r.Float64()
		line("extracts", "%s,%s,%s,%d,sample,UK/home,0", rename(fmt.Sprintf("e%d", e)), rename(fmt.Sprintf("a%d", e%40)), at(when), 100+r.IntN(500))
		for k := range 50 {
			c := (e*31 + k*7) % 900
			line("extract_canaries", "%s,%s", rename(fmt.Sprintf("e%d", e)), rename(fmt.Sprintf("c%d", c)))
			if e == 77 && k%5 == 0 {
				line("hits_01", "g%d,email,%s,,%s,cites_ticket,u%d", k, rename(fmt.Sprintf("c%d", c)), at(when+3+float64(k)/3), k%3)
			}
		}
	}
	for name, text := range files {
		write(t, filepath.Join(dir, name+".csv.gz"), text.String())
	}
	meta := fmt.Sprintf(`{"scenario":%q,"log_start":%q,"log_end":%q,"observed_until":%q,"other":1}`, rename("made"), at(0), at(40), at(75))
	if err := os.WriteFile(filepath.Join(dir, "meta.json"), []byte(meta), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, text := range changed {
		if strings.HasSuffix(name, ".gz") {
			write(t, filepath.Join(dir, name), text)
		} else if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func write(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(f)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func same(s string) string { return s }

func predict(t *testing.T, dir string) (list []scenario.Prediction) {
	t.Helper()
	w, err := scenario.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	cases, err := w.Cases()
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range cases {
		p, err := w.Predict(n)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
	return list
}

// TestPredict: the culprit is named where there is one, and nobody where there is
// none; other names give the same numbers.
func TestPredict(t *testing.T) {
	t.Parallel()
	got := predict(t, folder(t, same, nil))
	if len(got) != 2 || got[0].Case != 0 || got[1].Case != 1 || got[0].Scenario != "made" {
		t.Fatalf("%+v", got)
	}
	for a, p := range got[0].Actors {
		if p > .5 {
			t.Errorf("without a leak %s has %.2f", a, p)
		}
	}
	if got[1].Extracts["e77"] < .9 || got[1].Actors["a37"] < .9 {
		t.Errorf("of the culprit: extract %.3f, actor %.3f", got[1].Extracts["e77"], got[1].Actors["a37"])
	}
	renamed := predict(t, folder(t, func(s string) string { return "Z" + s + "q" }, nil))
	if x, y := fmt.Sprintf("%.6f %.6f", got[1].None, got[1].Actors["a37"]), fmt.Sprintf("%.6f %.6f", renamed[1].None, renamed[1].Actors["Za37q"]); x != y {
		t.Errorf("renamed, %s became %s", x, y)
	}
	a, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(predict(t, folder(t, same, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if string(a) != string(b) {
		t.Error("the same folder gave other bytes")
	}
}

// TestBadFolders: what is wrong is named with its file and line.
func TestBadFolders(t *testing.T) {
	t.Parallel()
	head := "canary_id,kind,row_id,region,language,product,domain,guessable,phone_id,planted_at,retired_at\n"
	for name, bad := range map[string]struct{ file, text, want string }{
		"no meta":         {"meta.json", "", "meta.json"},
		"no times":        {"meta.json", "{}", "log_start"},
		"bad time":        {"canaries.csv.gz", head + "c1,canary,r1,UK,en,home,d1,0,,yesterday,2019-05-01T00:00:00Z\n", "canaries.csv.gz: line 2"},
		"backwards":       {"canaries.csv.gz", head + "c1,canary,r1,UK,en,home,d1,0,,2019-05-02T00:00:00Z,2019-05-01T00:00:00Z\n", "ends before"},
		"no column":       {"extracts.csv.gz", "extract_id,actor_id,at\n", "no column n_rows"},
		"short line":      {"extracts.csv.gz", "extract_id,actor_id,at,n_rows\ne1,a1\n", "line 2"},
		"twice":           {"extracts.csv.gz", "extract_id,actor_id,at,n_rows\ne1,a1,2019-05-02T00:00:00Z,4\ne1,a1,2019-05-02T00:00:00Z,4\n", "line 3"},
		"unknown extract": {"extract_canaries.csv.gz", "extract_id,canary_id\nnone,c1\n", "line 2"},
		"unknown token":   {"hits_00.csv.gz", "hit_id,channel,token_id,persona,at,content,source\nh,email,nobody,,2019-05-02T00:00:00Z,generic,s\n", "hits_00.csv.gz: line 2"},
		"empty":           {"hits_00.csv.gz", "", "hits_00.csv.gz: empty"},
		"a line of 2 MiB": {"hits_00.csv.gz", strings.Repeat("x", 2<<20), "hits_00.csv.gz: line 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, err := scenario.Open(folder(t, same, map[string]string{bad.file: bad.text}))
			if err == nil {
				_, err = w.Predict(0)
			}
			if err == nil || !strings.Contains(err.Error(), bad.want) {
				t.Errorf("%v, want %q", err, bad.want)
			}
		})
	}
	dir := folder(t, same, nil)
	name := filepath.Join(dir, "extract_canaries.csv.gz")
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, whole[:len(whole)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := scenario.Open(dir); err == nil || !strings.Contains(err.Error(), "cut off after line") {
		t.Errorf("%v", err)
	}
}
