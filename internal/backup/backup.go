// Package backup writes and reads backup files: files and rows of tables in one
// encrypted stream.
//
// A backup file is one file of age (age-encryption.org/v1): for a passphrase
// (scrypt) or for recipients (X25519). Its header has a MAC, and its content is
// sealed in chunks of 64 KiB of which the last is marked as the last: a file that
// was changed, cut off or added to at any place is not read to its end. Recipients prove
// nobody: whoever has the public key can write a whole file of their own for it. What is
// encrypted begins with the line "saltmine backup 1" and goes on with frames:
//
//	0  1 kind
//	1  4 length of the content, big-endian
//	5  n content
//
//	'H' JSON: what the writer says of the whole; the first frame, once
//	'F' JSON: {"name","mode","size"}; a file, its bytes in the 'D' after it
//	'D' bytes of the file
//	'T' JSON: {"name","columns":[{"name","kind"}]}; a table, its rows in the 'R' after it
//	'R' rows, one behind the other, each with a value for every column
//	'E' JSON: {"frames","rows","sum"}; the last: how many there were before it, and
//	    the SHA-256 of all bytes before it
//
// A value is a byte and what it says: 0 nothing (NULL), 1 a whole number (zigzag
// varint), 2 a number (IEEE 754, 8 bytes), 3 text and 4 bytes (length as a varint,
// then so many). So a row of one database can be put into another kind of
// database. The row (7, "ab", NULL) is 01 0e 03 02 61 62 00.
//
// The package does not know what is in the tables and names no path to write to:
// it refuses names of files that lead out of a folder. How it fails: [ErrKey] with a
// wrong passphrase or identity, [ErrDamaged] for everything else that is not as it
// was written, also after rows and files were handed out; so whoever may not act on
// half of a backup reads it twice.
package backup

import (
	"errors"
	"io/fs"
	"path"
	"strings"
)

// ErrKey is returned when a file does not open with what was given.
var ErrKey = errors.New("the backup does not open with this passphrase or identity")

// ErrDamaged is returned when a file is not as it was written.
var ErrDamaged = errors.New("the backup is damaged: it was changed or cut off")

const magic = "saltmine backup 1\n"

const (
	frameHead  = 'H'
	frameFile  = 'F'
	frameData  = 'D'
	frameTable = 'T'
	frameRows  = 'R'
	frameEnd   = 'E'

	frameRoom = 64 << 10  // rows are gathered up to it
	mostFrame = 160 << 20 // the largest row, with some to spare
)

// File is a file of a backup.
type File struct {
	Name string      `json:"name"` // with slashes, below some folder
	Mode fs.FileMode `json:"mode"`
	Size int64       `json:"size"`
}

func (f File) valid() bool {
	return fs.ValidPath(f.Name) && f.Name != "." && f.Size >= 0 && f.Mode&^fs.ModePerm == 0 && !strings.ContainsAny(f.Name, "\\\x00") && path.Clean(f.Name) == f.Name
}

// Kind is the sort of a column.
type Kind string

// The kinds of columns.
const (
	Whole  Kind = "whole"
	Number Kind = "number"
	Text   Kind = "text"
	Bytes  Kind = "bytes"
)

// Column is one column of a table.
type Column struct {
	Name string `json:"name"`
	Kind Kind   `json:"kind"`
}

// Table is a table of a backup.
type Table struct {
	Name    string   `json:"name"`
	Columns []Column `json:"columns"`
}

// end is the last frame.
type end struct {
	Frames int64  `json:"frames"`
	Rows   int64  `json:"rows"`
	Sum    string `json:"sum"`
}
