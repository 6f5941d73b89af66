package view

import (
	"math"
	"strings"
	"unicode"
)

// nameParts are a customer's names, folded to lower-case ASCII.
type nameParts struct{ first, last string }

// readNames takes the names from their columns; a full name is cut at its last
// blank or at its comma.
func (b *builder) readNames() []nameParts {
	first, last, full := b.c.role(FirstName), b.c.role(LastName), b.c.role(FullName)
	parts := make([]nameParts, b.c.n)
	for row := range parts {
		var p nameParts
		if full != nil {
			p.first, p.last = cutName(full.text(row))
		}
		if first != nil {
			p.first = first.text(row)
		}
		if last != nil {
			p.last = last.text(row)
		}
		parts[row] = nameParts{fold(p.first), fold(p.last)}
	}
	return parts
}

func cutName(full string) (first, last string) {
	if before, after, comma := strings.Cut(full, ","); comma {
		return strings.TrimSpace(after), strings.TrimSpace(before)
	}
	full = strings.TrimSpace(full)
	if at := strings.LastIndexByte(full, ' '); at > 0 {
		return full[:at], full[at+1:]
	}
	return "", full
}

// names looks at names, whole and in parts.
func (b *builder) names() {
	c := b.nameColumn()
	if c == nil {
		return
	}
	f := b.c
	b.first = b.partWords(c, "first", "the first name", func(p nameParts) string { return p.first })
	b.last = b.partWords(c, "last", "the last name", func(p nameParts) string { return p.last })
	pairs, size := cross(b.first.ids, b.last.ids, b.last.size())
	f.putCount("namesakes", "how many other rows have the same name", c, f.rarity(pairs, size))
	b.offer(b.first, false)
	b.offer(b.last, false)
	if b.first.size() > 1 && b.last.size() > 1 {
		f.surprise(b.first, b.last, Names)
	}
	swapped := f.blank()
	first := f.tally(b.first.ids, b.first.size())
	known := map[string]int32{}
	for id, t := range b.first.texts {
		known[t] = first[id]
	}
	for row, id := range b.last.ids {
		if id != null {
			swapped[row] = float32(math.Log1p(float64(known[b.last.texts[id]])))
		}
	}
	f.putCount("last.asfirst", "how many rows have the last name as a first name", c, swapped)
	for _, role := range []Role{Country, Language} {
		if by := f.role(role); by != nil && by.Kind == Word {
			f.lettersBy("first", c, b.first.ids, b.first.texts, by.asWords())
			f.lettersBy("last", c, b.last.ids, b.last.texts, by.asWords())
		}
	}
}

func (b *builder) nameColumn() *column {
	for _, role := range []Role{LastName, FullName, FirstName} {
		if c := b.c.role(role); c != nil {
			return c
		}
	}
	return nil
}

func (b *builder) partWords(c *column, name, says string, of func(nameParts) string) words {
	var names interned
	w := words{ids: make([]int32, b.c.n)}
	for row, p := range b.parts {
		w.ids[row] = null
		if t := of(p); t != "" {
			w.ids[row] = names.id(t)
		}
	}
	w.texts = names.texts
	w = w.named(name, says, c)
	if w.size() > 1 {
		b.c.putCount(name+".others", "how many other rows have "+says, c, b.c.rarity(w.ids, w.size()))
	}
	return w
}

