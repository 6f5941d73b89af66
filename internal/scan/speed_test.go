package scan_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"saltmine/internal/scan"
)

// prose is plain text without any number.
func prose(size int) []byte {
	rng := rand.New(rand.NewPCG(5, 3))
	var b []byte
	for len(b) < size {
		b = append(append(b, word(rng)...), " .,\n"[[]int{0, 0, 0, 0, 0, 1, 2, 3}[rng.IntN(8)]])
		if rng.IntN(60) == 0 {
			b = fmt.Appendf(b, " %s@%s.org %d ", word(rng), word(rng), rng.IntN(100_000))
		}
	}
	return b
}

// BenchmarkScan looks for a million tokens in a dump as SQL and in plain text.
func BenchmarkScan(b *testing.B) {
	list := book(b, crowd(1_000_000)...)
	for name, text := range map[string][]byte{"sql": dump(64<<20, 1), "prose": prose(64 << 20)} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				r := scan.Scan(b.Context(), list, bytes.NewReader(text), scan.Limits{}, nil)
				if len(r.Faults) > 0 {
					b.Fatal(r.Faults)
				}
				b.ReportMetric(float64(len(r.Finds)), "finds")
			}
		})
	}
}
