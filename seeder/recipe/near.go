package recipe

import "strings"

// Nearest returns the name that is closest to want, or nothing when none is
// close: at most a third of the letters differ, or one contains the other.
func Nearest(want string, names []string) string {
	best, bestCost := "", len(want)/3+2
	low := strings.ToLower(want)
	for _, name := range names {
		other := strings.ToLower(name)
		cost := distance(low, other)
		if cost > 1 && len(other) > 2 && len(low) > 2 && (strings.Contains(other, low) || strings.Contains(low, other)) {
			cost = 1
		}
		if cost < bestCost {
			best, bestCost = name, cost
		}
	}
	return best
}

// distance is the number of insertions, deletions and changes (Levenshtein)
// between two short names.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
