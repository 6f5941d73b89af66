package spool_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"saltmine/internal/spool"
)

// segmentSeeds are whole, cut, lengthened and changed segments.
func segmentSeeds(f *testing.F) (name string, seeds [][]byte) {
	f.Helper()
	name, whole := written(f, 3)
	flipped := bytes.Clone(whole)
	flipped[spool.HeaderLen+5] ^= 0x80
	return name, [][]byte{
		{}, whole, whole[:len(whole)-9], flipped,
		append(bytes.Clone(whole), make([]byte, 100)...),
		append(bytes.Clone(whole[:200]), whole[90:]...),
		append(bytes.Repeat([]byte("SMf2"), 50), whole...),
	}
}

// FuzzSegment gives any bytes to the reader: it must not panic, and what it
// finds must be in order, below the limit and within the bytes.
func FuzzSegment(f *testing.F) {
	_, seeds := segmentSeeds(f)
	for i, b := range seeds {
		f.Add(b, uint64(i))
	}
	f.Fuzz(func(t *testing.T, b []byte, limit uint64) {
		got := spool.Scan(bytes.NewReader(b), int64(len(b)), limit)
		last := uint64(0)
		for _, seq := range got.Seqs {
			if seq <= last || limit > 0 && seq >= limit {
				t.Fatalf("record %d after %d, limit %d", seq, last, limit)
			}
			last = seq
		}
		if got.End > int64(len(b)) {
			t.Fatalf("it ends at %d of %d", got.End, len(b))
		}
	})
}

// FuzzOpen gives any bytes to a spool as its only segment.
func FuzzOpen(f *testing.F) {
	name, seeds := segmentSeeds(f)
	for _, b := range seeds {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) { goesOn(t, spoolOf(t, name, b)) })
}

// FuzzForged gets past the checksums: two segments with any numbers in them.
func FuzzForged(f *testing.F) {
	f.Add(uint64(1), uint64(4), []byte{1, 1, 1, 1}, []byte{1, 1})
	f.Add(uint64(1), uint64(3), []byte{1, 0, 2, 0}, []byte{0})
	f.Add(uint64(5), uint64(1)<<61, []byte{1, 255}, []byte{9, 0, 1})
	f.Add(^uint64(0), uint64(0), []byte{1}, []byte{200, 0, 0})
	f.Fuzz(func(t *testing.T, first, second uint64, a, b []byte) {
		dir := spoolOf(t, "0000000000000001.seg", spool.Forge([16]byte{1}, first, numbers(first, a)))
		next := spool.Forge([16]byte{1}, second, numbers(second, b))
		if err := os.WriteFile(filepath.Join(dir, "0000000000000002.seg"), next, 0o600); err != nil {
			t.Fatal(err)
		}
		goesOn(t, dir)
	})
}

// numbers makes sequence numbers from steps; 0 is damage.
func numbers(first uint64, steps []byte) []uint64 {
	var all []uint64
	seq := first - 1
	for _, step := range steps[:min(len(steps), 50)] {
		if step == 0 {
			all = append(all, 0)
			continue
		}
		seq += uint64(step)
		all = append(all, seq)
	}
	return all
}

// goesOn checks that a spool opens whatever lies in its directory, takes a
// record, gives it no number from before, and finds the same at the next start.
func goesOn(t *testing.T, dir string) {
	t.Helper()
	s, _ := reopened(t, dir)
	before := all(t, s, 0)
	if err := s.Append(t.Context(), [16]byte{0xff, 1}, nil); err != nil {
		t.Fatal(err)
	}
	after := all(t, s, 0)
	if len(after) != len(before)+1 {
		t.Fatalf("%d records, then %d", len(before), len(after))
	}
	if n := len(before); n > 0 && after[n].Seq <= before[n-1].Seq {
		t.Fatalf("number %d after %d", after[n].Seq, before[n-1].Seq)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, _ = reopened(t, dir)
	if again := len(all(t, s, 0)); again != len(after) {
		t.Fatalf("%d records, after a restart %d", len(after), again)
	}
}

// FuzzAcked gives any bytes to the reader of the file that keeps the cursor.
func FuzzAcked(f *testing.F) {
	s := open(f, spool.Config{Dir: f.TempDir(), Hooks: quick()})
	slots := spool.Slots(s.ID(), 7, 3)
	f.Add(slots)
	f.Add(slots[:44])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		dir := spoolOf(t, "acked", b)
		s, _ := reopened(t, dir)
		acked := s.Acked()
		if err := s.Append(t.Context(), key(1), body(1)); err != nil {
			t.Fatal(err)
		}
		if recs := all(t, s, acked); len(recs) != 1 {
			t.Fatalf("a new record is not pending at cursor %s", acked)
		}
	})
}
