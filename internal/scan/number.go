package scan

import "saltmine/internal/canary"

// number is what stands before a place in a text when it is read backwards as the
// digits of one number with what people write between them.
type number struct {
	digits [mostDigits]byte // the last first
	at     [mostDigits]int
	first  [mostDigits]bool // it begins its group
	n      int
	end    int // behind the last
}

const (
	mostDigits = 22 // 15, a prefix to dial, and a zero
	mostGap    = 5  // bytes between two groups of digits
)

// gather reads backwards from behind a digit.
func gather(b []byte, end int) (num number) {
	num.end = end
	for i := end - 1; num.n < mostDigits; {
		num.digits[num.n], num.at[num.n] = b[i]-'0', i
		i--
		if i < 0 || !isDigit(b[i]) {
			num.first[num.n] = true
			i = overGap(b, i)
		}
		num.n++
		if i < 0 {
			break
		}
	}
	return num
}

// overGap goes back over what may stand between groups of digits; -1 where no
// digit follows.
func overGap(b []byte, i int) int {
	for from := i; i >= 0 && from-i <= mostGap; i-- {
		if isDigit(b[i]) {
			return i
		}
		if table[b[i]]&gap == 0 {
			return -1
		}
	}
	return -1
}

// start gives the place in the digits where the group of one begins.
func (num *number) start(p int) int {
	for p < num.n-1 && !num.first[p] {
		p++
	}
	return p
}

// is reports whether the digits between two places, both included, are these.
func (num *number) is(from, to int, text string) bool {
	if to-from+1 != len(text) || to >= num.n {
		return false
	}
	for i := range len(text) {
		if num.digits[to-i] != text[i]-'0' {
			return false
		}
	}
	return true
}

// matches counts the last digits of a text that the number ends with.
func (num *number) matches(text []byte) (n int) {
	for n < num.n && n < len(text) && num.digits[n] == text[len(text)-1-n]-'0' {
		n++
	}
	return n
}

// spelling is how a token was met.
type spelling struct {
	from, to int
	weak     bool // by chance it would stand in any file now and then
}

// isPhone reports whether a number is a token, given with its country code and as
// digits alone: so, as it is dialled from abroad, or as at home.
func isPhone(b []byte, num *number, text []byte, code int) (sp spelling, ok bool) {
	if num.end < len(b) && isLetter(b[num.end]) && b[num.end]|0x20 != 'x' { // an extension may follow
		return sp, false
	}
	m := num.matches(text)
	if m == len(text) {
		if sp, ok = abroad(b, num, len(text)); ok {
			return sp, true
		}
	}
	if own := len(text) - code; code > 0 && own >= 5 && m >= own {
		return atHome(b, num, text, code)
	}
	return sp, false
}

// abroad judges what stands before a number that is complete.
func abroad(b []byte, num *number, n int) (spelling, bool) {
	p := n - 1
	q := num.start(p)
	sp := spelling{from: num.at[q], to: num.end}
	if !num.first[q] || glued(b, num.at[q]) {
		return sp, false
	}
	switch {
	case q == p && hasPlus(b, num.at[q]):
		return sp, true
	case q == p:
		sp.weak = n < 10
		return sp, true
	}
	return sp, num.is(p+1, q, "00") || num.is(p+1, q, "011")
}

// atHome judges what stands before a number without its country code.
func atHome(b []byte, num *number, text []byte, code int) (spelling, bool) {
	own := len(text) - code
	p, cc := own-1, string(text[:code])
	q := num.start(p)
	sp := spelling{from: num.at[q], to: num.end}
	if !num.first[q] || glued(b, num.at[q]) {
		return sp, false
	}
	before := func(s string) bool { return num.is(p+1, q, s) }
	switch {
	case before(cc + "0"), before("00" + cc + "0"), before("011" + cc + "0"):
		return sp, true
	case q == p:
		return bare(b, num, text, code)
	case hasPlus(b, num.at[q]):
		return sp, false // a number of another country
	case before("0"):
		sp.weak = own < 8
		return sp, true
	case cc == "7" && before("8"), cc == "36" && before("06"):
		return sp, true
	}
	return sp, false
}

// bare judges a number that begins its group without any prefix.
func bare(b []byte, num *number, text []byte, code int) (spelling, bool) {
	own := len(text) - code
	p := own - 1
	sp := spelling{from: num.at[p], to: num.end}
	grouped := false
	for i := range p {
		grouped = grouped || num.first[i]
	}
	switch zero := p+1 < num.n && num.first[p+1] && num.digits[p+1] == 0; {
	case hasPlus(b, num.at[p]):
		return sp, false
	case zero: // +44 (0)20 7946 0018, or 0 20 7946 0018
		sp.from, sp.weak = num.at[p+1], own < 8
		return sp, true
	case text[code] == '0': // Italy's numbers keep it
		return sp, true
	}
	sp.weak = !grouped || own < 10
	return sp, own >= 7
}

// hasPlus reports whether a plus stands before a place, or one and a bracket.
func hasPlus(b []byte, at int) bool {
	for i := at - 1; i >= max(0, at-3); i-- {
		switch b[i] {
		case '+':
			return true
		case ' ', '(':
		default:
			return false
		}
	}
	return false
}

// glued reports whether a letter stands before a place that belongs to a word: not
// to an escape such as \n, and to none that says what comes (tel, fax).
func glued(b []byte, at int) bool {
	if at == 0 || !isLetter(b[at-1]) {
		return false
	}
	from := at
	for from > 0 && at-from < 8 && isLetter(b[from-1]) {
		from--
	}
	if escaped(b, at) {
		return false
	}
	switch word := lower(b[from:at]); word {
	case "tel", "fax", "mob", "ph", "phone", "mobile", "cell", "call", "p", "t", "m", "f":
		return false
	}
	return true
}

// escaped reports whether the letter before a place is an escape: \n, \r, \t.
func escaped(b []byte, at int) bool {
	return at >= 2 && b[at-2] == '\\' && (b[at-1] == 'n' || b[at-1] == 'r' || b[at-1] == 't')
}

// numbers tries the tokens that end as the text does before a place.
func (b *Book) numbers(sh *sheet, acc uint64, digits, end int, give func(ref int32, text string, kind canary.Kind, sp spelling)) {
	var num number
	b.endingWith(acc, digits, func(ref int32) {
		e := &b.entries[ref]
		if e.kind == 't' {
			if sp, ok := isTicket(sh.b, b.of(e), int(e.code), end); ok {
				give(ref, "", canary.Ticket, sp)
			}
			return
		}
		if num.n == 0 {
			num = gather(sh.b, end)
		}
		if sp, ok := isPhone(sh.b, &num, b.of(e)[1:], int(e.code)); ok {
			give(ref, "", canary.Phone, sp)
		}
	})
}
