package spool

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"time"
)

const (
	headMagic  = "SMSPOOL2"
	oldMagic   = "SMSPOOL1" // frames did not say where their batch began
	frameMagic = "SMf2"

	headLen   = 84     // segment header
	frameHead = 48     // frame header with its own checksum
	frameTail = 32 + 4 // chain value and checksum
	overhead  = frameHead + frameTail
	maxFile   = 1 << 32 // offsets are kept in 32 bits
	maxSeq    = 1 << 62 // leaves room to count on

	// MaxRecord is the most bytes that one sealed record may have.
	MaxRecord = 64 << 20
)

var (
	errTorn = errors.New("frame is incomplete")
	errBad  = errors.New("frame is damaged")
)

// sum is one value of the hash chain.
type sum [sha256.Size]byte

// header opens a segment.
type header struct {
	id      [16]byte
	ordinal uint64
	first   uint64 // sequence number of the first frame
	at      int64  // microseconds since 1970
	prev    sum    // chain value before the first frame
}

// frame is one record as it lies in a segment.
type frame struct {
	seq    uint64
	at     int64
	key    [16]byte
	back   uint32 // bytes from the end of what was durable to its beginning
	sealed []byte
	chain  sum
}

func checksum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

// genesis is the chain value before the first frame of a spool.
func genesis(id [16]byte) sum { return sha256.Sum256(append([]byte(headMagic), id[:]...)) }

func micros(t time.Time) int64 { return t.UnixMicro() }

func stamp(micro int64) time.Time { return time.UnixMicro(micro).UTC() }

func (h header) encode() []byte {
	b := make([]byte, 0, headLen)
	b = append(b, headMagic...)
	b = append(b, h.id[:]...)
	b = binary.BigEndian.AppendUint64(b, h.ordinal)
	b = binary.BigEndian.AppendUint64(b, h.first)
	b = binary.BigEndian.AppendUint64(b, uint64(h.at)) //nolint:gosec // the bits are kept, the sign with them
	b = append(b, h.prev[:]...)
	return binary.BigEndian.AppendUint32(b, checksum(b))
}

func decodeHeader(b []byte) (header, bool) {
	if len(b) < headLen || string(b[:8]) != headMagic ||
		checksum(b[:headLen-4]) != binary.BigEndian.Uint32(b[headLen-4:]) {
		return header{}, false
	}
	h := header{
		ordinal: binary.BigEndian.Uint64(b[24:]),
		first:   binary.BigEndian.Uint64(b[32:]),
		at:      int64(binary.BigEndian.Uint64(b[40:])), //nolint:gosec // the bits are kept, the sign with them
	}
	copy(h.id[:], b[8:])
	copy(h.prev[:], b[48:])
	return h, h.first > 0 && h.first < maxSeq
}

// append adds the frame that follows the chain value prev to b and returns
// the new chain value. The chain field of f is not looked at.
func (f frame) append(b []byte, prev sum) ([]byte, sum) {
	start := len(b)
	b = append(b, frameMagic...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(f.sealed))) //nolint:gosec // at most MaxRecord
	b = binary.BigEndian.AppendUint64(b, f.seq)
	b = binary.BigEndian.AppendUint64(b, uint64(f.at)) //nolint:gosec // the bits are kept, the sign with them
	b = append(b, f.key[:]...)
	b = binary.BigEndian.AppendUint32(b, f.back)
	b = binary.BigEndian.AppendUint32(b, checksum(b[start:]))
	b = append(b, f.sealed...)
	next := link(prev, b[start:])
	b = append(b, next[:]...)
	return binary.BigEndian.AppendUint32(b, checksum(b[start:])), next
}

// link is the chain value after a frame, of which body is everything before
// the chain value.
func link(prev sum, body []byte) sum {
	h := sha256.New()
	h.Write(prev[:])
	h.Write(body)
	return sum(h.Sum(nil))
}

// frameSize reads a frame header and gives the size of the whole frame.
func frameSize(b []byte) (int, error) {
	n := binary.BigEndian.Uint32(b[4:])
	if string(b[:4]) != frameMagic || n > MaxRecord ||
		checksum(b[:frameHead-4]) != binary.BigEndian.Uint32(b[frameHead-4:]) {
		return 0, errBad
	}
	return overhead + int(n), nil
}

// decodeFrame reads a whole frame; sealed is a part of b.
func decodeFrame(b []byte) (frame, error) {
	end := len(b) - 4
	if checksum(b[:end]) != binary.BigEndian.Uint32(b[end:]) {
		return frame{}, errBad
	}
	f := frame{
		seq:    binary.BigEndian.Uint64(b[8:]),
		at:     int64(binary.BigEndian.Uint64(b[16:])), //nolint:gosec // the bits are kept, the sign with them
		back:   binary.BigEndian.Uint32(b[40:]),
		sealed: b[frameHead : len(b)-frameTail],
	}
	if f.seq == 0 || f.seq >= maxSeq {
		return frame{}, errBad
	}
	copy(f.key[:], b[24:])
	copy(f.chain[:], b[len(b)-frameTail:])
	return f, nil
}
