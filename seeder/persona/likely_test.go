package persona_test

import (
	"testing"

	"saltmine/seeder/persona"
)

// An address that is a name of one country is likely there and nowhere else.
func TestLikely(t *testing.T) {
	t.Parallel()
	m := mix(t)
	us, de := persona.Person{Country: "US", Language: "en"}, persona.Person{Country: "DE", Language: "de"}
	for address, want := range map[string][2]persona.Person{"dana.whitfield84@gmail.test": {us, de}, "juergen_mueller@gmail.test": {de, us}} {
		if there, elsewhere := m.Likely(address, want[0], false), m.Likely(address, want[1], false); there < elsewhere+2 {
			t.Errorf("%s: %.1f in its own country, %.1f in the other", address, there, elsewhere)
		}
	}
}

func TestAgrees(t *testing.T) {
	t.Parallel()
	m := mix(t)
	who := persona.Person{First: "Dana", Last: "Whitfield", Country: "US", Language: "en"}
	for address, want := range map[string]bool{
		"dana.whitfield84@gmail.test": true, "whitfield.d@gmail.test": true, "xqzzzkw@gmail.test": true, "juergen.mueller@gmail.test": false,
	} {
		if m.Agrees(address, who) != want {
			t.Errorf("%s agrees with %s %s: %v", address, who.First, who.Last, !want)
		}
	}
}
