package spool

import (
	"io"
	"os"
	"syscall"
	"time"
)

// Scanned is what the segment reader says of some bytes.
type Scanned struct {
	Seqs   []uint64
	Torn   bool
	Faults int
	End    int64
}

// Scan reads a segment as recovery does.
func Scan(r io.ReaderAt, size int64, limit uint64) Scanned {
	sc := scanSegment(r, size, limit)
	out := Scanned{Torn: sc.torn, Faults: len(sc.faults), End: sc.end}
	for _, f := range sc.frames {
		out.Seqs = append(out.Seqs, f.seq)
	}
	return out
}

// FrameOverhead is what a frame has besides the sealed bytes.
const FrameOverhead = overhead

// HeaderLen is the length of a segment's header.
const HeaderLen = headLen

// OneRecord is a segment of one record, written a microsecond after its header.
func OneRecord(id [16]byte, at time.Time, key [16]byte, sealed []byte) []byte {
	h := header{id: id, ordinal: 1, first: 1, at: micros(at), prev: genesis(id)}
	b, _ := frame{seq: 1, at: h.at + 1, key: key, sealed: sealed}.append(h.encode(), h.prev)
	return b
}

// Slots is a file acked, with the older generation in the first slot.
func Slots(id [16]byte, gen, cursor uint64) []byte {
	b := make([]byte, slotGap, slotGap+slotLen)
	copy(b, slot(id, gen-1, cursor-1))
	return append(b, slot(id, gen, cursor)...)
}

// Forge is a segment whose checksums and chain are right and whose sequence
// numbers are anybody's; a frame of number 0 stands for a stretch of damage.
func Forge(id [16]byte, first uint64, seqs []uint64) []byte {
	h := header{id: id, ordinal: 1, first: first, prev: genesis(id)}
	b, chain := h.encode(), h.prev
	for i, seq := range seqs {
		if seq == 0 {
			b = append(b, "damaged bytes"...)
			continue
		}
		b, chain = frame{seq: seq, key: [16]byte{byte(i), 1}, sealed: make([]byte, i)}.append(b, chain)
	}
	return b
}

// ShareLock gives the locked directory as a forked process would have it.
func (s *Spool) ShareLock() (*os.File, error) {
	fd, err := syscall.Dup(int(s.dir.Fd()))
	return os.NewFile(uintptr(fd), "forked"), err
}
