// Package witness carries the end of the evidence log to places outside, so that
// whoever holds the keys and the database cannot rewrite it unseen.
//
// A note is one line, an object of JSON:
//
//	{"type":"evidence.head","timestamp":"2026-08-05T10:00:00.000000Z",
//	 "data":{"count":4711,"link":"0f5c…","key":"base64","signature":"base64"}}
//
// count is how many acts there were, link that of the last (32 hexadecimal digits, a
// keyed hash: it says nothing of what was done). The signature (Ed25519, RFC 8032) is
// by the core's key over
//
//	saltmine evidence head v1\n<timestamp>\n<count>\n<link>\n
//
// A note holds nothing else, and so no canary. What a witness keeps is read again by
// [Read]: the notes may stand anywhere in lines of other text, such as a log's.
//
// A [Keeper] looks at the log every half minute, and tells each witness of a new end,
// and every hour of one that is not. It refuses to keep what could not be told: the
// next note says as much. How it fails: a witness that takes nothing is tried again
// each time; after an hour it is silent, which is told ([Config.Silent]) until it
// takes one.
package witness

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"time"
)

// Note is an end of the evidence log, as it was told to a witness.
type Note struct {
	At    time.Time // UTC, microseconds
	Count int64
	Link  string
	Line  int // of the file that it was read from
}

const kind = "evidence.head"

type envelope struct {
	Type string `json:"type"`
	At   string `json:"timestamp"`
	Data body   `json:"data"`
}

type body struct {
	Count     int64  `json:"count"`
	Link      string `json:"link"`
	Key       []byte `json:"key"`
	Signature []byte `json:"signature"`
}

// stamp is RFC 3339 in UTC, with microseconds always.
const stamp = "2006-01-02T15:04:05.000000Z"

func (n *Note) signed() []byte {
	return fmt.Appendf(nil, "saltmine evidence head v1\n%s\n%d\n%s\n", n.At.UTC().Format(stamp), n.Count, n.Link)
}

// Signer is the core's key.
type Signer interface {
	Sign(message []byte) []byte
	Public() ed25519.PublicKey
}

// Sign gives the line of a note, without a line feed.
func Sign(n Note, by Signer) ([]byte, error) {
	return json.Marshal(envelope{kind, n.At.UTC().Format(stamp), body{n.Count, n.Link, by.Public(), by.Sign(n.signed())}})
}

// ErrForged is returned for a note that the core's key has not signed.
var ErrForged = errors.New("it is not signed by this core's key")

var linkForm = regexp.MustCompile(`^[0-9a-f]{32}$`)

// Parse reads a note by one of the keys, those that were replaced too, which may end a line of other text. It is false when there is none.
func Parse(line []byte, keys ...ed25519.PublicKey) (n Note, some bool, err error) {
	at := bytes.Index(line, []byte(`{"type":"`+kind+`"`))
	if at < 0 {
		return n, false, nil
	}
	var e envelope
	if err := json.NewDecoder(bytes.NewReader(line[at:])).Decode(&e); err != nil {
		return n, true, errors.New("it is no note, or only part of one")
	}
	n.Count, n.Link = e.Data.Count, e.Data.Link
	if n.At, err = time.Parse(stamp, e.At); err != nil || n.Count < 0 || n.Count > 0 && !linkForm.MatchString(n.Link) {
		return n, true, errors.New("it is no note")
	}
	if !slices.ContainsFunc(keys, func(key ed25519.PublicKey) bool { return ed25519.Verify(key, n.signed(), e.Data.Signature) }) {
		return n, true, ErrForged
	}
	return n, true, nil
}

// maxLine bounds a line of a witness's file.
const maxLine = 64 << 10

// Read reads what a witness keeps. Parts of notes, as a machine that fell in the
// middle of one leaves them, are counted; a note that is not the core's is [ErrForged].
func Read(r io.Reader, keys ...ed25519.PublicKey) (list []Note, parts int, err error) {
	lines := bufio.NewReaderSize(r, maxLine)
	for number := 1; ; number++ {
		line, err := lines.ReadSlice('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			if errors.Is(err, bufio.ErrBufferFull) {
				err = fmt.Errorf("line %d is longer than %d bytes", number, maxLine)
			}
			return list, parts, err
		}
		n, some, fault := Parse(line, keys...)
		switch {
		case errors.Is(fault, ErrForged):
			return list, parts, fmt.Errorf("line %d: %w", number, fault)
		case fault != nil:
			parts++
		case some:
			n.Line = number
			list = append(list, n)
		}
		if err != nil {
			return list, parts, nil //nolint:nilerr // the end of the file
		}
	}
}

// clocks is by how much the clocks of several cores may differ.
const clocks = 2 * time.Minute

// Backwards finds the first note after which the log was shorter, or another act had
// the same number, though time had gone on: an older copy of the log had been put back.
func Backwards(list []Note) error {
	var most Note
	links := map[int64]Note{}
	for _, n := range list {
		if other, twice := links[n.Count]; twice && other.Link != n.Link {
			return fmt.Errorf("act %d was one thing at %s and another at %s (lines %d and %d)", n.Count, other.At.Format(time.RFC3339), n.At.Format(time.RFC3339), other.Line, n.Line)
		}
		links[n.Count] = n
		if n.Count < most.Count && n.At.Sub(most.At) > clocks {
			return fmt.Errorf("there were %d acts at %s, and %d at %s (lines %d and %d)", most.Count, most.At.Format(time.RFC3339), n.Count, n.At.Format(time.RFC3339), most.Line, n.Line)
		}
		if n.Count > most.Count {
			most = n
		}
	}
	return nil
}
