package column_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"saltmine/seeder/persona/checkdigit"
	"saltmine/seeder/persona/column"
)

func rng(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

func never(string) bool { return false }

// table is a made-up table of other columns; city and postcode go together.
func table(n int) (names []string, rows [][]column.Value) {
	r := rng(3)
	names = []string{"price", "points", "birthday", "seen", "code", "city", "postcode", "plan", "settings", "token"}
	for i := range n {
		city := int(40 * math.Pow(r.Float64(), 2.5))
		seen := time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(r.IntN(200*24))*time.Hour + time.Duration(8+r.IntN(9))*time.Hour + time.Duration(r.IntN(3600))*time.Second)
		code, _ := checkdigit.Luhn.Complete(fmt.Sprintf("CU-%d-%06d0", 2021+i*5/n, r.IntN(1_000_000)))
		row := []string{
			fmt.Sprintf("%d.%s", 5+int(r.ExpFloat64()*60), []string{"99", "99", "99", "95", "00", "50"}[r.IntN(6)]),
			fmt.Sprint(int(r.ExpFloat64()*900) * 10),
			time.Date(1940, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, r.IntN(23_000)).Format(time.DateOnly),
			seen.Format(time.DateTime),
			code,
			fmt.Sprint("City ", city),
			fmt.Sprint(10000 + 37*city),
			[]string{"basic", "basic", "plus", "max"}[r.IntN(4)],
			fmt.Sprintf(`{"lang": "%s", "theme":"%s", "seats": %d, "key":"%08x"}`, []string{"en", "en", "de"}[r.IntN(3)], []string{"dark", "light"}[r.IntN(2)], 1+r.IntN(4), r.Uint32()),
			fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", r.Uint32(), r.IntN(1<<16), r.IntN(1<<12), r.IntN(1<<12), r.Uint64()>>16),
		}
		values := make([]column.Value, len(row))
		for k, text := range row {
			values[k] = column.Value{Text: text}
		}
		if r.IntN(5) == 0 {
			values[3] = column.Value{Null: true}
		}
		rows = append(rows, values)
	}
	return names, rows
}

func of(rows [][]column.Value, k int) []column.Value {
	out := make([]column.Value, len(rows))
	for i := range rows {
		out[i] = rows[i][k]
	}
	return out
}

func TestKinds(t *testing.T) {
	t.Parallel()
	names, rows := table(3000)
	want := map[string]column.Kind{"price": column.Number, "points": column.Number, "birthday": column.Date, "seen": column.Date, "code": column.Code, "city": column.Word, "postcode": column.Number, "plan": column.Word, "settings": column.JSON, "token": column.Code}
	for k, name := range names {
		if got := column.Learn(of(rows, k), 0).Kind(); got != want[name] {
			t.Errorf("%s is taken for %s", name, got)
		}
	}
	for want, make := range map[column.Kind]func(i int) string{
		column.Contact: func(i int) string { return fmt.Sprintf("212%d55%04d", 2+i%8, i) },
		column.Prose:   func(i int) string { return fmt.Sprintf("The customer called %d times about it", i) },
	} {
		var values []column.Value
		for i := range 100 {
			values = append(values, column.Value{Text: make(i)})
		}
		c := column.Learn(values, 0)
		if _, err := c.Draw(rng(1), values[0], nil, never); c.Kind() != want || !errors.Is(err, column.ErrContact) && !errors.Is(err, column.ErrProse) {
			t.Errorf("%s is taken for %s, %v", want, c.Kind(), err)
		}
	}
	if got := column.Learn([]column.Value{{Null: true}}, 0).Kind(); got != column.Empty {
		t.Errorf("nothing is taken for %s", got)
	}
}

