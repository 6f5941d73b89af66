package seeder_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"saltmine/internal/forensics"
	"saltmine/internal/helpdesk"
	"saltmine/internal/inventory"
	"saltmine/seeder"
	"saltmine/seeder/persona"
)

// The number of own domains that are met twice or more in an extract of 68,000
// of 12,000,000 rows is what the pool's outlook says, and within one deviation
// of what plan says for as many domains that carry equally many.
func TestDomainsMetTwice(t *testing.T) {
	t.Parallel()
	desk, err := helpdesk.New(helpdesk.Config{Customers: 20_000, Seed: 9, From: until().AddDate(-4, 0, 0), To: until()})
	if err != nil {
		t.Fatal(err)
	}
	l := persona.NewLearner(nil, 20_000)
	for c := range desk.Customers() {
		l.Add(persona.Person{First: c.FirstName, Last: c.LastName, Email: c.Email, Country: c.Country, Language: c.Language, Created: c.Created})
	}
	mix, err := l.Mix(12_000_000)
	if err != nil {
		t.Fatal(err)
	}
	tail := mix.Tail(persona.Person{})
	rng := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct{ own, domains int }{{6000, 100}, {6000, 50}, {2000, 500}, {1000, 40}, {60_000, 2000}} {
		start := time.Now()
		counts := seeder.Tame(tail.Counts(c.own, c.domains))
		total, used := 0, 0
		for _, n := range counts {
			total += n
			if n > 0 {
				used++
			}
		}
		o := inventory.Stock{Own: total, Domains: used, Counts: counts, Extract: inventory.Largest}.Outlook()
		plan := forensics.Repeats(float64(c.own)*inventory.Largest, c.domains)
		const extracts = 400
		sum, above := 0, 0
		for range extracts {
			n := metTwice(rng, counts, inventory.Largest)
			sum += n
			if float64(n) > plan+3*math.Sqrt(plan)+1 {
				above++
			}
		}
		got := float64(sum) / extracts
		t.Logf("%d canaries on %d domains, %d used: plan says %.2f, the outlook %.2f, met %.2f (%s)", c.own, c.domains, used, plan, o.Repeats, got, time.Since(start))
		if total != c.own || math.Abs(got-o.Repeats) > 4*math.Sqrt((o.Repeats+0.05)/extracts) {
			t.Errorf("%d canaries on %d domains: %.2f are met twice, the outlook says %.2f", total, c.domains, got, o.Repeats)
		}
		if even := forensics.Repeats(float64(c.own)*inventory.Largest, len(counts)); o.Repeats > even+math.Sqrt(even)+1e-9 || above > extracts/20 {
			t.Errorf("%d canaries on %d domains: the outlook says %.2f, plan %.2f; %d of %d extracts have many more", c.own, c.domains, o.Repeats, plan, above, extracts)
		}
	}
}

// metTwice draws an extract, and counts the domains that are in it twice or more.
func metTwice(rng *rand.Rand, counts []int, part float64) (domains int) {
	for _, n := range counts {
		met := 0
		for range n {
			if rng.Float64() < part {
				met++
			}
		}
		if met > 1 {
			domains++
		}
	}
	return domains
}
