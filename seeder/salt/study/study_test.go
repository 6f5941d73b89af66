package study_test

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/csv"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"saltmine/internal/helpdesk"
	"saltmine/seeder/salt/dialect"
	"saltmine/seeder/salt/study"
)

// customers are the rows of a list, made once for all tests.
var customers = sync.OnceValue(func() [][]string {
	desk, err := helpdesk.New(helpdesk.Config{Customers: 6000, Seed: 3, From: time.Date(2019, 1, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		return nil
	}
	var out [][]string
	rng := rand.New(rand.NewPCG(1, 2))
	ticket := 1000
	for c := range desk.Customers() {
		phone := ""
		if c.Phone != nil {
			phone = *c.Phone
		}
		ticket += 1 + rng.IntN(4)
		out = append(out, []string{
			fmt.Sprint(c.ID), c.FirstName, c.LastName, c.Email, phone, c.Country, c.Product, c.Created.Format(time.DateTime),
			fmt.Sprintf("TK-%06d", ticket), fmt.Sprintf("%016x", rng.Uint64()),
		})
	}
	return out
})

// table is a list of customers of the help desk, with a header.
func table(n int) [][]string {
	out := [][]string{{"id", "first_name", "last_name", "email", "phone", "country", "product", "created_at", "ticket_no", "token"}}
	for _, row := range customers()[:n] {
		out = append(out, slices.Clone(row))
	}
	return out
}

// write writes a table as CSV.
func write(t testing.TB, rows [][]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	if err := w.WriteAll(rows); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func read(t testing.TB, in []byte, places int) *study.File {
	t.Helper()
	f, err := study.Read(t.Context(), bytes.NewReader(in), config(places))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func config(places int) study.Config {
	return study.Config{Places: places, Domains: map[string]bool{"hollowbrook.example": true}, Rand: rand.New(rand.NewPCG(5, 6))}
}

func kinds(f *study.File) string {
	var out []string
	for _, c := range f.Columns {
		out = append(out, string(c.Kind))
	}
	return strings.Join(out, ",")
}

func TestColumns(t *testing.T) {
	t.Parallel()
	rows := table(2000)
	const want = "key,first name,last name,email,phone,country,other,created,ticket,key"
	f := read(t, write(t, rows), 50)
	if got := kinds(f); got != want || !f.Header || f.Rows != 2000 || !f.Ended {
		t.Errorf("columns %s, header %v, %d rows", got, f.Header, f.Rows)
	}
	if sum := sha256.Sum256(write(t, rows)); f.Digest != sum || f.Bytes != int64(len(write(t, rows))) {
		t.Errorf("%d bytes with digest %x", f.Bytes, f.Digest)
	}
	german := slices.Clone(rows)
	german[0] = strings.Split("Kundennr,Vorname,Nachname,E-Mail,Telefon,Land,Produkt,angelegt am,Ticket,Schluessel", ",")
	if got := kinds(read(t, write(t, german), 50)); got != want {
		t.Errorf("German columns: %s", got)
	}
	bare := read(t, write(t, rows[1:]), 50)
	if got := kinds(bare); got != strings.Replace(want, "ticket", "key", 1) || bare.Header || bare.Rows != 2000 {
		t.Errorf("columns without a header: %s, header %v, %d rows", got, bare.Header, bare.Rows)
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	rows := table(200)
	edit := func(change func([][]string)) []byte {
		c := make([][]string, len(rows))
		for i := range rows {
			c[i] = slices.Clone(rows[i])
		}
		change(c)
		return write(t, c)
	}
	for name, c := range map[string]struct {
		in   []byte
		want error
	}{
		"two headers alike": {edit(func(r [][]string) { r[0][6] = "Phone" }), study.ErrHeader},
		"no address":        {edit(func(r [][]string) { each(r, func(row []string) { row[3] = "x" }) }), study.ErrNoEmail},
		"few rows":          {write(t, rows[:30]), study.ErrFew},
		"one row":           {write(t, rows[:1]), study.ErrFew},
		"broken":            {append(write(t, rows), "1,2\n"...), dialect.ErrBroken},
		"empty":             {nil, dialect.ErrDialect},
	} {
		_, err := study.Read(t.Context(), bytes.NewReader(c.in), config(10))
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	_, err := study.Read(t.Context(), bytes.NewReader(append(write(t, rows), "1,2\n"...)), config(10))
	if err == nil || !strings.HasPrefix(err.Error(), "line 202: ") {
		t.Errorf("broken: %v", err)
	}
}

func each(rows [][]string, do func([]string)) {
	for _, row := range rows[1:] {
		do(row)
	}
}

func TestOrder(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		less func(a, b []string) int
		want string // columns and how they are compared
	}{
		"by id":          {func([]string, []string) int { return 0 }, "id number,created_at time,ticket_no bytes"},
		"by id, falling": {func(a, b []string) int { return cmp.Compare(b[8], a[8]) }, "id number falling,created_at time falling,ticket_no bytes falling"},
		"by last name":   {func(a, b []string) int { return strings.Compare(a[2], b[2]) }, "last_name bytes,id number"},
		"by both names":  {func(a, b []string) int { return cmp.Or(strings.Compare(a[2], b[2]), strings.Compare(a[1], b[1])) }, "last_name bytes,first_name bytes"},
		"without case":   {func(a, b []string) int { return strings.Compare(strings.ToLower(a[3]), strings.ToLower(b[3])) }, "email letters"},
		"with capitals":  {func(a, b []string) int { return strings.Compare(strings.ToUpper(a[3]), strings.ToUpper(b[3])) }, "email capitals"},
		"by a rule": {func(a, b []string) int {
			return strings.Compare(strings.ReplaceAll(strings.ReplaceAll(a[3], ".", ""), "_", ""), strings.ReplaceAll(strings.ReplaceAll(b[3], ".", ""), "_", ""))
		}, "email bytes"},
		"by country, id":  {func(a, b []string) int { return strings.Compare(a[5], b[5]) }, "country bytes,id number,created_at time,ticket_no bytes"},
		"by country, bag": {func(a, b []string) int { return cmp.Or(strings.Compare(a[5], b[5]), strings.Compare(a[9], b[9])) }, "country bytes,token bytes"},
		"none":            {func(a, b []string) int { return strings.Compare(a[9][8:], b[9][8:]) }, ""},
	} {
		rows := table(2500)
		slices.SortStableFunc(rows[1:], c.less)
		f := read(t, write(t, rows), 50)
		var got []string
		for _, k := range f.Order {
			falling := ""
			if k.Falling {
				falling = " falling"
			}
			got = append(got, fmt.Sprintf("%s %s%s", f.Columns[k.Column].Name, k.By, falling))
		}
		if strings.Join(got, ",") != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestPlaces wants places where the counters leave room, and values there that
// keep the order and that nobody has.
func TestPlaces(t *testing.T) {
	t.Parallel()
	in := write(t, table(5000))
	f := read(t, in, 40)
	if len(f.Places) != 40 {
		t.Fatalf("%d places", len(f.Places))
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for _, p := range f.Places {
		if !bytes.HasPrefix(in[p.Offset:], p.After.Raw) || !bytes.HasSuffix(in[:p.Offset], append(slices.Clone(p.Before.Raw), '\n')) {
			t.Fatalf("the place at %d does not lie between its rows", p.Offset)
		}
		for _, column := range []int{0, 8} {
			a, b := p.Before.Text(column), p.After.Text(column)
			got, ok := f.Columns[column].Gap.Between(rng, a, b)
			if !ok || len(got) < len(a) || got <= a && len(got) == len(a) || got >= b && len(got) == len(b) {
				t.Fatalf("between %s and %s: %s, %v", a, b, got, ok)
			}
		}
		if !f.Seen(9, p.Before.Cell(9)) || f.Seen(9, p.Before.Cell(9)[1:]) {
			t.Error("a token that is there is not known, or one that is not")
		}
	}
	again := read(t, in, 40)
	for i := range f.Places {
		if again.Places[i].Offset != f.Places[i].Offset {
			t.Fatal("the same bytes and randomness give other places")
		}
	}
	thirds := 0
	for _, p := range f.Places {
		if p.Offset > int64(len(in))/3*2 {
			thirds++
		}
	}
	if thirds < 5 || thirds > 25 {
		t.Errorf("%d of 40 places lie in the last third", thirds)
	}
}

func TestBetweenKeepsTheStep(t *testing.T) {
	t.Parallel()
	rows := table(1000)
	n := 7
	rng := rand.New(rand.NewPCG(9, 9))
	each(rows, func(row []string) {
		n += 10 * (1 + rng.IntN(3))
		row[0] = fmt.Sprint(n)
	})
	f := read(t, write(t, rows), 40)
	for _, p := range f.Places {
		got, ok := f.Columns[0].Gap.Between(rng, p.Before.Text(0), p.After.Text(0))
		if !ok || !strings.HasSuffix(got, "7") {
			t.Errorf("between %s and %s: %s, %v", p.Before.Text(0), p.After.Text(0), got, ok)
		}
	}
	each(rows, func(row []string) { n++; row[0] = fmt.Sprint(n) })
	if f := read(t, write(t, rows), 40); len(f.Places) > 0 {
		t.Errorf("%d places where no number is left out", len(f.Places))
	}
}

func TestJSONLines(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i, row := range table(300)[1:] {
		fmt.Fprintf(&b, `{"id": %s, "name": {"x": 1}, "email": %q, "first_name": %q, "last_name": %q`, row[0], row[3], row[1], row[2])
		if i%3 == 0 {
			fmt.Fprintf(&b, `, "tel": %q`, "+4479009001"+row[0][len(row[0])-1:]+"5")
		}
		b.WriteString("}\n")
	}
	f := read(t, []byte(b.String()), 20)
	if got := kinds(f); got != "key,other,email,first name,last name,phone" || f.Header || f.Rows != 300 {
		t.Errorf("columns %s, header %v, %d rows", got, f.Header, f.Rows)
	}
	if filled := f.Columns[5].Filled; filled < 0.3 || filled > 0.37 {
		t.Errorf("a key that a third of the lines has is filled to %.2f", filled)
	}
}

func TestTimes(t *testing.T) {
	t.Parallel()
	at := time.Date(2024, 11, 23, 17, 4, 9, 0, time.UTC)
	for _, layout := range []string{time.RFC3339, time.DateTime, "02.01.2006 15:04", "01/02/2006", "2006-01-02T15:04:05.000Z07:00", "2006-01-02 15:04:05-07"} {
		rows := table(100)
		for i, row := range rows[1:] {
			row[7] = at.Add(time.Duration(i) * 7 * time.Hour).Format(layout)
		}
		f := read(t, write(t, rows), 10)
		c := f.Columns[7]
		if c.Kind != study.Created {
			t.Errorf("%s: the column is %s", layout, c.Kind)
			continue
		}
		got, ok := c.When.Parse(rows[9][7])
		if again := c.When.Format(rows[1][7], got); !ok || again != rows[9][7] {
			t.Errorf("%s: %s is written as %s", layout, rows[9][7], again)
		}
	}
}

// many repeats the customers with further ids.
func many() [][]string {
	out := table(1)[:1]
	for i := range 100_000 {
		row := slices.Clone(customers()[i%6000])
		row[0] = fmt.Sprint(1000 + i*3)
		row[8] = fmt.Sprintf("TK-%06d", 1000+i*2)
		row[9] = fmt.Sprintf("%016x", uint64(i)*0x9e3779b97f4a7c15)
		out = append(out, row)
	}
	return out
}

func BenchmarkRead(b *testing.B) {
	in := write(b, many())
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		read(b, in, 459)
	}
}

func BenchmarkHash(b *testing.B) {
	in := write(b, many())
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		sha256.Sum256(in)
	}
}
