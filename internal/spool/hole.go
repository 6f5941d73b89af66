package spool

import (
	"bytes"
	"errors"
)

// missing is how many zeros at the end of a frame are more than chance.
const missing = 8

// unfinished reports whether the bytes at off, which are no frame, can be of a
// batch that was not written to its end, or that a power cut kept from the disk
// in part, so that nobody was told of it. A disk may write the sectors of a batch
// in any order, and where something is missing there are the zeros of before. So
// the end of the frame and everything behind it must be zeros, or a whole sector
// of it; and no readable frame behind it, of which next is the first (0: there is
// none), may have been written when this was durable.
func (sc *scan) unfinished(w *window, off, next int64) bool {
	until, last := sc.extent(w, off, next)
	if last+missing >= until && !hole(w, off, until) {
		return false
	}
	for next > 0 {
		f, body, err := w.frame(next)
		switch {
		case errors.Is(err, errTorn):
			return true
		case err != nil:
			next, _ = sc.resync(w, next+1)
		case next-int64(f.back) > off:
			return false
		default:
			next += int64(len(body)) + frameTail
		}
	}
	return true
}

// extent gives where the frame at off ends, of which not all can be read: where
// its header says, or else before the next frame, or behind the last byte that is
// not zero; and that byte's place, when there is no next frame.
func (sc *scan) extent(w *window, off, next int64) (until, last int64) {
	if last = next; next == 0 {
		last = lastByte(w, off)
	}
	if w.size-off < frameHead {
		return w.size, last
	}
	if head, err := w.at(off, frameHead); err == nil {
		if n, err := frameSize(head); err == nil {
			return off + int64(n), last
		}
	}
	if next > 0 {
		return next, last
	}
	return max(last+1, off+frameHead+missing), last
}

// lastByte gives the place of the last byte from off on that is not zero, or
// one before off.
func lastByte(w *window, off int64) int64 {
	last := off - 1
	for off < w.size {
		b, err := w.at(off, int(min(w.size-off, windowLen/4)))
		if err != nil {
			return w.size
		}
		if n := len(bytes.TrimRight(b, "\x00")); n > 0 {
			last = off + int64(n) - 1
		}
		off += int64(len(b))
	}
	return last
}

// hole reports whether some sector is zeros from off or its beginning, whichever
// comes later, to its end, or that of the file; sectors from until on do not
// count.
func hole(w *window, off, until int64) bool {
	for off < min(until, w.size) {
		end := min((off/sector+1)*sector, w.size)
		b, err := w.at(off, int(end-off))
		if err != nil {
			return false
		}
		if len(bytes.TrimLeft(b, "\x00")) == 0 {
			return true
		}
		off = end
	}
	return false
}
