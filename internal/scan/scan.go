// Package scan looks for tokens in files of any size and form: dumps of databases,
// tables, mail archives, chat logs, alone or packed. It works without the registry
// as well, with a [Filter] that shows no token.
//
// A stream is looked through in windows of 128 KiB, of which each knows 1 KiB on
// either side, so that a token is found wherever a read or a packed block ends, and
// a line may have any length. Two signs lead to tokens. At each '@' the domain is
// read first, of which there are few; where it is one of theirs the local part is
// read too. At the end of each run of digits the last seven, with what people write
// between digits passed over, are asked for in a Bloom filter; where it has them,
// the tokens that end so are compared digit by digit with what stands there.
//
//	+44 (0)20 7946-0018   0044 2079460018   020 7946 0018     +442079460018
//	[#tk-2025/0042]   TK20250042   tk 2025.0042               TK20250042
//	"Dana.Whitfield+x"@EXAMPLE.NET                            dana.whitfield@example.net
//
// Around each escape (percent, quoted-printable, entities, backslashes, zeros
// between letters, signs of other scripts, "[at]") the text is undone and looked at
// once more, up to three layers deep; so is each run of 16 letters or digits or more
// that base64 or hexadecimal digits can make. Long base64 and what gzip, zstd, bzip2
// and zip hold is a stream of its own, eight deep at most. What unpacks to more
// than is allowed is left where that is reached ([ErrBomb]).
//
// A number that would stand in any file now and then is weak: one without its
// country, a ticket of few digits. What [Report] makes of it follows from the
// placebos and from what else is found.
//
// The invariant: what is wrong with a part of a file (it is cut off, it does not
// unpack) is told as a [Fault] with its place, and takes nothing away from what was
// found before, behind or beside it.
package scan

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"

	"saltmine/internal/canary"
)

// Limits bound what a file can make a scan do. A zero field is the default.
type Limits struct {
	Unpacked int64  // bytes unpacked of one file; 64 GiB and 200 times its size
	Depth    int    // of what is packed in what is packed; 8
	Entries  int    // of one archive; 1,000,000
	Each     int    // places of one token in one file that are told; 100
	All      int    // places in one file that are told; 1,000,000
	Kept     int64  // bytes of zip archives in something else that are kept at once; 4 GiB
	Temp     string // where an archive in something else is kept meanwhile; the system's folder
}

// Find is one token at one place of a file.
type Find struct {
	Kind   canary.Kind
	Ref    int32  // of the book, or of the filter's finds
	Text   string // what a filter's find is; never shown
	Inside string // in what packed or encoded stream of the file; empty: in none
	Offset int64  // in that stream, in bytes
	Line   int64  // from 1
	Size   int    // bytes as written
	Form   string // how it was written, where that is an encoding
	Weak   bool
	// Context is what stands around it, with it.
	Context []byte
}

// Fault is what could not be read, and where.
type Fault struct {
	Inside string
	Err    error
}

// Report is what was found in one file.
type Report struct {
	SHA256 string // of the file as it is; of what was read, where that was not all
	Bytes  int64  // read
	Whole  bool   // all was read, packed parts may still have faults
	Finds  []Find // in the order in which they were met
	// More are the finds that are counted and not told: they are too many.
	More   int
	Faults []Fault
}

// Scan looks through one file, which is read once; a zip archive in a regular file
// is read twice. A fault of reading is told in the report, and what was found until
// then is kept. read is told how many bytes were read; it may be nil.
func Scan(ctx context.Context, look Lookup, in io.Reader, limits Limits, read func(int64)) *Report {
	j := &job{ctx: ctx, look: look.finder(), limits: limits.orDefaults(), counts: map[key]int{}}
	if f, ok := in.(*os.File); ok {
		if size, isZip := regularZip(f); isZip {
			j.wholeZip(f, size, read)
			return j.done()
		}
	}
	j.read(j.open(place{}), in, read)
	return j.done()
}

// Lookup is what a scan looks tokens up in: a [Book] or a [Filter].
type Lookup interface{ finder() finder }

func (b *Book) finder() finder { return b }

