package persona

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strings"
)

// style is how one local part is made from its owner's name. The form is
// written with F and L for first and last name, f and l for their initials, N
// for a nickname, and the separators as they are; then come the digits.
//
//	dana.whitfield84 of Dana Whitfield  form "F.L"  digits "84"
//	dwhitfield       of Dana Whitfield  form "fL"
//	nightowl_7       of Dana Whitfield  form "N"    digits "7"  gap "_"  nick "nightowl"
type style struct {
	form   string
	gap    string // between the name and the digits
	digits string
	nick   string
	umlaut umlaut // how the owner writes ä, ö, ü
}

// readStyle takes a local part apart. What has nothing to do with the name is
// a nickname.
func readStyle(local, first, last string) style {
	base := strings.TrimRight(local, "0123456789")
	s := style{digits: local[len(base):]}
	trimmed := strings.TrimRight(base, "._-")
	s.gap = base[len(trimmed):]
	if trimmed == "" {
		return style{form: "N", nick: local}
	}
	for _, u := range []umlaut{umlautE, umlautPlain} {
		f, l := fold(first, u), fold(last, u)
		if form, ok := readForm(trimmed, f, l); ok {
			s.form = form
			if fold(first+last, umlautE) != fold(first+last, umlautPlain) {
				s.umlaut = u
			}
			return s
		}
	}
	s.form, s.nick = "N", trimmed
	return s
}

// forms are the ways of putting a name into a local part without separators;
// with separators every part is looked up on its own.
func forms() []string { return []string{"FL", "LF", "fL", "Fl", "Lf", "lF", "F", "L", "fl", "lf"} }

func readForm(base, f, l string) (string, bool) {
	if f == "" || l == "" {
		return "", false
	}
	for _, form := range forms() {
		if writeForm(form, f, l) == base {
			return form, true
		}
		if len(form) < 2 {
			continue
		}
		for _, sep := range []string{".", "_", "-"} {
			if parted := form[:1] + sep + form[1:]; writeForm(parted, f, l) == base {
				return parted, true
			}
		}
	}
	return "", false
}

func writeForm(form, f, l string) string {
	var b strings.Builder
	for _, r := range form {
		switch r {
		case 'F':
			b.WriteString(f)
		case 'L':
			b.WriteString(l)
		case 'f':
			b.WriteByte(f[0])
		case 'l':
			b.WriteByte(l[0])
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// local draws a style from the group and writes the name in it. It is not ok
// when the name cannot be written in that style (no Latin letters), or when a
// nickname would come out as somebody's own.
func (m *Mix) local(rng *rand.Rand, group []entry, id Identity, donor Person) (string, bool) {
	s := pick(rng, group).style
	digits := s.drawDigits(rng, group)
	if s.form == "N" {
		local := m.nick(rng, group, s) + s.gap + digits
		return local, usable(local) && !m.locals[local]
	}
	u := m.umlaut(rng, group, donor)
	f, l := fold(id.First, u), fold(id.Last, u)
	if f == "" || l == "" {
		return "", false
	}
	local := writeForm(s.form, f, l) + s.gap + digits
	return local, usable(local)
}

// drawDigits draws digits of the style's length: those of somebody who has as
// many; of three and more the beginning of one and the end of another. Those of
// nicknames are now and then any, for a small group would soon have none left.
func (s *style) drawDigits(rng *rand.Rand, group []entry) string {
	const anyShare = 0.15
	n := len(s.digits)
	if n == 0 {
		return ""
	}
	digits := digitsLike(rng, group, n)
	if n < 3 || digits == "" {
		return cmp.Or(digits, anyDigits(rng, n))
	}
	if s.form == "N" && rng.Float64() < anyShare {
		return anyDigits(rng, n)
	}
	return digits[:2] + digitsLike(rng, group, n)[2:]
}

func digitsLike(rng *rand.Rand, group []entry, n int) string {
	start := rng.IntN(len(group))
	for i := range group {
		if d := group[(start+i)%len(group)].style.digits; len(d) == n {
			return d
		}
	}
	return ""
}

func anyDigits(rng *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('0' + rng.IntN(10)) //nolint:gosec // a digit
	}
	return string(b)
}

// nick makes a nickname: one of the group when digits follow, which are others
// than its owner's; two put together when none do.
func (m *Mix) nick(rng *rand.Rand, group []entry, s style) string {
	other := func() string {
		for range 40 {
			if e := pick(rng, group); e.style.form == "N" {
				return e.style.nick
			}
		}
		return s.nick
	}
	if s.digits != "" {
		return other()
	}
	a, b := other(), other()
	if len(a)+len(b) > 18 {
		a, b = a[:min(len(a), 8)], b[:min(len(b), 6)]
	}
	return strings.TrimRight(a, "._-") + strings.TrimLeft(b, "._-")
}

// umlaut draws how ä, ö, ü are written from those in the group who show it.
func (m *Mix) umlaut(rng *rand.Rand, group []entry, donor Person) umlaut {
	for range 30 {
		if u := pick(rng, group).style.umlaut; u != 0 {
			return u
		}
	}
	if slices.Contains([]string{"DE", "AT", "CH", "DEU", "GERMANY"}, strings.ToUpper(donor.Country)) || strings.HasPrefix(strings.ToLower(donor.Language), "de") {
		return umlautE
	}
	return umlautPlain
}

// usable keeps to what every mail system takes and what is canonical already:
// RFC 5321 §4.1.2 dot-atoms of lower-case letters and digits, at most 64 bytes.
func usable(local string) bool {
	if len(local) < 3 || len(local) > 64 || strings.Contains(local, "..") || strings.Trim(local, ".") != local {
		return false
	}
	return !strings.ContainsFunc(local, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && !strings.ContainsRune("._-", r)
	})
}
