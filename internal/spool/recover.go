package spool

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

const (
	liveSuffix    = ".seg"
	damagedSuffix = ".damaged"
)

func segmentName(ordinal uint64, suffix string) string {
	return fmt.Sprintf("%016d%s", ordinal, suffix)
}

func parseName(name string) (ordinal uint64, damaged, ok bool) {
	stem, damaged := strings.CutSuffix(name, damagedSuffix)
	if !damaged {
		stem, ok = strings.CutSuffix(name, liveSuffix)
		if !ok {
			return 0, false, false
		}
	}
	ordinal, err := strconv.ParseUint(stem, 10, 64)
	return ordinal, damaged, err == nil && len(stem) == 16 && ordinal > 0
}

// recover reads the directory and brings the spool to where the last run's
// durable records ended.
func (s *Spool) recover() error {
	if err := s.list(); err != nil {
		return err
	}
	known, err := s.identify()
	if err != nil {
		return err
	}
	t := newThread(s.id, s.acked)
	if !known {
		t.acked = s.segments[0].head.first // nobody can say what was trimmed
	}
	limits := s.limits()
	var tail *scan
	for i, g := range s.segments {
		if tail, err = s.admitSegment(g, limits[i], &t); err != nil {
			return err
		}
	}
	s.next, s.chain = max(t.next, s.acked), t.chain
	if s.acked > t.next {
		s.cfg.Log.Error("spool ends before what was acknowledged: records were lost", "next", t.next, "acked", s.acked)
	}
	if !known {
		s.acked = s.oldest()
		if err := s.freshMarks(s.acked); err != nil {
			return err
		}
	}
	return s.resume(tail)
}

// list finds the segments. A file that is too short for a header, or all
// zeros, never held a record: its making was cut short.
func (s *Spool) list() error {
	names, err := s.dir.ReadDir(-1)
	if err != nil {
		return fmt.Errorf("list: %w", err)
	}
	for _, d := range names {
		n, damaged, ok := parseName(d.Name())
		if !ok {
			continue
		}
		s.ordinal = max(s.ordinal, n)
		g := &segment{ordinal: n, name: d.Name(), damaged: damaged}
		blank, err := s.peek(g)
		if err != nil {
			return err
		}
		if blank && !damaged {
			s.cfg.Log.Warn("unfinished segment removed", "segment", g.name, "bytes", g.size)
			if err := s.root.Remove(g.name); err != nil {
				return err
			}
			continue
		}
		s.segments = append(s.segments, g)
		s.bytes += g.size
	}
	slices.SortFunc(s.segments, func(a, b *segment) int { return cmp.Compare(a.ordinal, b.ordinal) })
	return nil
}

// peek reads the size and the header of a segment.
func (s *Spool) peek(g *segment) (blank bool, err error) {
	f, err := s.root.Open(g.name)
	if err != nil {
		return false, err
	}
	defer func() { _ = f.Close() }() // only read
	st, err := f.Stat()
	if err != nil {
		return false, err
	}
	g.size = st.Size()
	w := &window{r: f, size: g.size}
	if g.size < headLen {
		return true, nil
	}
	b, err := w.at(0, headLen)
	if err == nil {
		g.head, g.headOK = decodeHeader(b)
	}
	if bytes.HasPrefix(b, []byte(oldMagic)) {
		return false, fmt.Errorf("%s has the format of an earlier version: let the core fetch it with that version, or move it away", g.name)
	}
	return !g.headOK && allZero(w, 0), nil
}

// identify finds the spool's id and the acknowledged cursor; known is false
// when the cursor is lost. A directory without either becomes a new spool.
func (s *Spool) identify() (known bool, err error) {
	id, gen, cursor, err := s.loadMarks()
	if err != nil {
		return false, err
	}
	at := slices.IndexFunc(s.segments, func(g *segment) bool { return g.headOK })
	if at >= 0 {
		s.id = s.segments[at].head.id
	}
	switch {
	case gen > 0 && (at < 0 || id == s.id):
		s.id, s.acked, s.marks.gen = id, max(cursor, 1), gen
		s.marks.file, err = s.root.OpenFile(marksName, os.O_RDWR, 0)
		return true, err
	case len(s.segments) > 0:
		s.cfg.Log.Error("acknowledged cursor is lost: everything that is held is pending again", "segments", len(s.segments))
		if at < 0 {
			rand.Read(s.id[:]) // it never fails since Go 1.24
		}
		return false, nil
	default:
		rand.Read(s.id[:]) // it never fails since Go 1.24
		return true, s.freshMarks(s.acked)
	}
}

