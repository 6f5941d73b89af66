package persona

// digitsLike draws the digits of somebody else who writes in the same style and
// signed up at the same time; else of anybody of the group with as many.
func (s *scene) digitsLike(style *somebody, c cell) int32 {
	const tries = 6
	for range tries {
		if who := &s.m.people[c[s.rng.n(len(c))]]; who.form == style.form {
			return who.digits
		}
	}
	return s.rng.of(s.g.lengths[len(s.m.digits.all[style.digits])], style.digits)
}

// Up to plainDigits digits are too few to tell who had them: they come out as
// somebody has them, so years stay years.
const plainDigits = 4

// appendDigits writes digits like others. Of a long number the first two stay,
// a date stays one.
func appendDigits(rng *dice, out []byte, like string) []byte {
	if len(like) <= plainDigits {
		return append(out, like...)
	}
	if at, size, ok := dateIn(like); ok {
		out = append(out, like[:at]...)
		out = append(out, dayAndMonth(rng, like[at:at+size])...)
		return append(out, like[at+size:]...)
	}
	out = append(out, like[:2]...)
	for range len(like) - 2 {
		out = append(out, byte('0'+rng.n(10))) //nolint:gosec // a digit
	}
	return out
}

// dateIn finds day and month in digits that spell a date of birth: ddmmyy,
// ddmmyyyy, yymmdd, yyyymmdd (American order counts as well).
func dateIn(digits string) (at, size int, ok bool) {
	switch {
	case len(digits) == 8 && dayMonth(digits) && century(digits[4:]):
		return 0, 4, true
	case len(digits) == 8 && century(digits) && dayMonth(digits[4:]):
		return 4, 4, true
	case len(digits) == 6 && dayMonth(digits):
		return 0, 4, true
	case len(digits) == 6 && dayMonth(digits[2:]):
		return 2, 4, true
	}
	return 0, 0, false
}

func dayMonth(d string) bool {
	a, b := d[:2], d[2:4]
	return min(a, b) >= "01" && min(a, b) <= "12" && max(a, b) <= "31"
}

func century(d string) bool { return d[:2] == "19" || d[:2] == "20" }

// dayAndMonth draws four digits that are a day and a month in the order of others.
func dayAndMonth(rng *dice, like string) []byte {
	day, month := 1+rng.n(28), 1+rng.n(12)
	if like[2:] > "12" {
		day, month = month, day
	}
	return []byte{byte('0' + day/10), byte('0' + day%10), byte('0' + month/10), byte('0' + month%10)} //nolint:gosec // digits
}
