package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"time"

	"saltmine/internal/audit/cover"
	"saltmine/internal/canary"
)

// hashed hashes a file as it is read.
type hashed struct {
	in  io.Reader
	sum hash.Hash
	n   int64
}

func newHashed(in io.Reader) *hashed { return &hashed{in: in, sum: sha256.New()} }

func (h *hashed) Read(p []byte) (int, error) {
	n, err := h.in.Read(p)
	h.sum.Write(p[:n])
	h.n += int64(n)
	return n, err
}

// rest reads to the end, of which a reader of records may leave some, and gives size
// and hash of the whole.
func (h *hashed) rest() (size int64, sum string, err error) {
	if _, err := io.Copy(io.Discard, h); err != nil {
		return 0, "", fmt.Errorf("read a log to its end: %w", err)
	}
	return h.n, fmt.Sprintf("%x", h.sum.Sum(nil)), nil
}

// worked is how much an import has worked out.
type worked struct{ statements, reads int }

func (m *importing) counts() worked { return worked{m.run.Statements, m.run.Reads} }

func (c worked) since(before worked) worked {
	return worked{c.statements - before.statements, c.reads - before.reads}
}

// keep keeps what a file that was worked out shows of itself, and puts its hash on the
// evidence log with what was found and how it was read. The log is known by its first
// bytes: a longer copy, or one read in another zone, takes the place of what was kept; a
// shorter one is on the evidence log alone.
func (m *importing) keep(ctx context.Context, one *logSummary, id string, in *hashed, found worked) error {
	size, sum, err := in.rest()
	if err != nil {
		return err
	}
	h := cover.Of(one.Health, one.pieces)
	h.ID, h.Place, h.Log = id, m.place, one.File
	h.Size, h.SHA256, h.Switched, h.Switches = size, sum, one.Switched, one.Switches
	h.Own = m.ours[one.File]
	reads, err := m.core.reg.OwnReads(ctx, m.place, h.First, h.Last)
	if err != nil {
		return err
	}
	cover.Own(&h, reads, m.flags.clockError+time.Second)
	h.Own = nil
	by := here()
	act := canary.Act{
		Who: by.Who, Via: by.Via, What: canary.ActAuditImport, About: h.ID,
		Outcome: fmt.Sprintf("sha256 %s, %d bytes; %d statements, %d reads, %d malformed; zone %s%s", sum, size, found.statements, found.reads, h.Malformed, m.flags.zone, m.again()),
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordLimit)
	defer cancel()
	before, err := m.core.reg.LogHealth(ctx, id)
	if err != nil {
		return err
	}
	if before.Size > size { // a shorter copy shows less
		h = before
	}
	return m.core.reg.KeepLogHealth(ctx, h, act)
}

func (m *importing) again() string {
	if m.flags.anew {
		return ", anew"
	}
	return ""
}

// outcome is what the evidence log gets of a whole import.
func (m *importing) outcome() string {
	return fmt.Sprintf("%d files, %d statements, %d reads, %d more kept than before%s", m.done, m.out.Statements, m.out.Reads, m.out.Kept, m.again())
}
