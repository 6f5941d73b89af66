package parallel_test

import (
	"testing"

	"saltmine/internal/parallel"
)

// TestEach: every number once, whatever their count, at a desk that nobody shares.
func TestEach(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 2, 3, 31, 32, 33, 1000} {
		met := make([]int, n)
		parallel.Each(n, func() *int { return new(int) }, func(d *int, i int) {
			*d++ // the race detector would see a shared one
			met[i]++
		})
		for i, times := range met {
			if times != 1 {
				t.Fatalf("of %d, %d was met %d times", n, i, times)
			}
		}
	}
}
