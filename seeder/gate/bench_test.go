package gate_test

import (
	"testing"

	"saltmine/seeder/gate"
)

// BenchmarkMeasure: a thousand canaries that nobody can tell, in full.
func BenchmarkMeasure(b *testing.B) {
	for _, size := range []struct {
		name string
		rows int
	}{{"20k", 20_000}, {"200k", 200_000}} {
		b.Run(size.name, func(b *testing.B) {
			in := newWorld(b, size.rows, 1000, 5).input()
			in.Quick = false
			b.ReportAllocs()
			for b.Loop() {
				r, err := gate.Measure(b.Context(), in)
				if err != nil {
					b.Fatal(err)
				}
				if r.Verdict != gate.Held {
					b.Logf("\n%s", r.Text())
				}
			}
		})
	}
}
