package conf

// nearest gives the known word that key was probably meant to be: the one with
// the smallest edit distance, the first of them when several tie. Empty when
// nothing is near: more than a third of the key's letters would have to change.
func nearest(key string, known []string) string {
	best, limit := "", max(1, len(key)/3)
	if len(key) > 64 {
		return ""
	}
	for _, word := range known {
		if d := distance(key, word); d <= limit {
			best, limit = word, d-1
		}
	}
	return best
}

// distance counts the insertions, deletions, changes and swaps of neighbours
// that turn a into b (optimal string alignment).
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	before, last := make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(x); i++ {
		row := make([]int, len(y)+1)
		row[0] = i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(y)]
}
