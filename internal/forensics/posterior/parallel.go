package posterior

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// scratch is what one of those who work side by side marks things in.
type scratch struct {
	*model
	token, hit []int32 // the last call that met it
	segment    []int32
	calls      int32
	room       []int32
}

func (m *model) scratch() *scratch {
	return &scratch{model: m, token: make([]int32, len(m.Tokens)), hit: make([]int32, len(m.hits)), segment: make([]int32, m.segments)}
}

// each does something for every number below n, on all processors. What is done for
// one number must not depend on another's.
func (m *model) each(n int, do func(s *scratch, i int)) {
	workers := min(runtime.GOMAXPROCS(0), n)
	atOnce := max(n/(16*max(workers, 1)), 1)
	var next atomic.Int64
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			s := m.scratch()
			for {
				until := int(next.Add(int64(atOnce)))
				for i := until - atOnce; i < min(until, n); i++ {
					do(s, i)
				}
				if until >= n {
					return
				}
			}
		})
	}
	all.Wait()
}
