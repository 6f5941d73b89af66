package audit

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// objects is the split of formats whose records are JSON objects: one a line, or
// in an array that has no end while it is written, with commas and line feeds
// wherever they please. An object that was cut ends where the next one begins.
type objects struct{}

func (objects) split(data []byte, end bool) (n, from, to int) {
	filling := len(data) - len(bytes.TrimLeft(data, " \t\r\n\x00[],\xef\xbb\xbf"))
	if filling == len(data) {
		return filling, 0, 0
	}
	if data[filling] != '{' {
		n, _, to = lines{}.split(data[filling:], end)
		if n == 0 {
			return 0, 0, 0
		}
		return filling + n, filling, filling + to
	}
	if n = objectEnd(data[filling:]); n == 0 {
		return 0, 0, 0
	}
	return filling + n, filling, filling + n
}

const maxDepth = 32 // of objects and arrays within one another

// objectEnd is where an object ends, whole or cut, or 0.
func objectEnd(b []byte) int {
	var isObject [maxDepth + 1]bool
	depth := 0
	last := byte(0) // what stood before, without spaces
	for i := 0; i < len(b); i++ {
		switch c := b[i]; c {
		case '"':
			n, cut := stringEnd(b[i:])
			if n == 0 {
				return 0
			}
			if i += n - 1; cut {
				return i + 1
			}
		case '{', '[':
			if inObject := isObject[depth]; depth == maxDepth || inObject && last != ':' {
				return i // not in its place: another record
			}
			depth++
			isObject[depth] = c == '{'
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
		if !isSpace(b[i]) {
			last = b[i]
		}
	}
	return 0
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// stringEnd is the length of the string at the beginning, 0 when it has no end
// yet. A line feed in a string cuts it: writers escape those.
func stringEnd(b []byte) (n int, cut bool) {
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1, false
		case '\n':
			return i, true
		}
	}
	return 0, false
}

// fields are a record's values by their names; those within others by both names
// with a point between. Strings keep their bytes, valid UTF-8 or not.
type fields map[string][]byte

// jsonReader reads one object into fields.
type jsonReader struct {
	b     []byte
	pos   int
	path  []byte
	out   fields
	words *words
}

// readObject fills out, and reports whether the object is whole.
func readObject(b []byte, out fields, w *words) bool {
	clear(out)
	r := &jsonReader{b: b, out: out, words: w}
	return r.value(0) && r.space() == 0
}

// space passes over white space and returns the next byte, 0 at the end.
func (r *jsonReader) space() byte {
	for r.pos < len(r.b) && isSpace(r.b[r.pos]) {
		r.pos++
	}
	if r.pos == len(r.b) {
		return 0
	}
	return r.b[r.pos]
}

func (r *jsonReader) value(depth int) bool {
	if depth > maxDepth {
		return false
	}
	switch r.space() {
	case 0:
		return false
	case '{':
		return r.object(depth)
	case '[':
		return r.array(depth)
	case '"':
		s, ok := r.str()
		r.put(s)
		return ok
	default:
		return r.bare()
	}
}

func (r *jsonReader) put(v []byte) {
	if len(r.path) > 0 {
		r.out[r.words.get(r.path)] = v
	}
}

// bare reads a number, true, false or null, which is no value.
func (r *jsonReader) bare() bool {
	n := bytes.IndexAny(r.b[r.pos:], ",}] \t\r\n")
	if n <= 0 {
		return false
	}
	v := r.b[r.pos : r.pos+n]
	r.pos += n
	switch {
	case string(v) == "null":
		return true
	case string(v) != "true" && string(v) != "false":
		if _, err := strconv.ParseFloat(string(v), 64); err != nil {
			return false
		}
	}
	r.put(v)
	return true
}

func (r *jsonReader) object(depth int) bool {
	outer := len(r.path)
	r.pos++
	for first := true; ; first = false {
		switch c := r.space(); {
		case c == '}' && first:
			r.pos++
			return true
		case c != '"':
			return false
		}
		key, ok := r.str()
		if !ok || r.space() != ':' {
			return false
		}
		r.pos++
		if outer > 0 {
			r.path = append(r.path, '.')
		}
		r.path = append(r.path, key...)
		ok = r.value(depth + 1)
		r.path = r.path[:outer]
		if !ok {
			return false
		}
		if done, ok := r.next('}'); done || !ok {
			return ok
		}
	}
}

// array reads the values one after the other under the array's name: the last
// stays, which no format here needs more of.
func (r *jsonReader) array(depth int) bool {
	r.pos++
	if r.space() == ']' {
		r.pos++
		return true
	}
	for {
		if !r.value(depth + 1) {
			return false
		}
		if done, ok := r.next(']'); done || !ok {
			return ok
		}
	}
}

// next passes over a comma, or the end.
func (r *jsonReader) next(end byte) (done, ok bool) {
	c := r.space()
	r.pos++
	return c == end, c == end || c == ','
}

// str reads a string.
func (r *jsonReader) str() ([]byte, bool) {
	n, cut := stringEnd(r.b[r.pos:])
	if n == 0 || cut {
		return nil, false
	}
	raw := r.b[r.pos+1 : r.pos+n-1]
	r.pos += n
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw, true
	}
	return unescapeJSON(raw)
}

func unescapeJSON(raw []byte) ([]byte, bool) {
	out := make([]byte, 0, len(raw))
	for {
		n := bytes.IndexByte(raw, '\\')
		if n < 0 {
			return append(out, raw...), true
		}
		if n+1 == len(raw) {
			return nil, false
		}
		out = append(out, raw[:n]...)
		c := raw[n+1]
		raw = raw[n+2:]
		if c != 'u' {
			out = append(out, unescaped(c))
			continue
		}
		r, used := utf16Escape(raw)
		if used == 0 {
			return nil, false
		}
		out = utf8.AppendRune(out, r)
		raw = raw[used:]
	}
}

// utf16Escape reads the four digits behind \u, and a second half with its own.
func utf16Escape(b []byte) (r rune, used int) {
	unit := func(b []byte) (rune, bool) {
		if len(b) < 4 {
			return 0, false
		}
		v, err := strconv.ParseUint(string(b[:4]), 16, 16)
		return rune(v), err == nil
	}
	first, ok := unit(b)
	if !ok {
		return 0, 0
	}
	const high, low, end = 0xd800, 0xdc00, 0xe000
	if first < high || first >= low {
		return first, 4
	}
	if bytes.HasPrefix(b[4:], []byte(`\u`)) {
		if second, ok := unit(b[6:]); ok && second >= low && second < end {
			return 0x10000 + (first-high)<<10 + second - low, 10
		}
	}
	return utf8.RuneError, 4
}
