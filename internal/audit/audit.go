// Package audit reads what a database, a proxy or an application wrote down
// about who asked it for what: audit logs, general and slow logs, lists of
// reports and exports. Every format comes out as one stream of [Event] values.
//
// It reads and does not judge: which canaries a statement returned is told by
// the rooms above. It never guesses in silence. What it cannot read comes out
// as a [Fault] with its place, its length and its beginning, in its place in the
// stream; a text that may have been cut is marked [Event.Truncated]; a log that
// whoever writes a statement can forge is marked [Event.Low]; a time is the
// interval of At and Precision. The bytes of the log are strangers' bytes: a
// record is bounded, and nothing of it is printed by an error.
//
//	r, err := audit.Open(file, audit.Config{File: "server_audit.log", Zone: zone})
//	for {
//		e, err := r.Next() // *Event, until the next call
//		if fault, ok := errors.AsType[*audit.Fault](err); ok { …; continue }
//		if err == io.EOF { break } // in a live log: nothing more for now
//	}
//	r.State() // where to go on, with the same file, at another time
//
// One event has one [Event.Digest], whatever file it is read from: overlapping
// files and a second import are told by it. Logs are not sorted: a server writes
// a statement when it ends, and several files at once. Statement and table lines
// belong together by (Server, Connection, Sequence), not by their order.
package audit

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"
)

// Kind is what an event is about, in one word for all formats.
type Kind string

// The kinds of events.
const (
	Connect    Kind = "connect"
	Disconnect Kind = "disconnect"
	Refused    Kind = "refused" // a connection that was not let in
	Query      Kind = "query"   // a statement; its Text is what ran, or its beginning
	Prepare    Kind = "prepare" // a statement that was prepared, not run
	Read       Kind = "read"    // a table was read by the statement of the same Sequence
	Write      Kind = "write"   // a table was changed by it
	DDL        Kind = "ddl"     // a table was made, altered, renamed or dropped by it
	Export     Kind = "export"  // a report or an export of an application
	Other      Kind = "other"   // whatever else the log tells
)

// Where is a place in a log: bytes and lines before compression, from 0 and 1.
type Where struct {
	File   string `json:"file,omitempty"`
	Offset int64  `json:"offset"`
	Line   int64  `json:"line"`
}

// String is file, line and offset.
func (w Where) String() string {
	return fmt.Sprintf("%s, line %d (byte %d)", w.File, w.Line, w.Offset)
}

// Unknown is a number that the log does not tell.
const Unknown = -1

// Event is one thing that a log tells.
type Event struct {
	// At is when it happened, in UTC: in [At, At+Precision). Zero when the log
	// does not tell. Most logs tell when a statement began.
	At        time.Time
	Precision time.Duration
	// Stamp is the time as the log has it, whatever zone it is read with.
	Stamp string
	Kind  Kind
	Op    string // the log's own word: "QUERY", "Execute", "COM_STMT_EXECUTE"

	Server  string // who wrote the log, where it tells
	User    string // the account's user name
	Host    string // the client's address or name, without a port
	Port    int    // the client's port, 0 when not logged
	Account string // the application's own user, where it tells
	Program string // the client program, where it tells
	// More are what the columns of Columns.More hold; no part of the Digest.
	More []string

	Connection uint64
	Sequence   uint64 // the number of the statement on its server, or 0
	Database   string
	Object     string // the table of a Read, Write or DDL; the report of an Export
	// Text is the statement, unescaped, as bytes in whatever character set the
	// client spoke.
	Text []byte
	// Truncated says that Text may be the beginning of a longer one.
	Truncated bool
	Code      int // the server's error number, 0 for success, or Unknown

	RowsSent     int64 // or Unknown
	RowsExamined int64 // or Unknown

	// Repeat counts the equal events before this one in the same moment of the
	// same log, where statements have no number.
	Repeat int
	// Low says that a statement's own text could have forged this event.
	Low   bool
	Where Where
	// carried says that User, Host and Database are those of the connection, which
	// the record itself does not tell.
	carried bool
}

// Digest names an event by what the log tells of it: the same line read twice,
// from two files, or with another zone has the same digest. (But for the first
// lines of a general log that begins in the middle of a second.) It is a plain hash
// of what may hold a token's text: keep it only under a key.
func (e *Event) Digest() [sha256.Size]byte {
	h := sha256.New()
	var n [8]byte
	number := func(v uint64) {
		binary.BigEndian.PutUint64(n[:], v)
		h.Write(n[:])
	}
	user, host, database := e.User, e.Host, e.Database
	if e.carried {
		user, host, database = "", "", ""
	}
	for _, s := range [...]string{e.Stamp, string(e.Kind), e.Op, e.Server, user, host, e.Account, database, e.Object} {
		number(uint64(len(s)))
		h.Write([]byte(s))
	}
	number(uint64(len(e.Text)))
	h.Write(e.Text)
	for _, v := range [...]uint64{e.Connection, e.Sequence, uint64(e.Port), uint64(e.Code), uint64(e.RowsSent), uint64(e.Repeat)} { //nolint:gosec // bits to hash, not amounts
		number(v)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// Clone is an event that outlives the next call of the reader.
func (e *Event) Clone() *Event {
	c := *e
	c.Text = append([]byte(nil), e.Text...)
	return &c
}

// MaxKept is how much of what could not be read a [Fault] keeps.
const MaxKept = 64 << 10

// Fault is a piece of a log that could not be read as an event. The reader goes
// on behind it.
type Fault struct {
	Where  Where  `json:"where"`
	Length int64  `json:"length"` // bytes in the log
	Reason string `json:"reason"` // fixed words, nothing of the log
	Raw    []byte `json:"raw"`    // its beginning, at most MaxKept bytes
}

// Error is where and why, without the bytes.
func (f *Fault) Error() string {
	return fmt.Sprintf("%s: %s (%d bytes)", f.Where, f.Reason, f.Length)
}
