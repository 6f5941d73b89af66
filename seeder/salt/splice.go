package salt

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
)

// blockSize is how much is copied at once.
const blockSize = 1 << 18

// WriteTo writes the copy. It reads the list again, and fails with ErrChanged
// where that is not the list which was read first: then the copy is of no use.
func (c *Copy) WriteTo(ctx context.Context, w io.Writer) error {
	in, err := c.order.Open()
	if err != nil {
		return fmt.Errorf("write the copy for %s: %w", c.order.To, err)
	}
	defer in.Close() //nolint:errcheck // it was only read
	out := sha256.New()
	p := &splicer{in: in, out: io.MultiWriter(w, out), read: sha256.New(), buf: make([]byte, blockSize), c: c}
	if err := p.run(ctx); err != nil {
		return fmt.Errorf("write the copy for %s: %w", c.order.To, err)
	}
	if !bytes.Equal(p.read.Sum(nil), c.file.Digest[:]) {
		return fmt.Errorf("write the copy for %s: %w", c.order.To, ErrChanged)
	}
	c.report.SHA256 = hex.EncodeToString(out.Sum(nil))
	return nil
}

// splicer puts pieces into a stream.
type splicer struct {
	c    *Copy
	in   io.Reader
	out  io.Writer
	read hash.Hash // of what was read
	buf  []byte
	at   int64
}

func (p *splicer) run(ctx context.Context) error {
	for i := range p.c.pieces {
		if err := p.pass(ctx, p.c.pieces[i].Offset); err != nil {
			return err
		}
		if _, err := p.out.Write(p.c.pieces[i].Text); err != nil {
			return err
		}
	}
	if err := p.pass(ctx, p.c.file.Bytes); err != nil {
		return err
	}
	switch n, err := io.ReadFull(p.in, p.buf[:1]); {
	case n > 0:
		return ErrChanged // it has grown
	case !errors.Is(err, io.EOF):
		return err
	}
	return nil
}

// pass copies up to an offset of the list.
func (p *splicer) pass(ctx context.Context, to int64) error {
	for p.at < to {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := p.in.Read(p.buf[:min(to-p.at, blockSize)])
		p.at += int64(n)
		p.read.Write(p.buf[:n])
		if _, err := p.out.Write(p.buf[:n]); err != nil {
			return err
		}
		p.c.order.tell(Writing, p.at, p.c.file.Bytes)
		switch {
		case errors.Is(err, io.EOF) && p.at < to:
			return ErrChanged // it has shrunk
		case err != nil && !errors.Is(err, io.EOF):
			return err
		}
	}
	return nil
}
