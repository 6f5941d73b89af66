package scan

import (
	"bytes"
	"fmt"
	"math/bits"

	"saltmine/internal/canary"
)

// Sizes of a lens.
const (
	window = 128 << 10
	margin = 1 << 10 // bytes on either side of what is looked at that are known
	around = 320     // bytes on either side of an escape that are read with it
)

// finder knows tokens.
type finder interface {
	// domain reports whether addresses of a domain, in lower case, are among them.
	domain(name []byte) bool
	// email finds an address in canonical form.
	email(addr []byte) (ref int32, ok bool)
	// tail reports whether numbers or tickets may end with these digits.
	tail(acc uint64, digits int) bool
	// numbers tries what ends behind a digit.
	numbers(sh *sheet, acc uint64, digits, end int, give func(ref int32, text string, kind canary.Kind, sp spelling))
}

// sheet is a text to look at: the window itself, or what an encoding in it hides.
type sheet struct {
	b    []byte
	pos  []int32 // of each byte of it in the window; nil: its own
	form string  // how it was written
}

// raw is where a byte stands in the window.
func (sh *sheet) raw(i int) int {
	switch {
	case sh.pos == nil:
		return i
	case i < len(sh.pos):
		return int(sh.pos[i])
	case len(sh.pos) == 0:
		return 0
	}
	return int(sh.pos[len(sh.pos)-1]) + 1
}

// found is one token at one place of a stream.
type found struct {
	kind    canary.Kind
	ref     int32
	text    string // in canonical form, where ref tells nothing
	offset  int64
	line    int64 // from 1
	size    int   // bytes as written
	form    string
	weak    bool
	context []byte
}

// lens looks through a stream that is written to it for tokens, whatever the pieces
// in which it comes. Its memory is one window.
type lens struct {
	look    finder
	report  func(*found)
	escapes []escape
	child   func(name string) sink // takes what a long run of base64 holds
	fault   func(error)

	buf     []byte
	n       int
	base    int64 // of buf[0] in the stream
	lines   int64 // before buf[0]
	done    int   // anchors before it were looked at
	lo, hi  int   // those that are looked at now
	kid     *run
	seen    map[mark]int64 // finds of late, so that none is told twice
	reach   int64          // up to here runs were read
	found   found
	scratch address
	undone  []byte // of a short run
}

// mark is a token at the sign by which it was found.
type mark struct {
	kind   canary.Kind
	ref    int32
	text   string
	anchor int64
}

func newLens(look finder, report func(*found), child func(string) sink, fault func(error)) *lens {
	return &lens{look: look, report: report, escapes: kinds(), child: child, fault: fault, buf: make([]byte, window), seen: map[mark]int64{}}
}

// Write takes the next piece of the stream. It never fails.
func (l *lens) Write(p []byte) (int, error) {
	all := len(p)
	for len(p) > 0 {
		n := copy(l.buf[l.n:], p)
		l.n += n
		p = p[n:]
		if l.n == len(l.buf) {
			l.scan(l.n-margin, false)
		}
	}
	return all, nil
}

// Close looks at the rest.
func (l *lens) Close() error {
	l.scan(l.n, true)
	return nil
}

// scan looks at the anchors up to a place, and forgets what is before their reach.
func (l *lens) scan(hi int, final bool) {
	l.lo, l.hi = l.done, hi
	own := sheet{b: l.buf[:l.n]}
	l.emails(&own, l.lo, l.hi)
	l.digits(&own, max(0, l.lo-margin), l.hi)
	l.views(&own)
	l.runs(final)
	l.done = hi
	keep := max(0, hi-margin)
	l.lines += int64(bytes.Count(l.buf[:keep], []byte{'\n'}))
	l.n = copy(l.buf, l.buf[keep:l.n])
	l.base += int64(keep)
	l.done -= keep
	for m, at := range l.seen {
		if at < l.base {
			delete(l.seen, m)
		}
	}
}

// give reports a token, unless it belongs to another window or was met already.
func (l *lens) give(sh *sheet, anchor int, m mark, sp spelling) {
	at := sh.raw(anchor)
	if at < l.lo || at >= l.hi {
		return
	}
	m.anchor = l.base + int64(at)
	if _, twice := l.seen[m]; twice {
		return
	}
	l.seen[m] = m.anchor
	from, to := sh.raw(sp.from), sh.raw(sp.to-1)+1
	l.found = found{
		kind: m.kind, ref: m.ref, text: m.text, offset: l.base + int64(from), size: max(1, to-from), form: sh.form, weak: sp.weak,
		line: l.lines + 1 + int64(bytes.Count(l.buf[:from], []byte{'\n'})), context: l.buf[max(0, from-contextBytes):min(l.n, max(to, from)+contextBytes)],
	}
	l.report(&l.found)
}

// contextBytes on either side of a token are kept as evidence.
const contextBytes = 160

// digits looks for what ends with digits whose last is in a range. Eight bytes at
// a time it passes over what are none.
func (l *lens) digits(sh *sheet, from, to int) {
	b := sh.b
	var acc uint64 // the last sixteen digits, four bits each
	count, last := 0, -mostGap-1
	for i := from; i < to; {
		if i = nextDigit(b, i); i >= to {
			return
		}
		if i-last > mostGap || !allGap(b[last:i]) {
			acc, count = 0, 0
		}
		start := i
		for i < len(b) && isDigit(b[i]) {
			acc = acc<<4 | uint64(b[i]-'0')
			i++
		}
		count += i - start
		last = i
		if sh.raw(i-1) < l.lo || !l.look.tail(acc, count) {
			continue
		}
		end := i
		l.look.numbers(sh, acc, count, end, func(ref int32, text string, kind canary.Kind, sp spelling) {
			l.give(sh, end-1, mark{kind: kind, ref: ref, text: text}, sp)
		})
	}
}

func nextDigit(b []byte, i int) int {
	const (
		each = 0x0101010101010101
		high = 0x80 * each
	)
	for i+8 <= len(b) {
		x := load(b[i:]) ^ '0'*each // digits are 0 to 9 now
		if m := ^((x&^high + (0x80-10)*each) | x) & high; m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
		i += 8
	}
	for i < len(b) && !isDigit(b[i]) {
		i++
	}
	return i
}

func allGap(b []byte) bool {
	for _, c := range b {
		if table[c]&gap == 0 {
			return false
		}
	}
	return true
}

// offsetName names what an encoding holds by where it stands.
func (l *lens) offsetName(what string, at int64) string { return fmt.Sprintf("%s at %d", what, at) }

// isText reports whether some bytes look like what people can read: most are letters
// and signs of ASCII, or every other one is.
func isText(b []byte) bool {
	plain, zero := 0, 0
	for _, c := range b {
		switch {
		case c == 0:
			zero++
		case c >= ' ' && c < 0x7F, c == '\n', c == '\r', c == '\t':
			plain++
		case c < 0x80:
			return false
		}
	}
	return plain+zero >= len(b)*3/4 && zero <= (len(b)+1)/2
}
