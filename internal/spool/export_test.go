package spool

import "io"

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
