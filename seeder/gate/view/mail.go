package view

import (
	"math"
	"slices"
	"strings"
	"unicode"
)

// mail looks at the e-mail addresses.
func (b *builder) mail() {
	c := b.c.role(Email)
	b.parts = b.readNames()
	if c == nil {
		return
	}
	domain := derive(c, domainOf).named("domain", "the e-mail domain", c)
	registered := derive(c, func(t string) string { return Registered(domainOf(t)) }).named("registered", "the registered e-mail domain", c)
	tld := derive(c, tldOf).named("tld", "the end of the e-mail domain", c)
	style := b.styles(c)
	b.offer(domain, false)
	b.offer(tld, true)
	b.offer(style, true)
	b.view.Domain = &Words{Name: "domain", Column: c.Name, Group: Mail, IDs: registered.ids, Texts: registered.texts}
	b.domains(c, domain, registered)
	b.locals(c)
	b.againstName(c)
	b.company(c, domain, style)
}

func localOf(address string) string {
	return address[:max(strings.LastIndexByte(address, '@'), 0)]
}

func domainOf(address string) string {
	return strings.ToLower(strings.TrimSpace(address[strings.LastIndexByte(address, '@')+1:]))
}

func tldOf(address string) string {
	domain := domainOf(address)
	return domain[strings.LastIndexByte(domain, '.')+1:]
}

// Registered is the part of a domain that somebody registered: the last two
// labels, or three below the usual second levels of countries.
func Registered(domain string) string {
	labels := strings.Split(domain, ".")
	n := len(labels)
	if n <= 2 {
		return domain
	}
	second := []string{"co", "com", "net", "org", "gov", "ac", "edu", "or", "ne", "go", "gob", "nom", "me", "ltd"}
	if len(labels[n-1]) == 2 && slices.Contains(second, labels[n-2]) {
		return strings.Join(labels[n-3:], ".")
	}
	return strings.Join(labels[n-2:], ".")
}

func (b *builder) domains(c *column, domain, registered words) {
	f := b.c
	f.putCount("domain.others", "how many other rows share the e-mail domain", c, f.rarity(domain.ids, domain.size()))
	f.putCount("registered.others", "how many other rows share the registered e-mail domain", c, f.rarity(registered.ids, registered.size()))
	tld := b.seen["tld"]
	f.putCount("tld.others", "how common the end of the e-mail domain is", c, f.rarity(tld.ids, tld.size()))
	text := func(name, says string, of func(domain string) float64) {
		f.put("domain."+name, says+" of the e-mail domain", c, f.byText(c, func(t string) float64 { return of(domainOf(t)) }))
	}
	text("length", "the length", func(d string) float64 { return float64(len(d)) })
	text("dots", "the number of dots", func(d string) float64 { return float64(strings.Count(d, ".")) })
	text("below", "the sub-domains", func(d string) float64 { return float64(len(d) - len(Registered(d))) })
	text("digits", "the number of digits", func(d string) float64 { return float64(count(d, unicode.IsDigit)) })
	text("hyphens", "the number of hyphens", func(d string) float64 { return float64(strings.Count(d, "-")) })
	f.lettersOf("domain", c, domain.ids, domain.texts)
}

func (b *builder) locals(c *column) {
	f := b.c
	text := func(name, says string, of func(local string) float64) {
		f.put("local."+name, says+" of the e-mail's local part", c, f.byText(c, func(t string) float64 { return of(localOf(t)) }))
	}
	text("length", "the length", func(l string) float64 { return float64(len(l)) })
	text("digits", "the digits", func(l string) float64 { return float64(count(l, unicode.IsDigit)) })
	text("separators", "the dots, hyphens and underlines", func(l string) float64 {
		return float64(count(l, func(r rune) bool { return strings.ContainsRune("._-", r) }))
	})
	text("capitals", "the capitals", func(l string) float64 { return float64(count(l, unicode.IsUpper)) })
	text("tag", "the +tag", func(l string) float64 { return float64(flag(strings.Contains(l, "+"))) })
	text("tail", "the digits at the end", func(l string) float64 { return float64(len(tailOf(l))) })
	text("tail.value", "the number at the end", func(l string) float64 { return number(tailOf(l)) })
	text("vowels", "the share of vowels", func(l string) float64 {
		return float64(count(l, func(r rune) bool { return strings.ContainsRune("aeiouyAEIOUY", r) })) / float64(max(1, len(l)))
	})
	locals := derive(c, func(t string) string { return strings.ToLower(localOf(t)) })
	f.putCount("local.others", "how many other rows have the same local part", c, f.rarity(locals.ids, locals.size()))
	f.lettersOf("local", c, locals.ids, locals.texts)
	f.putCount("canonical.others", "how many other addresses are the same without dots, +tag and capitals", c, f.canonical(c))
}

func tailOf(local string) string {
	return local[len(strings.TrimRight(local, "0123456789")):]
}

func canonicalOf(address string) string {
	local, _, _ := strings.Cut(strings.ToLower(localOf(address)), "+")
	return strings.ReplaceAll(local, ".", "") + "@" + domainOf(address)
}

func (f *frame) canonical(c *column) []float32 {
	w := derive(c, canonicalOf)
	return f.rarity(w.ids, w.size())
}

// company emits how a row fits the others at its domain: people of one firm
// live in one country, have addresses of one style, came at different times.
func (b *builder) company(c *column, domain, style words) {
	f := b.c
	f.put("domain.style", "how many others at the e-mail domain have this style of address", c, f.agreement(domain, style))
	for _, role := range []Role{Country, Language, Segment, Status} {
		if w := f.role(role); w != nil {
			f.put("domain."+w.Name, "how many others at the e-mail domain have the same "+w.Name, c, f.agreement(domain, w.asWords()))
		}
	}
	for _, role := range []Role{Created, Updated, Key} {
		if w := f.role(role); w != nil && w.nums != nil {
			put := f.putCount
			if w.Kind == Time {
				put = f.putSpan
			}
			put("domain."+w.Name+".near", "how near the next "+w.Name+" at the same e-mail domain is", c, f.nearest(domain, w))
		}
	}
}

// agreement is the share of the rows with the same a that have the same b.
func (f *frame) agreement(a, b words) []float32 {
	ta := f.tally(a.ids, a.size())
	pairs, size := cross(a.ids, b.ids, b.size())
	tp := f.tally(pairs, size)
	return f.each(pairs, func(pair int32, row int) float64 {
		all := f.others(ta, a.ids[row], row)
		if all == 0 {
			return math.NaN()
		}
		return f.others(tp, pair, row) / all
	})
}

// nearest is the logarithm of the distance to the nearest number among the
// rows of the same word.
func (f *frame) nearest(w words, c *column) []float32 {
	out := f.blank()
	order := f.sorted(c).rows
	for range 2 { // up, and down again
		last := make([]int, w.size())
		for i := range last {
			last[i] = -1
		}
		for _, row := range order {
			id := w.ids[row]
			if id == null {
				continue
			}
			if near := last[id]; near >= 0 {
				if d := float32(math.Log1p(math.Abs(c.num(row) - c.num(near)))); isNaN(out[row]) || d < out[row] {
					out[row] = d
				}
			}
			if f.counted[row] {
				last[id] = row
			}
		}
		slices.Reverse(order)
	}
	return out
}
