package spool

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"
)

const (
	maxBatchBytes   = 8 << 20
	maxBatchRecords = 4096
	keepBuffer      = 2 * maxBatchBytes
)

func (s *Spool) holds(key [16]byte) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	_, ok := s.index[key]
	return ok
}

// run is the writer. The queue has no buffer, so whatever it takes it answers.
func (s *Spool) run() {
	defer close(s.stopped)
	age := time.NewTicker(max(s.cfg.MaxAge/4, 1))
	defer age.Stop()
	for {
		queue := s.queue
		if len(s.flights) == mostFlights {
			queue = nil
		}
		select {
		case g := <-queue:
			s.commitAll(s.gather(g))
		case e := <-s.ends:
			s.land(e)
		case <-age.C:
			s.renew()
		case <-s.closing:
			s.ground()
			return
		}
	}
}

// gather takes what is waiting, up to a batch. It steps aside once, so that the
// callers who have just been answered can come again: with 20 of them that
// makes 16 records a sync instead of 10.
func (s *Spool) gather(first *group) []*request {
	batch, size := first.add(nil, 0)
	for yielded := false; size < s.batchBytes() && len(batch) < maxBatchRecords; {
		select {
		case g := <-s.queue:
			batch, size = g.add(batch, size)
		default:
			if yielded {
				return batch
			}
			yielded = true
			runtime.Gosched()
		}
	}
	return batch
}

func (s *Spool) batchBytes() int64 { return min(maxBatchBytes, s.cfg.SegmentBytes) }

// commitAll commits a batch in pieces of the size of one: a group may be larger.
func (s *Spool) commitAll(batch []*request) {
	for len(batch) > 0 {
		for len(s.flights) == mostFlights {
			s.land(<-s.ends)
		}
		n, size := 0, int64(0)
		for n < min(len(batch), maxBatchRecords) && size < s.batchBytes() {
			size += batch[n].size()
			n++
		}
		s.commit(batch[:n:n])
		batch = batch[n:]
	}
}

// commit writes a batch and begins its sync, whose end answers it.
func (s *Spool) commit(batch []*request) {
	fresh := s.distinct(batch)
	if len(fresh) == 0 {
		return
	}
	fresh, size := s.admit(fresh)
	if len(fresh) == 0 {
		return
	}
	err := s.ready(size)
	if err == nil {
		err = s.store(fresh)
	}
	if err != nil {
		s.settle(fresh, err)
	}
}

// distinct answers what is held already and ties equal keys together, also
// with those that are under way.
func (s *Spool) distinct(batch []*request) []*request {
	fresh := batch[:0]
	for _, r := range batch {
		if s.holds(r.Key) {
			r.settle(nil)
		} else if twin := s.pending[r.Key]; twin != nil {
			twin.twins = append(twin.twins, r)
		} else {
			s.pending[r.Key] = r
			fresh = append(fresh, r)
		}
	}
	return fresh
}

// admit answers with ErrFull what there is no room for.
func (s *Spool) admit(fresh []*request) (fit []*request, size int64) {
	for _, r := range fresh {
		size += r.size()
	}
	bytes, records, err := s.room()
	if err == nil && (size > bytes || len(fresh) > records) && s.allAcked() {
		// Everything here has been fetched: a new segment lets this one go.
		if err = s.begin(); err == nil {
			bytes, records, err = s.room()
		}
	}
	size = 0
	for _, r := range fresh {
		one := []*request{r}
		switch {
		case err != nil:
			s.settle(one, blame(err))
		case size+r.size() > bytes || len(fit) >= records:
			s.settle(one, fmt.Errorf("%w: room for %d bytes and %d records", ErrFull, max(bytes-size, 0), max(records-len(fit), 0)))
		default:
			fit, size = append(fit, r), size+r.size()
		}
	}
	return fit, size
}

// room gives what may still be written.
func (s *Spool) room() (bytes int64, records int, err error) {
	disk, err := s.cfg.Hooks.Free(s.cfg.Dir)
	if err != nil {
		return 0, 0, err
	}
	size, count := s.aloft()
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.active != nil {
		disk += max(s.readied-s.active.size-size, 0) // the file has it already
	}
	bytes = min(s.cfg.MaxBytes-s.bytes-size, disk-max(s.cfg.MinFree, 0))
	return bytes, s.cfg.MaxRecords - s.records - count, nil
}

// allAcked reports whether the last segment has records and all are acknowledged.
func (s *Spool) allAcked() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if len(s.segments) == 0 {
		return false
	}
	g := s.segments[len(s.segments)-1]
	return len(g.entries) > 0 && g.find(s.acked) == len(g.entries)
}

// ready sees to it that there is a segment for size more bytes.
func (s *Spool) ready(size int64) error {
	aloft, count := s.aloft()
	s.mu.RLock()
	g := s.active
	good := g != nil && !g.damaged && (len(g.entries)+count == 0 || g.size+aloft+size <= s.cfg.SegmentBytes)
	s.mu.RUnlock()
	if good {
		return nil
	}
	if err := s.begin(); err != nil {
		return blame(err)
	}
	return nil
}

