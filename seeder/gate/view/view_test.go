package view_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"saltmine/seeder/gate/view"
)

// Columns of the tests' tables.
const (
	key = iota
	first
	last
	email
	phone
	country
	created
	updated
)

func table() view.Table {
	return view.Table{
		Customer: []view.Column{
			{Name: "id", Role: view.Key, Kind: view.Number}, {Name: "first", Role: view.FirstName, Kind: view.Text},
			{Name: "last", Role: view.LastName, Kind: view.Text}, {Name: "email", Role: view.Email, Kind: view.Text},
			{Name: "phone", Role: view.Phone, Kind: view.Text}, {Name: "country", Role: view.Country, Kind: view.Word},
			{Name: "created", Role: view.Created, Kind: view.Time}, {Name: "updated", Role: view.Updated, Kind: view.Time},
		},
		Ticket: []view.Column{
			{Name: "number", Role: view.Serial}, {Name: "subject", Role: view.Subject, Kind: view.Text},
			{Name: "opened", Role: view.Created, Kind: view.Time}, {Name: "closed", Role: view.Updated, Kind: view.Time},
		},
	}
}

var start = time.Date(2024, 3, 4, 9, 30, 15, 0, time.UTC)

func text(s string) view.Value { return view.Value{Text: s} }

func date(after time.Duration) view.Value { return text(start.Add(after).Format(time.DateTime)) }

// people makes n rows that differ in everything, an hour or so apart.
func people(n int) []view.Row {
	var rows []view.Row
	for i := range n {
		at := time.Duration(i) * 61 * time.Minute
		rows = append(rows, view.Row{
			Values: []view.Value{
				text(strconv.Itoa(100 + 2*i)), text("First" + letters(i)), text("Last" + letters(i*7)), text("some" + letters(i*3) + "@host-" + letters(i*5) + ".com"),
				text(fmt.Sprintf("+1 212 %03d %04d", 100+i*13%900, i*3571%10000)), text([]string{"US", "GB", "DE"}[i%3]), date(at), date(at + time.Duration(i*i%977)*time.Minute),
			},
			Tickets: [][]view.Value{{text(fmt.Sprintf("TK-2024-%06d", 10+i)), text("Subject " + letters(i*11)), date(at + 17*time.Minute), date(at + time.Duration(30+i%13)*time.Hour)}},
		})
	}
	return rows
}

// letters spells a number.
func letters(n int) string {
	var out strings.Builder
	for _, d := range strconv.Itoa(n) {
		out.WriteString(string('a' + d - '0'))
	}
	return out.String()
}

