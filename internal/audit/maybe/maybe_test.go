package maybe_test

import (
	"testing"

	"pgregory.net/rapid"

	"saltmine/internal/audit/maybe"
)

func text(s, collation string) maybe.Value {
	return maybe.Value{Kind: maybe.TextValue, Text: s, Collation: maybe.CollationOf(collation)}
}

func literal(s string) maybe.Value {
	return maybe.Value{Kind: maybe.TextValue, Text: s, Literal: true}
}

func TestTextsCompareByTheirCollation(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		column, collation, written string
		want                       maybe.Order
	}{
		{"A@x ", "utf8mb4_general_ci", "a@x", maybe.Equal},
		{"A@x", "utf8mb4_bin", "a@x", maybe.Less},
		{"k ", "utf8mb4_nopad_bin", "k", maybe.Unlike},
		{"k ", "utf8mb4_bin", "k", maybe.Equal},
		{"it", "utf8mb4_lithuanian_ci", "yt", maybe.Unordered},
		{"it", "utf8mb4_lithuanian_ci", "it", maybe.Equal},
		{"Müller", "utf8mb4_unicode_ci", "Muller", maybe.Unordered},
		{"Müller", "utf8mb4_unicode_ci", "Smith", maybe.Less},
		{"Müller", "utf8mb4_unicode_ci", "Müller", maybe.Unordered}, // the client may speak latin1
		{"a_b", "utf8mb4_unicode_ci", "ab", maybe.Unlike},           // where '_' stands is the collation's
		{"abc", "utf8mb4_unicode_ci", "ab", maybe.More},
	} {
		a, b := text(c.column, c.collation), literal(c.written)
		if got := maybe.Compare(&a, &b); got != c.want {
			t.Errorf("%q (%s) to %q: %04b, want %04b", c.column, c.collation, c.written, got, c.want)
		}
	}
}

func TestNumbersAndTextsCompareAsTheServersDo(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]maybe.Order{"17": maybe.Equal, " 17abc": maybe.Equal, "17.0": maybe.Equal, "1e1": maybe.More, "1e400": maybe.Unordered, "abc": maybe.More, "18": maybe.Less} {
		a, b := maybe.Value{Kind: maybe.Number, Num: 17}, literal(s)
		if got := maybe.Compare(&a, &b); got != want {
			t.Errorf("17 to %q: %04b, want %04b", s, got, want)
		}
	}
}

func TestLike(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		column, collation, pattern string
		want                       maybe.Truth
	}{
		{"mia@Example.net", "utf8mb4_general_ci", "%@example.net", maybe.True},
		{"mia@Example.net", "utf8mb4_bin", "%@example.net", maybe.False},
		{"mia ", "utf8mb4_general_ci", "mia", maybe.False},
		{"100%", "utf8mb4_general_ci", `1__\%`, maybe.True},
		{"1000", "utf8mb4_general_ci", `1__\%`, maybe.False},
		{"Jürgen", "utf8mb4_general_ci", "j%gen", maybe.True},
		{"Jürgen", "utf8mb4_general_ci", "ju%", maybe.Either},
		{"Jürgen", "utf8mb4_general_ci", "%smith%", maybe.False},
		{"Zoe\u0301", "utf8mb4_unicode_ci", "zoe", maybe.Either},
		{"Jürgen", "utf8mb4_lithuanian_ci", "x%", maybe.Either},
		{"Ab", "latin1_general_cs", "A%", maybe.True},
		{"ab", "latin1_general_cs", "A%", maybe.Either},
		{"ab", "utf8mb4_uca1400_as_cs", "x%", maybe.False},
		{"abü", "utf8mb4_uca1400_as_cs", "A%", maybe.Either},
	} {
		a, b := text(c.column, c.collation), literal(c.pattern)
		if got := maybe.Like(&a, &b, '\\'); got != c.want {
			t.Errorf("%q (%s) LIKE %q: %03b, want %03b", c.column, c.collation, c.pattern, got, c.want)
		}
	}
}

// TestTruthsAreSetsOfOutcomes compares the operators with SQL's tables, member
// by member.
func TestTruthsAreSetsOfOutcomes(t *testing.T) {
	t.Parallel()
	members := []maybe.Truth{maybe.True, maybe.False, maybe.Unknown}
	least := func(a, b maybe.Truth) maybe.Truth { // FALSE < NULL < TRUE
		switch {
		case a == maybe.False || b == maybe.False:
			return maybe.False
		case a == maybe.Unknown || b == maybe.Unknown:
			return maybe.Unknown
		default:
			return maybe.True
		}
	}
	for a := maybe.Truth(1); a <= maybe.Any; a++ {
		for b := maybe.Truth(1); b <= maybe.Any; b++ {
			var want maybe.Truth
			for _, x := range members {
				for _, y := range members {
					if a&x != 0 && b&y != 0 {
						want |= least(x, y)
					}
				}
			}
			if got := a.And(b); got != want {
				t.Errorf("%03b AND %03b = %03b, want %03b", a, b, got, want)
			}
			if got := a.Not().Or(b.Not()).Not(); got != want {
				t.Errorf("De Morgan of %03b and %03b: %03b, want %03b", a, b, got, want)
			}
		}
	}
}

// TestComparingIsSymmetric: an order turned round is that of the values turned
// round.
func TestComparingIsSymmetric(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		draw := rapid.StringMatching(`[a-cA-C _%ü0-2]{0,4}`)
		collation := rapid.SampledFrom([]string{"utf8mb4_general_ci", "utf8mb4_bin", "utf8mb4_nopad_bin", "utf8mb4_0900_as_cs", "utf8mb4_danish_ci"}).Draw(r, "collation")
		a, b := text(draw.Draw(r, "a"), collation), literal(draw.Draw(r, "b"))
		there, back := maybe.Compare(&a, &b), maybe.Compare(&b, &a)
		turned := back&^maybe.Unlike | back&maybe.Less<<2 | back&maybe.More>>2
		if there != turned || there == 0 {
			r.Fatalf("%04b one way, %04b the other", there, back)
		}
	})
}
