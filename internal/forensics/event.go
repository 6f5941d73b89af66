package forensics

import "saltmine/internal/canary"

// events puts the hits into independent ones: what is named beside another token
// of the same canary, and never without it, came with it. A quoted ticket number
// beside the address it belongs to says more about the time, and nothing more
// about who had the row. The answer has each hit's number, and how many there are.
func events(hits []*target) (of []int, n int) {
	of = make([]int, len(hits))
	byCanary := map[canary.ID][]int{}
	for i, h := range hits {
		of[i] = -1
		for _, j := range byCanary[h.Canary] {
			if within(h, hits[j]) || within(hits[j], h) {
				of[i] = of[j]
				break
			}
		}
		if of[i] < 0 {
			of[i] = n
			n++
		}
		byCanary[h.Canary] = append(byCanary[h.Canary], i)
	}
	return of, n
}

// within reports whether all contacts with one token had another as well.
func within(x, y *target) bool {
	for id := range x.by {
		if !y.by[id] {
			return false
		}
	}
	return true
}