func read(t testing.TB, x view.Extract) *view.View {
	t.Helper()
	if x.Table.Customer == nil {
		x.Table = table()
	}
	v, err := view.Read(t.Context(), x)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func feature(t *testing.T, v *view.View, name string) *view.Feature {
	t.Helper()
	for i := range v.Features {
		if v.Features[i].Name == name {
			return &v.Features[i]
		}
	}
	var names []string
	for i := range v.Features {
		names = append(names, v.Features[i].Name)
	}
	t.Fatalf("no feature %q in %q", name, names)
	return nil
}

// is compares a feature of row 0 with a number.
func is(t *testing.T, v *view.View, name string, want float64) {
	t.Helper()
	if got := float64(feature(t, v, name).Values[0]); math.Abs(got-want) > 1e-4 || math.IsNaN(got) != math.IsNaN(want) {
		t.Errorf("%s: %v, want %v", name, got, want)
	}
}

func words(t *testing.T, v *view.View, name string) *view.Words {
	t.Helper()
	for i := range v.Words {
		if v.Words[i].Name == name {
			return &v.Words[i]
		}
	}
	t.Fatalf("no words %q", name)
	return nil
}

func word(t *testing.T, v *view.View, name string) string {
	t.Helper()
	got, _ := words(t, v, name).Text(0)
	return got
}

// A row's features do not depend on which rows are called canaries.
func TestNoFeatureKnowsTheLabel(t *testing.T) {
	t.Parallel()
	rows := people(60)
	rows[50].Values[email] = rows[10].Values[email]
	rows[55].Values[last] = rows[3].Values[last]
	rows[20].Values[phone] = view.Value{Null: true}
	all := read(t, view.Extract{Real: rows, Now: start})
	for _, cut := range []int{0, 1, 11, 30, 52, 59} {
		v := read(t, view.Extract{Real: rows[:cut], Canaries: rows[cut:], Now: start})
		if len(v.Features) != len(all.Features) {
			t.Fatalf("%d features, %d of one class", len(v.Features), len(all.Features))
		}
		for i := range v.Features {
			if !slices.EqualFunc(v.Features[i].Values, all.Features[i].Values, func(a, b float32) bool { return a == b || a != a && b != b }) {
				t.Fatalf("%s depends on the label", v.Features[i].Name)
			}
		}
	}
}

func TestCountsLeaveOutTheRowItself(t *testing.T) {
	t.Parallel()
	rows := people(40)
	rows[1].Values[last] = rows[0].Values[last]
	v := read(t, view.Extract{Real: rows})
	is(t, v, "last.others", math.Log1p(1))
	if got := feature(t, v, "last.others").Values[5]; got != 0 {
		t.Errorf("a name that nobody else has counts %v", got)
	}
}

// Samples look at rows of their own kind: at none of one another.
func TestApart(t *testing.T) {
	t.Parallel()
	rows, canaries, others := people(40), people(44)[40:], people(60)[44:]
	for _, r := range [][]view.Row{rows[:2], canaries, others[:3]} {
		for i := range r {
			r[i].Values[last] = text("Same")
		}
	}
	v := read(t, view.Extract{Real: rows, Canaries: canaries, Others: others, Apart: true})
	for _, row := range []int{0, 41} {
		if got := float64(feature(t, v, "last.others").Values[row]); math.Abs(got-math.Log1p(3)) > 1e-4 {
			t.Errorf("row %d sees %v, want the three of the others", row, math.Expm1(got))
		}
	}
}

// What is said of a row does not depend on what it is given as.
func TestNoFeatureKnowsTheCanaries(t *testing.T) {
	t.Parallel()
	all := people(900)
	for i := range all {
		for _, column := range []int{first, last, email, phone} {
			if i*7919%10 < 6 {
				all[i].Values[column] = all[i*i%89].Values[column]
			}
		}
		all[i].Tickets[0][1] = all[i%37].Tickets[0][1]
	}
	for _, apart := range []bool{true, false} {
		one := read(t, view.Extract{Real: all[:500], Canaries: all[500:600], Others: all[600:], Apart: apart})
		two := read(t, view.Extract{Real: all[:10], Canaries: all[10:600], Others: all[600:], Apart: apart})
		if len(one.Features) != len(two.Features) || len(one.Features) < 100 {
			t.Fatalf("%d and %d features", len(one.Features), len(two.Features))
		}
		for i := range one.Features {
			f, g := &one.Features[i], &two.Features[i]
			for row := range one.Rows {
				if x, y := float64(f.Values[row]), float64(g.Values[row]); x != y && !(math.IsNaN(x) && math.IsNaN(y)) {
					t.Fatalf("apart %t: %s of row %d is %v or %v", apart, f.Name, row, x, y)
				}
			}
		}
	}
}

func TestFeaturesOfAnAddress(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		first, last, address string
		style, tld           string
		tail, likename       float64
	}{
		{"Dana", "Whitfield", "dana.whitfield84@mail.example.co.uk", "F.L99", "uk", 2, 1},
		{"Dana", "Whitfield", "dwhitfield@host.com", "fL", "com", 0, .762},
		{"José", "Núñez", "nunez_jose@host.com", "L_F", "com", 0, .875},
		{"Anna", "Garcia Lopez", "anna.garcia@host.es", "F.L", "es", 0, .783},
		{"Dana", "Whitfield", "tiger77x@host.de", "w99x", "de", 0, 0},
	} {
		rows := people(40)
		rows[0].Values[first], rows[0].Values[last], rows[0].Values[email] = text(c.first), text(c.last), text(c.address)
		rows[1].Values[email] = text("somebody7@host.net")
		v := read(t, view.Extract{Real: rows})
		if got := word(t, v, "style"); got != c.style {
			t.Errorf("%s: style %q, want %q", c.address, got, c.style)
		}
		if got := word(t, v, "tld"); got != c.tld {
			t.Errorf("%s: ends in %q, want %q", c.address, got, c.tld)
		}
		if got := float64(feature(t, v, "local.likename").Values[0]); math.Abs(got-c.likename) > .01 {
			t.Errorf("%s: %v like the name, want %v", c.address, got, c.likename)
		}
		if c.tail > 0 {
			is(t, v, "local.tail", c.tail)
			is(t, v, "local.tail.value", 84)
		}
	}
}

