package spool_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"pgregory.net/rapid"

	"saltmine/internal/spool"
)

// model is what a spool should be: the numbers of the records in order, and
// where the acknowledged ones end.
type model struct {
	base    string
	runs    int
	segment int64
	disk    *disk
	s       *spool.Spool
	next    int
	held    []int // record i has the sequence number i+1
	acked   spool.Cursor
	told    *atomic.Int32 // records of the operation that were answered yes
}

func (m *model) dir() string { return filepath.Join(m.base, strconv.Itoa(m.runs)) }

func (m *model) open(t *rapid.T) {
	if err := os.MkdirAll(m.dir(), 0o700); err != nil {
		t.Fatal(err)
	}
	m.disk = newDisk(m.dir())
	entries, _ := os.ReadDir(m.dir())
	for _, e := range entries {
		f, err := os.Open(filepath.Join(m.dir(), e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		m.disk.born(f)
		_ = m.disk.sync(f)
		_ = f.Close()
	}
	m.disk.listed = m.disk.names()
	s, err := spool.Open(filled(spool.Config{Dir: m.dir(), SegmentBytes: m.segment, MaxBytes: 1 << 20, Hooks: m.disk.hooks()}))
	if err != nil {
		t.Fatal(err)
	}
	m.s = s
}

func (m *model) close(t *rapid.T) {
	if err := m.s.Close(); err != nil {
		t.Fatal(err)
	}
}

func (m *model) append(t *rapid.T) {
	err := m.s.Append(t.Context(), key(m.next), body(m.next))
	if err != nil {
		t.Fatalf("append %d: %v", m.next, err)
	}
	m.told.Add(1)
	m.held = append(m.held, m.next)
	m.next++
}

func (m *model) appendAgain(t *rapid.T) {
	if m.acked > spool.Cursor(len(m.held)) {
		t.Skip("nothing is surely held")
	}
	n := m.held[rapid.IntRange(int(m.acked)-1, len(m.held)-1).Draw(t, "again")]
	if err := m.s.Append(t.Context(), key(n), body(n)); err != nil {
		t.Fatalf("append %d again: %v", n, err)
	}
}

// appendFailing is refused by the disk; then the same record comes again.
func (m *model) appendFailing(t *rapid.T) {
	fault, inSync := rapid.SampledFrom([]error{syscall.ENOSPC, syscall.EIO}).Draw(t, "fault"), rapid.Bool().Draw(t, "in sync")
	m.disk.mu.Lock()
	m.disk.fault, m.disk.inSync = fault, inSync
	m.disk.mu.Unlock()
	err := m.s.Append(t.Context(), key(m.next), body(m.next))
	if !errors.Is(err, spool.ErrBroken) && !errors.Is(err, spool.ErrFull) {
		t.Fatalf("append on a failing disk: %v", err)
	}
	if rapid.Bool().Draw(t, "retry") {
		m.append(t)
	} else {
		m.next++
	}
}

// appendTwo has two syncs under way at once, unless the second record needs a
// segment of its own. They end in either order; the disk may fail one of them.
func (m *model) appendTwo(t *rapid.T) {
	first, fails := rapid.IntRange(0, 1).Draw(t, "first"), rapid.IntRange(-3, 1).Draw(t, "fails")
	begun, ends := m.disk.hold()
	var errs [2]error
	var wg sync.WaitGroup
	both := true
	for i := range errs {
		n := m.next + i
		wg.Go(func() {
			if errs[i] = m.s.Append(t.Context(), key(n), body(n)); errs[i] == nil {
				m.told.Add(1)
			}
		})
		if i == 0 {
			<-begun
			continue
		}
		select {
		case <-begun:
		case <-time.After(20 * time.Millisecond): // a new segment waits for the flight
			both = false
		}
	}
	for _, i := range []int{first, 1 - first} {
		if i == fails {
			ends[i] <- syscall.EIO
		}
		close(ends[i])
	}
	wg.Wait()
	m.disk.release()
	if both && errs[0] != nil && errs[1] == nil {
		t.Fatalf("the second is held, the first is not: %v", errs[0])
	}
	for i, err := range errs {
		switch {
		case err == nil:
			m.held = append(m.held, m.next+i)
		case fails < 0 || !errors.Is(err, spool.ErrBroken):
			t.Fatalf("append %d of two: %v", i, err)
		}
	}
	m.next += len(errs)
}

func (m *model) ack(t *rapid.T) {
	c := spool.Cursor(rapid.IntRange(0, len(m.held)+1).Draw(t, "ack"))
	if err := m.s.Ack(t.Context(), c); err != nil {
		t.Fatalf("ack %s: %v", c, err)
	}
	m.acked = max(m.acked, c)
}

func (m *model) read(t *rapid.T) {
	from := rapid.IntRange(int(m.acked), len(m.held)+1).Draw(t, "from")
	limit := rapid.IntRange(1, 20).Draw(t, "limit")
	recs, err := m.s.Read(t.Context(), spool.Cursor(from), limit)
	if err != nil || len(recs) != min(limit, len(m.held)+1-from) {
		t.Fatalf("read %d from %d: %d records, %v", limit, from, len(recs), err)
	}
}

func (m *model) reopen(t *rapid.T) {
	m.close(t)
	m.open(t)
}

// powerCut lets the power fail at some call to the disk within one operation.
func (m *model) powerCut(t *rapid.T) {
	before, to := *m, filepath.Join(m.base, strconv.Itoa(m.runs+1))
	if err := os.MkdirAll(to, 0o700); err != nil {
		t.Fatal(err)
	}
	// Drawn ahead, because the cut happens on the writer's goroutine.
	picks, done := rapid.SliceOfN(rapid.IntRange(0, 1<<20), 40, 40).Draw(t, "picks"), false
	pick := func(n int) int {
		p := picks[0]
		picks = append(picks[1:], p+1)
		return p % (n + 1)
	}
	told := 0
	m.told.Store(0)
	cut := func() {
		told = int(m.told.Load())
		if err := m.disk.cut(to, pick); err != nil {
			t.Errorf("cut: %v", err)
		}
		done = true
	}
	m.disk.onCut = cut
	m.disk.left = rapid.IntRange(0, 6).Draw(t, "calls")
	op := rapid.SampledFrom([]func(*rapid.T){m.append, m.appendTwo, m.appendTwo, m.appendFailing, m.ack}).Draw(t, "operation")
	op(t)
	if !done {
		m.disk.never()
		before = *m
		cut()
		told = 0
	}
	m.close(t)
	after := *m
	*m = before
	m.next, m.runs = after.next, before.runs+1
	m.open(t)
	if got := m.s.Acked(); got != before.acked && got != after.acked {
		t.Fatalf("acked = %s after the cut, was %s or %s", got, before.acked, after.acked)
	}
	m.acked = m.s.Acked()
	m.adopt(t, told)
}

// adopt takes over the records that came in before the cut, of which so many
// were told: of those behind the last one that was, also such as were refused.
func (m *model) adopt(t *rapid.T, told int) {
	known, from := len(m.held), 0
	if known > 0 {
		from = m.held[known-1] + 1
	}
	if end := int(m.s.Stats().Next) - 1; end < known+told {
		t.Fatalf("%d records after the cut, %d and %d were told", end, known, told)
	}
	recs, err := m.s.Read(t.Context(), max(m.s.Acked(), spool.Cursor(known+1)), 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range recs {
		for from < m.next && r.Key != key(from) {
			from++
		}
		if from == m.next {
			t.Fatalf("record %d is none of those that were under way", r.Seq)
		}
		m.held = append(m.held, from)
		from++
	}
}

func (m *model) check(t *rapid.T) {
	var recs []spool.Record
	for from := m.s.Acked(); ; {
		more, err := m.s.Read(t.Context(), from, 0)
		if err != nil {
			t.Fatal(err)
		}
		if len(more) == 0 {
			break
		}
		recs, from = append(recs, more...), more[len(more)-1].Next
	}
	pending := m.held[min(int(m.acked)-1, len(m.held)):]
	if m.s.Acked() != m.acked || len(recs) != len(pending) {
		t.Fatalf("acked %s, want %s; %d records pending, want %d", m.s.Acked(), m.acked, len(recs), len(pending))
	}
	for i, r := range recs {
		if r.Seq != uint64(m.acked)+uint64(i) || r.Key != key(pending[i]) || !bytes.Equal(r.Sealed, body(pending[i])) {
			t.Fatalf("record %d is not number %d", r.Seq, pending[i])
		}
	}
	if err := m.s.Verify(t.Context()); err != nil {
		t.Fatal(err)
	}
	st := m.s.Stats()
	if st.Damaged != 0 || st.Pending != len(pending) || st.Next != spool.Cursor(len(m.held)+1) {
		t.Fatalf("%+v with %d records", st, len(m.held))
	}
}

// Whatever is done to it, and whenever the power fails: a spool holds what it
// said it holds, in order, once.
func TestTheSpoolIsWhatTheModelSays(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	runs := 0
	rapid.Check(t, func(t *rapid.T) {
		runs++
		m := &model{base: filepath.Join(base, "m"+strconv.Itoa(runs)), acked: 1, told: new(atomic.Int32), segment: rapid.SampledFrom([]int64{400, 3000}).Draw(t, "segment")}
		m.open(t)
		defer func() { _ = m.s.Close() }()
		t.Repeat(map[string]func(*rapid.T){
			"append": m.append, "append more": m.append, "append two": m.appendTwo, "append again": m.appendAgain, "append failing": m.appendFailing,
			"ack": m.ack, "read": m.read, "reopen": m.reopen, "power cut": m.powerCut, "": m.check,
		})
		if err := os.RemoveAll(m.base); err != nil {
			t.Fatal(err)
		}
	})
}
