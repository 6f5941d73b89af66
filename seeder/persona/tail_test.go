package persona_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"saltmine/seeder/persona"
)

// Canaries on owned domains are spread so that their domains have as many rows
// as the table's small domains have.
func TestTailCounts(t *testing.T) {
	t.Parallel()
	people, m := town()
	tail := m.Tail(persona.Person{Country: "US"})
	at := map[string]int{}
	for _, p := range people {
		at[strings.ToLower(p.Email[strings.Index(p.Email, "@"):])]++
	}
	small, rows := []float64{}, 0.0
	for _, p := range people {
		n := at[strings.ToLower(p.Email[strings.Index(p.Email, "@"):])]
		if p.Country == "US" {
			rows++
			if n < max(10, len(people)/500) {
				small = append(small, float64(n))
			}
		}
	}
	if want := float64(len(small)) / rows; math.Abs(tail.Share()-want) > 1e-9 || want < 0.05 {
		t.Errorf("share %.4f, wanted %.4f", tail.Share(), want)
	}
	domains := 0.0
	for _, n := range small {
		domains += 1 / n
	}
	counts := tail.Counts(400, int(400*domains/float64(len(small))))
	var ours []float64
	for _, n := range counts {
		for range n {
			ours = append(ours, float64(n))
		}
	}
	sameCurve(t, "rows at the domain of a row", small, ours)
}

func TestTailCountsAdd(t *testing.T) {
	t.Parallel()
	_, m := town()
	tail := m.Tail(persona.Person{Country: "DE"})
	rapid.Check(t, func(t *rapid.T) {
		n, d := rapid.IntRange(0, 5000).Draw(t, "canaries"), rapid.IntRange(0, 500).Draw(t, "domains")
		for _, tail := range []persona.Tail{tail, {}} {
			counts, sum := tail.Counts(n, d), 0
			for _, c := range counts {
				sum += c
			}
			if len(counts) != d || sum != n && d > 0 || !slices.IsSortedFunc(counts, func(a, b int) int { return b - a }) || d > 0 && counts[d-1] < 0 {
				t.Fatalf("%d canaries on %d domains: %v", n, d, counts)
			}
		}
	})
}

// From a quarter of the table it is known how large its small domains are.
func TestTailOfASample(t *testing.T) {
	t.Parallel()
	people, whole := town()
	l := persona.NewLearner(rng(2), 5000)
	for _, p := range people {
		l.Add(p)
	}
	m, err := l.Mix(0)
	if err != nil {
		t.Fatal(err)
	}
	who := persona.Person{Country: "US"}
	a, b := whole.Tail(who).Counts(300, 250), m.Tail(who).Counts(300, 250)
	used := func(counts []int) int {
		return 250 - len(slices.DeleteFunc(slices.Clone(counts), func(n int) bool { return n > 0 }))
	}
	t.Logf("on %d domains, most %v; by the sample on %d, most %v", used(a), a[:8], used(b), b[:8])
	if x, y := used(a), used(b); x > y*3/2 || y > x*3/2 {
		t.Errorf("on %d domains, by a sample on %d", x, y)
	}
}

func TestProviders(t *testing.T) {
	t.Parallel()
	_, m := town()
	us, de := m.Providers(persona.Person{Country: "US"}), m.Providers(persona.Person{Country: "DE"})
	if us["gmail.com"] < 0.35 || us["gmail.com"] > 0.48 || de["web.de"] < 0.05 || us["web.de"] > 0 {
		t.Errorf("%v, %v", us, de)
	}
}

// One very large domain among the small ones does not hide that some of the
// others have a few rows each: canaries are spread as these are.
func TestTailWithOneLarge(t *testing.T) {
	t.Parallel()
	people := customers(t, 12_000)
	next := 0
	put := func(rows int, domain string) {
		for range rows {
			people[next].Email = people[next].Email[:strings.Index(people[next].Email, "@")] + "@" + domain
			next++
		}
	}
	for i := range 1000 {
		put(1, fmt.Sprintf("one%d.example", i))
	}
	for i := range 60 {
		put(2+i%6, fmt.Sprintf("some%d.example", i))
	}
	put(20, "many.example")
	for next < len(people) {
		put(min(2000, len(people)-next), fmt.Sprintf("provider%d.example", next))
	}
	l := persona.NewLearner(nil, len(people))
	for _, p := range people {
		l.Add(p)
	}
	for _, all := range []int{12_000, 120_000} {
		m, err := l.Mix(all)
		if err != nil {
			t.Fatal(err)
		}
		tail := m.Tail(persona.Person{})
		for n := 100; n < 180; n++ {
			counts, alone := tail.Counts(n, 200), 0
			for _, c := range counts {
				if c == 1 {
					alone++
				}
			}
			if alone < n/2 || counts[0] < 3 {
				t.Fatalf("of %d rows: %d of %d canaries are alone at their domains: %v", all, alone, n, counts[:20])
			}
		}
	}
}