func TestRegisteredDomains(t *testing.T) {
	t.Parallel()
	for domain, want := range map[string]string{
		"host.com": "host.com", "a.b.host.com": "host.com", "mail.host.co.uk": "host.co.uk", "host.com.au": "host.com.au", "localhost": "localhost", "": "",
	} {
		if got := view.Registered(domain); got != want {
			t.Errorf("%q: %q, want %q", domain, got, want)
		}
	}
}

func TestFeaturesOfAPhone(t *testing.T) {
	t.Parallel()
	rows := people(40)
	rows[0].Values[phone], rows[1].Values[phone], rows[2].Values[phone] = text("+44 7700 900 123"), text("07700 900145"), text("0 7700-900-123")
	v := read(t, view.Extract{Real: rows})
	is(t, v, "phone.block100.others", math.Log1p(2))
	is(t, v, "phone.whole.others", math.Log1p(1))
	is(t, v, "phone.next", 0)
	is(t, v, "phone.plus", 1)
	is(t, v, "phone.digits", 12)
	is(t, v, "phone.digit1", 3)
}

// A row that was put in today under a date of last week lies in the wrong place.
func TestARowOutOfOrder(t *testing.T) {
	t.Parallel()
	rows := people(60)
	rows[0].Values[created] = date(30 * time.Hour)
	v := read(t, view.Extract{Real: rows})
	if got := feature(t, v, "id.created.residual").Values; float64(got[0]) < math.Log1p(25*3600) || math.Abs(float64(got[20])) > math.Log1p(3*3600) {
		t.Errorf("residuals %v out of place and %v in place", got[0], got[20])
	}
	is(t, v, "id.created.turned", 4)
	if got := feature(t, v, "ticket.number.opened.residual"); got.Group != view.Keys {
		t.Errorf("ticket numbers are in %q", got.Group)
	}
}

func TestFeaturesOfDates(t *testing.T) {
	t.Parallel()
	rows := people(40)
	rows[1].Values[created] = rows[0].Values[created]
	rows[0].Values[updated] = date(36 * time.Hour)
	rows[0].Tickets[0][2] = date(2 * time.Hour)
	v := read(t, view.Extract{Real: rows, Now: start.Add(100 * time.Hour)})
	is(t, v, "created.weekday", 0) // a Monday
	is(t, v, "created.minute", 30)
	is(t, v, "created.others", math.Log1p(1))
	is(t, v, "created→updated", math.Log1p(36*3600))
	is(t, v, "created→updated.neat", 2)
	is(t, v, "created.age", math.Log1p(100*3600))
	is(t, v, "created→first ticket", math.Log1p(2*3600))
	is(t, v, "ticket.customer created→opened.neat", 2)
}

func TestTicketsAreGathered(t *testing.T) {
	t.Parallel()
	rows := people(40)
	same := rows[7].Tickets[0][1]
	rows[0].Tickets = append(rows[0].Tickets, []view.Value{text("TK-2024-000999"), same, date(5 * time.Hour), date(6 * time.Hour)})
	rows[1].Tickets = append(rows[1].Tickets, rows[2].Tickets...)
	rows[3].Tickets = nil
	v := read(t, view.Extract{Real: rows})
	is(t, v, "tickets", 2)
	is(t, v, "ticket.subject.others", math.Log1p(1)/2)
	is(t, v, "ticket.subject.others.least", 0)
	is(t, v, "tickets.span", math.Log1p(5*3600-17*60))
	if got := feature(t, v, "ticket.subject.others").Values[3]; got == got {
		t.Errorf("no ticket, and %v", got)
	}
	if got := word(t, v, "ticket.subject.last"); got != same.Text {
		t.Errorf("last subject %q", got)
	}
}

