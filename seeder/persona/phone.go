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

// Calling gives the calling code of a country: the one that the sample uses
// there, else the one of its ISO 3166-1 code; empty when neither tells.
func (m *Mix) Calling(country string) string {
	best, most := codeOf(country), 0
	for code, n := range m.phones[country] {
		if n > most || n == most && code < best {
			best, most = code, n
		}
	}
	return best
}

// codeOf gives the calling code (ITU-T E.164 Annex D) of an ISO 3166-1 alpha-2
// code, of the countries in which help desks have many customers.
func codeOf(country string) string {
	const codes = " US1 CA1 RU7 KZ7 EG20 ZA27 GR30 NL31 BE32 FR33 ES34 HU36 IT39 RO40 CH41 AT43 GB44 UK44 DK45 SE46 NO47 PL48 DE49" +
		" PE51 MX52 AR54 BR55 CL56 CO57 VE58 MY60 AU61 ID62 PH63 NZ64 SG65 TH66 JP81 KR82 VN84 CN86 TR90 IN91 PK92 LK94 IR98" +
		" MA212 DZ213 TN216 NG234 KE254 PT351 LU352 IE353 IS354 AL355 MT356 CY357 FI358 BG359 LT370 LV371 EE372 MD373 BY375" +
		" UA380 RS381 ME382 HR385 SI386 BA387 MK389 CZ420 SK421 LI423 CR506 PA507 BO591 EC593 PY595 UY598 HK852 BD880 TW886" +
		" LB961 JO962 KW965 SA966 AE971 IL972 QA974 NP977 AZ994 GE995 UZ998 "
	if len(country) != 2 {
		return ""
	}
	_, rest, found := strings.Cut(codes, " "+strings.ToUpper(country))
	if !found {
		return ""
	}
	code, _, _ := strings.Cut(rest, " ")
	return code
}

// Suits reports whether a pool number (E.164) is of the country that the
// donor's number is of. Where nothing tells the country, any number suits.
func (m *Mix) Suits(donor Person, number string) bool {
	code := m.callingOf(&donor)
	return code == "" || code == CallingCode(strings.TrimPrefix(number, "+"))
}

// callingOf gives the calling code of a donor's number, else of the country's.
func (m *Mix) callingOf(donor *Person) string {
	if digits, international := digitsOf(donor.Phone); international && digits != "" {
		return CallingCode(digits)
	}
	return m.Calling(donor.Country)
}

// Closest is the most that the function of [Mix.Closeness] gives.
const Closest = 1 + telling

// telling is how many digits behind the calling code tell a network or a town.
const telling = 4

// Closeness gives what tells how well a pool number (E.164) suits a donor: 0
// when it does not, else 1 and the digits behind the calling code that both
// begin with, as many at most as tell a network or a town. A pool has many
// numbers, so what is the donor's is worked out once.
func (m *Mix) Closeness(donor Person) func(number string) int {
	want := m.callingOf(&donor)
	var code, theirs string
	long := -1
	return func(number string) int {
		all := strings.TrimPrefix(number, "+")
		c := CallingCode(all)
		if want != "" && c != want {
			return 0
		}
		if c != code || len(all) != long {
			code, long = c, len(all)
			theirs = nationalOf(donor.Phone, code, long)
		}
		ours, n := all[len(code):], 0
		for n < min(telling, len(theirs), len(ours)) && theirs[n] == ours[n] {
			n++
		}
		return 1 + n
	}
}

// nationalOf gives the digits of a number behind the calling code, which is
// there when the number says so or when it is as long as one that has it.
func nationalOf(phone, code string, long int) string {
	digits, international := digitsOf(phone)
	if international || len(digits) == long && strings.HasPrefix(digits, code) {
		digits = strings.TrimPrefix(digits, code)
	}
	return strings.TrimLeft(digits, "0")
}

// Area gives the first digits of somebody's number behind the calling code, by
// which towns and networks are told apart.
func (m *Mix) Area(who Person, digits int) string {
	const usual = 10 // digits of a number without the calling code, at most
	code := m.Calling(who.Country)
	text := nationalOf(who.Phone, code, usual+len(code))
	return text[:min(digits, len(text))]
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
	national := all[len(code):]
	switch {
	case had == "" || national == "":
		return number
	case international:
		return formatInternational(like, had, code, national)
	case had[0] == '0' && national[0] != '0': // in Italy the zero is part of the number
		return pour(like, "0"+national)
	case had[0] != '0' && len(had) == len(all) && strings.HasPrefix(had, code):
		return pour(like, all)
	}
	return pour(like, national)
}

// formatInternational writes sign and country code first: codes differ in length.
func formatInternational(like, had, code, national string) string {
	head, rest := splitHead(like, len(CallingCode(had)))
	if strings.Contains(rest, "(0)") {
		national = "0" + national
	}
	return head + code + pour(rest, national)
}

// splitHead parts an international number before and behind its country code,
// which is not in either part.
func splitHead(like string, code int) (head, rest string) {
	sign := 0
	if !strings.HasPrefix(like, "+") {
		sign = 2 // the zeros of "00"
	}
	seen, from := 0, 0
	for i, r := range like {
		if r < '0' || r > '9' {
			continue
		}
		if seen++; seen == sign+1 {
			from = i
		}
		if seen == sign+code {
			return like[:from], like[i+1:]
		}
	}
	return like[:from], ""
}

// pour puts digits into the places of another number's digits. What is left
// over goes to the end.
func pour(like, digits string) string {
	var b strings.Builder
	next := 0
	for _, r := range like {
		if next == len(digits) {
			break
		}
		if r >= '0' && r <= '9' {
			r = rune(digits[next])
			next++
		}
		b.WriteRune(r)
	}
	return b.String() + digits[next:]
}
