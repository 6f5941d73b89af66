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

// What goes by the rows under a customer's stays, and the rest is exchanged.
func TestMingleUnderRows(t *testing.T) {
	t.Parallel()
	const all = 1200
	r := rng(9)
	var rows, under [][]column.Value
	for range all {
		level := []string{"gold", "silver", "iron"}[r.IntN(3)]
		rows = append(rows, []column.Value{{Text: []string{"red", "green", "blue"}[r.IntN(3)]}, {Text: level}})
		under = append(under, []column.Value{{Text: fmt.Sprint(r.IntN(3))}, {Text: "about " + level}})
	}
	columns := []*column.Column{column.Learn(of(rows, 0), 0), column.Learn(of(rows, 1), 0)}
	twins := column.LearnTwins(columns, rows)
	twins.Heed(rows, under)
	colours := 0
	for _, row := range rows {
		canary := twins.Mingle(r, row, row, func(int) bool { return false })
		if canary[0] != row[0] {
			colours++
		}
		if canary[1] != row[1] {
			t.Fatalf("%s became %s", row[1].Text, canary[1].Text)
		}
	}
	if colours < all/2 {
		t.Errorf("%d of %d colours are another's", colours, all)
	}
}

// A copy of a donor whose values were mingled with those of others has values
// of theirs, as often as these are, and what goes together still does: city and
// postcode, and that nobody of the basic plan has seats.
func TestMingle(t *testing.T) {
	t.Parallel()
	names, rows := table(1200)
	names = append(names, "seats", "lead", "colour")
	plan := slices.Index(names, "plan")
	r := rng(5)
	for i := range rows {
		seats := fmt.Sprint(r.IntN(4))
		if rows[i][plan].Text == "basic" {
			seats = "0"
		}
		rows[i] = append(rows[i], column.Value{Text: seats}, column.Value{Text: []string{"web", "shop", "friend", "fair"}[r.IntN(4)]}, column.Value{Text: []string{"red", "red", "blue"}[r.IntN(3)]})
	}
	columns := make([]*column.Column, len(names))
	for k := range names {
		columns[k] = column.Learn(of(rows, k), 0)
	}
	twins := column.LearnTwins(columns, rows)
	changed, red, of, seats := 0, 0, 0, slices.Index(names, "seats")
	for i := 0; i < 1200; i += 3 {
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
		row := twins.Mingle(r, canary, rows[i], func(k int) bool { return names[k] == "lead" })
		city, postcode := slices.Index(names, "city"), slices.Index(names, "postcode")
		if fmt.Sprint(10000+37*atoi(row[city].Text[5:])) != row[postcode].Text {
			t.Fatalf("%s has postcode %s", row[city].Text, row[postcode].Text)
		}
		if row[plan].Text == "basic" && row[seats].Text != "0" || row[seats+1] != rows[i][seats+1] {
			t.Fatalf("plan %s with %s seats, and %s for %s", row[plan].Text, row[seats].Text, row[seats+1].Text, rows[i][seats+1].Text)
		}
		if row[seats+2] != rows[i][seats+2] {
			changed++
		}
		if of++; row[seats+2].Text == "red" {
			red++
		}
	}
	if part := float64(changed) / float64(of); part < 0.3 || part > 0.6 {
		t.Errorf("%.2f have another colour than the donor, of two", part)
	}
	if part := float64(red) / float64(of); part < 0.55 || part > 0.8 {
		t.Errorf("%.2f are red, as two in three are", part)
	}
}

func atoi(s string) int {
	n := 0
	for _, c := range s {
		n = n*10 + int(c-'0')
	}
	return n
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

// In a table of which a part was seen, canaries have streets that nobody else has
// as often as customers have: some that are made new are there all the same.
func TestNewIsAlone(t *testing.T) {
	t.Parallel()
	const all, seen = 30_000, 8000
	r := rng(21)
	table, have := make([]column.Value, all), map[string]int{}
	for i := range table {
		name := int(math.Exp(r.Float64() * math.Log(4000))) // the second as often as the third and fourth
		table[i].Text = fmt.Sprintf("%d %c%c%c Road", 1+int(r.ExpFloat64()*40), 'A'+name%26, 'a'+name/26%26, 'a'+name/676)
		have[table[i].Text]++
	}
	theirs := 0.0
	for _, v := range table {
		if have[v.Text] == 1 {
			theirs += 1.0 / all
		}
	}
	c, alone := column.Learn(table[:seen], all), 0.0
	for i := range seen {
		near := make([]column.Value, 40)
		for k := range near {
			near[k] = table[r.IntN(seen)]
		}
		v, err := c.Draw(r, table[i], near, never)
		if err != nil {
			t.Fatal(err)
		}
		if have[v.Text] == 0 {
			alone += 1.0 / seen
		}
	}
	t.Logf("alone: %.3f of the canaries, %.3f of the customers", alone, theirs)
	if math.Abs(alone-theirs) > 0.04 {
		t.Errorf("alone: %.3f of the canaries, %.3f of the customers", alone, theirs)
	}
}

// A postcode that is made new is one of its town, though those of other towns lie
// all around and people of other countries have the same.
func TestPostcodesOfTheTown(t *testing.T) {
	t.Parallel()
	const all = 6000
	r := rng(31)
	var rows [][]column.Value
	town := func(code int) string { return fmt.Sprint("Town ", code/300) }
	for i := range all {
		code := 300*int(60*math.Pow(r.Float64(), 2)) + 7*r.IntN(40)
		country := "here"
		if i%3 == 0 {
			country, code = "there", r.IntN(18_000)
		}
		rows = append(rows, []column.Value{{Text: town(code) + " " + country}, {Text: fmt.Sprintf("%05d", 10_000+code)}, {Text: country}})
	}
	columns := []*column.Column{column.Learn(of(rows, 0), 3*all), column.Learn(of(rows, 1), 3*all), column.Learn(of(rows, 2), 3*all)}
	here := slices.DeleteFunc(slices.Clone(rows), func(row []column.Value) bool { return row[2].Text != "here" })
	own := []*column.Column{column.Learn(of(here, 0), 2*all), column.Learn(of(here, 1), 2*all), column.Learn(of(here, 2), 2*all)}
	b := column.NewBundle(own, []int{0, 1}, here)
	b.Among(columns)
	made := 0
	known := map[string]bool{}
	for _, row := range here {
		known[row[1].Text] = true
	}
	for _, donor := range here {
		fresh, ok := b.Draw(r, donor)
		if !ok {
			continue
		}
		code, place := donor[1].Text, donor[0].Text
		if v, is := fresh[1]; is {
			code = v.Text
		}
		if v, is := fresh[0]; is {
			place = v.Text
		}
		if !known[code] {
			made++
		}
		if want := town(atoi(code)-10_000) + " here"; place != want {
			t.Fatalf("%s is a postcode of %s, and stands with %s", code, want, place)
		}
	}
	if made < 20 {
		t.Errorf("%d postcodes were made new", made)
	}
}
