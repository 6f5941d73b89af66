package persona_test

import (
	"errors"
	"fmt"
	"testing"

	"saltmine/internal/token"
	"saltmine/seeder/persona"
)

// BenchmarkCanary draws one canary's address and its 99 placebos, on a hundred
// domains that fill up.
func BenchmarkCanary(b *testing.B) {
	people := customers(b, 20_000)
	m, err := persona.Learn(people)
	if err != nil {
		b.Fatal(err)
	}
	rule, err := token.NewRule([]byte("0123456789abcdef"), 64)
	if err != nil {
		b.Fatal(err)
	}
	for name, accept := range map[string]func(string, string) bool{"rule": rule.Passes, "draws alone": every(64)} {
		b.Run(name, func(b *testing.B) {
			r, i := rng(1), 0
			control, taken := m.Placebos(r, accept), map[string]bool{}
			b.ReportAllocs()
			for b.Loop() {
				i++
				donor := people[i%len(people)]
				domain := fmt.Sprintf("d%d.example", i%100)
				_, err := m.Identity(r, donor, persona.Pool{Domains: []string{domain}, Accept: accept})
				emails, placebos := control.Draw(donor, domain, 99, func(email string) bool { return !taken[email] })
				for _, email := range emails {
					taken[email] = true
				}
				if err := errors.Join(err, placebos); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// every accepts one in n, without looking.
func every(n int) func(string, string) bool {
	i := 0
	return func(string, string) bool { i++; return i%n == 0 }
}

func BenchmarkLearn(b *testing.B) {
	people := customers(b, 20_000)
	for b.Loop() {
		if _, err := persona.Learn(people); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRule(b *testing.B) {
	rule, err := token.NewRule([]byte("0123456789abcdef"), 64)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		for range 6400 {
			rule.Passes("dana.whitfield84", "example.net")
		}
	}
}
