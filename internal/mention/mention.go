// Package mention finds in foreign text whatever may be a token: e-mail
// addresses, phone numbers and ticket numbers, in any spelling that people,
// programs and transcripts of speech give them. It knows no token. It returns
// canonical forms (package token) for the caller to look up, far more of them
// than there are tokens in the text: what is not registered means nothing.
//
//	Hallo, mein Ticket 4711-22, ruf an: 0171/123 45 67     ticket 471122
//	                                          phones +491711234567, +441711234567 …
//	dana%2Bnews%40b%C3%BCcher.example    email dana@xn--bcher-kva.example
//	my number is oh one seven one, double three …        phones, as in digits
//
// Text is folded first: full-width letters and signs to ASCII, the digits of
// all scripts to 0-9, kinds of dashes and spaces to one, characters without
// width away. Percent-encoding and entities are undone. Words for digits are
// read in English and German, in French and Spanish up to nine.
//
// A ticket number of few digits would be found everywhere: short ones count only
// behind a word or sign that says what they are ("ticket", "Re:", "#"). A number
// without its country is tried with the country codes of [codes].
//
// The package refuses to guess what was misspelt. Its invariant: the work is
// linear in the text, and the numbers of candidates are bounded. A long text is
// therefore looked at in windows ([Windows]), each with bounds of its own: only a
// caller who stops between two of them leaves any of it out, and only in a window
// that is nothing but candidates can one hide. It returns no errors: text in which
// nothing is found says nothing.
package mention

import (
	"encoding/hex"
	"html"
	"iter"
	"slices"
	"strings"

	"saltmine/internal/canary"
	"saltmine/internal/token"
)

// Bounds of the candidates of one window.
const (
	maxEmails  = 1000
	maxTickets = 4000
	maxPhones  = 20_000
	maxTries   = 50_000 // of each kind, the same one again included
	maxSame    = 10_000 // of addresses, which take longest
)

const (
	window = 64 << 10
	twice  = 1 << 10 // bytes that stand in two windows: no token is written longer
)

// Windows cuts a text into pieces for [In], each with its place, so that
// whatever may be a token stands whole in one of them.
func Windows(text string) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		for from := 0; from < len(text); from += window - twice {
			end := min(len(text), from+window)
			if !yield(from, text[from:end]) || end == len(text) {
				return
			}
		}
	}
}

// Candidates are what may be tokens, by kind, in canonical form, each once.
type Candidates map[canary.Kind][]string

// In finds what may be a token in a text of at most one window.
func In(text string) Candidates {
	f := finder{seen: map[string]bool{}, tries: map[canary.Kind]int{}, told: ticketWords(), out: Candidates{}}
	text = Fold(text[:min(len(text), window)])
	for _, t := range []string{text, unescaped(text)} {
		if t != "" {
			f.emails(t)
			f.tickets(t)
			f.phones(t)
		}
	}
	if spelt := despaced(text); spelt != "" {
		f.emails(spelt)
	}
	if digits := Spoken(text); digits != "" {
		f.emails(digits)
		f.tickets(digits)
		f.phones(digits)
	}
	return f.out
}

// finder gathers candidates.
type finder struct {
	seen  map[string]bool
	tries map[canary.Kind]int
	told  map[string]bool // words before ticket numbers
	out   Candidates
}

// add brings a candidate to its canonical form and keeps it, and reports whether
// there is room for more.
func (f *finder) add(kind canary.Kind, text string, most int) bool {
	if f.tries[kind]++; len(f.out[kind]) >= most || f.tries[kind] > maxTries || kind == canary.Email && f.tries[kind] > maxSame {
		return false
	}
	canon, err := token.Canon(kind, text)
	if err == nil && !f.seen[string(kind)+canon] {
		f.seen[string(kind)+canon] = true
		f.out[kind] = append(f.out[kind], canon)
	}
	return true
}

// unescaped undoes percent-encoding, up to twice, and HTML entities; it is
// empty where there is none.
func unescaped(text string) string {
	out := text
	if strings.Contains(out, "&") {
		out = html.UnescapeString(out)
	}
	for range 2 {
		if strings.Contains(out, "%") {
			out = percent(out)
		}
	}
	if out == text {
		return ""
	}
	return Fold(strings.ToValidUTF8(out, " "))
}

// percent undoes the escapes that are whole and leaves the rest.
func percent(text string) string {
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] == '%' && i+2 < len(text) {
			if c, err := hex.DecodeString(text[i+1 : i+3]); err == nil {
				out = append(out, c...)
				i += 2
				continue
			}
		}
		out = append(out, text[i])
	}
	return string(out)
}

// emails tries what stands around each at-sign.
func (f *finder) emails(text string) {
	for at := 0; ; at++ {
		i := strings.IndexByte(text[at:], '@')
		if i < 0 {
			return
		}
		at += i
		if !f.email(around(text, at)) {
			return
		}
	}
}

const (
	mostLocal  = 130 // bytes, more than RFC 5321 §4.5.3.1 allows
	mostDomain = 260
)

// around gives what can be a local part before, and a domain behind, an at-sign.
func around(text string, at int) (local, domain string) {
	from, to := at, at+1
	for from > max(0, at-mostLocal) && isLocal(text[from-1]) {
		from--
	}
	for to < min(len(text), at+mostDomain) && isDomain(text[to]) {
		to++
	}
	return text[from:at], text[at+1 : to]
}

func isLocal(c byte) bool {
	return isAlnum(c) || c >= 0x80 || strings.IndexByte("!#$%&'*+-/=?^_`{|}~.", c) >= 0
}

func isDomain(c byte) bool { return isAlnum(c) || c >= 0x80 || c == '.' || c == '-' || c == '_' }

func isAlnum(c byte) bool { return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'z' }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// email tries a local part whole and behind the signs that are rarely part of
// one, with a domain whole and without the sentence that follows it.
func (f *finder) email(local, domain string) bool {
	locals := []string{local}
	if i := strings.LastIndexAny(local, "=/'`|{&?#*"); i >= 0 {
		locals = append(locals, local[i+1:])
	}
	if i := strings.LastIndexFunc(local, func(c rune) bool { return c >= 0x80 }); i >= 0 {
		locals = append(locals, strings.TrimLeftFunc(local[i:], func(c rune) bool { return c >= 0x80 }))
	}
	domain = strings.TrimRight(domain, ".-_")
	domains := []string{domain}
	if i := strings.IndexFunc(domain, func(c rune) bool { return c >= 0x80 }); i > 0 {
		domains = append(domains, strings.TrimRight(domain[:i], ".-_"))
	}
	for range 2 {
		if i := strings.LastIndexByte(domain, '.'); i > 0 && strings.Contains(domain[:i], ".") {
			domain = domain[:i]
			domains = append(domains, domain)
		}
	}
	for _, l := range locals {
		for _, d := range slices.Compact(domains) {
			if l = strings.Trim(l, "."); l != "" && !f.add(canary.Email, l+"@"+d, maxEmails) {
				return false
			}
		}
	}
	return true
}
