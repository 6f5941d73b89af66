package scan_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"saltmine/internal/scan"
)

// prose is plain text with few numbers.
func prose(size int) []byte {
	rng := rand.New(rand.NewPCG(5, 3))
	var b []byte
	for len(b) < size {
		b = append(append(b, word(rng)...), " .,\n"[[]int{0, 0, 0, 0, 0, 1, 2, 3}[rng.IntN(8)]])
		if rng.IntN(60) == 0 {
			b = fmt.Appendf(b, " %s.%s@%s %d ", word(rng), word(rng), []string{"a-company.org", "gmail.com"}[rng.IntN(2)], rng.IntN(100_000))
		}
	}
	return b
}

// processorTime is what this process has used, whatever else the machine does.
func processorTime(tb testing.TB) time.Duration {
	tb.Helper()
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// BenchmarkScan looks for a million tokens in a dump as SQL, in plain text, and in a
// mail with base64; it says how many megabytes go through in a second of one core.
func BenchmarkScan(b *testing.B) {
	list := book(b, crowd(1_000_000)...)
	encoded := forms()["mime"](string(prose(24 << 20)))
	for _, c := range []struct {
		name string
		text []byte
	}{{"sql", dump(64<<20, 1)}, {"prose", prose(64 << 20)}, {"mime", encoded}, {"percent", bytes.Repeat([]byte("name%3Ddana%20whitfield%26x%3D"), 1<<18)}} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(c.text)))
			began, n := processorTime(b), 0
			for b.Loop() {
				r := scan.Scan(b.Context(), list, bytes.NewReader(c.text), scan.Limits{}, nil)
				if len(r.Faults) > 0 {
					b.Fatal(r.Faults)
				}
				n++
			}
			b.ReportMetric(float64(n*len(c.text))/1e6/(processorTime(b)-began).Seconds(), "MB/core-s")
		})
	}
}