// fold brings a text to lower-case letters of ASCII and digits; letters that
// it does not know stay.
func fold(text string) string {
	const marked = "àáâãäåāăąçćčďđèéêëēěęìíîïīłľńňñòóôõöøōőřŕśšşșťţțùúûüūůűýÿźžż"
	const plain = "aaaaaaaaacccddeeeeeeeiiiiillnnnoooooooorrsssstttuuuuuuuyyzzz"
	var b strings.Builder
	for _, r := range text {
		r = unicode.ToLower(r)
		at := 0
		switch {
		case r < unicode.MaxASCII:
			b.WriteRune(r)
			continue
		case r == 'ß':
			b.WriteString("ss")
			continue
		case r == 'æ':
			b.WriteString("ae")
			continue
		}
		for _, m := range marked {
			if m == r {
				b.WriteByte(plain[at])
				break
			}
			at++
		}
		if at == len(plain) {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// styles makes words of how addresses are made of names: "F.L99" is
// first.last and two digits, "fL" an initial and the last name.
func (b *builder) styles(c *column) words {
	var names interned
	w := words{ids: make([]int32, b.c.n)}
	for row, id := range c.ids {
		w.ids[row] = null
		if id != null {
			w.ids[row] = names.id(styleOf(localOf(c.texts[id]), b.parts[row]))
		}
	}
	w.texts = names.texts
	w = w.named("style", "the style of the e-mail address", c)
	b.c.putCount("style.others", "how common the style of the e-mail address is", c, b.c.rarity(w.ids, w.size()))
	return w
}

func styleOf(local string, p nameParts) string {
	local = fold(local)
	local, _, _ = strings.Cut(local, "+")
	for _, part := range nameBits(p) {
		if len(part.text) > 1 {
			local = strings.Replace(local, part.text, part.sign, 1)
		}
	}
	var b strings.Builder
	for _, run := range runs(local) {
		b.WriteString(signOf(run, p))
	}
	return b.String()
}

// runs cuts a text into its runs of small letters, and all other signs one by one.
func runs(text string) (out []string) {
	letters := false
	for _, r := range text {
		small := r >= 'a' && r <= 'z' || r > unicode.MaxASCII
		if small && letters {
			out[len(out)-1] += string(r)
		} else {
			out = append(out, string(r))
		}
		letters = small
	}
	return out
}

func signOf(run string, p nameParts) string {
	switch r := run[0]; {
	case r >= '0' && r <= '9':
		return "9"
	case r < 'a':
		return run // a separator, or F and L
	case len(run) > 1:
		return "w"
	case strings.HasPrefix(p.first, run):
		return "f"
	case strings.HasPrefix(p.last, run):
		return "l"
	default:
		return "x"
	}
}

type nameBit struct{ text, sign string }

// nameBits are the pieces of a name to look for, the longest first.
func nameBits(p nameParts) []nameBit {
	plainFirst, plainLast := squeeze(p.first), squeeze(p.last)
	bits := []nameBit{{plainLast, "L"}, {plainFirst, "F"}}
	if len(plainFirst) > len(plainLast) {
		bits[0], bits[1] = bits[1], bits[0]
	}
	for _, word := range strings.FieldsFunc(p.last, notLetter) {
		if word != plainLast {
			bits = append(bits, nameBit{word, "L"})
		}
	}
	for _, word := range strings.FieldsFunc(p.first, notLetter) {
		if word != plainFirst {
			bits = append(bits, nameBit{word, "F"})
		}
	}
	return bits
}

func notLetter(r rune) bool { return !unicode.IsLetter(r) }

func squeeze(text string) string {
	return strings.Map(func(r rune) rune {
		if notLetter(r) {
			return -1
		}
		return r
	}, text)
}

// againstName emits how much of the name stands in the address.
func (b *builder) againstName(c *column) {
	f := b.c
	put := func(name, says string, of func(local string, p nameParts) float64) {
		f.put("local."+name, says, c, f.each(c.ids, func(id int32, row int) float64 {
			p := b.parts[row]
			return of(fold(localOf(c.texts[id])), nameParts{squeeze(p.first), squeeze(p.last)})
		}))
	}
	put("likename", "how alike name and e-mail address are", func(l string, p nameParts) float64 { return alike(squeeze(l), p.first+p.last) })
	put("first", "whether the first name stands in the e-mail address", func(l string, p nameParts) float64 {
		return float64(flag(len(p.first) > 1 && strings.Contains(l, p.first)))
	})
	put("last", "whether the last name stands in the e-mail address", func(l string, p nameParts) float64 {
		return float64(flag(len(p.last) > 1 && strings.Contains(l, p.last)))
	})
	put("rest", "the letters of the e-mail address that the name does not explain", func(l string, p nameParts) float64 {
		for _, part := range []string{p.first, p.last} {
			if len(part) > 1 {
				l = strings.Replace(l, part, "", 1)
			}
		}
		return float64(len(squeeze(l)))
	})
	f.put("domain.last", "whether the last name stands in the e-mail domain", c, f.each(c.ids, func(id int32, row int) float64 {
		last := squeeze(b.parts[row].last)
		return float64(flag(len(last) > 2 && strings.Contains(domainOf(c.texts[id]), last)))
	}))
}

// alike is Dice's coefficient of the pairs of letters of two texts.
func alike(a, b string) float64 {
	if len(a) < 2 || len(b) < 2 {
		return 0
	}
	pairs := map[string]int{}
	for i := range len(a) - 1 {
		pairs[a[i:i+2]]++
	}
	same := 0
	for i := range len(b) - 1 {
		if pairs[b[i:i+2]] > 0 {
			pairs[b[i:i+2]]--
			same++
		}
	}
	return 2 * float64(same) / float64(len(a)+len(b)-2)
}
