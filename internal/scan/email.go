package scan

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"saltmine/internal/canary"
	"saltmine/internal/token"
)

const (
	mostLocal   = 130 // bytes, more than RFC 5321 §4.5.3.1 allows
	mostDomain  = 260
	mostStarts  = 6 // places at which a local part may begin
	mostDomains = 3 // that one may be of: what follows a dot may be the next sentence
)

// emails tries what stands around each at-sign of a range.
func (l *lens) emails(sh *sheet, from, to int) {
	for at := from; at < to; at++ {
		i := bytes.IndexByte(sh.b[at:to], '@')
		if i < 0 {
			return
		}
		at += i
		l.emailAt(sh, at)
	}
}

// address is a text around an at-sign.
type address struct {
	buf  [mostDomain]byte // the domain
	full []byte
}

// emailAt tries one at-sign. Most are of domains that no token has.
func (l *lens) emailAt(sh *sheet, at int) {
	behind, before := unspaced(sh.b, at)
	a := &l.scratch
	domain, ascii := a.domain(sh.b, behind)
	var n int
	if ascii {
		n = l.longest(domain)
	} else {
		domain, n = l.foreign(sh.b[behind:min(len(sh.b), behind+mostDomain)], domain)
	}
	for range mostDomains {
		if n == 0 || l.locals(sh, a, at, before, domain[:n]) {
			return
		}
		n = l.longest(domain[:max(0, bytes.LastIndexByte(domain[:n], '.'))])
	}
}

// unspaced gives where the domain begins, and where the local part ends: spaces may
// stand on both sides of the sign.
func unspaced(b []byte, at int) (behind, before int) {
	const most = 2
	behind, before = at+1, at
	if at == 0 || at+1 == len(b) || b[at-1] != ' ' || b[at+1] != ' ' {
		return behind, before
	}
	for behind < len(b) && behind-at <= most && b[behind] == ' ' {
		behind++
	}
	for before > 0 && at-before < most && b[before-1] == ' ' {
		before--
	}
	return behind, before
}

// domain reads what can be a domain, in lower case.
func (a *address) domain(b []byte, from int) (name []byte, ascii bool) {
	name, ascii = a.buf[:0], true
	for i := from; i < len(b) && len(name) < mostDomain && table[b[i]]&inDomain != 0; i++ {
		c := b[i]
		if c-'A' < 26 {
			c += 'a' - 'A'
		}
		ascii = ascii && c < utf8.RuneSelf
		name = append(name, c)
	}
	return name, ascii
}

// longest is how many bytes of a text are a domain of tokens: all, or up to one of
// its dots or signs, behind which a sentence may go on.
func (l *lens) longest(name []byte) int {
	for n := len(name); n > 0 && bytes.IndexByte(name[:n], '.') > 0; {
		if c := name[n-1]; c != '.' && c != '-' && c != '_' && l.look.domain(name[:n]) {
			return n
		}
		if n = bytes.LastIndexAny(name[:n], ".-_"); n < 0 {
			break
		}
	}
	return 0
}

// foreign finds a domain that is written with other letters than ASCII's, in UTF-8
// or in Latin-1, or that such letters follow.
func (l *lens) foreign(text, name []byte) (domain []byte, n int) {
	cut := bytes.IndexFunc(name, func(r rune) bool { return r >= utf8.RuneSelf })
	if n = l.longest(name[:cut]); n > 0 {
		return name[:cut], n
	}
	end := 0
	for end < len(text) && table[text[end]]&inDomain != 0 {
		end++
	}
	word := string(text[:end])
	if !utf8.ValidString(word) {
		word = latin1(text[:end])
	}
	if canon, err := token.Domain(strings.TrimRight(word, ".-_")); err == nil {
		domain = []byte(canon)
	}
	return domain, l.longest(domain)
}

// latin1 reads each byte as the character of its number.
func latin1(b []byte) string {
	var out strings.Builder
	for _, c := range b {
		out.WriteRune(rune(c))
	}
	return out.String()
}

// locals tries the local parts that can end before a place: the longest first.
func (l *lens) locals(sh *sheet, a *address, at, before int, domain []byte) bool {
	b := sh.b
	if before > 0 && b[before-1] == '"' {
		return l.quoted(sh, a, at, before, domain)
	}
	from := before
	for from > max(0, before-mostLocal) && table[b[from-1]]&inLocal != 0 {
		from--
	}
	if from > 0 && b[from-1] == '\\' { // \n, \u003c, \x27
		from += escapeLen(b[from:before])
	}
	return l.starts(sh, a, at, from, before, domain)
}

// starts tries what is between two places as a local part, and what begins behind
// signs in it.
func (l *lens) starts(sh *sheet, a *address, at, from, before int, domain []byte) bool {
	tries := 0
	for start := from; start < before && tries < mostStarts; start++ {
		if start > from && !maySplit(sh.b[start-1], sh.b[start]) {
			continue
		}
		for start < before && sh.b[start] == '.' {
			start++
		}
		tries++
		if start < before && l.address(sh, a, spelling{from: start, to: at + 1 + len(domain)}, at, sh.b[start:before], domain) {
			return true
		}
	}
	return false
}

// maySplit reports whether a local part may begin between two bytes.
func maySplit(before, c byte) bool {
	return table[before]&special != 0 || before >= utf8.RuneSelf && c < utf8.RuneSelf
}

// escapeLen is how many bytes behind a backslash belong to its escape.
func escapeLen(b []byte) int {
	switch {
	case len(b) == 0:
		return 0
	case b[0] == 'u' && len(b) > 5:
		return 5
	case b[0] == 'x' && len(b) > 3:
		return 3
	}
	return 1
}

// address looks a local part and a domain up.
func (l *lens) address(sh *sheet, a *address, sp spelling, at int, local, domain []byte) bool {
	out := a.full[:0]
	for i, c := range local {
		if c == '+' && i > 0 {
			break
		}
		if c-'A' < 26 {
			c += 'a' - 'A'
		}
		out = append(out, c)
	}
	mine := len(out)
	out = append(append(out, '@'), domain...)
	a.full = out
	ref, ok := l.look.email(out)
	if !ok && bytes.Contains(out[:mine], []byte("''")) { // as SQL writes one
		out = append(append(bytes.ReplaceAll(out[:mine], []byte("''"), []byte("'")), '@'), domain...)
		ref, ok = l.look.email(out)
	}
	if ok {
		m := mark{kind: canary.Email, ref: ref}
		if ref < 0 {
			m.text = string(out)
		}
		sp.to = min(sp.to, len(sh.b))
		l.give(sh, at, m, sp)
	}
	return ok
}

// quoted tries a local part in quotation marks, which end before a place.
func (l *lens) quoted(sh *sheet, a *address, at, before int, domain []byte) bool {
	from := bytes.LastIndexByte(sh.b[max(0, before-1-mostLocal):before-1], '"')
	if from < 0 {
		return false
	}
	from += max(0, before-1-mostLocal)
	canon, err := token.Canon(canary.Email, string(sh.b[from:before])+"@"+string(domain))
	if err != nil {
		return false
	}
	local, _, _ := strings.Cut(canon, "@"+string(domain))
	return l.address(sh, a, spelling{from: from, to: at + 1 + len(domain)}, at, []byte(local), domain)
}
