package seeder_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"saltmine/internal/helpdesk"
	"saltmine/seeder"
	"saltmine/seeder/persona"
)

// Where the table's small domains are of a country each, ours get no more
// canaries than their countries have people for, and are of one country too.
func TestDeal(t *testing.T) {
	people := map[string]float64{"US": 40, "DE": 12, "IT": 2}
	counts, homes := seeder.Deal(people, []string{"IT", "", "DE", "", ""}, []int{20, 14, 10, 4, 1})
	if want := []int{1, 20, 10, 14, 4}; !slices.Equal(counts, want) {
		t.Errorf("dealt %v, not %v", counts, want)
	}
	if want := []string{"", "US", "", "US", ""}; !slices.Equal(homes, want) {
		t.Errorf("at home in %q, not %q", homes, want)
	}
}

// Nobody gets a domain that ends as none does in his country, as long as another
// donor may come.
func TestSmallDomainsEndAsUsual(t *testing.T) {
	t.Parallel()
	ends := map[string]float64{"de": 0.7, "com": 0.29, "org": 0.01}
	for _, c := range []struct {
		domains []string
		refused int
		want    string
	}{
		{[]string{"kiosk.org", "haus.de", "lyon.fr"}, 0, "haus.de"},
		{[]string{"kiosk.org"}, 0, ""},
		{[]string{"kiosk.org"}, 1000, "kiosk.org"},
	} {
		if got := seeder.SmallFor(c.domains, ends, c.refused); got != c.want {
			t.Errorf("of %v after %d refused: %q, not %q", c.domains, c.refused, got, c.want)
		}
	}
}

// For a donor whose town's number the pool lacks another with a number comes,
// until enough were turned away; then any number will do, and sooner the next time.
func TestTurnedAway(t *testing.T) {
	served := seeder.TurnAway(8, []bool{true, false, false, true})
	if want := []int{0, 8, 4, 0}; !slices.Equal(served, want) {
		t.Errorf("turned away %v, not %v", served, want)
	}
}

// A table without countries is not taken for one whose domains are all at home.
func TestNoCountries(t *testing.T) {
	t.Parallel()
	desk, err := helpdesk.New(helpdesk.Config{Customers: 4000, Seed: 9, From: until().AddDate(-4, 0, 0), To: until()})
	if err != nil {
		t.Fatal(err)
	}
	most := map[bool]int{}
	for _, told := range []bool{true, false} {
		var people []persona.Person
		n := 0
		for c := range desk.Customers() {
			p := persona.Person{First: c.FirstName, Last: c.LastName, Email: c.Email, Country: c.Country}
			if n++; n <= 600 { // a hundred domains of one to eleven
				p.Email = fmt.Sprintf("%s@firm%d.example", strings.ToLower(p.First), int(math.Sqrt(float64(n)*20)))
			}
			if !told {
				p.Country = ""
			}
			people = append(people, p)
		}
		mix, err := persona.Learn(people)
		if err != nil {
			t.Fatal(err)
		}
		most[told] = seeder.MostAt(mix)
	}
	if most[true] != most[false] || most[false] <= 5 {
		t.Errorf("at most %d canaries at a domain where countries are told, else %d", most[true], most[false])
	}
}
