package token

// Deletions gives a text and whatever is left of it without one of its bytes, each
// once. Two texts of which one becomes the other by one edit have one of these in
// common; those that have may be two edits apart, so [OneEdit] is asked then.
func Deletions(text string) []string {
	list := make([]string, 0, len(text)+1)
	list = append(list, text)
	for i := range len(text) {
		if i > 0 && text[i] == text[i-1] {
			continue // the same is left
		}
		list = append(list, text[:i]+text[i+1:])
	}
	return list
}

// OneEdit reports whether a text becomes another by one edit: a byte that is left
// out, put in, or another, or two neighbours that change places.
func OneEdit(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 || a == b {
		return false
	}
	from := 0
	for from < len(a) && a[from] == b[from] {
		from++
	}
	x, y := a[from:], b[from:]
	switch {
	case len(a) < len(b):
		return x == y[1:]
	case x[1:] == y[1:]:
		return true
	}
	return len(x) > 1 && x[0] == y[1] && x[1] == y[0] && x[2:] == y[2:]
}
