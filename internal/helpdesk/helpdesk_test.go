package helpdesk_test

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"saltmine/internal/helpdesk"
)

func config(customers, tickets int) helpdesk.Config {
	return helpdesk.Config{
		Customers: customers, Tickets: tickets, Seed: 7,
		From: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC),
		To:   time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
	}
}

func desk(t *testing.T, cfg helpdesk.Config) *helpdesk.Desk {
	t.Helper()
	d, err := helpdesk.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestSameSeedSameRows(t *testing.T) {
	t.Parallel()
	one, two := desk(t, config(2000, 3000)), desk(t, config(2000, 3000))
	same := func(a, b helpdesk.Customer) bool {
		if (a.Phone == nil) != (b.Phone == nil) || a.Phone != nil && *a.Phone != *b.Phone {
			return false
		}
		a.Phone, b.Phone = nil, nil
		return a == b
	}
	customers := slices.Collect(one.Customers())
	if !slices.EqualFunc(customers, slices.Collect(two.Customers()), same) {
		t.Error("customers differ between two runs of one seed")
	}
	if !slices.Equal(slices.Collect(one.Tickets()), slices.Collect(two.Tickets())) {
		t.Error("tickets differ between two runs of one seed")
	}
	other := config(2000, 3000)
	other.Seed++
	if slices.EqualFunc(customers, slices.Collect(desk(t, other).Customers()), same) {
		t.Error("another seed gives the same customers")
	}
}

func TestCustomersAreASoundTable(t *testing.T) {
	t.Parallel()
	cfg := config(30_000, 0)
	form := regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}@[a-z0-9-]+(\.[a-z0-9-]+)+$`)
	emails := map[string]bool{}
	var lastID int64
	lastCreated := cfg.From
	n := 0
	for c := range desk(t, cfg).Customers() {
		n++
		low := strings.ToLower(c.Email)
		switch {
		case !form.MatchString(c.Email) || len(c.Email) > 191 || strings.Contains(low, ".."):
			t.Fatalf("row %d: bad address %q", c.ID, c.Email)
		case emails[low]:
			t.Fatalf("row %d: address %q twice", c.ID, c.Email)
		case c.ID <= lastID || c.Created.Before(lastCreated) || !c.Created.Before(cfg.To):
			t.Fatalf("row %d after %d: created %s after %s", c.ID, lastID, c.Created, lastCreated)
		case c.Updated.Before(c.Created) || !c.Updated.Before(cfg.To):
			t.Fatalf("row %d: updated %s, created %s", c.ID, c.Updated, c.Created)
		case c.FirstName == "" || c.LastName == "" || len(c.Country) != 2 || c.Product == "" || c.Status == "":
			t.Fatalf("row %d: something is empty: %+v", c.ID, c)
		case c.Phone != nil && (len(*c.Phone) > 32 || strings.ContainsAny(*c.Phone, "#@%")):
			t.Fatalf("row %d: bad phone %q", c.ID, *c.Phone)
		}
		emails[low], lastID, lastCreated = true, c.ID, c.Created
	}
	if n != cfg.Customers {
		t.Fatalf("%d customers, want %d", n, cfg.Customers)
	}
	if lastID <= int64(n) || lastID > int64(n)*11/10 {
		t.Errorf("last id %d of %d rows: want a few gaps", lastID, n)
	}
}

// The shares that a canary's realism is measured against.
func TestCustomersAreSpreadBelievably(t *testing.T) {
	t.Parallel()
	cfg := config(30_000, 0)
	countries, domains, names := map[string]int{}, map[string]int{}, map[string]int{}
	formats := map[string]bool{}
	var noPhone, late, weekend, accents int
	digit := regexp.MustCompile(`[0-9]`)
	for c := range desk(t, cfg).Customers() {
		countries[c.Country]++
		_, domain, _ := strings.Cut(c.Email, "@")
		domains[domain]++
		names[c.FirstName+" "+c.LastName]++
		if c.Phone == nil {
			noPhone++
		} else {
			formats[c.Country+digit.ReplaceAllString(*c.Phone, "9")] = true
		}
		if c.Created.After(cfg.From.Add(cfg.To.Sub(cfg.From) / 2)) {
			late++
		}
		if d := c.Created.Weekday(); d == time.Saturday || d == time.Sunday {
			weekend++
		}
		if strings.ContainsFunc(c.LastName, func(r rune) bool { return r > 127 }) {
			accents++
		}
	}
	namesakes, big, single := 0, 0, 0
	for _, n := range names {
		if n > 1 {
			namesakes += n
		}
	}
	for _, n := range domains {
		if n >= 30 {
			big += n
		} else if n == 1 {
			single++
		}
	}
	share := func(n int) float64 { return float64(n) / float64(cfg.Customers) }
	for _, want := range []struct {
		what     string
		got      float64
		low, top float64
	}{
		{"countries", float64(len(countries)), 10, 20},
		{"customers in the US", share(countries["US"]), .24, .32},
		{"customers in Poland", share(countries["PL"]), .02, .04},
		{"rows at large providers", share(big), .87, .93},
		{"domains with one customer", float64(single), 500, 3000},
		{"rows without a phone", share(noPhone), .33, .37},
		{"forms of phone numbers", float64(len(formats)), 40, 200},
		{"sign-ups in the second half", share(late), .58, .68},
		{"sign-ups on weekends", share(weekend), .19, .25},
		{"rows whose full name is not unique", share(namesakes), .05, .35},
		{"last names with marks", share(accents), .05, .25},
	} {
		if want.got < want.low || want.got > want.top {
			t.Errorf("%s: %.3f, want %.3f to %.3f", want.what, want.got, want.low, want.top)
		}
	}
}

func TestTicketsBelongToTheirCustomers(t *testing.T) {
	t.Parallel()
	cfg := config(10_000, 15_000)
	d := desk(t, cfg)
	created := map[int64]time.Time{}
	for c := range d.Customers() {
		created[c.ID] = c.Created
	}
	form := regexp.MustCompile(`^TK-20[0-9]{2}-[0-9]{6}$`)
	perCustomer, statuses := map[int64]int{}, map[string]int{}
	var last helpdesk.Ticket
	n := 0
	for k := range d.Tickets() {
		n++
		signup, known := created[k.CustomerID]
		switch {
		case !known || k.Created.Before(signup):
			t.Fatalf("ticket %d: customer %d signed up %s, ticket opened %s", k.ID, k.CustomerID, signup, k.Created)
		case !form.MatchString(k.Number) || k.Number <= last.Number || k.Number[3:7] != k.Created.Format("2006"):
			t.Fatalf("ticket %d of %s: number %q after %q", k.ID, k.Created, k.Number, last.Number)
		case k.ID <= last.ID || k.Created.Before(last.Created):
			t.Fatalf("ticket %d after %d: opened %s after %s", k.ID, last.ID, k.Created, last.Created)
		case k.Updated.Before(k.Created) || k.Updated.After(cfg.To):
			t.Fatalf("ticket %d: updated %s, opened %s", k.ID, k.Updated, k.Created)
		case k.Subject == "" || strings.ContainsAny(k.Subject, "{}") || len(k.Subject) > 191:
			t.Fatalf("ticket %d: subject %q", k.ID, k.Subject)
		}
		perCustomer[k.CustomerID]++
		statuses[k.Status]++
		last = k
	}
	if n != cfg.Tickets {
		t.Fatalf("%d tickets, want %d", n, cfg.Tickets)
	}
	most := 0
	for _, k := range perCustomer {
		most = max(most, k)
	}
	if with := len(perCustomer); with < cfg.Customers*4/10 || with > cfg.Customers*8/10 || most < 8 {
		t.Errorf("%d of %d customers have tickets, the most %d: want many with none, few with many", with, cfg.Customers, most)
	}
	if statuses["closed"] < n*3/4 || statuses["open"] == 0 {
		t.Errorf("statuses %v: want mostly closed and some open", statuses)
	}
}

func TestStreamsStopWhenAsked(t *testing.T) {
	t.Parallel()
	d := desk(t, config(1000, 1000))
	seen := 0
	for range d.Customers() {
		if seen++; seen == 3 {
			break
		}
	}
	for range d.Tickets() {
		if seen++; seen == 6 {
			break
		}
	}
	if seen != 6 {
		t.Errorf("%d rows before the stop, want 6", seen)
	}
}

func TestBadConfigurationsNameEveryFault(t *testing.T) {
	t.Parallel()
	_, err := helpdesk.New(helpdesk.Config{Customers: 0, Tickets: -1})
	if !errors.Is(err, helpdesk.ErrConfig) {
		t.Fatalf("error %v, want ErrConfig", err)
	}
	for _, part := range []string{"0 customers", "-1 tickets", "from 0001-01-01"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not say %q", err, part)
		}
	}
	if _, err := helpdesk.New(config(1, 1)); err != nil {
		t.Errorf("the smallest help desk: %v", err)
	}
}
