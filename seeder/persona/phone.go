package persona

import "strings"

// phones is what the sample tells of calling codes: country to code to count.
type phones map[string]map[string]int

func (p phones) learn(who Person) {
	digits, international := digitsOf(who.Phone)
	if who.Country == "" || !international || len(digits) < 7 {
		return
	}
	if p[who.Country] == nil {
		p[who.Country] = map[string]int{}
	}
	p[who.Country][CallingCode(digits)]++
}

// Calling gives the calling code of a country as the sample uses it, empty
// when the sample has no number in international form there.
func (m *Mix) Calling(country string) string {
	best, most := "", 0
	for code, n := range m.phones[country] {
		if n > most || n == most && code < best {
			best, most = code, n
		}
	}
	return best
}

// Suits reports whether a pool number (E.164) is of the country that the
// donor's number is of. Where nothing tells the country, any number suits.
func (m *Mix) Suits(donor Person, number string) bool {
	code := ""
	if digits, international := digitsOf(donor.Phone); international && digits != "" {
		code = CallingCode(digits)
	} else {
		code = m.Calling(donor.Country)
	}
	return code == "" || code == CallingCode(strings.TrimPrefix(number, "+"))
}

// digitsOf gives the digits of a number, without the sign of an international
// one ("+" or "00"), and whether it had that.
func digitsOf(text string) (digits string, international bool) {
	text = strings.TrimSpace(text)
	digits = strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, text)
	if strings.HasPrefix(text, "+") {
		return digits, true
	}
	if strings.HasPrefix(digits, "00") {
		return digits[2:], true
	}
	return digits, false
}

// CallingCode gives the country code that an international number without its
// sign begins with: one digit in zones 1 and 7, two for those that ITU-T E.164
// Annex D lists with two, three for all others.
func CallingCode(digits string) string {
	if len(digits) < 3 {
		return digits
	}
	const two = " 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98 "
	switch {
	case digits[0] == '1' || digits[0] == '7':
		return digits[:1]
	case strings.Contains(two, " "+digits[:2]+" "):
		return digits[:2]
	}
	return digits[:3]
}

// FormatPhone writes a pool number (E.164, with its plus sign) as the donor's
// number is written: international or national, with the same separators and
// groups, with or without the trunk zero.
func FormatPhone(like, number string) string {
	like, _, _ = strings.Cut(like, "x") // an extension belongs to the donor
	like = strings.TrimSpace(like)
	had, international := digitsOf(like)
	all := strings.TrimPrefix(number, "+")
	code := CallingCode(all)
	if had == "" || len(all) == len(code) {
		return number
	}
	national := all[len(code):]
	digits := ""
	switch {
	case international:
		digits = code + national
		if trunk := len(CallingCode(had)); len(had) > trunk && had[trunk] == '0' && strings.Contains(like, "(0)") {
			digits = code + "0" + national
		}
		if !strings.HasPrefix(like, "+") {
			digits = "00" + digits
		}
	case had[0] == '0' && national[:1] != "0": // in Italy the zero is part of the number
		digits = "0" + national
	case len(had) == len(all) && strings.HasPrefix(had, code):
		digits = all
	default:
		digits = national
	}
	return pour(like, digits, international, len(CallingCode(had)), len(code))
}

// pour puts digits into the places of another number's digits. Where the
// country codes differ in length, the first group grows or shrinks; what is
// left over goes to the end.
func pour(like, digits string, international bool, hadCode, code int) string {
	var b strings.Builder
	next, place := 0, 0
	zeros := 0
	if international && !strings.HasPrefix(like, "+") {
		zeros = 2
	}
	for _, r := range like {
		if r < '0' || r > '9' {
			if next < len(digits) {
				b.WriteRune(r)
			}
			continue
		}
		place++
		if international && place == zeros+hadCode { // the last digit of the donor's country code
			n := max(zeros+code-next, 0)
			b.WriteString(digits[next : next+n])
			next += n
			continue
		}
		if international && place < zeros+hadCode && next >= zeros+code {
			continue
		}
		if next < len(digits) {
			b.WriteByte(digits[next])
			next++
		}
	}
	b.WriteString(digits[min(next, len(digits)):])
	return strings.TrimRight(b.String(), " -./(")
}
