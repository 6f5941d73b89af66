package scan

import (
	"bytes"
	"encoding/hex"
	"html"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"saltmine/internal/mention"
)

// mostLayers is how many encodings may stand one in another.
const mostLayers = 3

// escape is a way to write characters by others.
type escape struct {
	form string
	// keys are bytes with which one begins: one, or several that are not ASCII's.
	keys string
	// read undoes what begins a text: what is written there, and in how many bytes;
	// 0 where nothing does.
	read func(b []byte) (plain []byte, n int)
}

const wordsForm = "words for signs"

func kinds() []escape {
	return []escape{
		{"percent-encoded", "%", readPercent},
		{"form-encoded", "+", readPlus},
		{"quoted-printable", "=", readQuoted},
		{"entities", "&", readEntity},
		{"backslash escapes", "\\", readBackslash},
		{"two bytes a character", "\x00", readZero},
		{"other signs", "\xC2\xD9\xDB\xE2\xE3\xEF", readOther},
		{wordsForm, "[", readWords},
		{wordsForm, "(", readWords},
		{wordsForm, "{", readWords},
	}
}

// views looks at what stands around the escapes of the window once more, undone.
func (l *lens) views(own *sheet) {
	from, to := max(0, l.lo-margin), min(l.n, l.hi+margin)
	for _, e := range l.escapes {
		l.view(own, e, from, to, 1)
	}
}

// view undoes one kind of escape in a range of a sheet, and looks at what comes out,
// and at the escapes in that.
func (l *lens) view(sh *sheet, e escape, from, to, layer int) {
	for from < to {
		start, end := region(sh.b, e, from, to)
		if start < 0 {
			return
		}
		plain := undo(sh, e, start, end)
		l.emails(plain, 0, len(plain.b))
		l.digits(plain, 0, len(plain.b))
		l.inner(plain, layer+1)
		from = max(end, start+1)
	}
}

// inner looks at the escapes in what was undone.
func (l *lens) inner(sh *sheet, layer int) {
	if layer > mostLayers || !slices.ContainsFunc(sh.b, func(c byte) bool { return table[c]&escapes != 0 }) {
		return
	}
	for _, e := range l.escapes {
		l.view(sh, e, 0, len(sh.b), layer)
	}
}

// region finds the next stretch with escapes, and what stands around them.
func region(b []byte, e escape, from, to int) (start, end int) {
	at := nextEscape(b, e, from, to)
	if at < 0 {
		return -1, -1
	}
	start, end = max(0, at-around), min(len(b), at+around)
	for {
		next := nextEscape(b, e, at+1, min(to, end+around))
		if next < 0 {
			return start, end
		}
		at, end = next, min(len(b), next+around)
	}
}

func nextEscape(b []byte, e escape, from, to int) int {
	for i := from; i < to; i++ {
		var next int
		if len(e.keys) == 1 {
			next = bytes.IndexByte(b[i:to], e.keys[0])
		} else {
			next = indexHigh(b[i:to])
		}
		if next < 0 {
			return -1
		}
		i += next
		if b[i] == 0 {
			i = lastZero(b, i, to)
		}
		if len(e.keys) > 1 && strings.IndexByte(e.keys, b[i]) < 0 {
			continue
		}
		if _, n := e.at(b, i); n > 0 {
			return i
		}
	}
	return -1
}

// lastZero goes over a hole in a file: of zeros in a row the last may matter.
func lastZero(b []byte, i, to int) int {
	for i+8 < to && load(b[i+1:]) == 0 {
		i += 8
	}
	for i+1 < to && b[i+1] == 0 {
		i++
	}
	return i
}

// at undoes what begins at a place. A plus stands for a space only behind something.
func (e *escape) at(b []byte, i int) (plain []byte, n int) {
	if e.keys == "+" && (i == 0 || !isAlnum(b[i-1]) && b[i-1] != ')') {
		return nil, 0
	}
	return e.read(b[i:min(len(b), i+16)])
}

// indexHigh finds a byte that is not ASCII's.
func indexHigh(b []byte) int {
	i := 0
	for ; i+8 <= len(b); i += 8 {
		if m := load(b[i:]) & 0x8080808080808080; m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
	}
	for ; i < len(b); i++ {
		if b[i] >= utf8.RuneSelf {
			return i
		}
	}
	return -1
}

// undo gives a stretch of a sheet without the escapes.
func undo(sh *sheet, e escape, start, end int) *sheet {
	out := &sheet{b: make([]byte, 0, end-start), pos: make([]int32, 0, end-start), form: e.form}
	if sh.form != "" && sh.form != e.form {
		out.form = sh.form + ", " + e.form
	}
	for i := start; i < end; {
		at := int32(sh.raw(i)) //nolint:gosec // a window is small
		plain, n := []byte(nil), 0
		if strings.IndexByte(e.keys, sh.b[i]) >= 0 {
			plain, n = e.at(sh.b, i)
		}
		if n == 0 {
			plain, n = sh.b[i:i+1], 1
		}
		if e.form == wordsForm && n > 1 {
			out.trim()
		}
		for _, c := range plain {
			out.b, out.pos = append(out.b, c), append(out.pos, at)
		}
		i += n
	}
	return out
}

