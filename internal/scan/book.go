package scan

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"iter"
	"math/bits"
	"slices"
	"strings"

	"saltmine/internal/canary"
	"saltmine/internal/token"
)

// Book holds the tokens that are looked for, planted ones and placebos, in some 80
// bytes each. It is safe for concurrent use.
type Book struct {
	seed    maphash.Seed
	text    []byte // of all: canonical text, token's id, canary's id
	entries []entry
	counts  map[Sort]int

	domains map[uint64]struct{} // hashes of the addresses' domains
	emails  []int32             // open addressing: index + 1, 0 is free
	tails   []tail              // open addressing, of what ends alike
	ending  []int32             // indexes in the order of their tails
	bloom   []uint64
	short   uint8 // bit k: some ticket has only k digits before its last letters
}

// Sort is a kind of tokens in one role.
type Sort struct {
	Kind canary.Kind
	Role canary.Role
}

// entry is where a token stands in the text.
type entry struct {
	at       uint32
	n        uint8 // bytes of the canonical text
	id, of   uint8 // of the ids
	code     uint8 // digits of a number's country code; of a ticket the letters behind its last digit
	kind     byte  // 'e', 'p' or 't'
	planted  bool
	tailFrom uint32 // key of its tail
	since    int64  // from when on it stood there
}

// tail leads from last digits to those tokens that end with them.
type tail struct {
	key     uint32
	from, n int32
}

