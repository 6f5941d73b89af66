package parallel_test

import (
	"runtime"
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

// TestPanicsComeBack: who waits meets the panic of what was done elsewhere, when all else
// is done.
func TestPanicsComeBack(t *testing.T) {
	t.Parallel()
	done := make([]bool, 100)
	got := func() (v any) {
		defer func() { v = recover() }()
		parallel.Each(len(done), func() struct{} { return struct{}{} }, func(_ struct{}, i int) {
			if done[i] = true; i == 0 {
				panic("broken")
			}
		})
		return nil
	}()
	if got != "broken" || !done[len(done)-1] && runtime.GOMAXPROCS(0) > 1 {
		t.Errorf("%v; the last was done: %v", got, done[len(done)-1])
	}
}
