package spool

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

const (
	windowLen = 256 << 10
	block     = 4096
	sector    = 512 // what a disk writes as one piece, at least
)

// window reads a file in larger pieces.
type window struct {
	r    io.ReaderAt
	size int64
	off  int64
	buf  []byte
}

// at gives n bytes from off, which must lie within the size. They are valid
// until the next call.
func (w *window) at(off int64, n int) ([]byte, error) {
	if off >= w.off && off+int64(n) <= w.off+int64(len(w.buf)) {
		return w.buf[off-w.off:][:n], nil
	}
	want := int(min(int64(max(n, windowLen)), w.size-off))
	if cap(w.buf) < want {
		w.buf = make([]byte, want)
	}
	got, err := w.r.ReadAt(w.buf[:want], off)
	w.off, w.buf = off, w.buf[:got]
	if got >= n {
		return w.buf[:n], nil
	}
	if err == nil {
		err = io.ErrUnexpectedEOF
	}
	return nil, fmt.Errorf("read at %d: %w", off, err)
}

// frame reads the frame at off. errTorn: the file ends within it; errBad: it is
// not one. body is everything before the chain value.
func (w *window) frame(off int64) (f frame, body []byte, err error) {
	if w.size-off < frameHead {
		return f, nil, errTorn
	}
	head, err := w.at(off, frameHead)
	if err != nil {
		return f, nil, fmt.Errorf("%w: %w", errBad, err)
	}
	n, err := frameSize(head)
	if err != nil {
		return f, nil, err
	}
	if w.size-off < int64(n) {
		return f, nil, errTorn
	}
	b, err := w.at(off, n)
	if err != nil {
		return f, nil, fmt.Errorf("%w: %w", errBad, err)
	}
	f, err = decodeFrame(b)
	return f, b[:len(b)-frameTail], err
}

// found is a readable frame of a segment.
type found struct {
	key [16]byte
	seq uint64
	off int64
}

// damage is a stretch of a segment that is not what was written.
type damage struct {
	off, end int64
	what     string
}

// scan is what a segment holds.
type scan struct {
	head    header
	headOK  bool
	frames  []found
	last    uint64 // newest readable sequence number; before any, first-1
	chain   sum    // after the last readable frame
	chainOK bool
	end     int64 // behind the last readable frame
	size    int64
	limit   uint64
	torn    bool // behind end there is an unfinished batch, or zeros
	blank   bool // behind end there are only zeros, or nothing
	faults  []damage
}

// scanSegment reads a segment. limit is the first sequence number of the
// segment after it, at which it ends, or 0.
func scanSegment(r io.ReaderAt, size int64, limit uint64) *scan {
	sc := &scan{size: size, end: min(size, headLen), limit: limit}
	if size > maxFile {
		sc.fault(maxFile, size, "file is larger than any segment")
		size = maxFile
	}
	w := &window{r: r, size: size}
	sc.header(w)
	for off := int64(headLen); off < size && (limit == 0 || sc.last+1 < limit); {
		f, body, err := w.frame(off)
		switch {
		case err == nil && (limit == 0 || f.seq < limit):
			sc.take(f, body, off)
			off = sc.end
		case err == nil:
			return sc // replaced by the segment that follows
		default:
			off = sc.skip(w, off, err)
		}
	}
	sc.blank = allZero(w, sc.end)
	if sc.torn && limit > 0 {
		sc.fault(sc.end, size, "unfinished batch before the end of the segment")
	}
	return sc
}

func (sc *scan) fault(off, end int64, what string) {
	sc.faults = append(sc.faults, damage{off, end, what})
}

func (sc *scan) header(w *window) {
	if w.size >= headLen {
		if b, err := w.at(0, headLen); err == nil {
			sc.head, sc.headOK = decodeHeader(b)
		}
	}
	if !sc.headOK {
		sc.fault(0, sc.end, "header is damaged")
		return
	}
	sc.last, sc.chain, sc.chainOK = sc.head.first-1, sc.head.prev, true
}

// take adds a readable frame and checks that it follows the one before it.
// Where that one is lost, the chain is taken up again from the frame itself.
func (sc *scan) take(f frame, body []byte, off int64) {
	end := off + int64(len(body)) + frameTail
	if sc.chainOK && (f.seq != sc.last+1 || f.chain != link(sc.chain, body)) {
		sc.fault(off, end, "frame does not continue the chain")
	}
	if sc.plausible(f.seq, off) {
		sc.frames = append(sc.frames, found{f.key, f.seq, off})
		sc.last = f.seq
	}
	sc.chain, sc.chainOK, sc.end = f.chain, true, end
}

// plausible reports whether the frame at off can have this number: each number
// before it took up room.
func (sc *scan) plausible(seq uint64, off int64) bool {
	if !sc.headOK && len(sc.frames) == 0 {
		return true
	}
	return seq > sc.last && seq-sc.last <= 1+uint64(off-sc.end)/overhead //nolint:gosec // off never lies before end
}

// skip deals with bytes at off that are no frame and gives the place to go on at.
func (sc *scan) skip(w *window, off int64, err error) int64 {
	if errors.Is(err, errTorn) {
		sc.torn = true
		return w.size
	}
	next, ok := sc.resync(w, off+1)
	if sc.torn = sc.limit == 0 && sc.unfinished(w, off, next); sc.torn {
		return w.size
	}
	if ok {
		sc.fault(off, next, "damaged bytes before a readable frame")
		sc.chainOK = false
		return next
	}
	if sc.torn = allZero(w, off); !sc.torn {
		sc.fault(off, w.size, "damaged bytes at the end")
	}
	return w.size
}

// resync looks for the next readable frame. Its number must be one that the
// bytes in between leave room for, so that chance bytes do not pass for one.
func (sc *scan) resync(w *window, off int64) (int64, bool) {
	for off+overhead <= w.size {
		b, err := w.at(off, int(min(w.size-off, windowLen/4)))
		if err != nil {
			b = w.buf // what could be read
		}
		i := bytes.Index(b, []byte(frameMagic))
		if i < 0 && err != nil {
			off = ((off+int64(len(b)))/block + 1) * block // behind what cannot be read
			continue
		}
		if i < 0 {
			off += int64(len(b)) - int64(len(frameMagic)) + 1
			continue
		}
		off += int64(i)
		f, _, err := w.frame(off)
		if err == nil && sc.plausible(f.seq, off) {
			return off, true
		}
		off++
	}
	return 0, false
}

func allZero(w *window, off int64) bool {
	for off < w.size {
		b, err := w.at(off, int(min(w.size-off, windowLen/4)))
		if err != nil || len(bytes.TrimLeft(b, "\x00")) > 0 {
			return false
		}
		off += int64(len(b))
	}
	return true
}

// lost bounds how many records a damaged end may have held.
func (sc *scan) lost() uint64 {
	n := len(sc.faults)
	if n == 0 || sc.faults[n-1].end <= sc.end {
		return 0
	}
	return uint64(sc.size-sc.end)/overhead + 1 //nolint:gosec // end lies within the size
}

// why lists the faults in words. A whole segment may not end in a torn frame.
func (sc *scan) why(whole bool) []string {
	var all []string
	for _, f := range sc.faults {
		all = append(all, fmt.Sprintf("bytes %d to %d: %s", f.off, f.end, f.what))
	}
	if whole && sc.torn {
		all = append(all, fmt.Sprintf("bytes %d to %d: unfinished batch", sc.end, sc.size))
	}
	return all
}
