// Package dialogue is the form in which a line-based conversation between a
// stranger and an ear is kept as evidence: every byte that either side said,
// in order, with who said it and when. The ear writes it, the core reads it;
// neither needs the other for that.
//
// A dialogue is [Magic] and then records up to the end. A record is a header
// of 20 bytes and the bytes that were said, with nothing between records:
//
//	kind, space, milliseconds since the connection came (8 digits), space,
//	number of bytes (8 digits), line feed
//
// The kind is C for a command of the client, M for what the client sent as
// message (dots still doubled, the ending dot included), S for the server and N
// for a note of ours that went over no wire (TLS began, bytes were left out).
// Since commands and replies end in CR LF a dialogue can be read in a pager:
//
//	saltmine dialogue 1
//	S 00000000 00000034
//	220 mx.example.net ESMTP Postfix␍
//	C 00000120 00000006
//	DATA␍
//	S 00000121 00000037
//	354 End data with <CR><LF>.<CR><LF>␍
//	M 00000163 00000025
//	Subject: hello␍
//	␍
//	..␍
//	.␍
//
// The example leaves out the envelope, and ␍ stands for the CR before the line
// feed. The mail in it is a subject, an empty line and a line of one dot.
//
// The package refuses nothing when it writes, apart from what has no place in
// the format: times are clamped and long texts are split over several records.
// Reading is strict: the input comes from a machine that may have been taken
// over, so the first fault ends the reading with [ErrForm]. Its one invariant:
// what [Append] wrote, [Records] gives back byte for byte.
package dialogue

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"time"
)

// Magic begins every dialogue and carries the format's version.
const Magic = "saltmine dialogue 1\n"

// ErrForm is returned for bytes that are no dialogue, or stop being one.
var ErrForm = errors.New("not a dialogue")

// Kind says whose bytes a record holds.
type Kind byte

// The kinds of record.
const (
	Command Kind = 'C' // a command line of the client
	Mail    Kind = 'M' // what the client sent after the answer to DATA
	Reply   Kind = 'S' // what the server said
	Note    Kind = 'N' // a remark of the ear; no wire carried it
)

// Record is one thing that was said.
type Record struct {
	Kind  Kind
	After time.Duration // since the connection came, in whole milliseconds
	Bytes []byte
}

const (
	headLen = 20
	limit   = 99_999_999 // what 8 digits hold
)

// Append adds a record to a dialogue that begins with Magic. A text of more
// than 99,999,999 bytes becomes several records; a time that does not fit is
// clamped.
func Append(b []byte, r Record) []byte {
	rest := r.Bytes
	for {
		n := min(len(rest), limit)
		b = append(b, byte(r.Kind), ' ')
		b = eight(b, int(min(max(r.After.Milliseconds(), 0), limit)))
		b = eight(append(b, ' '), n)
		b = append(append(b, '\n'), rest[:n]...)
		if rest = rest[n:]; len(rest) == 0 {
			return b
		}
	}
}

// eight adds a number as eight digits; every line of every session has two.
func eight(b []byte, n int) []byte {
	const digits = 8
	at := len(b)
	b = append(b, "00000000"...)
	for i := at + digits - 1; n > 0; i-- {
		b[i] = '0' + byte(n%10)
		n /= 10
	}
	return b
}

// Records reads a dialogue. The bytes of a record alias raw. A fault is given
// once, with an error that wraps ErrForm, and ends the reading.
func Records(raw []byte) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		rest, ok := bytes.CutPrefix(raw, []byte(Magic))
		if !ok {
			yield(Record{}, fmt.Errorf("%w: it does not begin like one", ErrForm))
			return
		}
		for len(rest) > 0 {
			r, n, err := first(rest)
			if err != nil {
				yield(Record{}, fmt.Errorf("byte %d: %w", len(raw)-len(rest), err))
				return
			}
			if !yield(r, nil) {
				return
			}
			rest = rest[n:]
		}
	}
}

// first reads the record at the beginning of b and gives its whole length.
func first(b []byte) (Record, int, error) {
	if len(b) < headLen || b[1] != ' ' || b[10] != ' ' || b[19] != '\n' {
		return Record{}, 0, fmt.Errorf("%w: broken header", ErrForm)
	}
	kind := Kind(b[0])
	switch kind {
	case Command, Mail, Reply, Note:
	default:
		return Record{}, 0, fmt.Errorf("%w: unknown kind %q", ErrForm, b[0])
	}
	ms, okTime := digits(b[2:10])
	n, okLen := digits(b[11:19])
	if !okTime || !okLen || n > len(b)-headLen {
		return Record{}, 0, fmt.Errorf("%w: impossible numbers in a header", ErrForm)
	}
	end := headLen + n
	return Record{kind, time.Duration(ms) * time.Millisecond, b[headLen:end:end]}, end, nil
}

func digits(b []byte) (int, bool) {
	n, err := strconv.ParseUint(string(b), 10, 31)
	return int(n), err == nil // 31 bits fit everywhere
}
