// Package parallel does a thing for every number below n on all processors, and waits.
//
// The things done must not touch one another's data: what each writes is its own place
// in a list, so that answers do not depend on how many processors there are, nor on
// which of them is faster. Who does them may keep a desk of his own to work at: buffers
// and marks that are used again.
package parallel

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// Each calls do for 0 … n-1, with the desk of who calls, and returns when all calls
// have. Every processor's desk is made once.
func Each[Desk any](n int, desk func() Desk, do func(d Desk, i int)) {
	workers := min(n, runtime.GOMAXPROCS(0))
	if workers <= 1 {
		if n > 0 {
			d := desk()
			for i := range n {
				do(d, i)
			}
		}
		return
	}
	atOnce := max(n/(16*workers), 1)
	var next atomic.Int64
	var busy sync.WaitGroup
	for range workers {
		busy.Go(func() {
			d := desk()
			for {
				until := int(next.Add(int64(atOnce)))
				for i := until - atOnce; i < min(until, n); i++ {
					do(d, i)
				}
				if until >= n {
					return
				}
			}
		})
	}
	busy.Wait()
}
