package persona_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"saltmine/seeder/persona"
)

// Mailboxes of people whom the sample does not have get personas who agree
// with their addresses as much as the mailboxes' real owners did, and come
// from the same countries.
func TestFitLikeOwners(t *testing.T) {
	t.Parallel()
	people := customers(t, 10_000)
	at := map[string]int{}
	domain := func(p persona.Person) string { return strings.ToLower(p.Email[strings.Index(p.Email, "@")+1:]) }
	for _, p := range people {
		at[domain(p)]++
	}
	var sample, owners []persona.Person
	for i, p := range people {
		if i%4 == 0 && at[domain(p)] > 60 {
			owners = append(owners, p)
			continue
		}
		sample = append(sample, p)
	}
	m, err := persona.Learn(sample)
	if err != nil {
		t.Fatal(err)
	}
	r := rng(8)
	var fitted, truth []persona.Person
	same := 0
	for _, o := range owners[:1000] {
		id, at, err := m.Fit(r, o.Email, persona.Person{}, sample[:2000])
		if err != nil {
			t.Fatal(err)
		}
		p := sample[at]
		if !strings.EqualFold(id.Email(), o.Email) || strings.EqualFold(id.First+id.Last, p.First+p.Last) {
			t.Fatalf("%d bytes of address changed, or the donor's name", len(o.Email))
		}
		p.First, p.Last, p.Email = id.First, id.Last, id.Email()
		fitted, truth = append(fitted, p), append(truth, o)
		if strings.EqualFold(id.First+id.Last, o.First+o.Last) {
			same++
		}
	}
	t.Logf("%d of %d owners' names were found", same, len(truth))
	var like [2][]float64
	for k, list := range [][]persona.Person{truth, fitted} {
		for _, p := range list {
			like[k] = append(like[k], likeness(p))
		}
	}
	sameCurve(t, "likeness of address and name", like[0], like[1])
	country := func(p persona.Person) string { return p.Country }
	sameMix(t, "countries", kindsOf(truth, country), kindsOf(fitted, country))
	agreeing := func(p persona.Person) string {
		return fmt.Sprint(shape(p), " ", strings.Contains(strings.ToLower(p.Email), strings.ToLower(p.First)), strings.Contains(strings.ToLower(p.Email), strings.ToLower(p.Last)))
	}
	sameMix(t, "agreement", kindsOf(truth, agreeing), kindsOf(fitted, agreeing))
}

func TestFitReads(t *testing.T) {
	t.Parallel()
	m, donors := mix(t), sample()
	for address, want := range map[string]string{
		"dana.whitfield84@gmail.test":  "US Dana Whitfield",
		"juergen_mueller@gmail.test":   "DE Jürgen Müller",
		"schroederanke@gmail.test":     "DE Anke Schröder",
		"dana.whitfield+x@gmail.test":  "",
		"\"dana whitfield\"@mail.test": "",
		"dana":                         "",
	} {
		got := map[string]int{}
		for seed := range uint64(20) {
			id, at, err := m.Fit(rng(seed), address, persona.Person{}, donors)
			if err != nil {
				if !errors.Is(err, persona.ErrAddress) {
					t.Fatal(err)
				}
				continue
			}
			got[donors[at].Country+" "+id.First+" "+id.Last]++
		}
		if want == "" && len(got) > 0 || want != "" && got[want] < 12 {
			t.Errorf("%s: %v", address, got)
		}
	}
}

// Letters that are nobody's name are the name of somebody whom the sample
// lacks, written as names are in his country.
func TestFitUnseen(t *testing.T) {
	t.Parallel()
	m, donors := mix(t), sample()
	for address, want := range map[string]string{
		"dana.zellbrook84@gmail.test":   "US Dana Zellbrook",
		"dzellbrook@gmail.test":         "US D Zellbrook",
		"juergen.schroettke@gmail.test": "DE Jürgen Schröttke",
	} {
		got, all := 0, []string(nil)
		country, name, _ := strings.Cut(want, " ")
		first, last, _ := strings.Cut(name, " ")
		for seed := range uint64(20) {
			id, _, err := m.Fit(rng(seed), address, persona.Person{Country: country}, donors)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, id.First+" "+id.Last)
			if strings.HasPrefix(id.First, first) && strings.EqualFold(id.Last, last) {
				got++
			}
		}
		if got < 12 {
			t.Errorf("%s belongs to %s %d times of 20: %v", address, want, got, all)
		}
	}
}

// The name of the mailbox's owner wins, and so does the country.
func TestFitHint(t *testing.T) {
	t.Parallel()
	m, donors := mix(t), sample()
	for seed := range uint64(20) {
		id, at, err := m.Fit(rng(seed), "sunshine77@gmail.test", persona.Person{Full: "Heike Kuhn"}, donors)
		if err != nil || id.First+id.Last != "HeikeKuhn" || donors[at].Country != "DE" {
			t.Errorf("%s %s of %s, %v", id.First, id.Last, donors[at].Country, err)
		}
		if _, at, err = m.Fit(rng(seed), "dana.whitfield84@gmail.test", persona.Person{Country: "jp"}, donors); err != nil || donors[at].Country != "JP" {
			t.Errorf("a donor of %s, %v", donors[at].Country, err)
		}
	}
	if _, _, err := m.Fit(rng(1), "sunshine77@gmail.test", persona.Person{Country: "FR"}, donors); !errors.Is(err, persona.ErrVariety) {
		t.Errorf("no donor of the country: %v", err)
	}
	if _, _, err := m.Fit(rng(1), donors[3].Email, persona.Person{}, donors); !errors.Is(err, persona.ErrAddress) {
		t.Errorf("a customer's address: %v", err)
	}
}

func FuzzFit(f *testing.F) {
	m, donors := mix(f), sample()
	f.Add("dana.whitfield84@gmail.test")
	f.Add("a.b-c_d.7@x")
	f.Add("@")
	f.Fuzz(func(t *testing.T, address string) {
		id, at, err := m.Fit(rng(1), address, persona.Person{}, donors)
		if err == nil && (at < 0 || at >= len(donors) || !strings.EqualFold(id.Email(), strings.TrimSpace(address))) {
			t.Errorf("%q is given to donor %d as %q", address, at, id.Email())
		}
	})
}
