package spool

import (
	"fmt"
	"strconv"
	"time"
)

// Cursor is a place between two records: the sequence number of the record
// that comes next. The zero Cursor is the beginning. Cursors compare as numbers.
type Cursor uint64

// String is the text form, a decimal number.
func (c Cursor) String() string { return strconv.FormatUint(uint64(c), 10) }

// ParseCursor reads the text form.
func ParseCursor(text string) (Cursor, error) {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("cursor %q is not a decimal number: %w", text, err)
	}
	return Cursor(n), nil
}

// Record is one sealed contact as the spool holds it.
type Record struct {
	Seq    uint64    // 1, 2, 3 …; a number that is left out was lost to damage
	Key    [16]byte  // given to Append
	At     time.Time // when it was written, UTC, microseconds
	Sealed []byte    // given to Append; the caller's to keep
	Next   Cursor    // the place behind this record: for Read and for Ack
}