const (
	maxText   = 3 << 30 // bytes of all texts and ids
	tailLen   = 7       // digits by which numbers are looked up
	longestID = 200

	upperLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

// NewBook takes tokens in. Of those that have one text, as a mailbox that stood in one
// row after another, it keeps the last. Tokens of drills are left out.
func NewBook(tokens iter.Seq2[canary.DatedToken, error]) (*Book, error) {
	b := &Book{seed: maphash.MakeSeed(), domains: map[uint64]struct{}{}, counts: map[Sort]int{}}
	for t, err := range tokens {
		if err != nil {
			return nil, err
		}
		if t.Role != canary.RolePlanted && t.Role != canary.RolePlacebo {
			continue
		}
		if err := b.add(t); err != nil {
			return nil, err
		}
	}
	b.indexEmails()
	b.indexTails()
	for i := range b.entries {
		b.counts[b.Sort(int32(i))]++
	}
	return b, nil
}

func (b *Book) add(t canary.DatedToken) error {
	if len(t.Text) > 255 || len(t.ID) > longestID || len(t.Canary) > longestID {
		return nil // no such address, number or ticket is written anywhere
	}
	if len(b.text)+len(t.Text)+len(t.ID)+len(t.Canary) > maxText {
		return errors.New("scan: there are more tokens than fit into 3 GiB")
	}
	e := entry{at: uint32(len(b.text)), n: uint8(len(t.Text)), id: uint8(len(t.ID)), of: uint8(len(t.Canary)), planted: t.Role == canary.RolePlanted} //nolint:gosec // checked above
	if !t.Window.From.Earliest.IsZero() {
		e.since = t.Window.From.Earliest.UnixMicro()
	}
	switch t.Kind {
	case canary.Email:
		e.kind = 'e'
	case canary.Phone:
		e.kind, e.code = 'p', codeLen(t.Text)
	case canary.Ticket:
		e.kind, e.code = 't', uint8(len(t.Text)-len(strings.TrimRight(t.Text, upperLetters))) //nolint:gosec // at most 255
	default:
		return fmt.Errorf("scan: %s: a token of an unknown kind", t)
	}
	b.text = append(append(append(b.text, t.Text...), t.ID...), t.Canary...)
	b.entries = append(b.entries, e)
	return nil
}

// codeLen is how many digits the country code of a number has.
func codeLen(number string) uint8 {
	for n := 2; n < min(5, len(number)); n++ {
		if token.Country(number[:n]) != "" {
			return uint8(n - 1)
		}
	}
	return 0
}

// Len is how many tokens there are.
func (b *Book) Len() int { return len(b.entries) }

// Count is how many there are of one sort.
func (b *Book) Count(s Sort) int { return b.counts[s] }

// Token gives one by its number.
func (b *Book) Token(ref int32) canary.Token {
	e := &b.entries[ref]
	ids := b.text[int(e.at)+int(e.n):]
	s := b.Sort(ref)
	return canary.Token{Kind: s.Kind, Role: s.Role, Text: string(b.of(e)), ID: canary.TokenID(ids[:e.id]), Canary: canary.ID(ids[e.id : int(e.id)+int(e.of)])}
}

// Sort gives the sort of one by its number.
func (b *Book) Sort(ref int32) Sort {
	e := &b.entries[ref]
	s := Sort{Role: canary.RolePlacebo}
	if e.planted {
		s.Role = canary.RolePlanted
	}
	switch e.kind {
	case 'e':
		s.Kind = canary.Email
	case 'p':
		s.Kind = canary.Phone
	default:
		s.Kind = canary.Ticket
	}
	return s
}

func (b *Book) of(e *entry) []byte { return b.text[e.at : int(e.at)+int(e.n)] }

// indexEmails fills the table of addresses. Of one text the last token stays.
func (b *Book) indexEmails() {
	n := 0
	for i := range b.entries {
		if b.entries[i].kind == 'e' {
			n++
		}
	}
	b.emails = make([]int32, 1<<bits.Len(uint(2*n)))
	for i := range b.entries {
		if b.entries[i].kind != 'e' {
			continue
		}
		text := b.of(&b.entries[i])
		at := b.slot(text)
		if old := b.emails[at]; old == 0 || b.entries[old-1].since <= b.entries[i].since {
			b.emails[at] = int32(i) + 1
		}
		b.domains[maphash.Bytes(b.seed, text[bytes.LastIndexByte(text, '@')+1:])] = struct{}{}
	}
}

// slot is where an address stands, or would.
func (b *Book) slot(text []byte) uint64 {
	mask := uint64(len(b.emails) - 1) //nolint:gosec // there is one at least
	at := maphash.Bytes(b.seed, text) & mask
	for b.emails[at] != 0 && !bytes.Equal(b.of(&b.entries[b.emails[at]-1]), text) {
		at = (at + 1) & mask
	}
	return at
}

func (b *Book) domain(name []byte) bool {
	_, ok := b.domains[maphash.Bytes(b.seed, name)]
	return ok
}

func (b *Book) email(addr []byte) (ref int32, ok bool) {
	i := b.emails[b.slot(addr)]
	return i - 1, i > 0
}

// indexTails orders numbers and tickets by the digits that they end with.
func (b *Book) indexTails() {
	latest := map[string]int32{}
	for i := range b.entries {
		e := &b.entries[i]
		if e.kind == 'e' {
			continue
		}
		digits := trailing(b.of(e)[:int(e.n)-ticketLetters(e)])
		if digits == 0 {
			continue // nothing in a text would lead to it
		}
		if digits < tailLen {
			b.short |= 1 << digits
		}
		e.tailFrom = tailKey(nibbles(b.of(e)[:int(e.n)-ticketLetters(e)]), digits)
		name := string(e.kind) + string(b.of(e))
		if old, had := latest[name]; !had || b.entries[old].since <= e.since {
			latest[name] = int32(i)
		}
	}
	for _, i := range latest {
		b.ending = append(b.ending, i)
	}
	slices.SortFunc(b.ending, func(x, y int32) int {
		return cmp.Or(cmp.Compare(b.entries[x].tailFrom, b.entries[y].tailFrom), cmp.Compare(x, y))
	})
	b.tails = make([]tail, 1<<bits.Len(uint(2*len(b.ending))))
	b.bloom = make([]uint64, max(1, 1<<bits.Len(uint(len(b.ending)/4)))) // 16 bits and more for each
	for i := 0; i < len(b.ending); {
		key, from := b.entries[b.ending[i]].tailFrom, i
		for i < len(b.ending) && b.entries[b.ending[i]].tailFrom == key {
			i++
		}
		b.tails[b.tailSlot(key)] = tail{key, int32(from), int32(i - from)}
		word, mask := b.filter(key)
		b.bloom[word] |= mask
	}
}

func ticketLetters(e *entry) int {
	if e.kind == 't' {
		return int(e.code)
	}
	return 0
}

// trailing counts the digits at the end.
func trailing(text []byte) (n int) {
	for n < len(text) && isDigit(text[len(text)-1-n]) {
		n++
	}
	return n
}

// nibbles packs the last digits, four bits each.
func nibbles(text []byte) (acc uint64) {
	for _, c := range text[len(text)-min(len(text), trailing(text)):] {
		acc = acc<<4 | uint64(c-'0')
	}
	return acc
}

// tailKey is the key of what ends with so many digits.
func tailKey(acc uint64, digits int) uint32 {
	digits = min(digits, tailLen)
	return uint32(acc&(1<<(4*digits)-1)) | uint32(digits)<<28 //nolint:gosec // 28 bits and three more
}

func (b *Book) tailSlot(key uint32) uint64 {
	mask := uint64(len(b.tails) - 1) //nolint:gosec // there is one at least
	at := spread(key) >> 20 & mask
	for b.tails[at].n != 0 && b.tails[at].key != key {
		at = (at + 1) & mask
	}
	return at
}

func spread(key uint32) uint64 { return uint64(key) * 0x9E3779B97F4A7C15 }

// filter is where a key stands in the Bloom filter: two bits of one word.
func (b *Book) filter(key uint32) (word, mask uint64) {
	h := spread(key)
	return h >> 32 & uint64(len(b.bloom)-1), 1<<(h>>14&63) | 1<<(h>>26&63) //nolint:gosec // there is one at least
}

func (b *Book) has(key uint32) bool {
	word, mask := b.filter(key)
	return b.bloom[word]&mask == mask
}

// tail reports whether tokens may end with the last of so many digits.
func (b *Book) tail(acc uint64, digits int) bool {
	if digits >= tailLen && b.has(tailKey(acc, tailLen)) {
		return true
	}
	for short := b.short; short != 0; short &= short - 1 {
		if k := bits.TrailingZeros8(short); k <= digits && b.has(tailKey(acc, k)) {
			return true
		}
	}
	return false
}

// endingWith gives the tokens that end with the last of so many digits.
func (b *Book) endingWith(acc uint64, digits int, fn func(ref int32)) {
	give := func(k int) {
		t := b.tails[b.tailSlot(tailKey(acc, k))]
		for _, ref := range b.ending[t.from : t.from+t.n] {
			fn(ref)
		}
	}
	if digits >= tailLen {
		give(tailLen)
	}
	for short := b.short; short != 0; short &= short - 1 {
		if k := bits.TrailingZeros8(short); k <= digits {
			give(k)
		}
	}
}

// load reads eight bytes.
func load(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }

// Find gives the number of the token with a canonical text.
func (b *Book) Find(kind canary.Kind, text string) (ref int32, ok bool) {
	if kind == canary.Email {
		return b.email([]byte(text))
	}
	first := map[canary.Kind]byte{canary.Phone: 'p', canary.Ticket: 't'}[kind]
	digits := []byte(strings.TrimRight(text, upperLetters))
	b.endingWith(nibbles(digits), trailing(digits), func(at int32) {
		if e := &b.entries[at]; e.kind == first && string(b.of(e)) == text {
			ref, ok = at, true
		}
	})
	return ref, ok
}