// job is the scan of one file.
type job struct {
	ctx    context.Context //nolint:containedctx // of one call of Scan
	look   finder
	limits Limits
	most   atomic.Int64 // bytes that may be unpacked
	out    atomic.Int64 // bytes that were
	// spooled are the bytes of zip archives in a stream that are kept now.
	spooled atomic.Int64

	mu     sync.Mutex // guards the rest: what is unpacked is looked through beside
	report Report
	counts map[key]int
	kept   int // bytes of contexts
}

// key is a token as the places of it are counted.
type key struct {
	kind canary.Kind
	ref  int32
	text string
}

func (l Limits) orDefaults() Limits {
	or := func(n *int, otherwise int) {
		if *n == 0 {
			*n = otherwise
		}
	}
	if l.Kept == 0 {
		l.Kept = 4 << 30
	}
	or(&l.Depth, 8)
	or(&l.Entries, 1_000_000)
	or(&l.Each, 100)
	or(&l.All, 1_000_000)
	return l
}

// read reads a file into a sink and makes its hash on the way.
func (j *job) read(to sink, in io.Reader, told func(int64)) {
	sum := sha256.New()
	buf := make([]byte, window)
	j.setMost(0)
	for {
		n, err := in.Read(buf)
		j.report.Bytes += int64(n)
		j.setMost(j.report.Bytes)
		sum.Write(buf[:n])
		if _, fault := to.Write(buf[:n]); fault != nil {
			j.fault(place{}, fault)
		}
		if told != nil {
			told(j.report.Bytes)
		}
		if err == nil {
			err = j.ctx.Err()
		}
		if err != nil {
			j.report.Whole = errors.Is(err, io.EOF)
			if !j.report.Whole {
				j.fault(place{}, fmt.Errorf("after %d bytes: %w", j.report.Bytes, err))
			}
			break
		}
	}
	if err := to.Close(); err != nil {
		j.fault(place{}, err)
	}
	j.report.SHA256 = hex.EncodeToString(sum.Sum(nil))
}

// setMost lets a file of so many bytes unpack to what is allowed.
func (j *job) setMost(size int64) {
	const least, times = 64 << 30, 200
	if j.limits.Unpacked > 0 {
		j.most.Store(j.limits.Unpacked)
		return
	}
	j.most.Store(least + times*size)
}

// mayUnpack counts bytes that were unpacked, and reports whether they are allowed.
func (j *job) mayUnpack(n int64) bool { return j.out.Add(n) <= j.most.Load() }

func (j *job) spent() bool { return j.out.Load() > j.most.Load() }

func (j *job) fault(where place, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	const most = 1000
	if len(j.report.Faults) < most {
		j.report.Faults = append(j.report.Faults, Fault{where.name, err})
	}
}

// collect keeps a find, or counts it.
func (j *job) collect(where place, f *found) {
	const mostContext = 64 << 20
	j.mu.Lock()
	defer j.mu.Unlock()
	k := key{f.kind, f.ref, f.text}
	j.counts[k]++
	if j.counts[k] > j.limits.Each || len(j.report.Finds) >= j.limits.All {
		j.report.More++
		return
	}
	find := Find{Kind: f.kind, Ref: f.ref, Text: f.text, Inside: where.name, Offset: f.offset, Line: f.line, Size: f.size, Form: f.form, Weak: f.weak}
	if j.kept += len(f.context); j.kept <= mostContext {
		find.Context = bytes.Clone(f.context)
	}
	j.report.Finds = append(j.report.Finds, find)
}

func (j *job) done() *Report {
	j.mu.Lock()
	defer j.mu.Unlock()
	return &j.report
}

// regularZip reports whether a file is a zip archive of which any part can be read.
func regularZip(f *os.File) (size int64, ok bool) {
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return 0, false
	}
	if at, err := f.Seek(0, io.SeekCurrent); err != nil || at != 0 {
		return 0, false
	}
	var head [headBytes]byte
	n, err := f.ReadAt(head[:], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, false
	}
	_, name := isPacked(head[:n])
	return info.Size(), name == "zip"
}

// wholeZip looks through an archive where it lies.
func (j *job) wholeZip(f *os.File, size int64, read func(int64)) {
	j.read(nowhere{}, f, read)
	if j.ctx.Err() == nil {
		j.archive(f, size, place{})
	}
}
