package spool

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

const (
	marksName  = "acked"
	marksMagic = "SMACKED1"
	slotLen    = 44
	slotGap    = 4096
)

// marks is the file that keeps the acknowledged cursor, in two slots at 0 and
// 4096: "SMACKED1", id (16 bytes), generation (8), cursor (8), checksum (4). The
// valid slot of the higher generation counts. It is written in place, so that an
// acknowledgement, which is what frees room, needs none; the other slot stays
// whole meanwhile.
type marks struct {
	file *os.File // nil before the first use and after a failed write
	gen  uint64
}

func slot(id [16]byte, gen, cursor uint64) []byte {
	b := append([]byte(marksMagic), id[:]...)
	b = binary.BigEndian.AppendUint64(b, gen)
	b = binary.BigEndian.AppendUint64(b, cursor)
	return binary.BigEndian.AppendUint32(b, checksum(b))
}

// readSlots gives the newest valid slot; gen is 0 when there is none.
func readSlots(b []byte) (id [16]byte, gen, cursor uint64) {
	for _, off := range []int{0, slotGap} {
		if len(b) < off+slotLen {
			break
		}
		t := b[off : off+slotLen]
		g := binary.BigEndian.Uint64(t[24:])
		if string(t[:8]) != marksMagic || checksum(t[:40]) != binary.BigEndian.Uint32(t[40:]) || g <= gen {
			continue
		}
		gen, cursor = g, binary.BigEndian.Uint64(t[32:])
		copy(id[:], t[8:])
	}
	return id, gen, cursor
}

// loadMarks reads the file; gen is 0 when nothing valid is there.
func (s *Spool) loadMarks() (id [16]byte, gen, cursor uint64, err error) {
	f, err := s.root.Open(marksName)
	if errors.Is(err, os.ErrNotExist) {
		return id, 0, 0, nil
	}
	if err != nil {
		return id, 0, 0, err
	}
	defer func() { _ = f.Close() }() // only read
	b, err := io.ReadAll(io.LimitReader(f, slotGap+slotLen))
	if err != nil {
		return id, 0, 0, fmt.Errorf("read %s: %w", marksName, err)
	}
	id, gen, cursor = readSlots(b)
	return id, gen, cursor, nil
}

// mark makes the cursor durable. After a failed write the file is not trusted
// again: the next call makes a new one.
func (s *Spool) mark(cursor uint64) error {
	if s.marks.file == nil {
		return s.freshMarks(cursor)
	}
	gen := s.marks.gen + 1
	if err := s.put(s.marks.file, slot(s.id, gen, cursor), int64(gen%2)*slotGap); err != nil {
		_ = s.marks.file.Close() // the write's error says more
		s.marks.file = nil
		return err
	}
	s.marks.gen = gen
	return nil
}

// freshMarks puts a new file in the place of the old one, if there is one.
func (s *Spool) freshMarks(cursor uint64) error {
	const tmp = marksName + ".tmp"
	f, err := s.root.OpenFile(tmp, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	b := slot(s.id, s.marks.gen+1, cursor)
	b = append(b, bytes.Repeat([]byte{0}, slotGap-slotLen)...)
	b = append(b, slot(s.id, s.marks.gen+2, cursor)...) // both blocks are taken now
	err = s.put(f, b, 0)
	if err == nil {
		err = s.root.Rename(tmp, marksName)
	}
	if err == nil {
		err = s.syncDir()
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	s.marks = marks{file: f, gen: s.marks.gen + 2}
	return nil
}
