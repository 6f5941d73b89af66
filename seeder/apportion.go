package seeder

// apportion parts n in proportion to weights, as Sainte-Laguë's method does.
// Nobody gets more than the caps say (nil for none); what is over goes to the
// others, and what nobody can take is left.
func apportion(n int, weights []float64, caps []int) []int {
	out := make([]int, len(weights))
	sum := 0.0
	for _, w := range weights {
		sum += max(w, 0)
	}
	if sum == 0 {
		return out
	}
	fits := func(i int) bool { return weights[i] > 0 && (caps == nil || out[i] < caps[i]) }
	left := n
	for i, w := range weights {
		whole := int(float64(n) * max(w, 0) / sum)
		if caps != nil {
			whole = min(whole, caps[i])
		}
		out[i], left = whole, left-whole
	}
	for ; left > 0; left-- {
		best, most := -1, 0.0
		for i, w := range weights {
			if claim := w / float64(2*out[i]+1); fits(i) && claim > most {
				best, most = i, claim
			}
		}
		if best < 0 {
			break
		}
		out[best]++
	}
	return out
}
