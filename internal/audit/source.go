package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

const (
	readSize  = 256 << 10
	maxWindow = 128 << 20 // of a zstd stream: zstd --ultra --long=27
)

// counter counts the bytes that a file gave.
type counter struct {
	in io.Reader
	n  int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	c.n += int64(n)
	return n, err //nolint:wrapcheck // a reader's own errors
}

// unpack looks at the first bytes and undoes gzip or zstd.
func unpack(in io.Reader) (plain io.Reader, end func(), err error) {
	magic := make([]byte, 4)
	n, err := io.ReadFull(in, magic)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, nil, fmt.Errorf("read: %w", err)
	}
	whole := &rejoined{head: magic[:n], rest: in}
	none := func() {}
	switch {
	case bytes.HasPrefix(magic[:n], []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(whole)
		if err != nil {
			return nil, nil, cut(err)
		}
		return z, none, nil
	case bytes.Equal(magic[:n], []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(whole, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, nil, cut(err)
		}
		return z, z.Close, nil
	default:
		return whole, none, nil
	}
}

// rejoined gives its head and then the rest. Other than an io.MultiReader it goes
// on after an end, as a live file does.
type rejoined struct {
	head []byte
	rest io.Reader
}

func (j *rejoined) Read(p []byte) (int, error) {
	if len(j.head) > 0 {
		n := copy(p, j.head)
		j.head = j.head[n:]
		return n, nil
	}
	return j.rest.Read(p) //nolint:wrapcheck // a reader's own errors
}

// cut says of a compressed stream's early end what it is.
func cut(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: %w", ErrCut, err)
	}
	return err
}

// record is one piece of the log.
type record struct {
	bytes  []byte
	offset int64
	line   int64 // lines before it
	length int64
	long   bool // bytes is its beginning
}

// source cuts a stream into records and knows where it is.
type source struct {
	in         io.Reader
	buf        []byte
	start, end int
	offset     int64 // of buf[start]
	line       int64
	max        int
	live       bool
	err        error     // of in, io.EOF included
	sum        io.Writer // of what was passed; nil for none
}

// peek returns up to n first bytes. It is for the beginning.
func (s *source) peek(n int) ([]byte, error) {
	for s.end-s.start < n && s.err == nil {
		s.fill()
	}
	if s.err != nil && !errors.Is(s.err, io.EOF) && s.end == s.start {
		return nil, fmt.Errorf("read: %w", s.err)
	}
	head := s.buf[s.start:s.end]
	return head[:min(n, len(head))], nil
}

// skipTo passes over what was read before.
func (s *source) skipTo(offset, line int64) error {
	for s.offset < offset {
		if s.start == s.end {
			if s.fill(); s.start == s.end && s.err != nil {
				return ErrOther
			}
		}
		n := min(int64(s.end-s.start), offset-s.offset)
		s.start += int(n)
		s.offset += n
	}
	s.line = line
	return nil
}

// fill reads more, once, behind what there is.
func (s *source) fill() {
	if s.start > 0 {
		s.end = copy(s.buf, s.buf[s.start:s.end])
		s.start = 0
	}
	if s.end == len(s.buf) {
		grown := make([]byte, max(readSize, min(2*len(s.buf), s.max+readSize)))
		copy(grown, s.buf[:s.end])
		s.buf = grown
	}
	n, err := s.in.Read(s.buf[s.end:])
	s.end += n
	if err != nil {
		s.err = cut(err)
	}
}

// next returns the next record; its bytes are nil for filling between records.
func (s *source) next(f shape) (record, error) {
	if s.live && errors.Is(s.err, io.EOF) {
		s.err = nil
	}
	for {
		final := s.err != nil && !s.live
		if data := s.buf[s.start:s.end]; len(data) > 0 {
			n, from, to := f.split(data, final)
			if n == 0 && final {
				n, from, to = len(data), len(data)-len(bytes.TrimLeft(data, " \t\r\n")), len(data)
			}
			if n > 0 {
				return s.take(n, from, to), nil
			}
			if s.end-s.start >= s.max {
				return s.long(), nil
			}
		}
		if s.err != nil {
			return record{}, s.err
		}
		s.fill()
	}
}

// take passes over n bytes and returns the record among them.
func (s *source) take(n, from, to int) record {
	data := s.buf[s.start : s.start+n]
	r := record{offset: s.offset + int64(from), line: s.line, length: int64(to - from)}
	if from < to {
		r.bytes = data[from:to]
		r.line += int64(bytes.Count(data[:from], []byte("\n")))
	}
	s.pass(n)
	return r
}

func (s *source) pass(n int) {
	if s.sum != nil {
		s.sum.Write(s.buf[s.start : s.start+n]) //nolint:errcheck // a hash, which takes all
	}
	s.line += int64(bytes.Count(s.buf[s.start:s.start+n], []byte("\n")))
	s.start += n
	s.offset += int64(n)
}

// long passes over a record that is too long, to the end of a line, and keeps its
// beginning.
func (s *source) long() record {
	kept := bytes.Clone(s.buf[s.start:min(s.end, s.start+MaxKept)])
	r := record{bytes: kept, offset: s.offset, line: s.line, long: true}
	for !s.passLine() && s.err == nil {
		s.fill()
	}
	r.length = s.offset - r.offset
	return r
}

// passLine passes over the rest of a line, and reports whether it has an end.
func (s *source) passLine() bool {
	n := bytes.IndexByte(s.buf[s.start:s.end], '\n')
	if n < 0 {
		s.pass(s.end - s.start)
		return false
	}
	s.pass(n + 1)
	return true
}

// lines is the split of formats with a record a line.
type lines struct{}

func (lines) split(data []byte, end bool) (n, from, to int) { //nolint:unparam // one of several splits
	n = bytes.IndexByte(data, '\n')
	switch {
	case n >= 0:
		return n + 1, 0, len(bytes.TrimSuffix(data[:n], []byte("\r")))
	case end:
		return len(data), 0, len(data)
	default:
		return 0, 0, 0
	}
}
