package backup

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
)

// Taker takes what is in a backup, in its order. What is nil is passed over; an
// error ends the reading. Nothing is certain before Read has returned.
type Taker struct {
	Head  func(text json.RawMessage) error
	File  func(f File, content io.Reader) error
	Table func(t Table) error
	Row   func(values []any) error
}

// Counts says how much was in a backup.
type Counts struct {
	Files, Tables int
	Rows          int64
}

// Read reads a backup to its end.
func Read(from io.Reader, key Key, t Taker) (Counts, error) {
	plain, err := key.open(from)
	if err != nil {
		return Counts{}, err
	}
	r := &reader{in: bufio.NewReaderSize(plain, frameRoom), sum: sha256.New(), take: t}
	start := make([]byte, len(magic))
	if err := r.full(start); err != nil {
		return Counts{}, err
	}
	if string(start) != magic {
		return Counts{}, fmt.Errorf("%w: it is no backup, or of another form than this program reads", ErrDamaged)
	}
	for !r.ended {
		if err := r.next(); err != nil {
			return r.counts, err
		}
	}
	if _, err := r.in.ReadByte(); !errors.Is(err, io.EOF) {
		return r.counts, fmt.Errorf("%w: there is something behind its end", ErrDamaged)
	}
	return r.counts, nil
}

type reader struct {
	in      *bufio.Reader
	sum     hash.Hash
	take    Taker
	counts  Counts
	frames  int64
	columns int
	last    byte // the kind of the last frame
	ended   bool
}

// full reads bytes that must be there.
func (r *reader) full(b []byte) error {
	if _, err := io.ReadFull(r.in, b); err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	r.sum.Write(b)
	return nil
}

func (r *reader) frame() (kind byte, content []byte, before string, err error) {
	before = hex.EncodeToString(r.sum.Sum(nil))
	var head [5]byte
	if err := r.full(head[:]); err != nil {
		return 0, nil, "", err
	}
	n := binary.BigEndian.Uint32(head[1:])
	if n > mostFrame {
		return 0, nil, "", fmt.Errorf("%w: a piece of %d bytes", ErrDamaged, n)
	}
	content = make([]byte, n)
	return head[0], content, before, r.full(content)
}

func (r *reader) next() error {
	kind, content, before, err := r.frame()
	if err != nil {
		return err
	}
	if (kind == frameHead) != (r.frames == 0) {
		return fmt.Errorf("%w: its head is not at its head", ErrDamaged)
	}
	was := r.last
	r.last = kind
	r.frames++
	switch kind {
	case frameHead:
		if r.take.Head == nil {
			return nil
		}
		return r.take.Head(content)
	case frameFile:
		return r.file(content)
	case frameTable:
		return r.table(content)
	case frameRows:
		if was != frameTable && was != frameRows {
			return fmt.Errorf("%w: rows of no table", ErrDamaged)
		}
		return r.rows(content)
	case frameEnd:
		return r.end(content, before)
	}
	return fmt.Errorf("%w: there is no piece of the sort %q", ErrDamaged, kind)
}

func (r *reader) file(content []byte) error {
	var f File
	if err := json.Unmarshal(content, &f); err != nil || !f.valid() {
		return fmt.Errorf("%w: the name of a file", ErrDamaged)
	}
	r.counts.Files++
	data := &fileData{r: r, left: f.Size}
	if r.take.File != nil {
		if err := r.take.File(f, data); err != nil {
			return errors.Join(data.fault, err)
		}
	}
	_, err := io.Copy(io.Discard, data)
	return err
}

// fileData reads the bytes of one file.
type fileData struct {
	r     *reader
	left  int64
	part  []byte
	fault error
}

// Read gives the file's bytes.
func (d *fileData) Read(b []byte) (int, error) {
	for len(d.part) == 0 {
		if d.fault != nil {
			return 0, d.fault
		}
		if d.left == 0 {
			return 0, io.EOF
		}
		kind, content, _, err := d.r.frame()
		if err == nil && (kind != frameData || len(content) == 0 || int64(len(content)) > d.left) {
			err = fmt.Errorf("%w: a file is not as long as it says", ErrDamaged)
		}
		if d.fault = err; err != nil {
			return 0, err
		}
		d.r.frames++
		d.left -= int64(len(content))
		d.part = content
	}
	n := copy(b, d.part)
	d.part = d.part[n:]
	return n, nil
}

func (r *reader) table(content []byte) error {
	var t Table
	if err := json.Unmarshal(content, &t); err != nil || len(t.Columns) == 0 {
		return fmt.Errorf("%w: a table", ErrDamaged)
	}
	r.counts.Tables++
	r.columns = len(t.Columns)
	if r.take.Table == nil {
		return nil
	}
	return r.take.Table(t)
}

func (r *reader) rows(content []byte) (err error) {
	for len(content) > 0 {
		values := make([]any, r.columns)
		for i := range values {
			if values[i], content, err = readValue(content); err != nil {
				return err
			}
		}
		r.counts.Rows++
		if r.take.Row == nil {
			continue
		}
		if err := r.take.Row(values); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) end(content []byte, before string) error {
	var e end
	dec := json.NewDecoder(bytes.NewReader(content))
	if err := dec.Decode(&e); err != nil || e.Frames != r.frames-1 || e.Rows != r.counts.Rows || e.Sum != before {
		return fmt.Errorf("%w: its end does not fit what was before it", ErrDamaged)
	}
	r.ended = true
	return nil
}
