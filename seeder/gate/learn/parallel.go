package learn

import (
	"runtime"
	"sync"
)

// each calls do for 0 … n-1, on as many processors as there are, and returns
// when all calls have. The calls must not touch one another's data.
func each(n int, do func(int)) {
	workers := min(n, runtime.GOMAXPROCS(0))
	if workers <= 1 {
		for i := range n {
			do(i)
		}
		return
	}
	next := make(chan int)
	var busy sync.WaitGroup
	for range workers {
		busy.Go(func() {
			for i := range next {
				do(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	busy.Wait()
}
