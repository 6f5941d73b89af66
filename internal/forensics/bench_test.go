package forensics_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/forensics"
)

// BenchmarkLists: 1,000 extracts that name the 500 canaries they held.
func BenchmarkLists(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1)) // a test's dice
	w := makeWorld(r, 5000, 1000, 20)
	for i := range w.extracts {
		var held []int
		for range 500 {
			held = append(held, r.IntN(5000))
		}
		w.extracts[i] = extract(string(w.extracts[i].ID), "a", w.extracts[i].Taken, held...)
	}
	for b.Loop() {
		forensics.Trace(w.question())
	}
}

// BenchmarkSegments: 50,000 extracts known by place and segment, 12,000
// canaries with five windows each, 200 hits.
func BenchmarkSegments(b *testing.B) {
	w := makeWorld(rand.New(rand.NewPCG(1, 2)), 12_000, 50_000, 200) // a test's dice
	for b.Loop() {
		forensics.Trace(w.question())
	}
}

// BenchmarkIntervals: the same where nobody knows exactly when extracts were taken.
func BenchmarkIntervals(b *testing.B) {
	w := makeWorld(rand.New(rand.NewPCG(1, 3)), 12_000, 50_000, 200) // a test's dice
	for i := range w.extracts {
		t := w.extracts[i].Taken.Latest
		w.extracts[i].Taken = canary.Between(t.Add(-24*time.Hour), t)
	}
	for b.Loop() {
		forensics.Trace(w.question())
	}
}
