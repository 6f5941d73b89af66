package dialect

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// maxRecord bounds the bytes of one record.
const maxRecord = 1 << 20

// Cell is where a cell lies in its record, quotes included: raw[From:To]. From
// is -1 where a JSON line lacks the key.
type Cell struct{ From, To int }

// Record is one record. It is good until the next one is read.
type Record struct {
	Raw    []byte // without its line end
	Cells  []Cell // by column
	Offset int64  // of its first byte in the file
	Line   int    // of its first byte in the file, from 1
	Ended  bool   // a line end follows
}

// Reader cuts a file into records.
type Reader struct {
	d    *Dialect
	in   io.Reader
	buf  []byte
	from int // of what is not read yet
	to   int
	eof  bool

	offset int64 // of buf[from]
	line   int   // of buf[from]
	width  int   // cells of a CSV record, 0 while not known
	rec    Record
	keys   objectKeys
}

// NewReader returns a reader of a whole file that is written in d.
func NewReader(in io.Reader, d *Dialect) *Reader {
	return &Reader{d: d, in: in, buf: make([]byte, 1<<16), line: 1, keys: objectKeys{at: map[string]int{}}}
}

// Names are the columns of JSON lines that were seen so far.
func (r *Reader) Names() []string { return r.keys.names }

// Next reads a record. It is io.EOF after the last one and a Fault where a
// record is broken, after which there is no next one.
func (r *Reader) Next() (*Record, error) {
	if r.offset == 0 && r.line == 1 && r.d.BOM {
		if err := r.skipMark(); err != nil {
			return nil, err
		}
	}
	for {
		rest, err := r.one()
		if err != nil {
			return nil, err
		}
		if len(r.rec.Raw) > 0 {
			return &r.rec, nil
		}
		if rest == 0 {
			return nil, io.EOF
		}
	}
}

func (r *Reader) skipMark() error {
	for r.to < len(bom) && !r.eof {
		if err := r.fill(); err != nil {
			return err
		}
	}
	if bytes.HasPrefix(r.buf[:r.to], []byte(bom)) {
		r.from, r.offset = len(bom), int64(len(bom))
	}
	return nil
}

// one reads one line or record; taken is 0 at the end of the file.
func (r *Reader) one() (taken int, err error) {
	for {
		n, end, done, err := r.cut(r.buf[r.from:r.to])
		if err != nil {
			return 0, err
		}
		if done {
			return n + end, r.take(n, end)
		}
		if r.to-r.from > maxRecord {
			return 0, &Fault{Line: r.line, Problem: fmt.Sprintf("it is longer than %d bytes, or a quote is not closed", maxRecord)}
		}
		if err := r.fill(); err != nil {
			return 0, err
		}
	}
}

// cut finds a record in b: its length and that of the line end behind it. It is
// not done when b may hold a part only.
func (r *Reader) cut(b []byte) (n, end int, done bool, err error) {
	r.rec.Cells = r.rec.Cells[:0]
	n = bytes.IndexByte(b, '\n')
	switch {
	case n >= 0:
		n, end = lineEnd(b, n)
	case !r.eof:
		return 0, 0, false, nil
	default:
		n = len(b)
	}
	if r.d.JSON {
		return n, end, true, nil
	}
	if !r.d.Quotes || bytes.IndexByte(b[:n], '"') < 0 {
		r.split(b[:n])
		return n, end, true, nil
	}
	return r.cutQuoted(b)
}

// lineEnd parts a line from its end, whose '\n' stands at.
func lineEnd(b []byte, at int) (n, end int) {
	if at > 0 && b[at-1] == '\r' {
		return at - 1, 2
	}
	return at, 1
}

func (r *Reader) split(line []byte) {
	from := 0
	for {
		i := bytes.IndexByte(line[from:], r.d.Delimiter)
		if i < 0 {
			r.rec.Cells = append(r.rec.Cells, Cell{from, len(line)})
			return
		}
		r.rec.Cells = append(r.rec.Cells, Cell{from, from + i})
		from += i + 1
	}
}

// errShort says that a field may go on behind the bytes at hand.
var errShort = errors.New("more bytes are needed")

// cutQuoted cuts a record in which quotes occur.
func (r *Reader) cutQuoted(b []byte) (n, end int, done bool, err error) {
	for from := 0; ; {
		to, err := r.field(b, from)
		if errors.Is(err, errShort) {
			return 0, 0, false, nil
		}
		if err != nil {
			return 0, 0, false, err
		}
		r.rec.Cells = append(r.rec.Cells, Cell{from, to})
		switch {
		case to == len(b):
			return to, 0, true, nil
		case b[to] == r.d.Delimiter:
			from = to + 1
		case b[to] == '\r':
			return to, 2, true, nil
		default:
			return to, 1, true, nil
		}
	}
}