// trim takes the spaces at the end away.
func (sh *sheet) trim() {
	for len(sh.b) > 0 && sh.b[len(sh.b)-1] == ' ' {
		sh.b, sh.pos = sh.b[:len(sh.b)-1], sh.pos[:len(sh.pos)-1]
	}
}

// unhex reads so many hexadecimal digits.
func unhex(b []byte, n int) (value rune, ok bool) {
	if len(b) < n {
		return 0, false
	}
	for _, c := range b[:n] {
		switch {
		case isDigit(c):
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		value = value<<4 | rune(c)
	}
	return value, true
}

func readPercent(b []byte) (plain []byte, n int) {
	if v, ok := unhex(b[1:], 2); ok {
		return []byte{byte(v & 0xFF)}, 3
	}
	return nil, 0
}

// readPlus takes the plus between groups of digits for a space, as in forms.
func readPlus(b []byte) (plain []byte, n int) {
	if len(b) > 1 && (isDigit(b[1]) || b[1] == '(') {
		return []byte{' '}, 1
	}
	return nil, 0
}

// readQuoted undoes quoted-printable (RFC 2045 §6.7), whose digits are upper-case.
func readQuoted(b []byte) (plain []byte, n int) {
	switch {
	case bytes.HasPrefix(b, []byte("=\r\n")):
		return nil, 3
	case bytes.HasPrefix(b, []byte("=\n")):
		return nil, 2
	}
	if v, ok := unhex(b[1:], 2); ok && bytes.Equal(b[1:3], bytes.ToUpper(b[1:3])) {
		return []byte{byte(v & 0xFF)}, 3
	}
	return nil, 0
}

func readEntity(b []byte) (plain []byte, n int) {
	end := bytes.IndexByte(b, ';')
	if end < 2 || b[1] != '#' && !isLetter(b[1]) {
		return nil, 0
	}
	text := string(b[:end+1])
	if undone := html.UnescapeString(text); undone != text {
		return []byte(mention.Fold(undone)), end + 1
	}
	return nil, 0
}

// readBackslash undoes the escapes of JSON, SQL, and the languages that are like C.
func readBackslash(b []byte) (plain []byte, n int) {
	if len(b) < 2 {
		return nil, 0
	}
	switch c := b[1]; {
	case c == 'u':
		if v, ok := unhex(b[2:], 4); ok {
			return utf8.AppendRune(nil, v), 6
		}
	case c == 'x':
		if v, ok := unhex(b[2:], 2); ok {
			return []byte{byte(v & 0xFF)}, 4
		}
	case c >= '0' && c <= '3' && len(b) >= 4:
		if v, err := strconv.ParseUint(string(b[1:4]), 8, 8); err == nil {
			return []byte{byte(v)}, 4
		}
	case strings.IndexByte(`@.'+-_/&=\`, c) >= 0:
		return []byte{c}, 2
	}
	return nil, 0
}

// readZero takes the zero bytes out of text with two bytes a character.
func readZero(b []byte) (plain []byte, n int) {
	if len(b) >= 4 && b[1] != 0 && b[2] == 0 && b[3] != 0 || len(b) == 2 && b[1] != 0 || len(b) == 1 {
		return nil, 1
	}
	return nil, 0
}

// readOther folds the signs in which programs and other scripts write addresses and
// numbers, and takes those away that nobody sees.
func readOther(b []byte) (plain []byte, n int) {
	c, n := utf8.DecodeRune(b)
	switch {
	case c == utf8.RuneError:
	case c == '\u00AD', c >= '\u200B' && c <= '\u200F', c == '\u2060', c == '\uFEFF', c == '\uFF20', c == '\uFE6B', c == '\u3002',
		c >= '\uFF0B' && c <= '\uFF19', c >= '\uFF21' && c <= '\uFF5A', c >= '\u0660' && c <= '\u0669', c >= '\u06F0' && c <= '\u06F9', c == '\u2024':
		return []byte(mention.Fold(string(c))), n
	}
	return nil, 0
}

// readWords undoes "[at]" and "(dot)", with the spaces around them.
func readWords(b []byte) (plain []byte, n int) {
	end := bytes.IndexAny(b, "])}")
	if end < 2 || end > 8 {
		return nil, 0
	}
	n = end + 1
	for n < len(b) && b[n] == ' ' {
		n++
	}
	switch strings.ToLower(string(bytes.Trim(b[1:end], " "))) {
	case "at", "@", "ät":
		return []byte{'@'}, n
	case "dot", "punkt", ".":
		return []byte{'.'}, n
	}
	return nil, 0
}

// readHex undoes a run of hexadecimal digits; nil where one is none.
func readHex(b []byte) []byte {
	out := make([]byte, hex.DecodedLen(len(b)))
	if _, err := hex.Decode(out, b[:len(b)&^1]); err != nil {
		return nil
	}
	return out
}