// limits gives for each segment where the one after it begins, or 0.
func (s *Spool) limits() []uint64 {
	all := make([]uint64, len(s.segments))
	for i := range len(all) - 1 {
		if next := s.segments[i+1]; next.headOK {
			all[i] = next.head.first
		}
	}
	return all
}

// admitSegment scans a segment, takes its records into the index and marks it
// when it is damaged.
func (s *Spool) admitSegment(g *segment, limit uint64, t *thread) (*scan, error) {
	f, err := s.root.Open(g.name)
	if err != nil {
		return nil, err
	}
	sc := scanSegment(f, g.size, limit)
	if err := f.Close(); err != nil {
		return nil, err
	}
	why := append(sc.why(false), t.follow(sc, g.damaged)...)
	g.base = sc.head.first
	if !sc.headOK && len(sc.frames) > 0 {
		g.base = sc.frames[0].seq
	}
	for _, fr := range sc.frames {
		g.entries = append(g.entries, entry{fr.key, uint32(fr.off), uint32(fr.seq - g.base)}) //nolint:gosec // bounded by maxFile
		s.index[fr.key] = struct{}{}
	}
	s.records += len(g.entries)
	switch {
	case g.damaged:
		s.cfg.Log.Warn("damaged segment is kept", "segment", g.name, "records", len(g.entries))
	case len(why) > 0:
		s.cfg.Log.Error("segment is damaged", "segment", g.name, "records", len(g.entries), "faults", why)
		s.brand(g)
	case limit > 0 && sc.end < g.size && !sc.blank:
		s.cfg.Log.Warn("bytes behind the end of a segment are ignored", "segment", g.name, "bytes", g.size-sc.end)
	}
	return sc, nil
}

// brand marks a segment as damaged, so that it is never trimmed or written to.
func (s *Spool) brand(g *segment) {
	g.damaged = true
	name := segmentName(g.ordinal, damagedSuffix)
	err := s.root.Rename(g.name, name)
	if err == nil {
		g.name, err = name, s.syncDir()
	}
	if err != nil {
		s.cfg.Log.Error("damaged segment could not be renamed", "segment", g.name, "error", err)
	}
}

// oldest is the first record that is held.
func (s *Spool) oldest() uint64 {
	for _, g := range s.segments {
		if len(g.entries) > 0 {
			return g.seq(0)
		}
	}
	return s.next
}

// resume opens the last segment for appending, after cutting off what was
// never acknowledged. A damaged one is left alone, and a number that was
// skipped needs a new header.
func (s *Spool) resume(tail *scan) error {
	if len(s.segments) == 0 {
		return nil
	}
	g := s.segments[len(s.segments)-1]
	f, err := s.root.OpenFile(g.name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	s.files[0] = f
	whole := true
	if cut := g.size - tail.end; cut > 0 && !g.damaged {
		if !tail.blank {
			s.cfg.Log.Warn("unfinished record cut off", "segment", g.name, "bytes", cut)
		}
		err := s.cfg.Hooks.Truncate(f, tail.end)
		if whole = err == nil; !whole {
			// The header of the next segment says where this one ends.
			s.cfg.Log.Error("segment is given up: its end cannot be cut off", "segment", g.name, "bytes", cut, "error", err)
		}
		s.bytes -= cut
		g.size = tail.end
	}
	// What a killed process wrote may be in the page cache only.
	if err := s.cfg.Hooks.Sync(f); err != nil {
		return fmt.Errorf("sync %s: %w: %w", g.name, ErrBroken, err)
	}
	if g.damaged || !whole || s.next != tail.last+1 {
		return s.closeFiles()
	}
	if s.files, err = s.openFiles(g.name, f); err != nil {
		return err
	}
	s.active = g
	return nil
}
