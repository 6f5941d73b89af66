package forensics_test

import (
	"math/rand/v2"
	"runtime"
	"runtime/metrics"
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

// BenchmarkMillion: a million extracts known by place and segment. It tells the most
// memory that was taken, with the question and what was not yet collected.
func BenchmarkMillion(b *testing.B) {
	w := makeWorld(rand.New(rand.NewPCG(1, 2)), 12_000, 1_000_000, 200) // a test's dice
	runtime.GC()
	most := make(chan uint64)
	done := make(chan struct{})
	go func() {
		var peak uint64
		sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		for {
			metrics.Read(sample)
			peak = max(peak, sample[0].Value.Uint64())
			select {
			case <-done:
				most <- peak
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	for b.Loop() {
		forensics.Trace(w.question())
	}
	close(done)
	b.ReportMetric(float64(<-most)/(1<<20), "MB-peak")
}
