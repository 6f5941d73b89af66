// Package token brings any spelling of an e-mail address, a phone number or a
// ticket number back to one canonical form, and holds the blind acceptance
// rule by which an edge decides which local parts it takes.
//
// The canonical form is what the registry's blind index is made of, so it may
// never change for a form that was once minted:
//
//	email   local part lower-cased, quotes and everything from the first '+'
//	        removed; domain lower-cased, in ASCII (IDNA 2008), no trailing dot
//	        Dana.Whitfield+shop@Example.NET -> dana.whitfield@example.net
//	phone   E.164: '+' and digits
//	        0044 (20) 7946-0018 -> +442079460018
//	ticket  letters upper-cased, only letters and digits kept
//	        [#tk-2025/0042] -> TK20250042
//
// The package refuses what it cannot read and never guesses a country.
package token

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/net/idna"

	"saltmine/internal/canary"
)

// ErrForm is returned for text that is no address, number or ticket.
var ErrForm = errors.New("not a usable token")

// Canon brings text of the given kind to its canonical form.
func Canon(kind canary.Kind, text string) (string, error) {
	switch kind {
	case canary.Email:
		local, domain, err := SplitEmail(text)
		if err != nil {
			return "", err
		}
		return local + "@" + domain, nil
	case canary.Phone:
		return phone(text)
	case canary.Ticket:
		return ticket(text)
	}
	return "", fmt.Errorf("kind %q: %w", kind, ErrForm)
}

// SplitEmail gives the canonical local part and domain of an address
// (RFC 5321 §4.1.2, §2.4: the local part's case could matter, in practice it
// does not). The address may stand in angle brackets and have a source route.
func SplitEmail(text string) (local, domain string, err error) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "<") && strings.HasSuffix(text, ">") {
		text = text[1 : len(text)-1]
	}
	if strings.HasPrefix(text, "@") { // source route, RFC 5321 §4.1.2: @a,@b:user@c
		if _, rest, ok := strings.Cut(text, ":"); ok {
			text = rest
		}
	}
	at := strings.LastIndexByte(text, '@')
	if at <= 0 || at == len(text)-1 || len(text) > 512 {
		return "", "", fmt.Errorf("e-mail address of %d bytes: %w", len(text), ErrForm)
	}
	local, domain = text[:at], text[at+1:]
	if domain, err = Domain(domain); err != nil {
		return "", "", err
	}
	local = strings.ToLower(unquote(local))
	if plus := strings.IndexByte(local, '+'); plus > 0 {
		local = local[:plus]
	}
	if local == "" {
		return "", "", fmt.Errorf("empty local part: %w", ErrForm)
	}
	return local, domain, nil
}

// Domain gives a domain name in lower-case ASCII without its trailing dot.
func Domain(text string) (string, error) {
	text = strings.TrimSuffix(text, ".")
	ascii, err := idna.Lookup.ToASCII(text)
	if err != nil || ascii == "" {
		// Names of hosts on the wire need not be valid IDNA (underscores).
		ascii = strings.ToLower(text)
	}
	if len(ascii) > 253 || strings.Contains("."+ascii+".", "..") || strings.ContainsFunc(ascii, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("<>@", r) }) {
		return "", fmt.Errorf("domain of %d bytes: %w", len(text), ErrForm)
	}
	return ascii, nil
}

func unquote(local string) string {
	if len(local) < 2 || local[0] != '"' || local[len(local)-1] != '"' {
		return local
	}
	var b strings.Builder
	inner := local[1 : len(local)-1]
	for i := 0; i < len(inner); i++ {
		if inner[i] == '\\' && i+1 < len(inner) {
			i++
		}
		b.WriteByte(inner[i])
	}
	return b.String()
}

