package spool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sort"
)

const (
	maxReadBytes   = 8 << 20
	maxReadRecords = 1000
)

// find gives the index of the first entry from seq on.
func (g *segment) find(seq uint64) int {
	return sort.Search(len(g.entries), func(i int) bool { return g.seq(i) >= seq })
}

// place is a stretch of records within one segment.
type place struct {
	seg  *segment
	offs []uint32
	size int64
}

// Read gives the durable records from a cursor on, in order: at most limit of
// them (1,000 when limit is not positive) and about 8 MiB, but at least one when
// there is one. A record that cannot be read any more is left out, and its
// segment is kept as damaged. ErrAhead: there can be no such cursor.
func (s *Spool) Read(ctx context.Context, from Cursor, limit int) ([]Record, error) {
	if limit <= 0 {
		limit = maxReadRecords
	}
	var out []Record
	room := maxReadBytes
	for len(out) < limit && room > 0 {
		if err := s.usable(ctx, from); err != nil {
			return nil, err
		}
		p, ok := s.locate(from, limit-len(out))
		if !ok {
			break
		}
		got, err := s.fetch(p, &room)
		if err != nil {
			return nil, err
		}
		out = append(out, got...)
		if len(got) > 0 {
			from = got[len(got)-1].Next
		}
	}
	return out, nil
}

// usable reports why a call cannot be served.
func (s *Spool) usable(ctx context.Context, c Cursor) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.isClosed() {
		return ErrClosed
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if uint64(c) > s.next {
		return fmt.Errorf("%w: cursor %s, next record %d", ErrAhead, c, s.next)
	}
	return nil
}

// locate finds the first segment with records from a cursor on.
func (s *Spool) locate(from Cursor, limit int) (place, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, g := range s.segments {
		i := g.find(uint64(from))
		if i == len(g.entries) {
			continue
		}
		p := place{seg: g, size: g.size}
		for _, e := range g.entries[i:min(len(g.entries), i+limit)] {
			p.offs = append(p.offs, e.off)
		}
		return p, true
	}
	return place{}, false
}

// fetch reads the records of a place. Without a record it has changed what the
// spool holds, so that the caller locates anew.
func (s *Spool) fetch(p place, room *int) ([]Record, error) {
	f, err := s.openSegment(p.seg)
	if errors.Is(err, os.ErrNotExist) {
		return nil, s.lost(p.seg)
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	w := &window{r: f, size: p.size}
	var out []Record
	for _, off := range p.offs {
		fr, _, err := w.frame(int64(off))
		if err != nil {
			s.disown(p.seg, off, err)
			return out, nil
		}
		out = append(out, Record{Seq: fr.seq, Key: fr.key, At: stamp(fr.at), Sealed: bytes.Clone(fr.sealed), Next: Cursor(fr.seq + 1)})
		if *room -= len(fr.sealed) + overhead; *room <= 0 {
			break
		}
	}
	return out, nil
}

func (s *Spool) openSegment(g *segment) (*os.File, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.root == nil {
		return nil, ErrClosed
	}
	return s.root.Open(g.name)
}

func (s *Spool) isGone(g *segment) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return g.gone
}

// lost deals with a segment whose file is not there: trimmed in the meantime,
// or taken away by somebody.
func (s *Spool) lost(g *segment) error {
	if s.isGone(g) {
		return nil
	}
	return fmt.Errorf("%w: segment %s has been taken away", ErrCorrupt, g.name)
}

// disown strikes a record out that can no longer be read, so that it can be
// recorded anew, and keeps its segment for good.
func (s *Spool) disown(g *segment, off uint32, cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(g.entries, func(e entry) bool { return e.off == off })
	if i < 0 || s.root == nil {
		return
	}
	s.cfg.Log.Error("record can no longer be read", "segment", g.name, "seq", g.seq(i), "error", cause)
	delete(s.index, g.entries[i].key)
	g.entries = slices.Delete(slices.Clone(g.entries), i, i+1)
	s.records--
	if !g.damaged {
		s.brand(g)
	}
}

// Wait returns when there is a record from the cursor on, or when ctx ends.
func (s *Spool) Wait(ctx context.Context, from Cursor) error {
	for {
		if err := s.usable(ctx, from); err != nil {
			return err
		}
		s.mu.RLock()
		changed := s.changed
		s.mu.RUnlock()
		if _, ok := s.locate(from, 1); ok {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		case <-s.closing:
			return ErrClosed
		}
	}
}

// Ack notes durably that the core has committed everything before upTo, and
// trims segments that are wholly acknowledged; the last one and damaged ones
// stay. It never goes backwards. ErrAhead: there can be no such cursor.
func (s *Spool) Ack(ctx context.Context, upTo Cursor) error {
	s.ackMu.Lock()
	defer s.ackMu.Unlock()
	if err := s.usable(ctx, upTo); err != nil {
		return err
	}
	if upTo <= s.Acked() {
		return nil
	}
	if err := s.mark(uint64(upTo)); err != nil {
		return fmt.Errorf("acknowledge %s: %w", upTo, blame(err))
	}
	s.mu.Lock()
	s.acked = uint64(upTo)
	s.mu.Unlock()
	s.trim()
	return nil
}

// Acked is the place behind the last acknowledged record, 1 at first.
func (s *Spool) Acked() Cursor {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return Cursor(s.acked)
}

// trim removes the segments that are wholly acknowledged, but never the last:
// it carries the chain on.
func (s *Spool) trim() {
	names := s.unlist()
	if len(names) == 0 {
		return
	}
	for _, name := range names {
		if err := s.root.Remove(name); err != nil {
			s.cfg.Log.Warn("acknowledged segment could not be removed, the next start tries again", "segment", name, "error", err)
		}
	}
	if err := s.syncDir(); err != nil {
		s.cfg.Log.Warn("acknowledged segments may come back after a power cut", "segments", len(names), "error", err)
	}
	s.cfg.Log.Info("acknowledged segments trimmed", "segments", len(names))
}

func (s *Spool) unlist() (names []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := s.segments[:0:0]
	for i, g := range s.segments {
		if i == len(s.segments)-1 || g.damaged || g.find(s.acked) < len(g.entries) {
			kept = append(kept, g)
			continue
		}
		for _, e := range g.entries {
			delete(s.index, e.key)
		}
		g.gone = true
		s.bytes -= g.size
		s.records -= len(g.entries)
		names = append(names, g.name)
	}
	s.segments = kept
	return names
}
