package persona_test

import (
	"fmt"
	"strings"
	"testing"

	"saltmine/seeder/persona"
)

// Digits of an address are a year of birth as often as in the table, and never
// a year in which nobody there was born.
func TestBirthOfAnAddress(t *testing.T) {
	t.Parallel()
	people := customers(t, 4000)
	for i := range people {
		p := &people[i]
		p.Born = 1950 + i/2%40
		digits := fmt.Sprint(p.Born % 100)
		if i%2 == 0 {
			digits = fmt.Sprintf("%02d", i/80%100)
		}
		p.Email = strings.ToLower(p.First[:1]) + "mail" + digits + "@mail.example"
	}
	m, err := persona.Learn(people)
	if err != nil {
		t.Fatal(err)
	}
	r := rng(4)
	who := people[0]
	moved := 0
	for i := range 2000 {
		digits := i % 100
		who.Born = 1950 + i%40
		born := m.Birth(r, fmt.Sprintf("kmail%02d@mail.example", digits), who)
		if born < 1950 || born > 1989 {
			t.Fatalf("born in %d of the digits %02d", born, digits)
		}
		if born != who.Born && born%100 != digits {
			t.Fatalf("born in %d of the digits %02d", born, digits)
		}
		if digits >= 50 && digits < 90 && born%100 == digits {
			moved++
		}
	}
	if moved < 400 || moved > 790 { // of 800 that could; two in three have their year there
		t.Errorf("%d of 800 were born in the year of the address", moved)
	}
}