func phone(text string) (string, error) {
	digits := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, text)
	if strings.ContainsFunc(text, unicode.IsLetter) {
		return "", fmt.Errorf("phone number with letters: %w", ErrForm)
	}
	digits = strings.TrimPrefix(digits, "00")
	if len(digits) < 7 || len(digits) > 15 || digits[0] == '0' {
		return "", fmt.Errorf("phone number of %d digits is not in international form: %w", len(digits), ErrForm)
	}
	return "+" + digits, nil
}

func ticket(text string) (string, error) {
	if len(text) > 256 {
		return "", fmt.Errorf("ticket number of %d bytes: %w", len(text), ErrForm)
	}
	out := strings.Map(func(r rune) rune {
		if r < 0x80 && (unicode.IsDigit(r) || unicode.IsLetter(r)) {
			return unicode.ToUpper(r)
		}
		return -1
	}, text)
	if out == "" || len(out) > 64 {
		return "", fmt.Errorf("ticket number of %d characters: %w", len(out), ErrForm)
	}
	return out, nil
}

// Rule is the blind acceptance rule: a keyed pseudo-random function of the
// canonical address decides whether its local part "exists". Planted tokens
// and placebos are minted to pass, so whoever holds the key learns nothing
// about which of the passing names are in use. The domain goes into the
// function, so that two domains of one owner do not accept the same names.
//
// The zero Rule passes nothing but the mailboxes that RFC 5321 §4.5.1 and
// RFC 2142 require.
type Rule struct {
	macs  *sync.Pool // of *keyed: keying one takes longer than using it
	oneI  uint64
	rates map[string]uint64 // of the domains that have one of their own
}

// keyed computes the function; it is used by one goroutine at a time.
type keyed struct {
	mac  hash.Hash
	name []byte
	sum  [sha256.Size]byte
}

// NewRule returns a rule under which about one name in oneIn passes; oneIn 1
// passes all.
func NewRule(key []byte, oneIn int) (Rule, error) {
	if len(key) < 16 {
		return Rule{}, fmt.Errorf("acceptance key of %d bytes, at least 16 wanted", len(key))
	}
	if oneIn < 1 {
		return Rule{}, fmt.Errorf("acceptance of one name in %d: want 1 or more", oneIn)
	}
	key = bytes.Clone(key)
	return Rule{macs: &sync.Pool{New: func() any { return &keyed{mac: hmac.New(sha256.New, key)} }}, oneI: uint64(oneIn)}, nil
}

// Rated returns the rule with other rates for some domains, in canonical form:
// about one name in so many passes there, and 1 passes all. What passes at one
// rate also passes at a rate that divides it, so that lowering 64 to 16 loses no
// name that was minted before, and raising it does.
func (r Rule) Rated(oneIn map[string]int) (Rule, error) {
	r.rates = map[string]uint64{}
	for domain, n := range oneIn {
		if n < 1 {
			return Rule{}, fmt.Errorf("acceptance of one name in %d at %s: want 1 or more", n, domain)
		}
		r.rates[domain] = uint64(n)
	}
	return r, nil
}

// String keeps the key out of texts and logs.
func (r Rule) String() string { return "acceptance rule" }

// GoString keeps the key out of texts.
func (r Rule) GoString() string { return "acceptance rule" }

// Passes reports whether the rule takes the name. Both arguments are in
// canonical form, as SplitEmail gives them. Every call does the same work.
func (r Rule) Passes(local, domain string) bool {
	required := local == "postmaster" || local == "abuse"
	if r.macs == nil {
		return required
	}
	k := r.macs.Get().(*keyed) // nothing else is in it
	defer r.macs.Put(k)
	roll, rate := k.roll(local, domain), r.oneI
	if own, has := r.rates[domain]; has {
		rate = own
	}
	return required || roll%rate == 0
}

func (k *keyed) roll(local, domain string) uint64 {
	k.name = append(append(append(append(k.name[:0], "saltmine accept v1\x00"...), local...), 0), domain...)
	k.mac.Reset()
	k.mac.Write(k.name)
	return binary.BigEndian.Uint64(k.mac.Sum(k.sum[:0]))
}
