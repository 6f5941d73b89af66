// Package maybe holds SQL values and truths that may not be known, and compares
// them as MySQL and MariaDB do. A [Truth] is the set of what a condition may
// turn out to be (true, false, NULL); an [Order] is the set of how two values
// may stand to each other.
//
//	customers.email = 'a@example.net'     on the row "A@example.net "
//	  collation utf8mb4_general_ci        {true}: case and trailing spaces do not count
//	  collation utf8mb4_bin               {false}
//	  a collation that is not known here  {true, false}
//
// The one invariant is soundness: what the server would find is always in the
// set. Where two servers, character sets or modes differ, the set has both
// answers; being unsure costs precision, never truth. So only printable ASCII is
// compared by rules: what a collation does with accents, ignorable characters
// and contractions is answered with "may be either", except where texts
// differ before the first such character.
//
// It knows no statement and no table; package replay does.
package maybe

// Truth is the set of values that a condition may have.
type Truth uint8

// The members of a Truth.
const (
	True Truth = 1 << iota
	False
	Unknown // SQL's NULL

	Any    = True | False | Unknown
	Either = True | False
)

// May reports whether the condition may be true.
func (t Truth) May() bool { return t&True != 0 }

// Sure reports whether the condition is true whatever is not known.
func (t Truth) Sure() bool { return t == True }

// Not negates.
func (t Truth) Not() Truth {
	return t&Unknown | pick(t&True != 0, False) | pick(t&False != 0, True)
}

// And is SQL's AND of each pair of members.
func (t Truth) And(u Truth) Truth {
	return pick(t&True != 0 && u&True != 0, True) |
		pick(t&False != 0 || u&False != 0, False) |
		pick(t&Unknown != 0 && u&(True|Unknown) != 0 || u&Unknown != 0 && t&(True|Unknown) != 0, Unknown)
}

// Or is SQL's OR of each pair of members.
func (t Truth) Or(u Truth) Truth { return t.Not().And(u.Not()).Not() }

// Xor is SQL's XOR of each pair of members.
func (t Truth) Xor(u Truth) Truth {
	return pick(t&True != 0 && u&False != 0 || t&False != 0 && u&True != 0, True) |
		pick(t&True != 0 && u&True != 0 || t&False != 0 && u&False != 0, False) |
		(t|u)&Unknown
}

// Is tells, for members of want, whether the condition has one of them: IS TRUE
// is Is(True), IS NOT TRUE is Is(False|Unknown).
func (t Truth) Is(want Truth) Truth { return pick(t&want != 0, True) | pick(t&^want != 0, False) }

// Doubted is the truth of a row that may be missing after all.
func (t Truth) Doubted() Truth { return t | False }

func pick(holds bool, t Truth) Truth {
	if holds {
		return t
	}
	return 0
}

// Order is the set of how one value may stand to another.
type Order uint8

// The members of an Order.
const (
	Less Order = 1 << iota
	Equal
	More
	Null // one of them is NULL

	Unlike    = Less | More
	Unordered = Less | Equal | More
	AnyOrder  = Unordered | Null
)

// Holds tells whether values that stand so satisfy an operator that is true for
// the members of want.
func (o Order) Holds(want Order) Truth {
	return pick(o&want != 0, True) | pick(o&Unordered&^want != 0, False) | pick(o&Null != 0, Unknown)
}

// Same tells whether NULL-safe equality (<=>) holds, when bothNull says that
// NULL may stand on both sides and oneNull that it may stand on one alone.
func (o Order) Same(bothNull, oneNull bool) Truth {
	return pick(o&Equal != 0 || o&Null != 0 && bothNull, True) | pick(o&Unlike != 0 || o&Null != 0 && oneNull, False)
}
