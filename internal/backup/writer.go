package backup

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"

	"filippo.io/age"
)

// Writer writes a backup. After an error nothing more is written. It is not for use
// by several at once.
type Writer struct {
	sealed io.WriteCloser
	buf    *bufio.Writer
	sum    hash.Hash
	end    end
	width  int // columns of the table
	rows   []byte
	err    error
}

// NewWriter begins a backup with what the writer says of the whole.
func NewWriter(to io.Writer, lock Lock, head any) (*Writer, error) {
	sealed, err := age.Encrypt(to, lock.to...)
	if err != nil {
		return nil, fmt.Errorf("backup: %w", err)
	}
	w := &Writer{sealed: sealed, sum: sha256.New()}
	w.buf = bufio.NewWriterSize(io.MultiWriter(sealed, w.sum), frameRoom)
	if _, err := w.buf.WriteString(magic); err != nil {
		return nil, fmt.Errorf("backup: %w", err)
	}
	return w, w.json(frameHead, head)
}

// File writes a file of which f says how long it is; what comes after that many bytes
// is not read.
func (w *Writer) File(f File, content io.Reader) error {
	if !f.valid() {
		return fmt.Errorf("backup: %q is no name of a file for it", f.Name)
	}
	if err := w.json(frameFile, f); err != nil {
		return err
	}
	part := make([]byte, frameRoom)
	for left := f.Size; left > 0; {
		n, err := io.ReadFull(content, part[:min(left, int64(len(part)))])
		if err != nil {
			return fmt.Errorf("backup: %s: %w", f.Name, err)
		}
		if err := w.frame(frameData, part[:n]); err != nil {
			return err
		}
		left -= int64(n)
	}
	return nil
}

// Table begins a table.
func (w *Writer) Table(t Table) error {
	w.width = len(t.Columns)
	return w.json(frameTable, t)
}

// Row writes a row of the table: nil, int64, float64, string or []byte for each column.
func (w *Writer) Row(values []any) error {
	if len(values) != w.width || w.width == 0 {
		return fmt.Errorf("backup: a row of %d values in a table of %d columns", len(values), w.width)
	}
	for _, v := range values {
		var err error
		if w.rows, err = appendValue(w.rows, v); err != nil {
			return fmt.Errorf("backup: %w", err)
		}
	}
	w.end.Rows++
	if len(w.rows) < frameRoom {
		return nil
	}
	return w.flush()
}

// Close writes the end, without which the backup is none. The file under it is the
// caller's to sync and to close.
func (w *Writer) Close() error {
	if err := w.flush(); err != nil {
		return err
	}
	if err := w.buf.Flush(); err != nil {
		return w.fail(err)
	}
	w.end.Sum = hex.EncodeToString(w.sum.Sum(nil))
	if err := w.json(frameEnd, w.end); err != nil {
		return err
	}
	if err := w.buf.Flush(); err != nil {
		return w.fail(err)
	}
	return w.fail(w.sealed.Close())
}

func (w *Writer) flush() error {
	if len(w.rows) == 0 {
		return w.err
	}
	rows := w.rows
	w.rows = w.rows[:0]
	return w.put(frameRows, rows)
}

func (w *Writer) json(kind byte, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return w.fail(err)
	}
	return w.frame(kind, text)
}

// frame writes a frame behind the rows that were gathered.
func (w *Writer) frame(kind byte, content []byte) error {
	if err := w.flush(); err != nil {
		return err
	}
	return w.put(kind, content)
}

func (w *Writer) put(kind byte, content []byte) error {
	if len(content) > mostFrame {
		return w.fail(fmt.Errorf("%d bytes in one piece are more than a backup takes", len(content)))
	}
	if w.err != nil {
		return w.err
	}
	w.end.Frames++
	head := binary.BigEndian.AppendUint32([]byte{kind}, uint32(len(content))) //nolint:gosec // bounded above
	if _, err := w.buf.Write(head); err != nil {
		return w.fail(err)
	}
	_, err := w.buf.Write(content)
	return w.fail(err)
}

func (w *Writer) fail(err error) error {
	if err != nil && w.err == nil {
		w.err = fmt.Errorf("backup: %w", err)
	}
	return w.err
}
