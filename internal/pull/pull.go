// Package pull carries sealed contacts from an edge to the core. The core asks
// and the edge answers, so an edge needs no way inward and knows no core's
// address; what it hands out it cannot read itself.
//
// The protocol is HTTPS with TLS 1.3 in which each side shows a certificate that
// the other one holds a copy of (see [NewIdentity]): no authority is trusted, and
// who has neither key learns nothing but that a port is open. Every answer has
// four headers:
//
//	Saltmine-Spool     id of the edge's spool, 32 hex digits
//	Saltmine-Began     when the edge's ears opened, microseconds since 1970
//	Saltmine-Clock     the edge's time, microseconds since 1970
//	Saltmine-Refused   when its spool could not take a contact last, or 0
//
// and there are three requests. Of the last two a Saltmine-Spool header says
// which spool is meant; 412 answers that the edge has another one.
//
//	GET  /v1/spool                           204
//	GET  /v1/records?from=C&limit=N&wait=S   200 and records, or 204: none came
//	                                         within S seconds (60 at most)
//	POST /v1/ack?to=C                        204: committed up to the cursor C
//
// 409 answers a cursor that lies behind the last record, 503 a spool that cannot
// be read. Records follow one another without anything between them; numbers are
// big-endian:
//
//	 0  8 sequence number
//	 8  8 time of writing, microseconds since 1970
//	16 16 key
//	32  4 n, length of the sealed bytes
//	36  n sealed bytes
//
// Record 7, of second 1,700,000,000, key a0a1…af, with the sealed bytes "hi":
//
//	000000000000000700060a24181e4000a0a1a2a3a4a5a6a7a8a9aaabacadaeaf000000026869
//
// The invariant: the edge trims nothing that was not acknowledged, and a [Client]
// acknowledges nothing of its own accord. A connection that breaks, an answer
// that is cut off or a record out of order is an error and changes nothing; the
// caller asks again from the same cursor.
package pull

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"saltmine/internal/spool"
)

var (
	// ErrOther says that the edge has another spool than the one that is meant:
	// it was set up anew, or answers for another edge.
	ErrOther = errors.New("the edge has another spool now")
	// ErrAnswer says that what came back is not of this protocol.
	ErrAnswer = errors.New("the edge's answer is not understood")
)

const (
	headerSpool = "Saltmine-Spool"
	headerBegan = "Saltmine-Began"
	headerClock = "Saltmine-Clock"
	headerLost  = "Saltmine-Refused"

	pathSpool   = "/v1/spool"
	pathRecords = "/v1/records"
	pathAck     = "/v1/ack"

	recordHead = 36
	mostWait   = time.Minute
)

func appendRecord(b []byte, r *spool.Record) []byte {
	b = binary.BigEndian.AppendUint64(b, r.Seq)
	b = binary.BigEndian.AppendUint64(b, uint64(r.At.UnixMicro()))
	b = append(b, r.Key[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(r.Sealed))) //nolint:gosec // at most spool.MaxRecord
	return append(b, r.Sealed...)
}

// readRecords reads records until the end of r; each comes after the one before.
func readRecords(r io.Reader, from spool.Cursor) ([]spool.Record, error) {
	var out []spool.Record
	var head [recordHead]byte
	for next := uint64(from); ; {
		switch _, err := io.ReadFull(r, head[:]); {
		case errors.Is(err, io.EOF):
			return out, nil
		case err != nil:
			return nil, fmt.Errorf("%w: %w", ErrAnswer, err)
		}
		seq, n := binary.BigEndian.Uint64(head[:]), binary.BigEndian.Uint32(head[32:])
		if seq < next || seq == 0 || seq == 1<<64-1 || n > spool.MaxRecord {
			return nil, fmt.Errorf("%w: record %d of %d bytes after cursor %d", ErrAnswer, seq, n, next)
		}
		next = seq + 1
		at := int64(binary.BigEndian.Uint64(head[8:])) //nolint:gosec // the same 64 bits
		rec := spool.Record{Seq: seq, At: time.UnixMicro(at).UTC(), Key: [16]byte(head[16:32]), Next: spool.Cursor(next)}
		var err error
		if rec.Sealed, err = readSealed(r, int(n)); err != nil {
			return nil, err
		}
		out = append(out, rec)
	}
}

// readSealed takes memory as bytes come, not as the other side announces them.
func readSealed(r io.Reader, n int) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, int64(n)))
	if err != nil || len(b) != n {
		return nil, fmt.Errorf("%w: %d of %d bytes of a record: %w", ErrAnswer, len(b), n, errors.Join(err, io.ErrUnexpectedEOF))
	}
	return b, nil
}
