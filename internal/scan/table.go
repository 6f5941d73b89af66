package scan

// What a byte can be.
const (
	digit  = 1 << iota
	letter // of ASCII
	inLocal
	inDomain
	gap     // between groups of digits
	in64    // of base64, and of its form for URLs
	special // rarely part of a local part, and often before one
	escapes // an escape may begin with it
)

// table says of each byte what it can be.
//
//nolint:gochecknoglobals // a constant: Go has none of this type
var table = func() (t [256]byte) {
	for c := range 256 {
		b := byte(c)
		switch {
		case b >= '0' && b <= '9':
			t[c] = digit | inLocal | inDomain | in64
		case b|0x20 >= 'a' && b|0x20 <= 'z':
			t[c] = letter | inLocal | inDomain | in64
		case b >= 0x80:
			t[c] = inLocal | inDomain | gap | escapes
		}
	}
	set := func(chars string, flag byte) {
		for i := range len(chars) {
			t[chars[i]] |= flag
		}
	}
	set("!#$%&'*+-/=?^_`{|}~.", inLocal)
	set("=/'`|{&?#*!$^}~%", special)
	set(".-_", inDomain)
	set(" .-/()_", gap)
	set("+/-_", in64)
	set("%+=&\\\x00[({", escapes)
	return t
}()

// values64 are the values of the characters of base64; of all others 63.
//
//nolint:gochecknoglobals // a constant: Go has none of this type
var values64 = func() (t [256]byte) {
	for c := range 256 {
		switch b := byte(c); {
		case b >= '0' && b <= '9':
			t[c] = b - '0' + 52
		case b >= 'a' && b <= 'z':
			t[c] = b - 'a' + 26
		case b >= 'A' && b <= 'Z':
			t[c] = b - 'A'
		case b == '+', b == '-':
			t[c] = 62
		default:
			t[c] = 63
		}
	}
	return t
}()

func isDigit(c byte) bool  { return c-'0' < 10 }
func isLetter(c byte) bool { return table[c]&letter != 0 }
func isAlnum(c byte) bool  { return table[c]&(digit|letter) != 0 }
