package persona_test

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"saltmine/internal/helpdesk"
	"saltmine/seeder/persona"
)

// customers are those of a help desk that is made up, but believable.
func customers(t testing.TB, n int) []persona.Person {
	t.Helper()
	desk, err := helpdesk.New(helpdesk.Config{Customers: n, Seed: 7, From: time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2025, 11, 1, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	out := make([]persona.Person, 0, n)
	for c := range desk.Customers() {
		p := persona.Person{First: c.FirstName, Last: c.LastName, Email: c.Email, Country: c.Country, Language: c.Language, Created: c.Created}
		if c.Phone != nil {
			p.Phone = *c.Phone
		}
		out = append(out, p)
	}
	return out
}

// town is one such help desk, learned once for all tests.
var town = sync.OnceValues(func() ([]persona.Person, *persona.Mix) {
	people := customers(&testing.T{}, 12_000)
	m, err := persona.Learn(people)
	if err != nil {
		panic(err)
	}
	return people, m
})

// copies draws a canary for every step-th customer, at the customer's domain.
func copies(t *testing.T, m *persona.Mix, people []persona.Person, step int) (donors, made []persona.Person) {
	t.Helper()
	r := rng(11)
	for i := 0; i < len(people); i += step {
		donor := people[i]
		_, domain, _ := strings.Cut(strings.ToLower(donor.Email), "@")
		id, err := m.Identity(r, donor, persona.Pool{Domains: []string{domain}, Accept: func(string, string) bool { return true }})
		if err != nil {
			t.Fatal(err)
		}
		p := donor
		p.First, p.Last, p.Email = id.First, id.Last, id.Written
		donors, made = append(donors, donor), append(made, p)
	}
	return donors, made
}

// sameMix fails when two samples fall into kinds differently: Pearson's test of
// homogeneity, kinds with fewer than ten put together, at four standard
// deviations of the chi-square distribution.
func sameMix(t *testing.T, what string, a, b []string) {
	t.Helper()
	count := map[string]*[2]float64{}
	for k, list := range [][]string{a, b} {
		for _, kind := range list {
			if count[kind] == nil {
				count[kind] = new([2]float64)
			}
			count[kind][k]++
		}
	}
	var rest [2]float64
	kinds := map[string][2]float64{}
	for kind, n := range count {
		if n[0]+n[1] < 10 {
			rest[0], rest[1] = rest[0]+n[0], rest[1]+n[1]
			continue
		}
		kinds[kind] = *n
	}
	if rest[0]+rest[1] >= 10 {
		kinds["(rest)"] = rest
	}
	chi, worst, most := 0.0, "", 0.0
	na, nb := float64(len(a)), float64(len(b))
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		n := kinds[kind]
		d := math.Sqrt(nb/na)*n[0] - math.Sqrt(na/nb)*n[1]
		x := d * d / (n[0] + n[1])
		if chi += x; x > most {
			worst, most = fmt.Sprintf("%q: %v against %v", kind, n[0], n[1]), x
		}
	}
	df := float64(max(len(kinds)-1, 1))
	limit := df + 4*math.Sqrt(2*df)
	t.Logf("%s: %d kinds, chi-square %.0f, limit %.0f, worst %s", what, len(kinds), chi, limit, worst)
	if chi > limit {
		t.Errorf("%s: chi-square %.0f of %.0f degrees of freedom, at most %.0f wanted; %s", what, chi, df, limit, worst)
	}
}

// sameCurve fails when two samples of numbers are distributed differently:
// Kolmogorov and Smirnov's distance, at about one in a thousand.
func sameCurve(t *testing.T, what string, a, b []float64) {
	t.Helper()
	slices.Sort(a)
	slices.Sort(b)
	far, i, j := 0.0, 0, 0
	for i < len(a) && j < len(b) {
		x := min(a[i], b[j])
		for i < len(a) && a[i] == x {
			i++
		}
		for j < len(b) && b[j] == x {
			j++
		}
		far = max(far, math.Abs(float64(i)/float64(len(a))-float64(j)/float64(len(b))))
	}
	limit := 1.95 * math.Sqrt(1/float64(len(a))+1/float64(len(b)))
	t.Logf("%s: distance %.3f, limit %.3f", what, far, limit)
	if far > limit {
		t.Errorf("%s: distance %.3f, at most %.3f wanted", what, far, limit)
	}
}

func kindsOf(people []persona.Person, kind func(persona.Person) string) []string {
	var out []string
	for _, p := range people {
		out = append(out, kind(p))
	}
	return out
}

// shape writes a for a run of letters and 9 for each digit.
func shape(p persona.Person) string {
	local, _, _ := strings.Cut(p.Email, "@")
	var b strings.Builder
	for _, r := range local {
		switch {
		case unicode.IsDigit(r):
			b.WriteByte('9')
		case !unicode.IsLetter(r):
			b.WriteRune(r)
		case !strings.HasSuffix(b.String(), "a"):
			b.WriteByte('a')
		}
	}
	return b.String()
}

// likeness is how much of a name's letter pairs an address has.
func likeness(p persona.Person) float64 {
	local, _, _ := strings.Cut(strings.ToLower(p.Email), "@")
	name := strings.ToLower(p.First + " " + p.Last)
	have, all := 0, 0
	for i := 0; i+2 <= len(name); i++ {
		if pair := name[i : i+2]; !strings.Contains(pair, " ") {
			all++
			if strings.Contains(local, pair) {
				have++
			}
		}
	}
	return float64(have) / float64(max(all, 1))
}

func TestAddressesLikeTheTables(t *testing.T) {
	t.Parallel()
	people, m := town()
	donors, made := copies(t, m, people, 3)
	sameMix(t, "shapes", kindsOf(donors, shape), kindsOf(made, shape))
	byCountry := func(p persona.Person) string { return p.Country + " " + shape(p) }
	sameMix(t, "shapes by country", kindsOf(donors, byCountry), kindsOf(made, byCountry))
	byDomain := func(p persona.Person) string {
		_, domain, _ := strings.Cut(strings.ToLower(p.Email), "@")
		if strings.ContainsAny(domain, "-") {
			domain = "small"
		}
		return domain + " " + shape(p)
	}
	sameMix(t, "shapes by provider", kindsOf(donors, byDomain), kindsOf(made, byDomain))
	digits := func(p persona.Person) string {
		return strings.Trim(strings.Map(func(r rune) rune {
			if unicode.IsDigit(r) {
				return r
			}
			return -1
		}, p.Email), " ")
	}
	sameMix(t, "digits", kindsOf(donors, digits), kindsOf(made, digits))
	var length, like [2][]float64
	for k, list := range [][]persona.Person{donors, made} {
		for _, p := range list {
			local, _, _ := strings.Cut(p.Email, "@")
			length[k], like[k] = append(length[k], float64(len(local))), append(like[k], likeness(p))
		}
	}
	sameCurve(t, "length", length[0], length[1])
	sameCurve(t, "likeness of address and name", like[0], like[1])
}

// How many other customers have a canary's name is distributed as it is for
// customers; so for first and last names.
func TestNamesAsFrequentAsTheTables(t *testing.T) {
	t.Parallel()
	people, m := town()
	donors, made := copies(t, m, people, 3)
	for what, key := range map[string]func(persona.Person) string{
		"full names":  func(p persona.Person) string { return strings.ToLower(p.First + "|" + p.Last) },
		"first names": func(p persona.Person) string { return strings.ToLower(p.First) },
		"last names":  func(p persona.Person) string { return strings.ToLower(p.Last) },

		"first names in the country": func(p persona.Person) string { return p.Country + strings.ToLower(p.First) },
		"last names in the country":  func(p persona.Person) string { return p.Country + strings.ToLower(p.Last) },
	} {
		count := map[string]int{}
		for _, p := range people {
			count[key(p)]++
		}
		others := func(less int) func(persona.Person) string {
			return func(p persona.Person) string {
				n := count[key(p)] - less
				if n < 5 {
					return fmt.Sprint(n)
				}
				return fmt.Sprintf("about %.0f", math.Exp2(math.Floor(math.Log2(float64(n)))))
			}
		}
		sameMix(t, what, kindsOf(people, others(1)), kindsOf(made, others(0)))
	}
	typed := func(p persona.Person) string {
		return fmt.Sprint(p.First == strings.ToLower(p.First), p.First == strings.ToUpper(p.First), p.Last == strings.ToLower(p.Last), p.Last == strings.ToUpper(p.Last), strings.Contains(p.Last, " "), strings.Contains(p.Last, "-"))
	}
	sameMix(t, "ways of typing", kindsOf(donors, typed), kindsOf(made, typed))
	ends := func(p persona.Person) string {
		if p.Country != "PL" {
			return "abroad"
		}
		return fmt.Sprint(strings.HasSuffix(p.First, "a"), strings.HasSuffix(p.Last, "ski") || strings.HasSuffix(p.Last, "cki"), strings.HasSuffix(p.Last, "ska") || strings.HasSuffix(p.Last, "cka"))
	}
	sameMix(t, "agreement of Polish names", kindsOf(donors, ends), kindsOf(made, ends))
}

// A sample of a quarter of the table is enough to know how many names stand
// alone in the table.
func TestNamesOfASample(t *testing.T) {
	t.Parallel()
	people, _ := town()
	l := persona.NewLearner(rng(2), 2500)
	for _, p := range people {
		l.Add(p)
	}
	m, err := l.Mix(0)
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	key := func(p persona.Person) string { return strings.ToLower(p.First + "|" + p.Last) }
	for _, p := range people {
		count[key(p)]++
	}
	donors, made := copies(t, m, people, 6)
	share := func(list []persona.Person, alone int) float64 {
		n := 0.0
		for _, p := range list {
			if count[key(p)] == alone {
				n++
			}
		}
		return n / float64(len(list))
	}
	if have, want := share(made, 0), share(donors, 1); have < want-0.06 || have > want+0.06 {
		t.Errorf("%.3f of the canaries have a name that nobody has, of the customers %.3f", have, want)
	}
}

// At a domain that is a last name as many people have it as in the table.
func TestAtHome(t *testing.T) {
	t.Parallel()
	people, m := town()
	share := func(list []persona.Person) float64 {
		at, own := 0.0, 0.0
		for _, p := range list {
			_, domain, _ := strings.Cut(strings.ToLower(p.Email), "@")
			if label, _, _ := strings.Cut(domain, "."); label == "smith" || label == "schmidt" || label == "durand" || label == "johnson" {
				at++
				if strings.EqualFold(p.Last, label) {
					own++
				}
			}
		}
		t.Logf("%v of %v", own, at)
		return own / at
	}
	r := rng(7)
	var made []persona.Person
	for i := range 400 {
		id, err := m.Identity(r, people[i], persona.Pool{Domains: []string{"smith.test", "johnson.test"}, Accept: every(2)})
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, persona.Person{First: id.First, Last: id.Last, Email: id.Email()})
	}
	if have, want := share(made), share(people); math.Abs(have-want) > 0.15 {
		t.Errorf("%.2f have the name of their domain, of the customers %.2f", have, want)
	}
}