func TestCopiesShareWhatIsRare(t *testing.T) {
	t.Parallel()
	rows := people(80)
	moved := people(80)[30]
	moved.Values = slices.Clone(moved.Values)
	for i := range email + 1 {
		moved.Values[i] = rows[0].Values[i]
	}
	moved.Values[created], moved.Values[updated] = date(900*time.Hour), date(900*time.Hour+time.Duration(30*30%977)*time.Minute)
	moved.Values[phone] = text("+1 999 111 2222")
	rows[0] = moved
	v := read(t, view.Extract{Real: rows})
	behaviour := feature(t, v, "twin.behaviour").Values
	for row, got := range behaviour {
		if copied := row == 0 || row == 30; copied && got < 8 || !copied && got > 8 {
			t.Errorf("row %d: %v", row, got)
		}
	}
}

func TestKindsAreInferred(t *testing.T) {
	t.Parallel()
	columns := []string{"2024-01-02 03:04:05", "2024-01-02", "12.5", "inf", "word", "dana@host.com", "0000-00-00 00:00:00"}
	x := view.Extract{}
	for i := range columns {
		x.Table.Customer = append(x.Table.Customer, view.Column{Name: "c" + strconv.Itoa(i)})
	}
	for row := range 40 {
		n := strconv.Itoa(10 + row)
		x.Real = append(x.Real, view.Row{Values: []view.Value{
			text("2024-01-02 03:04:" + n), text("20" + n + "-01-02"), text("12." + n), text("inf" + n + strings.Repeat("f", row%3)), text("word" + n[:1]), text("d" + n + "@h" + n + strings.Repeat("h", row%3) + ".com"), text("0000-00-00 00:00:" + n + strings.Repeat("0", row%3)),
		}})
	}
	v := read(t, x)
	feature(t, v, "c0.second")
	feature(t, v, "c1.day")
	feature(t, v, "c2.value")
	feature(t, v, "c3.length")
	feature(t, v, "c4.rank")
	feature(t, v, "domain.length")
	feature(t, v, "c6.length")
}

func TestMisshapenRowsAreRefused(t *testing.T) {
	t.Parallel()
	short := people(3)
	short[1].Values = short[1].Values[:2]
	lame := people(3)
	lame[2].Tickets[0] = lame[2].Tickets[0][:1]
	for _, x := range []view.Extract{{}, {Table: table(), Real: short}, {Table: table(), Canaries: lame}} {
		if _, err := view.Read(t.Context(), x); !errors.Is(err, view.ErrTable) {
			t.Errorf("%v", err)
		}
	}
}

func TestScalesPrint(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		scale view.Scale
		v     float64
		want  string
	}{
		{view.Counts, math.Log1p(41), "41"}, {view.Spans, math.Log1p(5400), "1.5 h"}, {view.Spans, -math.Log1p(3 * 86400), "-3 days"},
		{view.Spans, math.Log1p(12), "12 s"}, {view.Plain, .12345, "0.123"}, {view.Plain, math.NaN(), "none"}, {view.Spans, math.Log1p(86400 * 800), "2.2 years"},
	} {
		if got := c.scale.Print(float32(c.v)); got != c.want {
			t.Errorf("%s %v: %q, want %q", c.scale, c.v, got, c.want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("7", "Dana", "dana@host.com", "+1 212 555 0123", "2024-02-30 25:61:61", "TK-1", false)
	f.Add("-1e308", "ß\x00\xff", "@@", "", "0000-00-00", strings.Repeat("9", 50), true)
	f.Fuzz(func(t *testing.T, id, name, address, number, when, quoted string, gone bool) {
		rows := people(30)
		rows[0].Values = []view.Value{text(id), text(name), text(name), text(address), text(number), text(name), text(when), {Text: when, Null: gone}}
		rows[0].Tickets = [][]view.Value{{text(quoted), text(name), text(when), text(when)}, {text(quoted), text(""), text(when), {Null: true}}}
		rows[1].Values = rows[0].Values
		v := read(t, view.Extract{Real: rows[1:], Canaries: rows[:1], Now: start})
		for i := range v.Features {
			if len(v.Features[i].Values) != 30 {
				t.Fatalf("%s has %d numbers", v.Features[i].Name, len(v.Features[i].Values))
			}
			for _, n := range v.Features[i].Values {
				if math.IsInf(float64(n), 0) {
					t.Fatalf("%s is without end", v.Features[i].Name)
				}
			}
		}
	})
}
