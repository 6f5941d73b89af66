package replay

import (
	"slices"
	"strings"
)

// What a statement does to tables is told by its first words, whether it parses
// or not: from then on, a table may hold copies of canaries' rows, or a name may
// be another table's.

// effects are what statements do to tables: those that they put rows into, those
// that they give another name, and that, and views that they make, alter or drop.
type effects struct {
	fills   []string
	renames [][2]string
	views   []string
}

// effects are those of each statement in a text.
func (s *scan) effects() (e effects) {
	for from := 0; from < len(s.tokens); {
		to := from
		for to < len(s.tokens) && s.tokens[to] != ";" {
			to++
		}
		if t := tokens(s.tokens[from:to]); len(t) > 0 {
			e.fills = append(e.fills, t.fills()...)
			e.renames = append(e.renames, t.renames()...)
			e.views = append(e.views, t.defines()...)
		}
		from = to + 1
	}
	return e
}

// tokens are those of one statement.
type tokens []string

func (t tokens) fills() []string {
	switch t[0] {
	case "create":
		if at := slices.Index(t, "table"); at > 0 && at < 4 {
			return t.after(at+1, "if", "not", "exists")
		}
	case "insert", "replace":
		return t.after(1, "low_priority", "delayed", "high_priority", "ignore", "into")
	case "load":
		if at := slices.Index(t, "table"); at > 0 {
			return t.after(at + 1)
		}
	case "update", "with":
		from, to := slices.Index(t, "update"), slices.Index(t, "set")
		if from >= 0 && to > from {
			return slices.DeleteFunc(slices.Clone([]string(t[from+1:to])), func(name string) bool { return !isName(name) })
		}
	}
	return nil
}

func isName(token string) bool { return token != "" && wordByte(token[0]) }

// after is the first name from a place on that is none of some words.
func (t tokens) after(at int, words ...string) []string {
	for ; at < len(t); at++ {
		if token := t[at]; isName(token) && !slices.Contains(words, token) {
			return []string{token}
		}
	}
	return nil
}

func (t tokens) renames() (pairs [][2]string) {
	switch t[0] {
	case "rename":
		for i, word := range t {
			if next := t.after(i + 1); word == "to" && len(next) > 0 {
				pairs = append(pairs, [2]string{t.before(i), next[0]})
			}
		}
	case "alter":
		old := strings.Join(t.after(1, "online", "ignore", "table", "if", "exists"), "")
		if i := slices.Index(t, "rename"); i > 0 {
			next := strings.Join(t.after(i+1, "to", "as"), "")
			if !slices.Contains([]string{"column", "index", "key"}, next) {
				pairs = append(pairs, [2]string{old, next})
			}
		}
		if i := slices.Index(t, "with"); i > 0 && slices.Contains(t, "exchange") {
			other := strings.Join(t.after(i+1, "table"), "")
			pairs = append(pairs, [2]string{old, other}, [2]string{other, old})
		}
	}
	return pairs
}

// before is the name in front of TO.
func (t tokens) before(at int) string {
	for at--; at > 0; at-- {
		if token := t[at]; isName(token) && token != "nowait" && token != "wait" {
			return token
		}
	}
	return ""
}

func (t tokens) defines() (names []string) {
	first, at := t[0], slices.Index(t, "view")
	if at < 0 || first != "create" && first != "alter" && first != "drop" {
		return nil
	}
	if first != "drop" {
		return t.after(at+1, "if", "not", "exists")
	}
	for _, token := range t[at+1:] {
		if isName(token) && token != "if" && token != "exists" {
			names = append(names, token)
		}
	}
	return names
}
