package persona

import "strings"

// writing is how somebody's name is written down.
type writing struct {
	first, last string
	full        string
	firstHabit  habit
	lastHabit   habit
}

func writingOf(p *Person) writing {
	w := writing{full: p.Full}
	w.first, w.last = p.Parts()
	w.firstHabit, w.lastHabit = habitOf(w.first), habitOf(w.last)
	return w
}

// identity writes a name in the same way.
func (w *writing) identity(first, last string) Identity {
	first, last = w.firstHabit.write(first), w.lastHabit.write(last)
	full := first + " " + last
	if strings.Contains(w.full, ", ") {
		full = last + ", " + first
	}
	return Identity{First: first, Last: last, Full: full}
}

// same reports whether an identity has this name: a canary never has its donor's.
func (w *writing) same(id *Identity) bool {
	return strings.EqualFold(id.First, w.first) && strings.EqualFold(id.Last, w.last)
}

// Parts gives first and last name, from the full name where there are none.
func (p *Person) Parts() (first, last string) {
	if p.First != "" || p.Last != "" {
		return spaced(p.First), spaced(p.Last)
	}
	full := spaced(p.Full)
	if last, first, ok := strings.Cut(full, ", "); ok {
		return first, last
	}
	first, last, _ = strings.Cut(full, " ")
	return first, last
}

// spaced has one blank where there may be several.
func spaced(text string) string {
	if !strings.Contains(text, "  ") && strings.TrimSpace(text) == text {
		return text
	}
	return strings.Join(strings.Fields(text), " ")
}

// fullLike writes a name in the order and case of another.
func fullLike(like, first, last string) string {
	full := first + " " + last
	if strings.Contains(like, ", ") {
		full = last + ", " + first
	}
	if len(like) > 3 {
		return habitOf(like).write(full)
	}
	return full
}
