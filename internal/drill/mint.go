package drill

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// Names that are common in many countries: addresses made of them look like any
// customer's.
const (
	firsts = "anna ben carla daniel elena felix grace henrik ines jonas karin liam maria nina oscar paula quentin rosa simon tara ursula victor wanda xavier yvonne zoe adam bella colin dora erik fiona gregor hanna ivan julia kevin laura martin nora"
	lasts  = "abel becker carter dalton ellis fischer garner holm irving jansen keller lindner moser novak olsen porter quinn richter sander thorne ulrich vance weber yates zeller archer bolton curtis dorn ewing frost greco hahn isler jordan klein lange marsh nash otto"
)

// Address draws an address at a domain that the rule of acceptance takes and that
// nobody uses yet, and leaves room for a mark behind a plus sign. Of a few
// thousand one or more always pass; ok is false when none did.
func Address(rng *rand.Rand, domain string, passes func(local, domain string) bool, used func(email string) bool) (email string, ok bool) {
	const most = 20_000
	first, last := strings.Fields(firsts), strings.Fields(lasts)
	for range most {
		a, b := first[rng.IntN(len(first))], last[rng.IntN(len(last))]
		local := [...]string{a + "." + b, a + b, a[:1] + b, a[:1] + "." + b, b + "." + a}[rng.IntN(5)]
		if rng.IntN(3) > 0 {
			local += fmt.Sprintf("%02d", rng.IntN(100))
		}
		if email = local + "@" + domain; passes(local, domain) && !used(email) {
			return email, true
		}
	}
	return "", false
}

// Number draws a number under the country code 999, which is no country's: nobody
// can be called, and no provider gives it out.
func Number(rng *rand.Rand) string { return fmt.Sprintf("+999%09d", rng.IntN(1_000_000_000)) }
