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

// appendDigits writes digits like others: one, two and years as somebody has
// them, for they are everybody's; three and four begin like one's and end like
// another's; of longer ones the first two stay, and a date stays one. Where few
// people have as many digits, some are any, or soon there would be none left.
func (w *writer) appendDigits(like string) {
	const few, anyShare = 200, 0.15
	n := len(like)
	switch {
	case n < 3 || n == 4 && century(like):
		w.out = append(w.out, like...)
	case n <= 4 && len(w.s.g.lengths[n]) < few && w.rng.chance(anyShare):
		w.random(n)
	case n <= 4:
		end := w.s.m.digits.all[w.rng.of(w.s.g.lengths[n], w.style.digits)]
		if len(end) != n {
			end = like
		}
		w.out = append(append(w.out, like[:n-2]...), end[n-2:]...)
	default:
		if at, size, ok := dateIn(like); ok {
			w.out = append(w.out, like[:at]...)
			w.out = append(w.out, dayAndMonth(w.rng, like[at:at+size])[:size]...)
			w.out = append(w.out, like[at+size:]...)
			return
		}
		w.out = append(w.out, like[:2]...)
		w.random(n - 2)
	}
}

func (w *writer) random(n int) {
	for range n {
		w.out = append(w.out, byte('0'+w.rng.n(10))) //nolint:gosec // a digit
	}
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
