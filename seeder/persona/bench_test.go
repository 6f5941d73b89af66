package persona_test

import (
	"errors"
	"testing"

	"saltmine/internal/token"
	"saltmine/seeder/persona"
)

// BenchmarkCanary draws one canary's address and its 99 placebos.
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
			pool := persona.Pool{Domains: []string{"example.net"}, Accept: accept}
			r, i := rng(1), 0
			b.ReportAllocs()
			for b.Loop() {
				i++
				donor := people[i%len(people)]
				_, err := m.Identity(r, donor, pool)
				_, placebos := m.Identities(r, donor, pool, 99)
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
