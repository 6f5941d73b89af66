package scan

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/zstd"
)

const (
	zipInMemory = 32 << 20 // bytes; a larger one inside of something else is kept in a file for the time
	zipZstd     = 93       // APPNOTE.TXT §4.4.5
)

// zipSink keeps a zip archive that comes as a stream until its end, where its table
// stands.
type zipSink struct {
	job   *job
	where place
	mem   bytes.Buffer
	file  *os.File
	size  int64 // that is kept
	err   error
}

// Write takes the next piece.
func (z *zipSink) Write(p []byte) (int, error) {
	switch {
	case z.err != nil:
		return len(p), nil //nolint:nilerr // told at the end, with where it is
	case z.job.spooled.Add(int64(len(p))) > z.job.limits.Kept:
		z.job.spooled.Add(-int64(len(p)))
		z.err = fmt.Errorf("%w: of a zip archive in a stream %d bytes are kept, and %d were: unpack it, and scan what it holds", ErrBomb, z.job.limits.Kept, z.size)
		return len(p), nil
	case z.file != nil:
		_, z.err = z.file.Write(p)
	case z.mem.Len()+len(p) <= zipInMemory:
		z.mem.Write(p)
	default:
		z.err = z.spill(p)
	}
	z.size += int64(len(p))
	return len(p), nil
}

// spill moves the archive to a file without a name.
func (z *zipSink) spill(p []byte) error {
	f, err := os.CreateTemp(z.job.limits.Temp, "saltmine-scan-")
	if err != nil {
		return fmt.Errorf("keep a zip archive until its end: %w", err)
	}
	z.file = f
	if err := os.Remove(f.Name()); err != nil {
		return fmt.Errorf("keep a zip archive until its end: %w", err)
	}
	_, err = io.MultiWriter(f).Write(append(z.mem.Bytes(), p...))
	z.mem = bytes.Buffer{}
	return err //nolint:wrapcheck // told with where it is
}

// Close looks through the archive.
func (z *zipSink) Close() error {
	defer z.job.spooled.Add(-z.size)
	var in io.ReaderAt = bytes.NewReader(z.mem.Bytes())
	if z.file != nil {
		in = z.file
		defer z.file.Close() //nolint:errcheck // it has no name any more
	}
	if z.err != nil {
		z.job.fault(z.where, z.err)
	}
	z.job.archive(in, z.size, z.where)
	return nil
}

// archive looks through a zip archive, entry by entry. One whose table cannot be
// read, because its end is missing, is read from its beginning as far as it goes.
func (j *job) archive(in io.ReaderAt, size int64, where place) {
	r, err := zip.NewReader(in, size)
	if err != nil {
		j.fault(where, fmt.Errorf("%w: the zip archive has no readable table (%w); its entries are read from its beginning", ErrCut, err))
		j.salvage(bufio.NewReaderSize(io.NewSectionReader(in, 0, size), copyBytes), where)
		return
	}
	r.RegisterDecompressor(zipZstd, func(in io.Reader) io.ReadCloser {
		d, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(zstdWindow))
		if err != nil {
			return io.NopCloser(failing{err})
		}
		return d.IOReadCloser()
	})
	for i, f := range r.File {
		if i >= j.limits.Entries {
			j.fault(where, fmt.Errorf("%w: %d entries of a zip archive, %d are read", ErrBomb, len(r.File), j.limits.Entries))
			return
		}
		inner := where.in(entryName(i, f.Name))
		if err := j.entry(f, inner); err != nil {
			j.fault(inner, err)
		}
		if j.ctx.Err() != nil || j.spent() {
			return
		}
	}
}

// entryName is what an entry is called in a place: by its number, for names come twice,
// and are cut where somebody made them too long to be shown.
func entryName(i int, name string) string {
	return fmt.Sprintf("zip %d %q", i+1, name[:min(len(name), 100)])
}

func (j *job) entry(f *zip.File, where place) error {
	const encrypted = 1
	if f.Flags&encrypted != 0 {
		return errors.New("it is encrypted: unpack it with its password, and scan what it holds")
	}
	in, err := f.Open()
	if err != nil {
		return fmt.Errorf("it cannot be unpacked: %w", err)
	}
	return j.stream(in, where)
}

// stream looks through what is unpacked.
func (j *job) stream(in io.Reader, where place) error {
	to := j.open(where)
	n, err := j.copy(to, in)
	if err != nil {
		err = fmt.Errorf("after %d bytes of what it holds: %w", n, cut(err))
	}
	return errors.Join(err, to.Close())
}

// salvage reads the entries of a zip archive one after another by the heads before
// them (APPNOTE.TXT §4.3.7).
func (j *job) salvage(in *bufio.Reader, where place) {
	const head = 30
	for n := 0; n < j.limits.Entries && j.ctx.Err() == nil && !j.spent(); n++ {
		if !seekTo(in, "PK\x03\x04") {
			return
		}
		raw := make([]byte, head)
		if _, err := io.ReadFull(in, raw); err != nil {
			return
		}
		name := make([]byte, binary.LittleEndian.Uint16(raw[26:]))
		if _, err := io.ReadFull(in, name); err != nil {
			return
		}
		if _, err := in.Discard(int(binary.LittleEndian.Uint16(raw[28:]))); err != nil {
			return
		}
		var body io.Reader
		switch method, size := binary.LittleEndian.Uint16(raw[8:]), binary.LittleEndian.Uint32(raw[18:]); method {
		case zip.Deflate:
			body = flate.NewReader(in) // it reads no byte behind its end of a bufio.Reader
		case zip.Store:
			body = io.LimitReader(in, int64(size))
		default:
			continue
		}
		inner := where.in(entryName(n, string(name)))
		if err := j.stream(body, inner); err != nil {
			j.fault(inner, err)
		}
	}
}

// seekTo passes over everything before a sign.
func seekTo(in *bufio.Reader, sign string) bool {
	for {
		b, err := in.Peek(len(sign))
		switch {
		case err != nil:
			return false
		case string(b) == sign:
			return true
		}
		n := max(1, bytes.IndexByte(b[1:], sign[0])+1)
		if _, err := in.Discard(n); err != nil {
			return false
		}
	}
}
