package scan

import (
	"bytes"
	"slices"
	"strings"
)

// Runs of letters and digits may be base64, or hexadecimal.
const (
	shortest  = 16       // characters of a run
	shortRun  = 4 << 10  // those of at most so many are read at any alignment
	longLine  = 60       // characters of a line of several: RFC 2045 has 76, PEM 64
	kidBuffer = 16 << 10 // bytes undone at a time
)

// run is a long run of base64, or of hexadecimal digits, that is being undone, over
// lines and windows.
type run struct {
	form   string
	width  int   // bits of a character
	next   int64 // in the stream
	line   int   // characters of its lines; 0 while it has one
	now    int   // characters of the line so far
	bits   uint32
	have   int // bits of them
	out    []byte
	to     sink
	broken bool
}

// runs looks for runs among the anchors. One that is long, or has several lines, is
// undone into a stream of its own.
func (l *lens) runs(final bool) {
	b := l.buf[:l.n]
	if l.kid != nil && !l.feed(final) {
		return
	}
	low := func() int { return max(0, int(l.reach-l.base)) }
	const step = 8 // each that is long enough has eight bytes whole that are looked at
	for p := max(l.lo, int(l.reach-l.base)); p < l.hi && p+step <= l.n; {
		to := p
		if !breaks(load(b[p:])) {
			to = endOf64(b, p)
		}
		if to < p+step {
			p += step
			continue
		}
		from := p
		for from > low() && table[b[from-1]]&in64 != 0 {
			from--
		}
		if escaped(b, from+1) { // \n before it
			from++
		}
		if to-from >= shortest && !l.run(from, to, final) {
			return
		}
		l.reach = max(l.reach, l.base+int64(to))
		p = max(to, int(l.reach-l.base))
	}
}

// endOf64 is where characters of base64 end that begin at a place.
func endOf64(b []byte, i int) int {
	for i < len(b) && table[b[i]]&in64 != 0 {
		i++
	}
	return i
}

// breaks reports whether one of eight bytes is a sign below '+', such as a space, or is
// not ASCII's.
func breaks(x uint64) bool {
	const (
		each = 0x0101010101010101
		high = 0x80 * each
	)
	return ((x-'+'*each)&^x|x)&high != 0
}

// run reads a run, and reports whether it has ended.
func (l *lens) run(from, to int, final bool) (ended bool) {
	b := l.buf[:l.n]
	if to == l.n && !final || to-from > shortRun || (to-from)%4 == 0 && to-from >= longLine && lineBreak(b[to:]) > 0 {
		k := &run{form: "base64", width: 6, out: make([]byte, 0, kidBuffer)}
		if isHex(b[from:to]) {
			k.form, k.width = "hexadecimal", 4
			if b[from+1]|0x20 == 'x' {
				from += 2
			}
		}
		k.next, k.to = l.base+int64(from), l.child(l.offsetName(k.form, l.base+int64(from)))
		l.kid = k
		return l.feed(final)
	}
	if isHex(b[from:to]) { // no text is so in base64
		l.hexRun(from, to)
		return true
	}
	for align := range 4 {
		l.base64Run(from+align, to)
	}
	return true
}

// isHex reports whether all are hexadecimal digits, but for an x behind the first.
func isHex(b []byte) bool {
	for i, c := range b {
		if !isDigit(c) && (c|0x20 < 'a' || c|0x20 > 'f') && (i != 1 || c|0x20 != 'x') {
			return false
		}
	}
	return true
}

func (l *lens) hexRun(from, to int) {
	b := l.buf[from:to]
	if len(b) > 2 && b[1]|0x20 == 'x' {
		b, from = b[2:], from+2
	}
	if len(b) < shortest || b[1]|0x20 == 'x' {
		return
	}
	sh := &sheet{form: "hexadecimal"}
	sh.b = readHex(b)
	for i := range sh.b {
		sh.pos = append(sh.pos, int32(from+2*i)) //nolint:gosec // a window is small
	}
	l.emails(sh, 0, len(sh.b))
	l.digits(sh, 0, len(sh.b))
	if isText(sh.b[:min(len(sh.b), 8)]) {
		l.inner(sh, 2)
	}
}