// What comes out has the endings, hours, order and check digits of the table,
// is as common as values there are, and is not the donor's own.
func TestDraw(t *testing.T) {
	t.Parallel()
	names, rows := table(2500)
	habits := map[string]func(string) string{
		"price":    func(s string) string { return s[strings.IndexByte(s, '.'):] },
		"points":   func(s string) string { return fmt.Sprint(len(s) - len(strings.TrimRight(s, "0"))) },
		"birthday": func(s string) string { return s[:3] },
		"seen":     func(s string) string { return s[11:13] },
		"code":     func(s string) string { return fmt.Sprint(s[:7], checkdigit.Luhn.Valid(s)) },
		"token":    func(s string) string { return fmt.Sprint(len(s), s[14:15], s[19:20]) },
		"settings": func(s string) string { return fmt.Sprint(json.Valid([]byte(s)), len(s)) },
	}
	for k, name := range names {
		c, values := column.Learn(of(rows, k), 0), of(rows, k)
		count := map[string]int{}
		for _, v := range values {
			count[v.Text]++
		}
		var stand, made []string
		var others [2][]string
		for i := 0; i < len(values); i += 2 {
			v, err := c.Draw(rng(uint64(i)), values[i], values[max(i-20, 0):i+1], never)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if v.Null != values[i].Null || v == values[i] && !v.Null && count[v.Text] < column.Common {
				t.Fatalf("%s: the donor's own came out", name)
			}
			if v.Null {
				continue
			}
			others[0] = append(others[0], about(count[values[i].Text]-1))
			others[1] = append(others[1], about(count[v.Text]-boolInt(v == values[i])))
			if habit := habits[name]; habit != nil {
				stand, made = append(stand, habit(values[i].Text)), append(made, habit(v.Text))
			}
		}
		sameMix(t, name+" habits", stand, made)
		if name != "city" && name != "postcode" { // of a city others have it anyway
			sameMix(t, name+" others", others[0], others[1])
		}
	}
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func about(n int) string {
	if n < 3 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("about %.0f", math.Exp2(math.Floor(math.Log2(float64(n)))))
}

// sameMix is Pearson's test of homogeneity at four standard deviations.
func sameMix(t *testing.T, what string, a, b []string) {
	t.Helper()
	count := map[string]*[2]float64{}
	for k, list := range [][]string{a, b} {
		for _, kind := range list {
			if count[kind] == nil {
				count[kind] = new([2]float64)
			}
			count[kind][k]++
		}
	}
	chi, df, worst, most := 0.0, -1.0, "", 0.0
	for kind, n := range count {
		if n[0]+n[1] < 8 {
			continue
		}
		d := n[0] - n[1]
		x := d * d / (n[0] + n[1])
		if chi, df = chi+x, df+1; x > most {
			worst, most = fmt.Sprintf("%q: %v against %v", kind, n[0], n[1]), x
		}
	}
	df = max(df, 1)
	t.Logf("%s: chi-square %.0f of %.0f degrees of freedom, worst %s", what, chi, df, worst)
	if chi > df+4*math.Sqrt(2*df) {
		t.Errorf("%s: chi-square %.0f of %.0f degrees of freedom; %s", what, chi, df, worst)
	}
}

func TestDrawUnused(t *testing.T) {
	t.Parallel()
	_, rows := table(500)
	c := column.Learn(of(rows, 4), 0)
	if _, err := c.Draw(rng(1), rows[7][4], nil, func(string) bool { return true }); !errors.Is(err, column.ErrVariety) {
		t.Errorf("all are used: %v", err)
	}
	if v, err := c.Draw(rng(1), column.Value{Null: true}, nil, never); err != nil || !v.Null {
		t.Errorf("NULL became %v, %v", v, err)
	}
	if _, err := c.Draw(rng(1), column.Value{Text: "dana@example.test"}, nil, never); !errors.Is(err, column.ErrContact) {
		t.Errorf("an address among codes: %v", err)
	}
}

// A copy of a donor has as much in common with its nearest neighbour as rows
// have with theirs, after some columns were taken from a second donor.
func TestTwins(t *testing.T) {
	t.Parallel()
	names, rows := table(1200)
	columns := make([]*column.Column, len(names))
	for k := range names {
		columns[k] = column.Learn(of(rows, k), 0)
	}
	twins := column.LearnTwins(columns, rows)
	r := rng(5)
	var stand, copied, apart []float64
	missed := 0
	for i := 0; i < 1200; i += 9 {
		canary := make([]column.Value, len(names))
		for k := range canary {
			v, err := columns[k].Draw(r, rows[i][k], rows[max(i-20, 0)][k:k+1], never)
			if err != nil {
				v = rows[i][k]
			}
			canary[k] = v
		}
		if own := twins.Own(canary, rows[i]); own > 0 {
			t.Errorf("%.2f of the values are the donor's own", own)
		}
		row, ok := twins.Apart(r, canary, rows[i], twins.Limit(r))
		if !ok {
			missed++
		}
		city, postcode := slices.Index(names, "city"), slices.Index(names, "postcode")
		if fmt.Sprint(10000+37*atoi(row[city].Text[5:])) != row[postcode].Text {
			t.Fatalf("%s has postcode %s", row[city].Text, row[postcode].Text)
		}
		nearest := func(a []column.Value, except int) float64 {
			best := 0.0
			for j := range rows {
				if j != except {
					best = max(best, twins.Kinship(a, rows[j]))
				}
			}
			return best
		}
		stand, copied, apart = append(stand, nearest(rows[i], i)), append(copied, nearest(canary, -1)), append(apart, nearest(row, -1))
	}
	far, before := distance(stand, apart), distance(stand, copied)
	t.Logf("distance %.3f, %.3f as copied; %d of %d could not be set apart", far, before, missed, len(stand))
	if limit := 1.95 * math.Sqrt(2/float64(len(stand))); far > limit {
		t.Errorf("distance %.3f, at most %.3f wanted", far, limit)
	}
}

func atoi(s string) int {
	n := 0
	for _, c := range s {
		n = n*10 + int(c-'0')
	}
	return n
}

// distance is Kolmogorov and Smirnov's.
func distance(a, b []float64) float64 {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	far, i, j := 0.0, 0, 0
	for i < len(a) && j < len(b) {
		x := min(a[i], b[j])
		for i < len(a) && a[i] == x {
			i++
		}
		for j < len(b) && b[j] == x {
			j++
		}
		far = max(far, math.Abs(float64(i)/float64(len(a))-float64(j)/float64(len(b))))
	}
	return far
}

func FuzzLearn(f *testing.F) {
	f.Add(`{"a":[1,2,{"b":"x"}]}`, "2025-01-02 03:04:05", uint64(1))
	f.Add("12.50", "-3", uint64(2))
	f.Add("CU-\x00", "\xff{", uint64(3))
	f.Fuzz(func(t *testing.T, a, b string, seed uint64) {
		var values []column.Value
		for i := range 30 {
			values = append(values, column.Value{Text: a + fmt.Sprint(i)}, column.Value{Text: b}, column.Value{Text: fmt.Sprint(i) + a})
		}
		c := column.Learn(values, 1000)
		v, err := c.Draw(rng(seed), values[0], values[3:4], never)
		if err == nil && !v.Null && v == values[0] && strings.TrimSpace(v.Text) != "" && !c.Shared(v) {
			t.Errorf("%q came out again", v.Text)
		}
	})
}
