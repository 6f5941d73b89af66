package spool_test

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"saltmine/internal/spool"
)

// written makes a spool with n records and gives the bytes of its one segment.
func written(t testing.TB, n int) (name string, b []byte) {
	t.Helper()
	dir := t.TempDir()
	s := open(t, spool.Config{Dir: dir, Hooks: quick()})
	add(t, s, 0, n)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	name = segmentFiles(t, dir, ".seg")[0]
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Base(name), b
}

func spoolOf(t testing.TB, name string, b []byte) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func reopened(t testing.TB, dir string) (*spool.Spool, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	return open(t, spool.Config{Dir: dir, Hooks: quick(), Log: slog.New(slog.NewTextHandler(&log, nil))}), &log
}

func TestATornTailIsCutOffAtEveryByte(t *testing.T) {
	t.Parallel()
	name, whole := written(t, 4)
	last := len(whole) - spool.FrameOverhead - len(body(3))
	for n := last; n < len(whole); n++ {
		dir := spoolOf(t, name, whole[:n])
		s, log := reopened(t, dir)
		holds(t, s, 0, 3)
		if warned := strings.Contains(log.String(), "unfinished record cut off"); warned != (n > last) {
			t.Fatalf("cut at %d of %d: warned %t", n-last, len(whole)-last, warned)
		}
		add(t, s, 3, 5)
		holds(t, s, 0, 5)
		verified(t, s)
		if st := s.Stats(); st.Damaged != 0 || st.Segments != 1 {
			t.Fatalf("cut at %d: %+v", n-last, st)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s, _ = reopened(t, dir)
		holds(t, s, 0, 5)
	}
}

func TestATailOfZerosIsCutOff(t *testing.T) {
	t.Parallel()
	name, whole := written(t, 3)
	s, _ := reopened(t, spoolOf(t, name, append(bytes.Clone(whole), make([]byte, 300_000)...)))
	add(t, s, 3, 4)
	holds(t, s, 0, 4)
	verified(t, s)
	if st := s.Stats(); st.Damaged != 0 || st.Bytes > 2000 {
		t.Errorf("%+v", st)
	}
}

func TestAnUnfinishedSegmentIsRemoved(t *testing.T) {
	t.Parallel()
	name, whole := written(t, 2)
	for n := range spool.HeaderLen + 1 {
		dir := spoolOf(t, name, whole)
		next := filepath.Join(dir, "0000000000000002.seg")
		b := bytes.Clone(whole[:n])
		if n == spool.HeaderLen {
			clear(b)
		}
		if err := os.WriteFile(next, b, 0o600); err != nil {
			t.Fatal(err)
		}
		s, _ := reopened(t, dir)
		holds(t, s, 0, 2)
		add(t, s, 2, 3)
		verified(t, s)
	}
}

// Whichever byte is changed: nothing panics, all other records stay, it is told
// loudly, the bytes are kept, and no number is given out a second time.
func TestAChangedByteIsDamage(t *testing.T) {
	t.Parallel()
	const records = 4
	name, whole := written(t, records)
	for off := range whole {
		b := bytes.Clone(whole)
		b[off] ^= 1 << (off % 8)
		dir := spoolOf(t, name, b)
		s, log := reopened(t, dir)
		before := all(t, s, 0)
		if len(before) < records-1 || off < spool.HeaderLen && len(before) < records {
			t.Fatalf("byte %d: %d of %d records left", off, len(before), records)
		}
		if err := s.Verify(t.Context()); !errors.Is(err, spool.ErrCorrupt) {
			t.Fatalf("byte %d: Verify = %v", off, err)
		}
		if !strings.Contains(log.String(), "level=ERROR") || s.Stats().Damaged != 1 {
			t.Fatalf("byte %d: not told: %+v\n%s", off, s.Stats(), log)
		}
		add(t, s, 0, records+1)
		after := all(t, s, 0)
		if len(after) != records+1 || len(keys(after)) != records+1 {
			t.Fatalf("byte %d: %d records of %d keys after writing them again", off, len(after), len(keys(after)))
		}
		for _, r := range after[len(before):] {
			if r.Seq <= records {
				t.Fatalf("byte %d: number %d is given out again", off, r.Seq)
			}
		}
		kept, err := os.ReadFile(filepath.Join(dir, strings.Replace(name, ".seg", ".damaged", 1)))
		if err != nil || !bytes.Equal(kept, b) {
			t.Fatalf("byte %d: the damaged segment is not kept as it was: %v", off, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s, log = reopened(t, dir)
		if again := all(t, s, 0); len(again) != len(after) {
			t.Fatalf("byte %d: %d records after one more start, want %d", off, len(again), len(after))
		}
		if strings.Contains(log.String(), "segment is damaged") {
			t.Fatalf("byte %d: new damage at the second start:\n%s", off, log)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// many makes a spool of several segments and gives their paths.
func many(t testing.TB) (dir string, names []string) {
	t.Helper()
	dir = t.TempDir()
	s := open(t, spool.Config{Dir: dir, SegmentBytes: 500, Hooks: quick()})
	add(t, s, 0, 20)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return dir, segmentFiles(t, dir, ".seg")
}

func TestDamageInAnOlderSegmentIsKeptAndTheRestGoesOn(t *testing.T) {
	t.Parallel()
	dir, names := many(t)
	b, err := os.ReadFile(names[1])
	if err != nil {
		t.Fatal(err)
	}
	b[spool.HeaderLen+50] ^= 1
	if err := os.WriteFile(names[1], b, 0o600); err != nil {
		t.Fatal(err)
	}
	s, _ := reopened(t, dir)
	if recs := all(t, s, 0); len(recs) != 19 {
		t.Fatalf("%d records, want 19", len(recs))
	}
	add(t, s, 20, 21)
	if err := s.Ack(t.Context(), 22); err != nil {
		t.Fatal(err)
	}
	if st := s.Stats(); st.Segments != 2 || st.Damaged != 1 {
		t.Errorf("after everything is acknowledged: %+v, want the damaged segment and the last", st)
	}
	damaged := segmentFiles(t, dir, ".damaged")
	if len(damaged) != 1 {
		t.Fatalf("damaged files: %v", damaged)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(damaged[0]); err != nil { // examined and moved away
		t.Fatal(err)
	}
	s, log := reopened(t, dir)
	verified(t, s)
	if strings.Contains(log.String(), "level=ERROR") {
		t.Errorf("after the damaged segment was moved away:\n%s", log)
	}
}

// The end may be damaged or missing, and how many records it held is unknown.
func TestADamagedEndOfAnOlderSegmentConcernsThatSegmentAlone(t *testing.T) {
	t.Parallel()
	for _, cut := range []bool{false, true} {
		dir := t.TempDir()
		s := open(t, spool.Config{Dir: dir, SegmentBytes: 500, Hooks: quick()})
		for n := range 6 { // each fills a segment that has room for several
			if err := s.Append(t.Context(), key(n), bytes.Repeat([]byte{7}, 350)); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		name := segmentFiles(t, dir, ".seg")[1]
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if b[len(b)-1] ^= 1; cut {
			b = b[:len(b)-1]
		}
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		s, _ = reopened(t, dir)
		add(t, s, 20, 21)
		if _, err := os.Stat(strings.Replace(name, ".seg", ".damaged", 1)); err != nil {
			t.Errorf("cut %t: another segment is marked: %v", cut, err)
		}
		if st := s.Stats(); st.Damaged != 1 || st.Next != 8 || st.Records != 6 {
			t.Errorf("cut %t: %+v", cut, st)
		}
		err = s.Verify(t.Context())
		if !errors.Is(err, spool.ErrCorrupt) || strings.Contains(err.Error(), ".seg:") {
			t.Errorf("cut %t: Verify = %v, want faults of the damaged segment alone", cut, err)
		}
	}
}

func TestANumberThatCannotBeIsNotBelieved(t *testing.T) {
	t.Parallel()
	b := spool.Forge([16]byte{7}, 1, []uint64{1, 1 << 40, 1<<40 + 1})
	if got := spool.Scan(bytes.NewReader(b), int64(len(b)), 0); len(got.Seqs) != 1 || got.Faults == 0 {
		t.Errorf("%+v", got)
	}
}

func TestTheCursorOfAnotherSpoolIsNotBelieved(t *testing.T) {
	t.Parallel()
	dir, _ := many(t)
	if err := os.WriteFile(filepath.Join(dir, "acked"), spool.Slots([16]byte{9}, 9, 15), 0o600); err != nil {
		t.Fatal(err)
	}
	s, _ := reopened(t, dir)
	if s.Acked() != 1 || len(all(t, s, s.Acked())) != 20 {
		t.Errorf("acked = %s", s.Acked())
	}
}

func TestAMissingSegmentIsDamage(t *testing.T) {
	t.Parallel()
	for missing := range 3 {
		dir, names := many(t)
		if err := os.Remove(names[missing]); err != nil {
			t.Fatal(err)
		}
		s, log := reopened(t, dir)
		if err := s.Verify(t.Context()); !errors.Is(err, spool.ErrCorrupt) || !strings.Contains(log.String(), "level=ERROR") {
			t.Errorf("segment %d missing: Verify = %v, log:\n%s", missing, err, log)
		}
		if len(all(t, s, 0)) < 10 {
			t.Errorf("segment %d missing: too little is left", missing)
		}
		add(t, s, 20, 21)
	}
}

func TestRecordsThatWereSwappedOrForgedBreakTheChain(t *testing.T) {
	t.Parallel()
	name, one := written(t, 3)
	_, other := written(t, 3) // the same records in another spool: sums are right, the chain is not
	b := append(bytes.Clone(one[:spool.HeaderLen]), other[spool.HeaderLen:]...)
	s, _ := reopened(t, spoolOf(t, name, b))
	if err := s.Verify(t.Context()); !errors.Is(err, spool.ErrCorrupt) {
		t.Errorf("Verify = %v", err)
	}
	dir := spoolOf(t, name, one)
	if err := os.WriteFile(filepath.Join(dir, "0000000000000002.seg"), other, 0o600); err != nil {
		t.Fatal(err)
	}
	s, _ = reopened(t, dir)
	if err := s.Verify(t.Context()); !errors.Is(err, spool.ErrCorrupt) {
		t.Errorf("two spools in one directory: Verify = %v", err)
	}
}

func TestASegmentThatDoesNotContinueTheChainIsDamage(t *testing.T) {
	t.Parallel()
	id := [16]byte{7}
	// The second one says where the first one ends: a 2 there replaces the first's.
	for first, want := range map[uint64]string{2: "does not continue the chain", 3: "does not continue the chain", 4: "are missing"} {
		dir := spoolOf(t, "0000000000000001.seg", spool.Forge(id, 1, []uint64{1, 2}))
		next := filepath.Join(dir, "0000000000000002.seg")
		if err := os.WriteFile(next, spool.Forge(id, first, []uint64{first}), 0o600); err != nil {
			t.Fatal(err)
		}
		s, _ := reopened(t, dir)
		err := s.Verify(t.Context())
		if !errors.Is(err, spool.ErrCorrupt) || !strings.Contains(err.Error(), want) {
			t.Errorf("second segment from %d: Verify = %v, want %q", first, err, want)
		}
	}
}

func TestALostCursorMeansEverythingIsPendingAgain(t *testing.T) {
	t.Parallel()
	for _, lose := range []func(string) error{os.Remove, func(p string) error { return os.WriteFile(p, random(5000), 0o600) }} {
		dir := t.TempDir()
		s := open(t, spool.Config{Dir: dir, SegmentBytes: 500, Hooks: quick()})
		add(t, s, 0, 20)
		if err := s.Ack(t.Context(), 12); err != nil {
			t.Fatal(err)
		}
		first := s.Stats().First
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := lose(filepath.Join(dir, "acked")); err != nil {
			t.Fatal(err)
		}
		s, log := reopened(t, dir)
		if s.Acked() != first || !strings.Contains(log.String(), "cursor is lost") {
			t.Errorf("acked = %s, want %s; log:\n%s", s.Acked(), first, log)
		}
		verified(t, s)
	}
}

func TestTheCursorSurvivesADamagedSlot(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, spool.Config{Dir: dir, Hooks: quick()})
	add(t, s, 0, 9)
	for c := range spool.Cursor(9) {
		if err := s.Ack(t.Context(), c+1); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(filepath.Join(dir, "acked"))
	if err != nil {
		t.Fatal(err)
	}
	low := spool.Cursor(9)
	for _, off := range []int{0, 30, 43, 4096, 4130, 4139} {
		b := bytes.Clone(whole)
		b[off] ^= 0x10
		if err := os.WriteFile(filepath.Join(dir, "acked"), b, 0o600); err != nil {
			t.Fatal(err)
		}
		s, _ := reopened(t, dir)
		low = min(low, s.Acked())
		if s.Acked() < 8 {
			t.Errorf("byte %d changed: acked = %s, want 8 or 9", off, s.Acked())
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if low != 8 {
		t.Errorf("no slot was the newest one: %s", low)
	}
}

func TestNumbersGoOnBehindWhatWasAcknowledged(t *testing.T) {
	t.Parallel()
	dir, names := many(t)
	s, _ := reopened(t, dir)
	if err := s.Ack(t.Context(), 21); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(names[len(names)-1]); err != nil {
		t.Fatal(err)
	}
	s, log := reopened(t, dir)
	add(t, s, 30, 31)
	recs := all(t, s, s.Acked())
	if len(recs) != 1 || recs[0].Seq != 21 {
		t.Errorf("a new record is %+v, want number 21: the core would miss it", recs)
	}
	if !strings.Contains(log.String(), "records were lost") {
		t.Errorf("log:\n%s", log)
	}
}

func TestARecordThatRotsWhileTheSpoolIsOpenIsLeftOutAndKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, log := reopened(t, dir)
	add(t, s, 0, 3)
	name := segmentFiles(t, dir, ".seg")[0]
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	second := int64(spool.HeaderLen + spool.FrameOverhead + len(body(0)))
	if _, err := f.WriteAt([]byte("rot"), second+50); err != nil {
		t.Fatal(err)
	}
	recs := all(t, s, 0)
	if len(recs) != 2 || recs[0].Seq != 1 || recs[1].Seq != 3 || !strings.Contains(log.String(), "can no longer be read") {
		t.Errorf("read %d records; log:\n%s", len(recs), log)
	}
	add(t, s, 0, 5) // the lost one is recorded anew
	if recs := all(t, s, 0); len(recs) != 5 || len(keys(recs)) != 5 {
		t.Errorf("%d records after writing again", len(recs))
	}
	if err := s.Ack(t.Context(), s.Stats().Next); err != nil {
		t.Fatal(err)
	}
	if st := s.Stats(); st.Damaged != 1 || st.Segments != 2 {
		t.Errorf("%+v, want the damaged segment kept", st)
	}
	if err := s.Verify(t.Context()); !errors.Is(err, spool.ErrCorrupt) {
		t.Errorf("Verify = %v", err)
	}
}
