package persona_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"saltmine/internal/token"
	"saltmine/seeder/persona"
)

// grammar counts local parts by their form.
func grammar(into map[string]float64, local string) {
	digits := len(local) - len(strings.TrimRight(local, "0123456789"))
	gap := strings.IndexAny(local, "._-")
	kind := "plain"
	if gap >= 0 {
		kind = local[gap : gap+1]
	}
	into[fmt.Sprintf("%s, %d digits, %d long", kind, digits, len(local)/6)]++
}

// Placebos are written as addresses that are drawn each for itself.
func TestPlacebosAreOfTheSameGrammar(t *testing.T) {
	t.Parallel()
	people, m := town()
	rule, err := token.NewRule([]byte("0123456789abcdef"), 8)
	if err != nil {
		t.Fatal(err)
	}
	r := rng(4)
	control := m.Placebos(r, rule.Passes)
	alone, given, all := map[string]float64{}, map[string]float64{}, 0.0
	for i := range 60 {
		donor, domain := people[i*197], fmt.Sprintf("own%d.example", i)
		ids, err := m.Identities(r, donor, persona.Pool{Domains: []string{domain}, Accept: rule.Passes}, 99)
		if err != nil {
			t.Fatal(err)
		}
		emails, err := control.Draw(donor, domain, len(ids), func(string) bool { return true })
		if err != nil {
			t.Fatal(err)
		}
		for k := range ids {
			local, _, _ := strings.Cut(emails[k], "@")
			grammar(given, local)
			grammar(alone, ids[k].Local)
			all++
		}
	}
	off := 0.0
	for kind := range alone {
		off += math.Abs(alone[kind]-given[kind]) / all / 2
	}
	if off > 0.03 {
		t.Errorf("%.3f of the placebos are written otherwise:\nalone %v\ngiven %v", off, alone, given)
	}
}

// As a domain fills up, placebos stay cheap: the rule is asked as often for each
// of them, and none comes twice.
func TestPlacebosOfAFullDomain(t *testing.T) {
	t.Parallel()
	people, m := town()
	rule, err := token.NewRule([]byte("0123456789abcdef"), 16)
	if err != nil {
		t.Fatal(err)
	}
	asked, taken := 0, map[string]bool{}
	control := m.Placebos(rng(4), func(local, domain string) bool { asked++; return rule.Passes(local, domain) })
	for range 60 {
		emails, err := control.Draw(people[0], "example.net", 99, func(email string) bool { return !taken[email] })
		if err != nil {
			t.Fatal(err)
		}
		for _, email := range emails {
			canon, err := token.Canon("email", email)
			local, _, _ := strings.Cut(email, "@")
			if err != nil || canon != email || taken[email] || !rule.Passes(local, "example.net") {
				t.Fatalf("an address of %d bytes, taken before %v: %v", len(email), taken[email], err)
			}
			taken[email] = true
		}
	}
	if each := float64(asked) / float64(len(taken)); each > 1.2*16 {
		t.Errorf("the rule was asked %.0f times for each placebo", each)
	}
}

// A few people with one name and one style have few addresses; those come with
// the error, and a wider group has more.
func TestPlacebosRunDry(t *testing.T) {
	t.Parallel()
	people := sample()
	for i := range 60 {
		people = append(people, persona.Person{First: "Jan", Last: "Berg", Email: fmt.Sprintf("jan.berg@d%d.test", i), Country: "XX"})
	}
	m, err := persona.Learn(people)
	if err != nil {
		t.Fatal(err)
	}
	who, taken := people[len(people)-1], map[string]bool{}
	control := m.Placebos(rng(1), every(3))
	draw := func() error {
		some, err := control.Draw(who, "x.test", 600, func(email string) bool { return !taken[email] })
		for _, email := range some {
			taken[email] = true
		}
		return err
	}
	if err := draw(); !errors.Is(err, persona.ErrVariety) || len(taken) < 200 || len(taken) > 400 {
		t.Fatalf("%d of one name: %v", len(taken), err)
	}
	if !who.Widen() {
		t.Fatal("there is no wider group")
	}
	if err := draw(); err != nil {
		t.Errorf("of all: %v", err)
	}
}
