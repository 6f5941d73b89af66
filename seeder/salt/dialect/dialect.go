// Package dialect reads and writes lists of records the way a given file
// writes them: CSV with any of four delimiters, TSV, and JSON lines (one object
// a line). It finds the dialect out, cuts the file into records and cells, and
// writes single cells like their neighbours.
//
// What a record is:
//
//	CSV    fields up to a line end that stands outside of quotes (RFC 4180). A
//	       field that begins with '"' ends with the next lone '"'; a quote
//	       further inside an unquoted field is a character like others. Inside
//	       quotes a quote is doubled, or where the file does so, written \".
//	JSONL  one object a line; its top-level keys are the columns, in the order
//	       in which they first occur, and a line may lack some.
//
//	id,name,email                     three cells: `7`, `"Whitfield, Dana"`,
//	7,"Whitfield, Dana",dana@a.test   `dana@a.test`; the second one's text is
//	                                  Whitfield, Dana
//
// Empty lines are no records and stay where they are. A byte order mark belongs
// to no cell.
//
// Its one invariant: a record is a slice of the input at a known offset, and
// records with what lies between them are the input, byte for byte. Nothing is
// cleaned up: no line end, quote or space is changed.
//
// It refuses UTF-16 and bytes of zero ([ErrEncoding]), text in which no dialect
// can be seen ([ErrDialect]), and records that contradict the dialect: those
// are a [Fault] with the line. A record of more than a megabyte is a fault too,
// so memory is bounded whatever the input.
package dialect

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

var (
	// ErrEncoding says that the text is neither UTF-8 nor an 8-bit encoding.
	ErrEncoding = errors.New("text is UTF-16 or binary")
	// ErrDialect says that the text is no list of records.
	ErrDialect = errors.New("no list of records can be seen in it")
	// ErrBroken is wrapped by every Fault.
	ErrBroken = errors.New("broken record")
)

// Fault is a record that contradicts the dialect.
type Fault struct {
	Line    int // in the file, from 1
	Problem string
	open    bool // the text ends inside of quotes
}

// Error names the line and the problem; it shows nothing of the record.
func (f *Fault) Error() string { return fmt.Sprintf("line %d: %s", f.Line, f.Problem) }

// Unwrap gives ErrBroken.
func (f *Fault) Unwrap() error { return ErrBroken }

// Dialect is how a file writes its records.
type Dialect struct {
	JSON      bool // JSON lines; Delimiter, Quotes and Backslash mean nothing then
	Delimiter byte
	Quotes    bool   // fields may stand in double quotes
	Backslash bool   // a quote inside quotes is written \" and a backslash \\
	EOL       string // "\n" or "\r\n"
	BOM       bool
	// Latin: the text is of an 8-bit encoding. Each byte is taken for the
	// character of that number and written back as that byte.
	Latin bool
	// Escapes: in JSON, characters beyond ASCII are written as \uXXXX.
	Escapes bool
}

// bom is UTF-8's byte order mark.
const bom = "\ufeff"

// null is how MySQL and PostgreSQL write NULL in unquoted text.
const null = `\N`

// Text gives what a cell says. A null says nothing.
func (d *Dialect) Text(cell []byte) string {
	if d.JSON {
		return jsonText(cell)
	}
	if d.Quoted(cell) {
		cell = d.unquote(cell[1 : len(cell)-1])
	} else if string(cell) == null || string(cell) == "NULL" {
		return ""
	}
	if d.Latin {
		return fromLatin(cell)
	}
	return string(cell)
}

// Quoted reports whether a cell stands in quotes.
func (d *Dialect) Quoted(cell []byte) bool {
	return (d.Quotes || d.JSON) && len(cell) >= 2 && cell[0] == '"'
}

func (d *Dialect) unquote(inner []byte) []byte {
	if !d.Backslash {
		return bytes.ReplaceAll(inner, []byte(`""`), []byte(`"`))
	}
	out := make([]byte, 0, len(inner))
	for i := 0; i < len(inner); i++ {
		if inner[i] == '\\' && i+1 < len(inner) {
			i++
		}
		out = append(out, inner[i])
	}
	return out
}

func jsonText(cell []byte) string {
	if len(cell) == 0 || cell[0] != '"' {
		if string(cell) == "null" {
			return ""
		}
		return string(cell)
	}
	var text string
	if json.Unmarshal(cell, &text) != nil {
		return ""
	}
	return text
}

func fromLatin(b []byte) string {
	var s strings.Builder
	for _, c := range b {
		s.WriteRune(rune(c))
	}
	return s.String()
}

// toLatin is the way back; it is not ok for a character beyond 8 bits.
func toLatin(text string) ([]byte, bool) {
	out := make([]byte, 0, len(text))
	for _, r := range text {
		if r > 0xff {
			return nil, false
		}
		out = append(out, byte(r)) //nolint:gosec // it was compared
	}
	return out, true
}

// Write gives the cell that says text, written like another cell of its
// column. In CSV it stands in quotes where always is set or where it must. It
// is not ok when the dialect cannot say it there.
func (d *Dialect) Write(text string, like []byte, always bool) (cell []byte, ok bool) {
	if d.JSON {
		return d.writeJSON(text, like)
	}
	raw := []byte(text)
	if d.Latin {
		if raw, ok = toLatin(text); !ok {
			return nil, false
		}
	}
	special := d.special(raw)
	if !d.Quotes {
		return raw, !special
	}
	if !always && !special {
		return raw, true
	}
	old := []string{`"`, `""`}
	if d.Backslash {
		old = []string{`\`, `\\`, `"`, `\"`}
	}
	return []byte(`"` + strings.NewReplacer(old...).Replace(string(raw)) + `"`), true
}

// special reports whether a text cannot stand in a cell as it is.
func (d *Dialect) special(raw []byte) bool {
	if bytes.IndexByte(raw, d.Delimiter) >= 0 || bytes.ContainsAny(raw, "\r\n") || string(raw) == null {
		return true
	}
	if d.Quotes {
		return bytes.IndexByte(raw, '"') >= 0
	}
	return bytes.IndexByte(raw, '\\') >= 0
}

func (d *Dialect) writeJSON(text string, like []byte) ([]byte, bool) {
	if len(like) > 0 && like[0] != '"' && string(like) != "null" {
		return []byte(text), json.Valid([]byte(text)) // a number, a list, an object
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if !utf8.ValidString(text) || enc.Encode(text) != nil {
		return nil, false
	}
	cell := bytes.TrimRight(b.Bytes(), "\n")
	if d.Escapes {
		cell = escape(cell)
	}
	return cell, true
}

// escape writes what is beyond ASCII as \uXXXX, in surrogate pairs where needed.
func escape(cell []byte) []byte {
	var b bytes.Buffer
	for _, r := range string(cell) {
		switch {
		case r < utf8.RuneSelf:
			b.WriteRune(r)
		case r > 0xffff:
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.Bytes()
}

// Attune learns from sampled records how characters beyond ASCII are written.
func (d *Dialect) Attune(records [][]byte) {
	valid, broken, escaped := 0, 0, 0
	for _, r := range records {
		switch {
		case isASCII(r):
			if bytes.Contains(r, []byte(`\u`)) {
				escaped++
			}
		case utf8.Valid(r):
			valid++
		default:
			broken++
		}
	}
	d.Latin = !d.JSON && broken > valid
	d.Escapes = d.JSON && escaped > 0 && valid == 0
}

func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