// base64Run undoes a short run from a place on. Escapes in it are looked at where it
// begins to look like text.
func (l *lens) base64Run(from, to int) {
	b := l.buf[from:to]
	const probe = 12
	if len(b) < probe {
		return
	}
	l.undone = undo64(l.undone[:0], b)
	text := isText(l.undone[:probe*3/4])
	if !text && bytes.IndexByte(l.undone, '@') < 0 && !manyDigits(l.undone) {
		return
	}
	sh := &sheet{form: "base64", b: l.undone, pos: make([]int32, len(l.undone))}
	for i := range sh.pos {
		sh.pos[i] = int32(from + i*4/3) //nolint:gosec // a window is small
	}
	l.emails(sh, 0, len(sh.b))
	l.digits(sh, 0, len(sh.b))
	if text {
		l.inner(sh, 2)
	}
}

// manyDigits reports whether there are as many digits as a number has.
func manyDigits(b []byte) bool {
	n := 0
	for _, c := range b {
		if isDigit(c) {
			n++
		}
	}
	return n >= tailLen
}

// undo64 undoes base64 (RFC 4648 §4, §5); what is left of the last quantum counts.
func undo64(out, b []byte) []byte {
	var acc uint32
	have := 0
	for _, c := range b {
		acc, have = acc<<6|uint32(value64(c)), have+6
		if have >= 8 {
			have -= 8
			out = append(out, byte(acc>>have)) //nolint:gosec // the low eight bits
		}
	}
	return out
}

func value64(c byte) byte { return values64[c] }

func value16(c byte) byte {
	if isDigit(c) {
		return c - '0'
	}
	return (c | 0x20 - 'a' + 10) & 0xF
}

// lineBreak is how long a line's end is that base64 goes on behind: of the text, or
// written as an escape of JSON. 0 is none, -1 that what is known of the text ends.
func lineBreak(b []byte) int {
	for _, end := range []string{"\r\n", "\n", `\r\n`, `\n`} {
		switch {
		case len(b) <= len(end) && strings.HasPrefix(end, string(b)):
			return -1
		case strings.HasPrefix(string(b[:min(len(b), len(end))]), end):
			if table[b[len(end)]]&in64 != 0 {
				return len(end)
			}
			return 0
		}
	}
	return 0
}

// feed goes on with the run, and reports whether it has ended.
func (l *lens) feed(final bool) (ended bool) {
	k := l.kid
	i := int(k.next - l.base)
	for i < l.n {
		if end := endOf64(l.buf[:l.n], i); end > i {
			k.putAll(l.buf[i:end])
			k.now += end - i
			i = end
			continue
		}
		n := lineBreak(l.buf[i:l.n])
		if n < 0 && !final {
			break // the next window tells
		}
		if n <= 0 || !k.full() {
			ended = true
			break
		}
		k.line, k.now = k.now, 0
		i += n
	}
	k.next = l.base + int64(i)
	l.reach = max(l.reach, k.next)
	if ended = ended || final; ended {
		k.flush()
		if err := k.to.Close(); err != nil {
			l.fault(err)
		}
		l.kid = nil
	}
	return ended
}

// full reports whether a line is so long that the run goes on in the next.
func (k *run) full() bool {
	return k.now%4 == 0 && k.now >= longLine && (k.line == 0 || k.now == k.line)
}

// putAll undoes characters, four at a time where that is possible.
func (k *run) putAll(b []byte) {
	for len(b) >= 4 && k.have == 0 && k.width == 6 {
		v := uint32(value64(b[0]))<<18 | uint32(value64(b[1]))<<12 | uint32(value64(b[2]))<<6 | uint32(value64(b[3]))
		if k.out = append(k.out, byte(v>>16), byte(v>>8&0xFF), byte(v&0xFF)); len(k.out)+4 > cap(k.out) { //nolint:gosec // 24 bits
			k.flush()
		}
		b = b[4:]
	}
	for _, c := range b {
		k.put(c)
	}
}

func (k *run) put(c byte) {
	v := value64(c)
	if k.width == 4 {
		v = value16(c)
	}
	k.bits, k.have = k.bits<<k.width|uint32(v), k.have+k.width
	if k.have >= 8 {
		k.have -= 8
		k.out = append(k.out, byte(k.bits>>k.have)) //nolint:gosec // the low eight bits
		if len(k.out) == cap(k.out) {
			k.flush()
		}
	}
}

func (k *run) flush() {
	if !k.broken {
		_, err := k.to.Write(k.out)
		k.broken = err != nil
	}
	k.out = slices.Delete(k.out, 0, len(k.out))
}
