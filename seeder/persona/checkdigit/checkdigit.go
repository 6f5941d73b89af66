// Package checkdigit knows the check digits that numbers and codes commonly
// carry. It tells which scheme a set of codes follows, and completes a code.
//
// A scheme looks at the digits of a code (some at its letters too) and passes
// over everything else, so "4539-1488-0343-6467" and "4539148803436467" are the
// same to it. The check stands at the end, except in [IBAN].
//
//	Luhn     ISO/IEC 7812-1 annex B            79927398713
//	GS1      EAN, UPC: weights 3 and 1          4006381333931
//	Mod11    ISBN-10, VAT: weights 2, 3, 4 …    0306406152, 043942089X
//	Mod11_2  ISO 7064, as in ORCID and ISNI     0000000218250097
//	Mod11_10 ISO 7064, as in German tax ids     86095742719
//	Mod97    ISO 7064 MOD 97-10: two digits     123456789016
//	IBAN     ISO 13616: MOD 97-10 behind the country, GB82WEST12345698765432
//	OTRS     the ticket numbers of OTRS and Znuny, Ticket::NumberGenerator DateChecksum
//
// Its one invariant: what Complete returns, Valid accepts. It refuses, with ok
// false, what is too short or has letters where the scheme has digits; it does
// not fail otherwise.
package checkdigit

import "strings"

// Scheme is one way of checking.
type Scheme string

// The schemes, in the order in which Detect tries them.
const (
	None    Scheme = ""
	Luhn    Scheme = "luhn"
	GS1     Scheme = "gs1"
	Mod11   Scheme = "mod11"
	Mod112  Scheme = "mod11-2"
	Mod1110 Scheme = "mod11-10"
	Mod97   Scheme = "mod97"
	IBAN    Scheme = "iban"
	OTRS    Scheme = "otrs"
)

// Codes that Detect wants to see at least, and the share that has to agree: a
// few are mistyped.
const (
	enough = 20
	agree  = 0.98
)

// Detect finds the scheme that the codes follow; None when there is none, or
// when there are fewer than 20 different codes.
func Detect(codes []string) Scheme {
	seen := map[string]bool{}
	for _, c := range codes {
		seen[c] = true
	}
	if len(seen) < enough {
		return None
	}
	for _, s := range []Scheme{Luhn, GS1, Mod11, Mod112, Mod1110, Mod97, IBAN, OTRS} {
		good := 0
		for c := range seen {
			if s.Valid(c) {
				good++
			}
		}
		if float64(good) >= agree*float64(len(seen)) {
			return s
		}
	}
	return None
}

// Valid reports whether a code has the right check.
func (s Scheme) Valid(code string) bool {
	if s == None {
		return true
	}
	right, ok := s.Complete(code)
	return ok && right == strings.ToUpper(code)
}

// Complete gives the code, in capitals, with its check replaced by the right
// one. It is not ok for a code that cannot have one.
func (s Scheme) Complete(code string) (string, bool) {
	code = strings.ToUpper(code)
	if s == None {
		return code, true
	}
	if s == IBAN {
		return iban(code)
	}
	size := 1
	if s == Mod97 {
		size = 2
	}
	at := places(code, s == Mod11 || s == Mod112)
	if len(at) < size+3 {
		return "", false
	}
	body := make([]int, len(at)-size)
	for i := range body {
		if body[i] = int(code[at[i]] - '0'); body[i] > 9 {
			return "", false
		}
	}
	check := s.check(body)
	if check == "" {
		return "", false
	}
	out := []byte(code)
	for i := range size {
		out[at[len(body)+i]] = check[i]
	}
	return string(out), true
}

// places are where the digits stand; the last may be an X.
func places(code string, x bool) []int {
	var at []int
	for i := range len(code) {
		if c := code[i]; c >= '0' && c <= '9' || x && c == 'X' && i == len(code)-1 {
			at = append(at, i)
		}
	}
	return at
}

// check computes the check of the digits before it; empty where the scheme has
// no digit for them.
func (s Scheme) check(body []int) string {
	switch s {
	case Luhn:
		return digit(-weighed(body, func(i, d int) int { d *= 2 - i%2; return d/10 + d%10 }), 10)
	case GS1:
		return digit(-weighed(body, func(i, d int) int { return d * (3 - 2*(i%2)) }), 10)
	case Mod11:
		return digit(-weighed(body, func(i, d int) int { return d * (i + 2) }), 11)
	case Mod112:
		return digit(1-pure(body), 11)
	case Mod1110:
		return digit(1-hybrid(body), 10)
	case Mod97:
		return pair(98 - remainder(body)*100%97)
	case OTRS:
		return otrs(body)
	case None, IBAN:
	}
	return ""
}

// pure is the sum of a pure system, MOD 11-2 (ISO 7064 §6).
func pure(body []int) int {
	p := 0
	for _, d := range body {
		p = (p + d) * 2 % 11
	}
	return p
}

// hybrid is the sum of a hybrid system, MOD 11,10 (ISO 7064 §8).
func hybrid(body []int) int {
	p := 10
	for _, d := range body {
		if p = (p + d) % 10; p == 0 {
			p = 10
		}
		p = p * 2 % 11
	}
	return p
}

func remainder(body []int) int {
	p := 0
	for _, d := range body {
		p = (p*10 + d) % 97
	}
	return p
}

func pair(n int) string { return digit(n/10, 10) + digit(n, 10) }

// weighed sums the digits with weights counted from the right.
func weighed(body []int, weigh func(i, d int) int) int {
	sum := 0
	for i := range body {
		sum += weigh(i, body[len(body)-1-i])
	}
	return sum
}

// digit writes a remainder; ten is X.
func digit(n, mod int) string {
	const all = "0123456789X"
	n = (n%mod + mod) % mod
	return all[n : n+1]
}

// otrs multiplies the digits, from the left, by 1 and 2 in turn and sums the
// products as they are; the check is what is missing to the next ten, and 1
// where nothing is missing.
func otrs(body []int) string {
	sum := 0
	for i, d := range body {
		sum += d * (1 + i%2)
	}
	check := 10 - sum%10
	if check == 10 {
		check = 1
	}
	return digit(check, 10)
}

// iban puts the check behind the country.
func iban(code string) (string, bool) {
	if len(code) < 8 || code[0] < 'A' || code[0] > 'Z' || code[1] < 'A' || code[1] > 'Z' {
		return "", false
	}
	p := 0
	for _, c := range code[4:] + code[:2] + "00" {
		switch {
		case c >= '0' && c <= '9':
			p = (p*10 + int(c-'0')) % 97
		case c >= 'A' && c <= 'Z':
			p = (p*100 + int(c-'A') + 10) % 97
		case c != ' ':
			return "", false
		}
	}
	p = 98 - p
	return code[:2] + pair(p) + code[4:], true
}