// field gives the end of the field that begins at from.
func (r *Reader) field(b []byte, from int) (to int, err error) {
	if from < len(b) && b[from] == '"' {
		return r.quotedField(b, from)
	}
	for to = from; to < len(b); to++ {
		if b[to] == r.d.Delimiter {
			return to, nil
		}
		if b[to] == '\n' {
			n, _ := lineEnd(b[from:], to-from)
			return from + n, nil
		}
	}
	if !r.eof {
		return 0, errShort
	}
	return to, nil
}

func (r *Reader) quotedField(b []byte, from int) (to int, err error) {
	to = r.closing(b, from+1)
	if to < 0 {
		if r.eof {
			fault := r.fault(b, from, "a quote is opened and not closed")
			fault.open = true
			return 0, fault
		}
		return 0, errShort
	}
	to++
	rest := b[to:]
	if len(rest) < 2 && !r.eof {
		return 0, errShort
	}
	if len(rest) == 0 || rest[0] == r.d.Delimiter || rest[0] == '\n' || bytes.HasPrefix(rest, []byte("\r\n")) {
		return to, nil
	}
	return 0, r.fault(b, to, "text stands behind a closing quote")
}

// fault is a fault at a place of b, which begins on the reader's line.
func (r *Reader) fault(b []byte, at int, problem string) *Fault {
	return &Fault{Line: r.line + bytes.Count(b[:at], []byte("\n")), Problem: problem}
}

// closing finds the quote that ends a field, -1 where it is not in b, or where
// its neighbour could still make it a doubled one.
func (r *Reader) closing(b []byte, at int) int {
	for {
		i := bytes.IndexByte(b[at:], '"')
		if i < 0 {
			return -1
		}
		quote := at + i
		if r.d.Backslash {
			if slashes(b[at:quote])%2 == 0 {
				return quote
			}
			at = quote + 1
			continue
		}
		if quote+1 == len(b) || b[quote+1] != '"' {
			return quote
		}
		at = quote + 2
	}
}

// slashes counts the backslashes at the end.
func slashes(b []byte) int { return len(b) - len(bytes.TrimRight(b, `\`)) }

// take makes the first n bytes the record.
func (r *Reader) take(n, end int) error {
	raw := r.buf[r.from : r.from+n]
	r.rec.Raw, r.rec.Offset, r.rec.Line, r.rec.Ended = raw, r.offset, r.line, end > 0
	if len(raw) > maxRecord {
		return &Fault{Line: r.line, Problem: fmt.Sprintf("it is longer than %d bytes", maxRecord)}
	}
	if err := r.check(raw); err != nil {
		return err
	}
	if end > 0 {
		r.line++
	}
	if r.d.Quotes && !r.d.JSON {
		r.line += bytes.Count(raw, []byte("\n"))
	}
	r.from += n + end
	r.offset += int64(n + end)
	return nil
}

// check looks at a record that was cut.
func (r *Reader) check(raw []byte) error {
	if r.d.JSON {
		blank := len(bytes.TrimSpace(raw)) == 0
		if blank {
			r.rec.Raw = nil
			return nil
		}
		if problem := r.keys.parse(raw, &r.rec); problem != "" {
			return &Fault{Line: r.line, Problem: problem}
		}
		return nil
	}
	switch cells := len(r.rec.Cells); {
	case len(raw) == 0:
	case bytes.IndexByte(raw, 0) >= 0:
		return fmt.Errorf("line %d: %w", r.line, ErrEncoding)
	case r.width == 0:
		r.width = cells
	case r.width != cells:
		return &Fault{Line: r.line, Problem: fmt.Sprintf("it has %d fields, the lines before have %d", cells, r.width)}
	}
	return nil
}

// fill reads more. What is not read yet moves to the front.
func (r *Reader) fill() error {
	if r.from > 0 {
		copy(r.buf, r.buf[r.from:r.to])
		r.to -= r.from
		r.from = 0
	}
	if r.to == len(r.buf) {
		r.buf = append(r.buf, make([]byte, len(r.buf))...)
	}
	for range 100 {
		n, err := r.in.Read(r.buf[r.to:])
		r.to += n
		if errors.Is(err, io.EOF) {
			r.eof = true
			return nil
		}
		if err != nil {
			return fmt.Errorf("read: %w", err)
		}
		if n > 0 {
			return nil
		}
	}
	return io.ErrNoProgress
}
