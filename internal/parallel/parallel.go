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
	var busy Group
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

// Group is things done side by side. Whoever waits for them meets the panic of one as if
// it were his own: a caller that confines panics could not confine those of a goroutine,
// which end the process.
type Group struct {
	busy   sync.WaitGroup
	once   sync.Once
	broken any
}

// Go begins to do a thing.
func (g *Group) Go(do func()) {
	g.busy.Go(func() {
		defer func() {
			if v := recover(); v != nil {
				g.once.Do(func() { g.broken = v })
			}
		}()
		do()
	})
}

// Wait waits for all of them.
func (g *Group) Wait() {
	if g.busy.Wait(); g.broken != nil {
		panic(g.broken)
	}
}
