package scan

import (
	"bytes"
	"encoding/binary"
	"slices"
	"unicode/utf16"
	"unicode/utf8"
)

// wide tells text with two bytes a character (UTF-16) by its mark or by its zeros,
// and in which order they stand; nil is other text.
func wide(head []byte) binary.ByteOrder {
	switch {
	case bytes.HasPrefix(head, []byte{0xFF, 0xFE, 0, 0}):
		return nil // UTF-32, whose zeros are passed over
	case bytes.HasPrefix(head, []byte{0xFF, 0xFE}):
		return binary.LittleEndian
	case bytes.HasPrefix(head, []byte{0xFE, 0xFF}):
		return binary.BigEndian
	}
	var zero [2]int
	for i, c := range head {
		if c == 0 {
			zero[i%2]++
		}
	}
	switch half := len(head) / 2; {
	case half < 8:
	case zero[1] > half*6/10 && zero[0] < half/20:
		return binary.LittleEndian
	case zero[0] > half*6/10 && zero[1] < half/20:
		return binary.BigEndian
	}
	return nil
}

// wideSink reads UTF-16 and lets it be looked through as UTF-8. What is found has
// its offset in the stream as it came.
type wideSink struct {
	lens  *lens
	order binary.ByteOrder
	rest  []byte // of a character that is not whole
	read  int64  // bytes of UTF-16
	wrote int64  // bytes of UTF-8
	steps []step
}

// step says from where on characters have so many bytes here and there.
type step struct {
	wrote, read int64
	out, in     int64
}

// Write takes the next piece.
func (w *wideSink) Write(p []byte) (int, error) {
	if w.steps == nil {
		report := w.lens.report
		w.lens.report = func(f *found) {
			end := w.source(f.offset + int64(f.size))
			f.offset = w.source(f.offset)
			f.size = int(end - f.offset)
			f.form = joinForms("UTF-16", f.form)
			report(f)
		}
	}
	all := len(p)
	p = append(w.rest, p...)
	out := make([]byte, 0, len(p))
	for len(p) >= 2 {
		r, n := w.rune(p)
		if n == 0 {
			break
		}
		p = p[n:]
		before := len(out)
		out = utf8.AppendRune(out, r)
		w.note(int64(len(out)-before), int64(n))
	}
	w.rest = bytes.Clone(p)
	return all, w.flush(out)
}

func (w *wideSink) flush(out []byte) error {
	_, err := w.lens.Write(out)
	for len(w.steps) > 1 && w.steps[1].wrote < w.lens.base { // nothing before is told any more
		w.steps = w.steps[1:]
	}
	return err
}

// rune reads a character; 0 bytes where more is wanted.
func (w *wideSink) rune(p []byte) (r rune, n int) {
	r = rune(w.order.Uint16(p))
	if r < 0xD800 || r > 0xDBFF {
		return r, 2
	}
	if len(p) < 4 {
		return 0, 0
	}
	if both := utf16.DecodeRune(r, rune(w.order.Uint16(p[2:]))); both != utf8.RuneError {
		return both, 4
	}
	return utf8.RuneError, 2
}

// note remembers where the sizes change.
func (w *wideSink) note(out, in int64) {
	if last := len(w.steps) - 1; last < 0 || w.steps[last].out != out || w.steps[last].in != in {
		w.steps = append(w.steps, step{w.wrote, w.read, out, in})
	}
	w.wrote += out
	w.read += in
}

// source is where a byte that was written was read.
func (w *wideSink) source(at int64) int64 {
	for _, s := range slices.Backward(w.steps) {
		if s.wrote <= at {
			return s.read + (at-s.wrote)/s.out*s.in
		}
	}
	return at
}

// Close ends the stream.
func (w *wideSink) Close() error { return w.lens.Close() }

func joinForms(outer, inner string) string {
	if inner == "" {
		return outer
	}
	return outer + ", " + inner
}