// begin closes the active segment, if there is one, and makes a new one.
func (s *Spool) begin() error {
	s.ground()
	h := header{id: s.id, first: s.next, at: micros(s.cfg.Now()), prev: s.chain}
	files, h, err := s.create(h)
	s.setBroken(err != nil && s.active == nil)
	if err != nil {
		return fmt.Errorf("begin a segment: %w", err)
	}
	s.dropReady()
	_ = s.closeFiles() // all of it is durable
	g := &segment{ordinal: h.ordinal, name: segmentName(h.ordinal, liveSuffix), size: headLen, head: h, headOK: true, base: h.first}
	s.files, s.active = files, g
	s.mu.Lock()
	s.segments = append(s.segments, g)
	s.bytes += headLen
	s.mu.Unlock()
	s.cfg.Log.Info("segment begun", "segment", g.name, "first", h.first)
	s.trim()
	return nil
}

// renew lets a segment go of which everything has been fetched long since: the
// last one is kept, until there is another.
func (s *Spool) renew() {
	if s.active == nil || !s.allAcked() || s.cfg.Now().Before(stamp(s.active.head.at).Add(s.cfg.MaxAge)) {
		return
	}
	if err := s.begin(); err != nil {
		s.cfg.Log.Warn("an old segment that has been fetched stays", "segment", s.active.name, "error", err)
	}
}

// create makes the file of a new segment and its header durable.
func (s *Spool) create(h header) (files [mostFlights]*os.File, _ header, err error) {
	var f *os.File
	err = os.ErrExist
	for try := 0; errors.Is(err, os.ErrExist) && try < 64; try++ {
		s.ordinal++
		f, err = s.root.OpenFile(segmentName(s.ordinal, liveSuffix), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	}
	if err != nil {
		s.ordinal--
		return files, h, err
	}
	h.ordinal = s.ordinal
	if err = s.put(f, h.encode(), 0); err == nil {
		err = s.syncDir()
	}
	if err == nil {
		files, err = s.openFiles(segmentName(h.ordinal, liveSuffix), f)
	}
	if err != nil {
		return files, h, errors.Join(err, f.Close(), s.root.Remove(segmentName(h.ordinal, liveSuffix)))
	}
	return files, h, nil
}

// store writes the records as one piece, behind those that are under way, and
// begins their sync. Only its end lets readers and the index see them.
func (s *Spool) store(fresh []*request) error {
	g := s.active
	at := micros(s.cfg.Now())
	if cap(s.buf) > keepBuffer {
		s.buf = nil
	}
	aloft, count := s.aloft()
	start, seq := g.size+aloft, s.next+uint64(count) //nolint:gosec // not negative
	buf, chain, entries := s.buf[:0], s.tip(), make([]entry, 0, len(fresh))
	for i, r := range fresh {
		off := start + int64(len(buf))
		f := frame{seq: seq + uint64(i), at: at, key: r.Key, back: uint32(off - g.size), sealed: r.Sealed} //nolint:gosec // below maxFile
		entries = append(entries, entry{r.Key, uint32(off), uint32(f.seq - g.base)})                       //nolint:gosec // below maxFile
		buf, chain = f.append(buf, chain)
	}
	s.buf = buf
	size := int64(len(buf))
	if err := s.write(s.files[0], buf, start); err != nil {
		s.ground()
		return s.undo(g, err)
	}
	s.makeReady(start, size)
	s.launch(&flight{requests: fresh, entries: entries, size: size, chain: chain})
	return nil
}

func (s *Spool) write(f *os.File, b []byte, off int64) error {
	n, err := s.cfg.Hooks.Write(f, b, off)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	if err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// undo takes a failed write back. Only a full disk leaves a file that may be
// trusted further.
func (s *Spool) undo(g *segment, cause error) error {
	if s.active != g {
		return blame(cause) // given up meanwhile
	}
	s.readied = 0
	if !noRoom(cause) || s.cfg.Hooks.Truncate(s.files[0], g.size) != nil {
		s.abandon(g, cause)
	}
	return blame(cause)
}

// abandon ends the active segment behind its last durable frame. Should the
// cut fail or not last, the next segment's header says where this one ends.
func (s *Spool) abandon(g *segment, cause error) {
	cut := s.cfg.Hooks.Truncate(s.files[0], g.size)
	s.cfg.Log.Error("segment is given up", "segment", segmentName(g.ordinal, liveSuffix), "bytes", g.size, "error", cause, "cut", cut)
	_ = s.closeFiles() // nothing that counts is unwritten
	s.active, s.readied = nil, 0
	s.setBroken(true)
}

func (s *Spool) setBroken(broken bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = broken
}

func (s *Spool) publish(g *segment, entries []entry, size int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range entries {
		s.index[e.key] = struct{}{}
	}
	g.entries = append(g.entries, entries...)
	g.size += size
	s.bytes += size
	s.records += len(entries)
	s.next += uint64(len(entries))
	s.appends += uint64(len(entries))
	s.syncs++
	close(s.changed)
	s.changed = make(chan struct{})
}
