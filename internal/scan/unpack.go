package scan

import (
	"bytes"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// ErrBomb says that what was packed unpacks to more than is allowed.
var ErrBomb = errors.New("it unpacks to more than is allowed, as a bomb does")

// ErrCut says that what was packed ends in the middle.
var ErrCut = errors.New("it is cut off")

const (
	headBytes  = 1 << 10   // by which a stream is known
	copyBytes  = 64 << 10  // unpacked at a time
	zstdWindow = 128 << 20 // of a zstd stream: zstd --ultra --long=27
)

// sink takes a stream. Close is its end.
type sink interface {
	io.Writer
	Close() error
}

// opener takes a stream of any form: it looks at its beginning, and lets it be
// unpacked, read as text of two bytes a character, or looked through as it is.
type opener struct {
	job   *job
	where place
	head  []byte
	to    sink
}

// place is where in a file a stream is: in which streams, the outermost first.
type place struct {
	name  string
	depth int
}

func (p place) in(name string) place {
	if p.name != "" {
		name = p.name + " > " + name
	}
	return place{name, p.depth + 1}
}

func (j *job) open(where place) sink { return &opener{job: j, where: where} }

// Write takes the next piece.
func (o *opener) Write(p []byte) (int, error) {
	if o.to != nil {
		return o.to.Write(p) //nolint:wrapcheck // one of ours
	}
	o.head = append(o.head, p...)
	if len(o.head) < headBytes {
		return len(p), nil
	}
	return len(p), o.choose()
}

// Close ends the stream.
func (o *opener) Close() error {
	if o.to == nil {
		if err := o.choose(); err != nil {
			return err
		}
	}
	return o.to.Close() //nolint:wrapcheck // one of ours
}

func (o *opener) choose() error {
	o.to = o.job.reader(o.head, o.where)
	head := o.head
	o.head = nil
	_, err := o.to.Write(head)
	return err //nolint:wrapcheck // one of ours
}

// reader is what reads a stream with such a beginning.
func (j *job) reader(head []byte, where place) sink {
	packed, name := isPacked(head)
	switch {
	case packed && where.depth >= j.limits.Depth:
		j.fault(where, fmt.Errorf("%w: %s lies %d layers deep, %d are read", ErrBomb, name, where.depth, j.limits.Depth))
	case name == "zip":
		return &zipSink{job: j, where: where}
	case packed:
		return j.unpacker(name, where.in(name))
	case name != "":
		j.fault(where, fmt.Errorf("%s is not read: unpack it, and scan what it holds", name))
	}
	l := newLens(j.look, func(f *found) { j.collect(where, f) }, func(name string) sink { return j.open(where.in(name)) }, func(err error) { j.fault(where, err) })
	if order := wide(head); order != nil {
		return &wideSink{lens: l, order: order}
	}
	if where.depth >= j.limits.Depth {
		l.child = func(string) sink { return nowhere{} }
	}
	return l
}

// isPacked knows a packed stream by its first bytes. One that is not read has a
// name alone.
func isPacked(head []byte) (packed bool, name string) {
	for _, f := range []struct {
		magic, name string
		read        bool
	}{
		{"\x1f\x8b\x08", "gzip", true},
		{"\x28\xb5\x2f\xfd", "zstd", true},
		{"PK\x03\x04", "zip", true},
		{"PK\x05\x06", "zip", true},
		{"\xfd7zXZ\x00", "xz", false},
		{"7z\xbc\xaf\x27\x1c", "7z", false},
		{"%PDF-", "what is compressed in a PDF", false},
		{"Rar!\x1a\x07", "rar", false},
		{"\x04\x22\x4d\x18", "lz4", false},
	} {
		if bytes.HasPrefix(head, []byte(f.magic)) {
			return f.read, f.name
		}
	}
	if len(head) > 10 && bytes.HasPrefix(head, []byte("BZh")) && string(head[4:10]) == "1AY&SY" {
		return true, "bzip2"
	}
	return false, ""
}

// nowhere takes what lies too deep.
type nowhere struct{}

// Write takes anything.
func (nowhere) Write(p []byte) (int, error) { return len(p), nil }

// Close ends it.
func (nowhere) Close() error { return nil }

// unpacker unpacks what is written to it, beside its writer, which it ends after.
type unpacker struct {
	*io.PipeWriter
	done chan struct{}
}

// Close waits until all is looked through.
func (u *unpacker) Close() error {
	err := u.PipeWriter.Close()
	<-u.done
	return err //nolint:wrapcheck // a pipe's own
}

func (j *job) unpacker(name string, where place) sink {
	pr, pw := io.Pipe()
	u := &unpacker{pw, make(chan struct{})}
	go func() { // ends with the stream, which its writer closes
		defer close(u.done)
		to := j.open(where)
		n, err := j.copy(to, unpack(name, pr))
		if err != nil {
			j.fault(where, fmt.Errorf("after %d bytes of what it holds: %w", n, cut(err)))
		}
		if err := to.Close(); err != nil {
			j.fault(where, err)
		}
		_, _ = io.Copy(io.Discard, pr) // what is behind it: its writer must not wait
	}()
	return u
}

// unpack reads a packed stream. A fault of its beginning comes with the first read.
func unpack(name string, in io.Reader) io.Reader {
	switch name {
	case "gzip":
		z, err := gzip.NewReader(in)
		if err != nil {
			return failing{err}
		}
		return z
	case "zstd":
		z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(zstdWindow))
		if err != nil {
			return failing{err}
		}
		return z.IOReadCloser()
	}
	return bzip2.NewReader(in)
}

// failing is a reader that fails.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// copy copies what was packed within the bounds of a file.
func (j *job) copy(to io.Writer, in io.Reader) (n int64, err error) {
	if c, ok := in.(io.Closer); ok {
		defer c.Close() //nolint:errcheck // it was only read
	}
	buf := make([]byte, copyBytes)
	for {
		got, err := in.Read(buf)
		n += int64(got)
		if !j.mayUnpack(int64(got)) {
			return n, fmt.Errorf("%w: %d bytes", ErrBomb, j.most.Load())
		}
		if got > 0 {
			if _, err := to.Write(buf[:got]); err != nil {
				return n, err //nolint:wrapcheck // one of ours
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return n, nil
		case err != nil:
			return n, err //nolint:wrapcheck // said where it is told
		case j.ctx.Err() != nil:
			return n, j.ctx.Err() //nolint:wrapcheck // the end that was asked for
		}
	}
}

// cut says of a packed stream's early end what it is.
func cut(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: %w", ErrCut, err)
	}
	return err
}
