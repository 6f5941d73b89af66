package gate_test

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"saltmine/internal/helpdesk"
	"saltmine/seeder/gate"
	"saltmine/seeder/gate/view"
)

var (
	opened = time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC)
	now    = time.Date(2025, 6, 1, 0, 0, 0, 0, time.UTC)
)

// Columns of the help desk's customers and tickets.
const (
	id = iota
	first
	last
	email
	phone
	country
	language
	product
	newsletter
	status
	created
	updated
)

const (
	ticketID = iota
	ticketNumber
	ticketSubject
	ticketStatus
	ticketPriority
	ticketChannel
	ticketCreated
	ticketUpdated
)

func table() view.Table {
	return view.Table{
		Customer: []view.Column{
			{Name: "id", Kind: view.Number, Role: view.Key},
			{Name: "first_name", Role: view.FirstName},
			{Name: "last_name", Role: view.LastName},
			{Name: "email", Role: view.Email},
			{Name: "phone", Role: view.Phone},
			{Name: "country", Role: view.Country},
			{Name: "language", Role: view.Language},
			{Name: "product", Role: view.Segment},
			{Name: "newsletter"},
			{Name: "status", Role: view.Status},
			{Name: "created_at", Role: view.Created},
			{Name: "updated_at", Role: view.Updated},
		},
		Ticket: []view.Column{
			{Name: "id", Kind: view.Number, Role: view.Key},
			{Name: "number", Role: view.Serial},
			{Name: "subject", Role: view.Subject},
			{Name: "status", Role: view.Status},
			{Name: "priority"},
			{Name: "channel"},
			{Name: "created_at", Role: view.Created},
			{Name: "updated_at", Role: view.Updated},
		},
	}
}

func text(s string) view.Value { return view.Value{Text: s} }

func date(t time.Time) view.Value { return text(t.Format(time.DateTime)) }

func when(v view.Value) time.Time {
	t, err := time.Parse(time.DateTime, v.Text)
	if err != nil {
		panic(err) // the tests' own dates
	}
	return t
}

// customers makes real rows, three tickets for four customers.
func customers(tb testing.TB, n int, seed uint64) []view.Row {
	tb.Helper()
	d, err := helpdesk.New(helpdesk.Config{Customers: n, Tickets: n * 3 / 4, Seed: seed, From: opened, To: now})
	if err != nil {
		tb.Fatal(err)
	}
	rows, at := make([]view.Row, 0, n), map[int64]int{}
	for c := range d.Customers() {
		at[c.ID] = len(rows)
		number := view.Value{Null: true}
		if c.Phone != nil {
			number = text(*c.Phone)
		}
		letter := "0"
		if c.Newsletter {
			letter = "1"
		}
		rows = append(rows, view.Row{Values: []view.Value{
			text(strconv.FormatInt(c.ID, 10)), text(c.FirstName), text(c.LastName), text(c.Email), number, text(c.Country),
			text(c.Language), text(c.Product), text(letter), text(c.Status), date(c.Created), date(c.Updated),
		}})
	}
	for t := range d.Tickets() {
		row := &rows[at[t.CustomerID]]
		row.Tickets = append(row.Tickets, []view.Value{
			text(strconv.FormatInt(t.ID, 10)), text(t.Number), text(t.Subject), text(t.Status), text(t.Priority), text(t.Channel),
			date(t.Created), date(t.Updated),
		})
	}
	return rows
}

// world is a table with canaries that are real rows, taken out of it: nobody
// can tell them. Faults are then put into the canaries.
type world struct {
	real, canaries []view.Row
	r              *rand.Rand
}

func newWorld(tb testing.TB, people, canaries int, seed uint64) *world {
	tb.Helper()
	rows := customers(tb, people+canaries, seed)
	w := &world{r: rand.New(rand.NewPCG(seed, 1))}
	taken := map[int]bool{}
	for _, i := range w.r.Perm(len(rows))[:canaries] {
		taken[i] = true
	}
	for i := range rows {
		if taken[i] {
			w.canaries = append(w.canaries, rows[i])
		} else {
			w.real = append(w.real, rows[i])
		}
	}
	return w
}

// each changes every canary.
func (w *world) each(change func(c *view.Row)) {
	for i := range w.canaries {
		change(&w.canaries[i])
	}
}

func (w *world) input() gate.Input {
	return gate.Input{Table: table(), Real: w.real, Canaries: w.canaries, Seed: 1, Now: now, Quick: true}
}

func measure(t *testing.T, in gate.Input) gate.Report {
	t.Helper()
	r, err := gate.Measure(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// own moves all canaries to owned domains.
func (w *world) own(domains int) (owned []string) {
	for i := range domains {
		owned = append(owned, "mail-"+strconv.Itoa(i)+"-post.com")
	}
	w.each(func(c *view.Row) {
		local, _, _ := strings.Cut(c.Values[email].Text, "@")
		c.Values[email] = text(local + "@" + owned[w.r.IntN(domains)])
	})
	return owned
}

// names says whether an attack's tells name a column.
func names(a *gate.Attack, column string) bool {
	for _, t := range a.Tells {
		if strings.Contains(t.Feature+" "+t.Column+" "+t.Says, column) {
			return true
		}
	}
	return false
}
