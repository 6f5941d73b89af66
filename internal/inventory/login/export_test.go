package login

// Passes reports whether a guard lets pass what comes in pieces of a size.
func Passes(says string, size int) bool {
	g := guard{size: -1}
	for len(says) > 0 {
		n := min(size, len(says))
		if !g.passes([]byte(says[:n])) {
			return false
		}
		says = says[n:]
	}
	return true
}
