package persona_test

import (
	"fmt"
	"testing"

	"saltmine/seeder/persona"
)

// aged is a table whose first names tell of an age, or do not.
func aged(t *testing.T, told bool) *persona.Mix {
	t.Helper()
	firsts := []string{"Ann", "Bob", "Cleo", "Dan", "Eve"}
	x := persona.NewLearner(nil, 2000)
	for i := range 2000 {
		name, country, end := firsts[i%5], "GB", "co.uk"
		if i%4 == 0 {
			country, end = "DE", "de"
		}
		born := 1940 + i*7%61
		if told {
			born = 1940 + 12*(i%5) + i/5%10
		}
		last := fmt.Sprintf("Field%c%c", 'a'+rune(i%26), 'a'+rune(i/26%26))
		domain := "mail.test"
		if i%8 < 2 {
			domain = fmt.Sprintf("shop%d.%s", i, end)
		}
		x.Add(persona.Person{First: name, Last: last, Email: fmt.Sprintf("%s%d@%s", name, i, domain), Country: country, Born: born})
	}
	m, err := x.Mix(2000)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Who is given another first name keeps his age where names tell of none, and
// takes that of a namesake where they do.
func TestBornAs(t *testing.T) {
	t.Parallel()
	for _, told := range []bool{false, true} {
		m, same, fits := aged(t, told), 0, 0
		for i := range 200 {
			who := persona.Person{First: "Ann", Last: "Field", Country: "GB", Born: 1990}
			born := m.BornAs(rng(uint64(i)), who, "Bob")
			if born == who.Born {
				same++
			}
			if born >= 1952 && born < 1962 {
				fits++
			}
		}
		if told && fits < 150 || !told && same < 100 {
			t.Errorf("names tell: %t; %d of 200 keep their year, %d are as old as their namesakes", told, same, fits)
		}
	}
}

// The ends of small domains are those of the country.
func TestEndings(t *testing.T) {
	t.Parallel()
	m := aged(t, false)
	for country, end := range map[string]string{"GB": "co.uk", "DE": "de"} {
		if got := m.Endings(persona.Person{Country: country}); len(got) != 1 || got[end] < 0.99 {
			t.Errorf("small domains of %s end in %v", country, got)
		}
	}
	for domain, want := range map[string]string{"a.co.uk": "co.uk", "mail.firm.de": "de", "firm.com": "com", "x.firm.com.au": "com.au"} {
		if got := persona.Ending(domain); got != want {
			t.Errorf("%s ends in %s", domain, got)
		}
	}
}
