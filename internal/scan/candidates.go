package scan

import (
	"bytes"
	"slices"
	"strings"

	"saltmine/internal/canary"
)

func (f *Filter) finder() finder { return f }

// domain takes every domain: a filter tells none.
func (f *Filter) domain(name []byte) bool {
	return bytes.IndexByte(name, '.') > 0 && !slices.ContainsFunc(name, func(c byte) bool { return c >= 0x80 })
}

// email finds an address. It has no number.
func (f *Filter) email(addr []byte) (ref int32, ok bool) {
	return -1, len(addr) <= mostLocal+mostDomain && f.has(canary.Email, string(addr))
}

// tail takes all that has enough digits for a number.
func (f *Filter) tail(_ uint64, digits int) bool { return digits >= tailLen }

// numbers tries what is written like a telephone number, and ends with its group.
func (f *Filter) numbers(sh *sheet, _ uint64, _, end int, give func(ref int32, text string, kind canary.Kind, sp spelling)) {
	if len(f.codes) == 0 || end < len(sh.b) && isLetter(sh.b[end]) && sh.b[end]|0x20 != 'x' {
		return
	}
	num := gather(sh.b, end)
	for p := tailLen - 1; p < num.n; p++ {
		if !num.first[p] || glued(sh.b, num.at[p]) {
			continue
		}
		if text, sp, ok := f.number(sh.b, &num, p); ok {
			give(-1, text, canary.Phone, sp)
			return
		}
	}
}

// number finds what the digits up to one, which begins its group, are.
func (f *Filter) number(b []byte, num *number, p int) (text string, sp spelling, ok bool) {
	const least, most = 1 + tailLen, 16 // with the plus
	for _, text := range f.spelt(b, num, p) {
		if len(text) < least || len(text) > most || !f.has(canary.Phone, text) {
			continue
		}
		if sp, ok := isPhone(b, num, []byte(text[1:]), int(codeLen(text))); ok {
			return text, sp, true
		}
	}
	return "", sp, false
}

// spelt are the numbers that the digits up to one, which begins its group, may be.
func (f *Filter) spelt(b []byte, num *number, p int) []string {
	text := num.text(b, p)
	switch {
	case hasPlus(b, num.at[p]):
		return f.withCode(text)
	case strings.HasPrefix(text, "00"):
		return f.withCode(text[2:])
	case strings.HasPrefix(text, "011"):
		return f.withCode(text[3:])
	case text[0] == '0':
		out := f.atHome(text[1:])
		if slices.Contains(f.codes, "39") {
			out = append(out, "+39"+text)
		}
		return out
	case len(text) >= 10:
		return append(f.withCode(text), f.atHome(text)...)
	}
	return nil
}

// text are the digits up to one, without a "(0)" between them.
func (num *number) text(b []byte, p int) string {
	var digits strings.Builder
	for i := p; i >= 0; i-- {
		alone := num.first[i] && (i == 0 || num.first[i-1])
		if i == p || !alone || num.digits[i] != 0 || b[num.at[i]-1] != '(' {
			digits.WriteByte(num.digits[i] + '0')
		}
	}
	return digits.String()
}

// withCode is a number with its country, of those that the filter has; a zero behind
// the country's code is none of it.
func (f *Filter) withCode(text string) (out []string) {
	for _, code := range f.codes {
		if rest, ok := strings.CutPrefix(text, code); ok {
			out = append(out, "+"+text)
			if own, zero := strings.CutPrefix(rest, "0"); zero {
				out = append(out, "+"+code+own)
			}
		}
	}
	return out
}

func (f *Filter) atHome(text string) (out []string) {
	for _, code := range f.codes {
		out = append(out, "+"+code+text)
	}
	return out
}
