package learn

import "saltmine/internal/parallel"

// each calls do for 0 … n-1, on as many processors as there are.
func each(n int, do func(int)) {
	parallel.Each(n, func() struct{} { return struct{}{} }, func(_ struct{}, i int) { do(i) })
}
