package token_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"saltmine/internal/token"
)

func TestOneEdit(t *testing.T) {
	t.Parallel()
	for _, other := range []string{"ana", "dna", "dan", "daan", "adna", "xdana", "danax", "daxna", "xana", "danx", "dnaa", "daan"} {
		if !token.OneEdit("dana", other) || !token.OneEdit(other, "dana") {
			t.Errorf("%q is one edit from dana", other)
		}
	}
	for _, other := range []string{"", "dana", "da", "danaxx", "xanx", "anda", "naad", "daxax", "nada"} {
		if token.OneEdit("dana", other) || token.OneEdit(other, "dana") {
			t.Errorf("%q is not one edit from dana", other)
		}
	}
}

// TestDeletionsMeet: what is one edit apart has a deletion in common, and what has
// none is not.
func TestDeletionsMeet(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching("[abc]{1,6}")
		a, b := text.Draw(t, "a"), text.Draw(t, "b")
		meet := slices.ContainsFunc(token.Deletions(a), func(d string) bool { return slices.Contains(token.Deletions(b), d) })
		if token.OneEdit(a, b) && !meet {
			t.Fatalf("%q and %q have no deletion in common", a, b)
		}
		if token.OneEdit(a, b) != (a != b && plainly(a, b)) {
			t.Fatalf("%q and %q: %v", a, b, token.OneEdit(a, b))
		}
		list := token.Deletions(a)
		slices.Sort(list)
		if len(slices.Compact(list)) != len(token.Deletions(a)) {
			t.Fatalf("%q twice in %q", a, list)
		}
	})
}

// plainly tries every edit.
func plainly(a, b string) bool {
	for i := range len(a) + 1 {
		for _, c := range "abc" {
			if a[:i]+string(c)+a[i:] == b || i < len(a) && a[:i]+string(c)+a[i+1:] == b {
				return true
			}
		}
		if i < len(a) && a[:i]+a[i+1:] == b || i+1 < len(a) && a[:i]+a[i+1:i+2]+a[i:i+1]+a[i+2:] == b {
			return true
		}
	}
	return false
}
