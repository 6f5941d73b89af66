package posterior

import "saltmine/internal/parallel"

// scratch is what one of those who work side by side marks things in.
type scratch struct {
	*model
	token, hit []int32 // the last call that met it
	calls      int32
	segment    []int32 // the last time that it was entered
	entered    int32
	pool       float64 // what could be read in the segments that were entered
	room       []int32
}

func (m *model) scratch() *scratch {
	return &scratch{model: m, token: make([]int32, len(m.Tokens)), hit: make([]int32, len(m.hits)), segment: make([]int32, m.segments)}
}

// each does something for every number below n, side by side.
func (m *model) each(n int, do func(s *scratch, i int)) { parallel.Each(n, m.scratch, do) }
