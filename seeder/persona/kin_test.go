package persona_test

import (
	"fmt"
	"strings"
	"testing"

	"saltmine/seeder/persona"
)

// Among domains of ours those are preferred whose names are like the table's
// small ones, and of these a country each is known.
func TestKinship(t *testing.T) {
	t.Parallel()
	people := customers(t, 3000)
	words := strings.Fields("oak elm ash fir yew box fig nut")
	n := 0
	for k := range 300 {
		domain, country := fmt.Sprintf("%s-%s%02d.de", words[k%8], words[k/8%8], k%100), "DE"
		if k%3 == 0 {
			domain, country = fmt.Sprintf("%s%s%03d.co.uk", words[k%8], words[k/8%8], k), "GB"
		}
		for range 1 + k%4 {
			people[n].Country = country
			people[n].Email = people[n].Email[:strings.IndexByte(people[n].Email, '@')+1] + domain
			n++
		}
	}
	for i := n; i < len(people); i++ { // all others are at two providers
		people[i].Email = fmt.Sprintf("somebody%d@mail%d.example", i, i%2)
	}
	m, err := persona.Learn(people)
	if err != nil {
		t.Fatal(err)
	}
	kin := m.Kinship([]string{"ivy-oak12.de", "ivyoak123.co.uk", "avery-longnameofadomain.de", "ivy-oak12.example"})
	if kin[0] < 3*kin[2] || kin[0] < 3*kin[3] || kin[1] < 3*kin[3] {
		t.Errorf("kinship %.2f", kin)
	}
	if home := m.AtHome(); home < 0.99 {
		t.Errorf("two people at a domain are of one country with %.2f", home)
	}
	if shares := m.SmallShares(); shares["DE"] < 1.5*shares["GB"] || shares["DE"]+shares["GB"] < 0.99 {
		t.Errorf("shares %v", shares)
	}
	few, part := m.Tail(persona.Person{}).UpTo(2)
	if rows := 1 + 2 + 3 + 4.0; part < 3/rows-0.01 || part > 3/rows+0.01 {
		t.Errorf("%.3f of the rows at domains of one or two", part)
	}
	for _, n := range few.Counts(60, 60) {
		if n > 2 {
			t.Errorf("a domain with %d canaries among those with two at most", n)
		}
	}
	for i := range people {
		people[i].Country = []string{"DE", "GB", "FR"}[i%3]
	}
	if m, err = persona.Learn(people); err != nil || m.AtHome() > 0.5 {
		t.Errorf("without countries at home: %.2f (%v)", m.AtHome(), err)
	}
}
